//! `GET /admin` — how many of each there are, and what needs attention.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Link, Notice, Page, Tone, View};
use serde::Deserialize;

use super::{Frame, Section, Visit, Wrong};
use crate::api::{self, ApiError, Listed};
use crate::wire::Alert;
use hygie_policy::policy::{Policy, State};
use serde_json::Value;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    page: Page,
    frame: Frame,
    /// Number, and what it counts.
    counts: Vec<(String, Link)>,
    attention: Vec<Notice>,
}

/// A collection with its number.
#[derive(Deserialize)]
struct Counted {
    #[serde(rename = "@odata.count", default)]
    count: u64,
}

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let (page, directory) = (visit.page(), visit.api());
    let mut counts = Vec::new();
    for (path, address, key) in [
        ("/users", "/admin/users", "admin-users"),
        ("/groups", "/admin/groups", "admin-groups"),
        ("/servicePrincipals", "/admin/applications", "admin-applications"),
    ] {
        match directory
            .get::<Counted>(path, &[("$count", "true"), ("$top", "1"), ("$select", "id")])
            .await
        {
            Ok(found) => counts.push((found.count.to_string(), Link::new(address, page.t(key)))),
            Err(ApiError::Denied) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let policies = match directory
        .all::<Value>("/identity/conditionalAccess/policies", &[])
        .await
    {
        Ok(found) => Some(found),
        Err(ApiError::Denied) => None,
        Err(error) => return Err(error.into()),
    };
    let mut attention = Vec::new();
    if let Some(policies) = policies {
        counts.push((
            policies.len().to_string(),
            Link::new("/admin/policies", page.t("admin-policies")),
        ));
        attention.extend(attention_to(&page, &api::policies(&policies)?));
    }
    let alerts = directory
        .get::<Listed<Alert>>("/auditLogs/alerts", &[("$top", "5")])
        .await;
    let alerts = match alerts {
        Ok(found) => found.value.len(),
        Err(ApiError::Denied) => 0,
        Err(error) => return Err(error.into()),
    };
    if alerts > 0 {
        attention.push(Notice::new(
            &page,
            Tone::Warning,
            page.tn("alerts-some", "count", alerts),
        ));
    }
    if counts.is_empty() {
        attention.push(Notice::new(&page, Tone::Information, page.t("admin-no-role")));
    }
    Ok(View(Overview {
        frame: visit.frame(&page, Section::Overview),
        counts,
        attention,
        page,
    })
    .into_response())
}

/// What an administrator should know of the policies.
fn attention_to(page: &Page, policies: &[Policy]) -> Vec<Notice> {
    let of = |state: State| policies.iter().filter(|policy| policy.state == state).count();
    let mut notices = Vec::new();
    if of(State::Enabled) == 0 {
        notices.push(Notice::new(page, Tone::Warning, page.t("admin-no-policy")));
    }
    if of(State::ReportOnly) > 0 {
        let text = page.tn("admin-report-only-count", "count", of(State::ReportOnly));
        notices.push(Notice::new(page, Tone::Information, text));
    }
    notices
}
