//! `/admin/passwords` — when an account locks, how long a first password is good, and words that no password is made of:
//! `/policies/signInProtectionPolicy` of the directory API.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_web::ui::{Field, Input, Notice, Page, View};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::problem::Problem;
use super::shown::{carried, differing, refuse_changed, refused};
use super::{Fields, Section, Visit, Wrong, done};
use crate::Console;
use crate::api::{Api, ApiError};
use crate::parts::{Area, Part};
use crate::sheet::{Block, Kind, List, Row, Sheet};

const HERE: &str = "/admin/passwords";
const PROTECTION: &str = "/policies/signInProtectionPolicy";
/// Numbers of the form, and the members that they are.
const NUMBERS: [(&str, &str); 3] = [
    ("threshold", "lockoutThreshold"),
    ("duration", "lockoutDurationInSeconds"),
    ("first", "firstPasswordLifetimeInDays"),
];
const BANNED: &str = "bannedPasswords";

pub fn routes() -> Router<Console> {
    Router::new().route(HERE, read_by(get).post(post))
}

/// The rules of passwords.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Protection {
    lockout_threshold: u64,
    lockout_duration_in_seconds: u64,
    first_password_lifetime_in_days: u64,
    banned_passwords: Vec<String>,
}

impl Protection {
    /// Its numbers, as `NUMBERS` names them.
    const fn numbers(&self) -> [u64; 3] {
        [
            self.lockout_threshold,
            self.lockout_duration_in_seconds,
            self.first_password_lifetime_in_days,
        ]
    }

    /// The members that the form has.
    fn members(&self) -> Map<String, Value> {
        let numbers = NUMBERS.into_iter().zip(self.numbers());
        numbers
            .map(|((_, member), value)| (member.to_owned(), value.into()))
            .chain([(BANNED.to_owned(), self.banned_passwords.clone().into())])
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
    let change = differing(fields, typed(fields));
    if change.is_empty() {
        return Ok(());
    }
    let now: Protection = api.get(PROTECTION, &[]).await?;
    refuse_changed(fields, &change, &now.members())?;
    Ok(api.patch(PROTECTION, &change.into()).await?)
}

/// What the form says. What is no number is refused by the directory, with its place.
fn typed(fields: &Fields) -> Map<String, Value> {
    let number = |text: &str| text.parse::<u32>().map_or_else(|_| text.into(), Value::from);
    let words: Vec<&str> = fields.lines("banned").collect();
    NUMBERS
        .iter()
        .map(|(name, member)| ((*member).to_owned(), number(fields.get(name))))
        .chain([(BANNED.to_owned(), words.into())])
        .collect()
}

async fn show(visit: &Visit, typed: Option<Fields>, notice: Option<Notice>) -> Result<Response, Wrong> {
    let page = visit.page();
    let found: Protection = visit.api().get(PROTECTION, &[]).await?;
    let mut frame = visit.frame(&page, Section::Passwords);
    frame.notices.extend(notice);
    let mut sheet = Sheet::new(&page, frame, page.t("passwords-title"));
    sheet.lead = page.t("passwords-lead");
    let form = carried(visit.form(HERE), found.members(), typed.as_ref());
    sheet.blocks.push(Block {
        parts: parts(&page, &found, typed.as_ref()),
        kind: Kind::Primary,
        ..Block::new("rules", String::new(), form, ("save", page.t("policy-save")))
    });
    sheet.last = Some(always(&page));
    Ok(View(sheet).into_response())
}

fn parts(page: &Page, found: &Protection, typed: Option<&Fields>) -> Vec<Part> {
    let numbers = NUMBERS.into_iter().zip(found.numbers()).map(|((name, _), value)| {
        let key = format!("passwords-{name}");
        let value = typed.map_or_else(|| value.to_string(), |typed| typed.get(name).to_owned());
        let field = Field::new(page, Input::Digits, name, page.t(&key)).hint(page.t(&format!("{key}-hint")));
        Part::Field(field.value(value))
    });
    let words = typed.map_or_else(
        || found.banned_passwords.join("\n"),
        |typed| typed.get("banned").to_owned(),
    );
    let words = Area::new(
        "banned",
        page.t("passwords-banned"),
        page.t("passwords-banned-hint"),
        words,
    );
    numbers.chain([Part::Area(words)]).collect()
}

/// What holds whatever the establishment says.
fn always(page: &Page) -> List {
    let rows = ["length", "words", "browsers", "address"].map(|name| Row {
        title: page.t(&format!("passwords-always-{name}")),
        detail: page.t(&format!("passwords-always-{name}-what")),
        ..Row::default()
    });
    List {
        heading: page.t("passwords-always"),
        ..List::new("always", String::new(), rows.into())
    }
}
