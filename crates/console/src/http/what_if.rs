//! `GET /admin/what-if` — which policies would apply to a sign-in that has not happened. The question is in the address,
//! so that an answer can be shared.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_policy::policy::Policy;
use hygie_web::ui::{Field, Input, Notice, Page, Tone, View};
use serde_json::{Map, Value, json};

use super::sign_ins::in_words;
use super::{Frame, Section, Visit, Wrong, refusal};
use crate::api::{Api, ApiError, Listed, segment};
use crate::sentence::{Names, Writer};
use crate::wire::{Evaluated, Object, User};

#[derive(Template)]
#[template(path = "what-if.html")]
struct WhatIf {
    page: Page,
    frame: Frame,
    person: Field,
    address: Field,
    applications: Vec<Object>,
    application: String,
    /// Platforms and kinds of program, and the one that is chosen.
    platforms: Vec<(&'static str, String)>,
    platform: String,
    programs: Vec<(&'static str, String)>,
    program: String,
    answer: Option<Answered>,
}

/// What would happen.
struct Answered {
    applying: Vec<Row>,
    others: Vec<Row>,
}

/// A policy of the answer.
struct Row {
    id: String,
    name: String,
    sentence: String,
    state: String,
    reasons: Vec<String>,
}

const PLATFORMS: [&str; 5] = ["windows", "macOS", "linux", "android", "iOS"];
const PROGRAMS: [&str; 2] = ["browser", "mobileAppsAndDesktopClients"];

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let (page, api) = (visit.page(), visit.api());
    let mut frame = visit.frame(&page, Section::WhatIf);
    let person = visit.option("person").trim().to_owned();
    let answered = if person.is_empty() {
        Ok(None)
    } else {
        ask(&visit, &api, &page, &person).await.map(Some)
    };
    let answer = match answered {
        Ok(answer) => answer,
        Err(error) => {
            frame.notices.push(match error {
                ApiError::NotFound => Notice::new(&page, Tone::Danger, page.t("what-if-no-such-person")),
                other => refusal(&page, other)?,
            });
            None
        }
    };
    let select = [("$select", "id,appId,displayName")];
    let mut applications: Vec<Object> = api.all("/servicePrincipals", &select).await?;
    applications.sort_by_key(|one| one.display_name.to_lowercase());
    Ok(View(WhatIf {
        frame,
        person: Field::new(&page, Input::Name, "person", page.t("what-if-person"))
            .hint(page.t("user-principal-name-hint"))
            .value(&*person)
            .autocomplete("off"),
        address: Field::text(&page, "address", page.t("what-if-address"))
            .hint(page.t("what-if-address-hint"))
            .value(visit.option("address"))
            .optional(),
        applications,
        application: visit.option("application").to_owned(),
        platforms: PLATFORMS.map(|one| (one, in_words(&page, "platform", one))).into(),
        platform: visit.option("platform").to_owned(),
        programs: PROGRAMS
            .iter()
            .map(|name| (*name, page.t(&format!("sentence-by-{name}"))))
            .collect(),
        program: visit.option("program").to_owned(),
        answer,
        page,
    })
    .into_response())
}

async fn ask(visit: &Visit, api: &Api<'_>, page: &Page, person: &str) -> Result<Answered, ApiError> {
    let user: User = api
        .get(&format!("/users/{}", segment(person)), &[("$select", "id")])
        .await?;
    let mut conditions = Map::new();
    for (option, member) in [
        ("address", "ipAddress"),
        ("platform", "devicePlatform"),
        ("program", "clientAppType"),
    ] {
        let value = visit.option(option).trim();
        if !value.is_empty() {
            conditions.insert(member.to_owned(), value.into());
        }
    }
    let application = visit.option("application");
    let question = json!({
        "signInIdentity": { "@odata.type": "#microsoft.graph.userSignIn", "userId": user.id },
        "signInContext": {
            "@odata.type": "#microsoft.graph.applicationContext",
            "includeApplications": if application.is_empty() { vec![] } else { vec![application] },
        },
        "signInConditions": conditions,
    });
    let answer = api.post("/identity/conditionalAccess/evaluate", &question).await?;
    let answer: Listed<Value> = serde_json::from_value(answer).map_err(ApiError::Unreadable)?;
    let policies: Vec<Policy> = answer.value.iter().filter_map(read).collect();
    let names = Names::of(api, &policies).await?;
    let writer = Writer { page, names: &names };
    let (mut applying, mut others) = (Vec::new(), Vec::new());
    for document in &answer.value {
        let Some(policy) = read(document) else { continue };
        let found: Evaluated = serde_json::from_value(document.clone()).map_err(ApiError::Unreadable)?;
        let reasons = found.analysis_reasons.split(',').filter(|reason| *reason != "notSet");
        let row = Row {
            id: found.id,
            name: found.display_name,
            sentence: writer.sentence(&policy),
            state: page.t(&format!("policy-state-{}", found.state)),
            reasons: reasons.map(|reason| reason_in_words(page, reason)).collect(),
        };
        if found.policy_applies {
            applying.push(row);
        } else {
            others.push(row);
        }
    }
    Ok(Answered { applying, others })
}

/// The policy of an answer, which has two members more.
fn read(document: &Value) -> Option<Policy> {
    let mut policy = document.clone();
    let members = policy.as_object_mut()?;
    members.remove("policyApplies");
    members.remove("analysisReasons");
    Policy::from_json(&policy).ok()
}

fn reason_in_words(page: &Page, reason: &str) -> String {
    page.find(&format!("reason-{reason}"))
        .unwrap_or_else(|| reason.to_owned())
}
