//! `GET /admin/changes` — the log of changes: who did what to which object, with the values of before and after; and
//! `/admin/alerts`, what of it should be looked at.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Input, Page, Tone, View};

use super::{Frame, Section, Visit, Wrong};
use crate::api::{Listed, quoted};
use crate::wire::{Alert, Change, Initiator};

/// Entries of a page.
const PAGE: &str = "25";

#[derive(Template)]
#[template(path = "changes.html")]
struct Changes {
    page: Page,
    frame: Frame,
    person: Field,
    entries: Vec<Change>,
    next: Option<String>,
    first: Option<String>,
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct Alerts {
    page: Page,
    frame: Frame,
    entries: Vec<Shown>,
    next: Option<String>,
    first: Option<String>,
}

/// An alert of the list.
pub struct Shown {
    pub alert: Alert,
    pub title: String,
    pub tone: &'static str,
}

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let (person, token) = (visit.option("q").trim(), visit.option("page"));
    let filter = format!(
        "initiatedBy/user/userPrincipalName eq {}",
        quoted(&person.to_lowercase())
    );
    let mut query = vec![("$top", PAGE)];
    if !person.is_empty() {
        query.push(("$filter", &filter));
    }
    if !token.is_empty() {
        query.push(("$skiptoken", token));
    }
    let listed: Listed<Change> = visit.api().get("/auditLogs/directoryAudits", &query).await?;
    let next = listed.next().map(|token| visit.address_with("page", &token));
    Ok(View(Changes {
        frame: visit.frame(&page, Section::Changes),
        person: Field::new(&page, Input::Search, "q", page.t("changes-person"))
            .hint(page.t("user-principal-name-hint"))
            .value(person)
            .optional(),
        entries: listed.value,
        next,
        first: (!token.is_empty()).then(|| visit.address_with("page", "")),
        page,
    })
    .into_response())
}

pub async fn alerts(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let token = visit.option("page");
    let mut query = vec![("$top", PAGE)];
    if !token.is_empty() {
        query.push(("$skiptoken", token));
    }
    let listed: Listed<Alert> = visit.api().get("/auditLogs/alerts", &query).await?;
    let next = listed.next().map(|token| visit.address_with("page", &token));
    Ok(View(Alerts {
        frame: visit.frame(&page, Section::Alerts),
        entries: listed.value.into_iter().map(|alert| shown(&page, alert)).collect(),
        next,
        first: (!token.is_empty()).then(|| visit.address_with("page", "")),
        page,
    })
    .into_response())
}

/// An alert in words.
pub fn shown(page: &Page, alert: Alert) -> Shown {
    let known = page.find(&format!("alert-{}", alert.alert_type));
    Shown {
        title: known.unwrap_or_else(|| alert.title.clone()),
        tone: match alert.severity.as_str() {
            "high" => Tone::Danger,
            "medium" => Tone::Warning,
            _ => Tone::Information,
        }
        .class(),
        alert,
    }
}

impl Initiator {
    /// The person or the program.
    pub fn name(&self) -> &str {
        let user = self.user.as_ref().map(|user| &user.user_principal_name);
        let app = self.app.as_ref().map(|app| &app.display_name);
        user.or(app).and_then(|name| name.as_deref()).unwrap_or_default()
    }
}
