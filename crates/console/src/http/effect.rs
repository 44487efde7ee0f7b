//! What a policy, or a draft of one, would have changed for the sign-ins that are kept.

use askama::Template;
use hygie_web::ui::Page;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Api, ApiError};

/// Sign-ins that are looked at one by one, and those of them that are shown.
const LOOKED: usize = 500;
const SHOWN: usize = 10;

/// What it would have changed.
#[derive(Template)]
#[template(path = "effect.html")]
pub struct Effect {
    page: Page,
    evaluated: String,
    is_truncated: bool,
    /// Outcome without it, with it, and for how many.
    changed: Vec<(String, String, u64)>,
    /// The latest of these.
    latest: Vec<Changed>,
}

impl askama::filters::HtmlSafe for Effect {}

/// A sign-in that would have come to something else.
struct Changed {
    id: String,
    at: String,
    who: String,
    what: String,
    before: String,
    after: String,
}

/// What the directory API answers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Replay {
    sign_ins: u64,
    is_truncated: bool,
    counts: Vec<Count>,
    value: Vec<Item>,
}

/// How many went from one outcome to another.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Count {
    before: String,
    after: String,
    sign_ins: u64,
}

/// One of them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Item {
    id: String,
    created_date_time: String,
    user_principal_name: String,
    app_display_name: String,
    before: String,
    after: String,
}

impl Effect {
    /// Of this document, as if it were enforced.
    pub async fn of(api: &Api<'_>, page: &Page, mut document: Value) -> Result<Self, ApiError> {
        document["state"] = "enabled".into();
        let path = format!("/identity/conditionalAccess/replay?$top={LOOKED}");
        let answer = api.post(&path, &json!({ "policy": document })).await?;
        let replay: Replay = serde_json::from_value(answer).map_err(ApiError::Unreadable)?;
        let words = |outcome: &str| {
            let found = page.find(&format!("outcome-{outcome}"));
            found.unwrap_or_else(|| outcome.to_owned())
        };
        let count = usize::try_from(replay.sign_ins).unwrap_or_default();
        let changed = replay.counts.iter().filter(|count| count.before != count.after);
        let latest = replay.value.into_iter().filter(|item| item.before != item.after);
        let latest = latest.take(SHOWN).map(|item| Changed {
            before: words(&item.before),
            after: words(&item.after),
            id: item.id,
            at: item.created_date_time,
            who: item.user_principal_name,
            what: item.app_display_name,
        });
        Ok(Self {
            evaluated: page.tn("policy-effect-count", "count", count),
            is_truncated: replay.is_truncated,
            changed: changed
                .map(|count| (words(&count.before), words(&count.after), count.sign_ins))
                .collect(),
            latest: latest.collect(),
            page: page.clone(),
        })
    }
}
