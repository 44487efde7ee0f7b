//! `GET /admin` — how many of each there are, and what needs attention.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Link, Notice, Page, Tone, View};
use serde::Deserialize;

use super::{Frame, Section, Visit, Wrong, consents};
use crate::api::{self, Api, ApiError, Listed};
use crate::sheet::{List, Row};
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
    /// Who has no role sees nothing else.
    notice: Option<Notice>,
    attention: Option<List>,
    common: Option<List>,
}

/// What is done most, and where.
const COMMON: [(&str, &str); 6] = [
    ("user", "/admin/users/new"),
    ("psc", "/admin/pro-sante-connect"),
    ("policy", "/admin/templates"),
    ("card", "/admin/trust"),
    ("application", "/admin/applications/new"),
    ("factors", "/admin/gaps"),
];
/// Alerts that are counted.
const ALERTS: &str = "25";

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
    attention.extend(requests(&page, &directory).await?);
    attention.extend(alerts(&page, &directory).await?);
    let has_role = !counts.is_empty();
    Ok(View(Overview {
        frame: visit.frame(&page, Section::Overview),
        notice: (!has_role).then(|| Notice::new(&page, Tone::Information, page.t("admin-no-role"))),
        attention: (!attention.is_empty()).then(|| List {
            heading: page.t("admin-attention"),
            ..List::new("attention", String::new(), attention)
        }),
        common: has_role.then(|| common(&page)),
        counts,
        page,
    })
    .into_response())
}

/// What is done most.
fn common(page: &Page) -> List {
    let rows = COMMON.map(|(name, address)| Row {
        title: page.t(&format!("overview-{name}")),
        href: Some(address.to_owned()),
        detail: page.t(&format!("overview-{name}-what")),
        ..Row::default()
    });
    List {
        heading: page.t("overview-common"),
        ..List::new("common", String::new(), rows.into())
    }
}

/// That people wait for an administrator's consent.
async fn requests(page: &Page, directory: &Api<'_>) -> Result<Option<Row>, ApiError> {
    let count = consents::waiting(directory).await?;
    let text = || page.tn("consents-waiting", "count", count);
    Ok((count > 0).then(|| row(page, Tone::Warning, text(), "/admin/consents")))
}

/// That there are alerts, for who may see them.
async fn alerts(page: &Page, directory: &Api<'_>) -> Result<Option<Row>, ApiError> {
    let found = directory
        .get::<Listed<Alert>>("/auditLogs/alerts", &[("$top", ALERTS)])
        .await;
    let found = match found {
        Ok(found) if !found.value.is_empty() => found,
        Ok(_) | Err(ApiError::Denied) => return Ok(None),
        Err(error) => return Err(error),
    };
    let key = if found.next().is_some() {
        "alerts-many"
    } else {
        "alerts-some"
    };
    let text = page.tn(key, "count", found.value.len());
    Ok(Some(row(page, Tone::Warning, text, "/admin/alerts")))
}

/// Something to look at, and where.
fn row(page: &Page, tone: Tone, text: String, address: &str) -> Row {
    let words = page.t(match tone {
        Tone::Warning => "notice-warning",
        _ => "notice-information",
    });
    Row {
        title: text,
        href: Some(address.to_owned()),
        tag: Some((tone, words)),
        ..Row::default()
    }
}

/// What an administrator should know of the policies.
fn attention_to(page: &Page, policies: &[Policy]) -> Vec<Row> {
    let of = |state: State| policies.iter().filter(|policy| policy.state == state).count();
    let mut rows = Vec::new();
    if of(State::Enabled) == 0 {
        rows.push(row(page, Tone::Warning, page.t("admin-no-policy"), "/admin/templates"));
    }
    if of(State::ReportOnly) > 0 {
        let text = page.tn("admin-report-only-count", "count", of(State::ReportOnly));
        rows.push(row(page, Tone::Information, text, "/admin/policies"));
    }
    rows
}
