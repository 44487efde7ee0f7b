//! `GET /admin/sign-ins` — the log of sign-ins, and one of them: who, from where, with what, and each policy with its
//! result.

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Identifier, Input, Page, Tone, View};

use super::{Frame, Pager, Section, Visit, Wrong};
use crate::api::{quoted, segment};
use crate::wire::{Applied, SignIn};

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
    /// What was proved, and when.
    proofs: Vec<(String, String)>,
    place: String,
    program: Option<String>,
    system: Option<String>,
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
