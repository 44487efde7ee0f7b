//! `GET /admin/sign-ins` — the log of sign-ins, and one of them: who, from where, with what, and each policy with its
//! result.

mod export;
mod filter;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_web::ui::{Identifier, Page, Tone, View};

use self::export::EXPORT;
use self::filter::Filter;
use super::{Frame, Pager, Section, Visit, Wrong};
use crate::Console;
use crate::api::segment;
use crate::wire::{Applied, Detail, SignIn};

/// The page.
const HERE: &str = "/admin/sign-ins";
/// The log.
const LOG: &str = "/auditLogs/signIns";
/// Entries of a page.
const PAGE: &str = "25";

#[derive(Template)]
#[template(path = "sign-ins.html")]
struct SignIns {
    page: Page,
    frame: Frame,
    filter: Filter,
    entries: Vec<SignIn>,
    pager: Pager,
    /// Where the files are.
    lines: String,
    table: String,
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct One {
    page: Page,
    frame: Frame,
    entry: SignIn,
    policies: Vec<Policy>,
    correlation: Identifier,
    /// What was proved, and when.
    proofs: Vec<(String, String)>,
    place: String,
    program: Option<String>,
    system: Option<String>,
    /// What the log tells beside: of a card, for example.
    details: Vec<(String, String)>,
    /// How much risk was known, in words; nothing where there was none.
    risks: Vec<String>,
}

/// What a policy did.
struct Policy {
    id: Option<String>,
    name: String,
    result: String,
    tone: &'static str,
    controls: Vec<String>,
    /// What kept it away.
    because: Vec<String>,
}

pub fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, read_by(get))
        .route(EXPORT, read_by(export::get))
        .route(&format!("{HERE}/{{id}}"), read_by(one))
}

async fn get(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let filter = Filter::of(&visit, &page);
    let (entries, pager) = match &filter.clause {
        Some(clause) => visit.listed(LOG, &[("$top", PAGE), ("$filter", clause)]).await?,
        None => (
            Vec::new(),
            Pager {
                next: None,
                first: None,
            },
        ),
    };
    Ok(View(SignIns {
        frame: visit.frame(&page, Section::SignIns),
        lines: filter.at(EXPORT, ("format", "ndjson")),
        table: filter.at(EXPORT, ("format", "csv")),
        filter,
        entries,
        pager,
        page,
    })
    .into_response())
}

async fn one(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    let entry: SignIn = visit.api().get(&format!("{LOG}/{}", segment(&id)), &[]).await?;
    let mut applied: Vec<&Applied> = entry.applied_conditional_access_policies.iter().collect();
    // What decided comes first; what was far away, last.
    applied.sort_by_key(|applied| rank(&applied.result));
    let policies = applied.into_iter().map(|applied| judged(&page, applied));
    let correlation = entry.correlation_id.clone().unwrap_or_default();
    Ok(View(One {
        frame: visit.frame(&page, Section::SignIns),
        policies: policies.collect(),
        proofs: proofs(&page, &entry),
        place: place(&entry),
        program: entry.client_app_used.as_deref().map(|name| program(&page, name)),
        system: entry
            .device_detail
            .operating_system
            .as_deref()
            .filter(|name| !name.is_empty())
            .map(|name| in_words(&page, "platform", name)),
        risks: risks(&page, &entry),
        details: details(&page, &entry.authentication_processing_details),
        correlation: Identifier::new(&page, correlation, page.t("refused-correlation")),
        entry,
        page,
    })
    .into_response())
}

/// The order in which results are told.
fn rank(result: &str) -> usize {
    let told = [
        "failure",
        "success",
        "reportOnlyFailure",
        "reportOnlyInterrupted",
        "reportOnlySuccess",
    ];
    told.iter().position(|known| *known == result).unwrap_or(told.len())
}

/// A policy with its result and why.
fn judged(page: &Page, applied: &Applied) -> Policy {
    let controls = applied.enforced_grant_controls.iter();
    let controls = controls.chain(&applied.enforced_session_controls);
    let reasons = applied.analysis_reasons.split(',');
    let reasons = reasons.filter(|reason| !reason.is_empty() && *reason != "notSet");
    Policy {
        id: applied.id.clone(),
        name: applied.display_name.clone(),
        result: in_words(page, "result", &applied.result),
        tone: match applied.result.as_str() {
            "success" | "reportOnlySuccess" => Tone::Success,
            "failure" | "reportOnlyFailure" => Tone::Danger,
            "reportOnlyInterrupted" => Tone::Warning,
            _ => Tone::Information,
        }
        .class(),
        controls: controls.map(|control| control_in_words(page, control)).collect(),
        because: reasons.map(|reason| in_words(page, "reason", reason)).collect(),
    }
}

/// A control as the log names it; a strength or terms of use by its own name.
fn control_in_words(page: &Page, control: &str) -> String {
    page.find(&format!("control-{control}"))
        .or_else(|| page.find(&format!("sentence-control-{control}")))
        .unwrap_or_else(|| control.to_owned())
}

/// What the person had proved, each method once, the latest time.
fn proofs(page: &Page, entry: &SignIn) -> Vec<(String, String)> {
    let mut proofs: Vec<(String, String)> = Vec::new();
    for step in &entry.authentication_details {
        let words = in_words(page, "mode", &step.authentication_method);
        let at = step.authentication_step_date_time.clone();
        match proofs.iter_mut().find(|(known, _)| *known == words) {
            Some((_, latest)) if *latest < at => *latest = at,
            Some(_) => {}
            None => proofs.push((words, at)),
        }
    }
    proofs
}

/// What the log tells of how somebody was recognised, by its words where it has some.
pub fn details(page: &Page, details: &[Detail]) -> Vec<(String, String)> {
    let named = details.iter().map(|one| {
        let signs = one.key.chars().filter(char::is_ascii_alphanumeric);
        let key: String = signs.collect();
        let name = page.find(&format!("detail-{key}"));
        (name.unwrap_or_else(|| one.key.clone()), one.value.clone())
    });
    named.collect()
}

/// City and country, as far as they are known.
fn place(entry: &SignIn) -> String {
    let parts = [&entry.location.city, &entry.location.country_or_region];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    parts.join(", ")
}

/// The risk of the sign-in and of the person, where there was one.
fn risks(page: &Page, entry: &SignIn) -> Vec<String> {
    let of = |key: &str, level: &str| {
        let words = page.find(&format!("risk-{level}"))?;
        (level != "none").then(|| page.t1(key, "level", &words))
    };
    let risks = [
        of("sign-in-risk", &entry.risk_level_during_sign_in),
        of("sign-in-user-risk", &entry.risk_level_aggregated),
    ];
    risks.into_iter().flatten().collect()
}

/// The kind of program that the log names.
fn program(page: &Page, name: &str) -> String {
    let found = page.find(&format!("program-{}", name.replace(' ', "-")));
    found.unwrap_or_else(|| name.to_owned())
}

/// The message of a word of Graph; the word itself where it has none.
pub fn in_words(page: &Page, of: &str, word: &str) -> String {
    page.find(&format!("{of}-{word}")).unwrap_or_else(|| word.to_owned())
}
