//! `/admin/mails` — which addresses are written to when somebody should look at something: two members of `/organization` of the
//! directory API.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_web::ui::{Notice, Page, View};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::problem::Problem;
use super::shown::{carried, differing, refuse_changed, refused};
use super::{Fields, Section, Visit, Wrong, done};
use crate::Console;
use crate::api::{Api, ApiError};
use crate::parts::{Area, Part};
use crate::sheet::{Block, Kind, Sheet};

const HERE: &str = "/admin/mails";
const ORGANIZATION: &str = "/organization";
/// Areas of the form, and the members that they are.
const TOPICS: [(&str, &str); 2] = [
    ("security", "securityComplianceNotificationMails"),
    ("technical", "technicalNotificationMails"),
];

pub fn routes() -> Router<Console> {
    Router::new().route(HERE, read_by(get).post(post))
}

/// The establishment.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Organization {
    id: String,
    security_compliance_notification_mails: Vec<String>,
    technical_notification_mails: Vec<String>,
}

impl Organization {
    async fn of(api: &Api<'_>) -> Result<Self, ApiError> {
        let found: Vec<Self> = api.all(ORGANIZATION, &[]).await?;
        found.into_iter().next().ok_or(ApiError::NotFound)
    }

    /// Its addresses, as `TOPICS` names them.
    const fn addresses(&self) -> [&Vec<String>; 2] {
        [
            &self.security_compliance_notification_mails,
            &self.technical_notification_mails,
        ]
    }

    /// The members that the form has.
    fn members(&self) -> Map<String, Value> {
        let topics = TOPICS.into_iter().zip(self.addresses());
        topics
            .map(|((_, member), found)| (member.to_owned(), found.clone().into()))
            .collect()
    }
}

async fn get(visit: Visit) -> Result<Response, Wrong> {
    show(&visit, None, None).await
}

async fn post(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    match act(&visit.api(), &fields).await {
        Ok(()) => Ok(done(HERE, "settings")),
        Err(problem) => {
            let (typed, notice) = refused(&visit.page(), problem, fields)?;
            show(&visit, typed, Some(notice)).await
        }
    }
}

async fn act(api: &Api<'_>, fields: &Fields) -> Result<(), Problem> {
    if fields.get("step") != "save" {
        return Err(ApiError::NotFound.into());
    }
    let typed = TOPICS.map(|(name, member)| {
        let lines: Vec<&str> = fields.lines(name).collect();
        (member.to_owned(), lines.into())
    });
    let change = differing(fields, typed.into_iter().collect());
    if change.is_empty() {
        return Ok(());
    }
    let now = Organization::of(api).await?;
    refuse_changed(fields, &change, &now.members())?;
    let path = format!("{ORGANIZATION}/{}", now.id);
    Ok(api.patch(&path, &change.into()).await?)
}

async fn show(visit: &Visit, typed: Option<Fields>, notice: Option<Notice>) -> Result<Response, Wrong> {
    let page = visit.page();
    let found = Organization::of(&visit.api()).await?;
    let mut frame = visit.frame(&page, Section::Alerts);
    frame.notices.extend(notice);
    let mut sheet = Sheet::new(&page, frame, page.t("mails-title"));
    sheet.lead = page.t("mails-lead");
    let form = carried(visit.form(HERE), found.members(), typed.as_ref());
    sheet.blocks.push(Block {
        parts: parts(&page, &found, typed.as_ref()),
        kind: Kind::Primary,
        ..Block::new("mails", String::new(), form, ("save", page.t("policy-save")))
    });
    Ok(View(sheet).into_response())
}

fn parts(page: &Page, found: &Organization, typed: Option<&Fields>) -> Vec<Part> {
    let topics = TOPICS.into_iter().zip(found.addresses());
    let area = |((name, _), found): ((&'static str, _), &Vec<String>)| {
        let key = format!("mails-{name}");
        let value = typed.map_or_else(|| found.join("\n"), |typed| typed.get(name).to_owned());
        Part::Area(Area::new(name, page.t(&key), page.t(&format!("{key}-hint")), value))
    };
    topics.map(area).collect()
}
