//! `/admin/templates` — policies to begin with, each as a sentence; one is made of a template to observe only.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_policy::policy::Policy;
use hygie_web::ui::{Link, Notice, View};
use serde_json::{Value, json};

use super::{Fields, Section, Visit, Wrong, done, refusal};
use crate::Console;
use crate::api::{Api, ApiError, said, segment};
use crate::sentence::{Names, Writer};
use crate::sheet::{List, Row, Sheet};
use crate::wire::Template;

const HERE: &str = "/admin/templates";
const TEMPLATES: &str = "/identity/conditionalAccess/templates";
const POLICIES: &str = "/identity/conditionalAccess/policies";

pub fn routes() -> Router<Console> {
    Router::new().route(HERE, read_by(get).post(post))
}

async fn get(_: State<Console>, visit: Visit) -> Result<Response, Wrong> {
    show(&visit, None).await
}

async fn post(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    match make(&visit.api(), fields.get("item")).await {
        Ok(id) => Ok(done(&format!("/admin/policies/{}", segment(&id)), "policy-created")),
        Err(error) => {
            let notice = refusal(&visit.page(), error)?;
            show(&visit, Some(notice)).await
        }
    }
}

async fn make(api: &Api<'_>, id: &str) -> Result<String, ApiError> {
    let template: Template = api.get(&format!("{TEMPLATES}/{}", segment(id)), &[]).await?;
    let made = api.post(POLICIES, &said(document(template))).await?;
    Ok(made["id"].as_str().unwrap_or_default().to_owned())
}

/// The policy of a template. One for a user action cannot observe: it is made disabled.
fn document(template: Template) -> Value {
    let mut details = template.details;
    let actions = &details["conditions"]["applications"]["includeUserActions"];
    let is_for_action = actions.as_array().is_some_and(|actions| !actions.is_empty());
    json!({
        "displayName": template.name,
        "state": if is_for_action { "disabled" } else { "enabledForReportingButNotEnforced" },
        "conditions": details["conditions"].take(),
        "grantControls": details["grantControls"].take(),
        "sessionControls": details["sessionControls"].take(),
    })
}

async fn show(visit: &Visit, wrong: Option<Notice>) -> Result<Response, Wrong> {
    let (page, api) = (visit.page(), visit.api());
    let all: Vec<Template> = api.all(TEMPLATES, &[]).await?;
    let mut known = Vec::new();
    for template in all {
        let (id, name) = (template.id.clone(), template.name.clone());
        let policy = Policy::from_json(&said(document(template))).map_err(ApiError::from)?;
        known.push((id, name, policy));
    }
    let policies: Vec<Policy> = known.iter().map(|(_, _, policy)| policy.clone()).collect();
    let names = Names::of(&api, &policies).await?;
    let writer = Writer {
        page: &page,
        names: &names,
    };
    let rows = known.iter().map(|(id, name, policy)| Row {
        title: page.find(&format!("template-{id}")).unwrap_or_else(|| name.clone()),
        detail: writer.sentence(policy),
        button: Some(("make", id.clone(), page.t("templates-make"))),
        ..Row::default()
    });
    let rows = rows.collect();
    let mut frame = visit.frame(&page, Section::Policies);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, page.t("templates"));
    sheet.back = Some(Link::new("/admin/policies", page.t("admin-policies")));
    sheet.lead = page.t("templates-lead");
    sheet.lists.push(List {
        form: Some(visit.form(HERE)),
        ..List::new("templates", page.t("admin-none"), rows)
    });
    Ok(View(sheet).into_response())
}
