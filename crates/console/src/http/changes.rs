//! `GET /admin/changes` — the log of changes: who did what to which object, with the values of before and after; and
//! `/admin/alerts`, what of it should be looked at.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Input, Page, Tone, View};

use super::{Frame, Pager, Section, Visit, Wrong};
use crate::api::quoted;
use crate::wire::{Alert, Change, Initiator, Target};

/// Entries of a page.
const PAGE: &str = "25";

#[derive(Template)]
#[template(path = "changes.html")]
struct Changes {
    page: Page,
    frame: Frame,
    person: Field,
    entries: Vec<Change>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct Alerts {
    page: Page,
    frame: Frame,
    entries: Vec<Shown>,
    pager: Pager,
}

impl Changes {
    /// What was done, in the language of the page.
    fn activity(&self, entry: &Change) -> String {
        let name = &entry.activity_display_name;
        let signs = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
        let key: String = signs.collect();
        self.page
            .find(&format!("activity-{key}"))
            .unwrap_or_else(|| name.clone())
    }

    /// What kind of object it was done to; nothing where nobody knows.
    fn kind(&self, target: &Target) -> String {
        let kind = target.kind.as_deref().unwrap_or_default();
        self.page.find(&format!("target-{kind}")).unwrap_or_default()
    }
}

/// An alert of the list.
pub struct Shown {
    pub alert: Alert,
    pub title: String,
    pub tone: &'static str,
    pub severity: String,
}

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let person = visit.option("q").trim();
    let filter = match person {
        "" => String::new(),
        person => format!(
            "initiatedBy/user/userPrincipalName eq {}",
            quoted(&person.to_lowercase())
        ),
    };
    let options = [("$top", PAGE), ("$filter", filter.as_str())];
    let (entries, pager) = visit.listed("/auditLogs/directoryAudits", &options).await?;
    Ok(View(Changes {
        frame: visit.frame(&page, Section::Changes),
        person: Field::new(&page, Input::Search, "q", page.t("changes-person"))
            .hint(page.t("user-principal-name-hint"))
            .value(person)
            .optional(),
        entries,
        pager,
        page,
    })
    .into_response())
}

pub async fn alerts(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let (alerts, pager) = visit.listed("/auditLogs/alerts", &[("$top", PAGE)]).await?;
    Ok(View(Alerts {
        frame: visit.frame(&page, Section::Alerts),
        entries: alerts.into_iter().map(|alert| shown(&page, alert)).collect(),
        pager,
        page,
    })
    .into_response())
}

/// An alert in words.
pub fn shown(page: &Page, alert: Alert) -> Shown {
    let known = page.find(&format!("alert-{}", alert.alert_type));
    Shown {
        title: known.unwrap_or_else(|| alert.title.clone()),
        severity: page.find(&format!("severity-{}", alert.severity)).unwrap_or_default(),
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
