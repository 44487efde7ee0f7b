//! `GET /admin/sign-ins` — the log of sign-ins, and one of them: who, from where, with what, and each policy with its
//! result.

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Identifier, Input, Page, Tone, View};

use super::{Frame, Pager, Section, Visit, Wrong};
use crate::api::{quoted, segment};
use crate::wire::SignIn;

/// Entries of a page.
const PAGE: &str = "25";

#[derive(Template)]
#[template(path = "sign-ins.html")]
struct SignIns {
    page: Page,
    frame: Frame,
    person: Field,
    outcome: String,
    entries: Vec<SignIn>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct One {
    page: Page,
    frame: Frame,
    entry: SignIn,
    policies: Vec<Policy>,
    correlation: Identifier,
}

/// What a policy did.
struct Policy {
    id: Option<String>,
    name: String,
    result: String,
    tone: &'static str,
    controls: Vec<String>,
}

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let (person, outcome) = (visit.option("q").trim(), visit.option("outcome"));
    let mut filters = Vec::new();
    if !person.is_empty() {
        filters.push(format!("userPrincipalName eq {}", quoted(&person.to_lowercase())));
    }
    match outcome {
        "success" => filters.push("status/errorCode eq 0".to_owned()),
        "failure" => filters.push("status/errorCode ne 0".to_owned()),
        _ => {}
    }
    let filter = filters.join(" and ");
    let options = [("$top", PAGE), ("$filter", filter.as_str())];
    let (entries, pager) = visit.listed("/auditLogs/signIns", &options).await?;
    Ok(View(SignIns {
        frame: visit.frame(&page, Section::SignIns),
        person: Field::new(&page, Input::Search, "q", page.t("sign-ins-person"))
            .hint(page.t("user-principal-name-hint"))
            .value(person)
            .optional(),
        outcome: outcome.to_owned(),
        entries,
        pager,
        page,
    })
    .into_response())
}

pub async fn one(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    let entry: SignIn = visit
        .api()
        .get(&format!("/auditLogs/signIns/{}", segment(&id)), &[])
        .await?;
    let policies = entry.applied_conditional_access_policies.iter().map(|applied| Policy {
        id: applied.id.clone(),
        name: applied.display_name.clone(),
        result: in_words(&page, "result", &applied.result),
        tone: match applied.result.as_str() {
            "success" | "reportOnlySuccess" => Tone::Success,
            "failure" | "reportOnlyFailure" => Tone::Danger,
            "reportOnlyInterrupted" => Tone::Warning,
            _ => Tone::Information,
        }
        .class(),
        controls: applied
            .enforced_grant_controls
            .iter()
            .chain(&applied.enforced_session_controls)
            .map(|control| in_words(&page, "control", control))
            .collect(),
    });
    let correlation = entry.correlation_id.clone().unwrap_or_default();
    Ok(View(One {
        frame: visit.frame(&page, Section::SignIns),
        policies: policies.collect(),
        correlation: Identifier::new(&page, correlation, page.t("refused-correlation")),
        entry,
        page,
    })
    .into_response())
}

/// The message of a word of Graph; the word itself where it has none.
fn in_words(page: &Page, of: &str, word: &str) -> String {
    page.find(&format!("{of}-{word}")).unwrap_or_else(|| word.to_owned())
}
