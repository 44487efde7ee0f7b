//! `GET /admin/policies` — the conditional access policies, each as a sentence.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Page, Tone, View};
use serde_json::Value;

use super::{Frame, Section, Visit, Wrong};
use crate::api;
use crate::sentence::{Names, Writer};

#[derive(Template)]
#[template(path = "policies.html")]
struct Policies {
    page: Page,
    frame: Frame,
    listed: Vec<Row>,
}

/// A policy of the list.
struct Row {
    id: String,
    name: String,
    state: String,
    tone: &'static str,
    sentence: String,
}

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let (page, directory) = (visit.page(), visit.api());
    let found: Vec<Value> = directory.all("/identity/conditionalAccess/policies", &[]).await?;
    let policies = api::policies(&found)?;
    let names = Names::of(&directory, &policies).await?;
    let writer = Writer {
        page: &page,
        names: &names,
    };
    let rows = policies.iter().map(|policy| Row {
        id: policy.id.map(|id| id.to_string()).unwrap_or_default(),
        name: policy.display_name.clone(),
        state: page.t(&format!("policy-state-{}", policy.state.as_str())),
        tone: tone(policy.state.as_str()).class(),
        sentence: writer.sentence(policy),
    });
    Ok(View(Policies {
        frame: visit.frame(&page, Section::Policies),
        listed: rows.collect(),
        page,
    })
    .into_response())
}

/// The colour of a state.
pub fn tone(state: &str) -> Tone {
    match state {
        "enabled" => Tone::Success,
        "disabled" => Tone::Warning,
        _ => Tone::Information,
    }
}
