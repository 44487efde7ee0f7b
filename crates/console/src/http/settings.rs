//! `/admin/settings` — what holds for the whole establishment: how long sessions live, what people may do without a role,
//! the security defaults; and where what is set in the configuration is.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_web::ui::{Field, Form, Input, Link, Notice, Page, Tone, View};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::shown::{carried, differing, refuse_changed, refused};
use super::{Fields, Section, Visit, Wrong, done};
use crate::Console;
use crate::api::{Api, ApiError};
use crate::parts::{Boxes, Part, Select};
use crate::sheet::{Block, List, Row, Sheet};

const HERE: &str = "/admin/settings";
const LIFETIME: &str = "/policies/sessionLifetimePolicy";
const AUTHORIZATION: &str = "/policies/authorizationPolicy";
const REQUESTS: &str = "/policies/adminConsentRequestPolicy";
const CLAIMS: &str = "/policies/tokenClaimsPolicy";
const DEFAULTS: &str = "/policies/identitySecurityDefaultsEnforcementPolicy";
/// What tokens of version 2 may tell of an authentication: what the form sends, and the member.
const TOLD: [(&str, &str); 3] = [
    ("acr", "isAcrIncluded"),
    ("amr", "isAmrIncluded"),
    ("auth_time", "isAuthTimeIncluded"),
];
/// Who may invite guests, as Graph names them.
const INVITERS: [&str; 4] = [
    "none",
    "adminsAndGuestInviters",
    "adminsGuestInvitersAndAllMembers",
    "everyone",
];
/// To what people may consent by themselves: nothing, or what one of the policies that are there says.
const CONSENTS: [&str; 3] = ["", "microsoft-user-default-low", "microsoft-user-default-legacy"];
/// What goes before the id of such a policy.
const FOR_SELF: &str = "ManagePermissionGrantsForSelf.";
/// What the rules for means of identification in health allow at most, in minutes.
const LONGEST: u64 = 240;
const IDLE: u64 = 30;

pub fn routes() -> Router<Console> {
    Router::new().route(HERE, read_by(get).post(post))
}

/// The lifetimes of sessions.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Lifetime {
    maximum_lifetime_in_minutes: u64,
    inactivity_timeout_in_minutes: u64,
    is_stay_signed_in_offered: bool,
}

impl Lifetime {
    /// Whether it is longer than the rules for health allow.
    const fn is_long(&self) -> bool {
        self.maximum_lifetime_in_minutes > LONGEST
            || self.inactivity_timeout_in_minutes > IDLE
            || self.is_stay_signed_in_offered
    }
}

async fn get(visit: Visit) -> Result<Response, Wrong> {
    show(&visit, None).await
}

async fn post(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    match act(&visit.api(), &fields).await {
        Ok(()) => Ok(done(HERE, "settings")),
        Err(problem) => {
            let (typed, notice) = refused(&visit.page(), problem, fields)?;
            show(&visit, Some((typed.unwrap_or(Fields(Vec::new())), notice))).await
        }
    }
}

/// Sends what differs from what the page showed: what somebody else changed meanwhile stays.
async fn act(api: &Api<'_>, fields: &Fields) -> Result<(), Problem> {
    let (path, change) = change(fields).ok_or(ApiError::NotFound)?;
    let change = differing(fields, change);
    if change.is_empty() {
        return Ok(());
    }
    refuse_changed(fields, &change, &members(path, &api.get(path, &[]).await?))?;
    match path {
        // In Graph it has no PATCH. What is not said in it stays here all the same.
        REQUESTS => api.put(path, &change.into()).await?,
        _ => api.patch(path, &change.into()).await?,
    }
    Ok(())
}

/// What is there of what a form says, as the page shows it.
fn members(path: &str, found: &Value) -> Map<String, Value> {
    match path {
        LIFETIME => living(
            found["maximumLifetimeInMinutes"].clone(),
            found["inactivityTimeoutInMinutes"].clone(),
            found["isStaySignedInOffered"] == true,
        ),
        AUTHORIZATION => {
            let (inviters, consent) = without_role_found(found);
            without_role(inviters, consent)
        }
        REQUESTS => {
            let switches = (found["isEnabled"] == true, found["notifyReviewers"] == true);
            asking(switches, found["requestDurationInDays"].clone())
        }
        CLAIMS => telling(|_, member| found[member] == true),
        _ => switched(found["isEnabled"] == true),
    }
}

/// What a form says, and of what.
fn change(fields: &Fields) -> Option<(&'static str, Map<String, Value>)> {
    Some(match fields.get("step") {
        "sessions" => {
            let is_offered = fields.all("option").any(|value| value == "stay");
            let (longest, idle) = (number(fields.get("longest")), number(fields.get("idle")));
            (LIFETIME, living(longest, idle, is_offered))
        }
        "people" => (
            AUTHORIZATION,
            without_role(fields.get("inviters"), fields.get("consent")),
        ),
        "requests" => (
            REQUESTS,
            asking(
                (fields.get("asking") == "on", is_ticked(fields)),
                number(fields.get("days")),
            ),
        ),
        "claims" => (
            CLAIMS,
            telling(|name, _| fields.all("claim").any(|value| value == name)),
        ),
        "defaults" => (DEFAULTS, switched(fields.get("state") == "on")),
        _ => return None,
    })
}

fn living(longest: Value, idle: Value, is_offered: bool) -> Map<String, Value> {
    Map::from_iter([
        ("maximumLifetimeInMinutes".to_owned(), longest),
        ("inactivityTimeoutInMinutes".to_owned(), idle),
        ("isStaySignedInOffered".to_owned(), is_offered.into()),
    ])
}

fn without_role(inviters: &str, consent: &str) -> Map<String, Value> {
    let policy = (!consent.is_empty()).then(|| format!("{FOR_SELF}{consent}"));
    let policies: Vec<String> = policy.into_iter().collect();
    Map::from_iter([
        ("allowInvitesFrom".to_owned(), inviters.into()),
        (
            "defaultUserRolePermissions".to_owned(),
            json!({ "permissionGrantPoliciesAssigned": policies }),
        ),
    ])
}

fn asking((is_enabled, tells): (bool, bool), days: Value) -> Map<String, Value> {
    Map::from_iter([
        ("isEnabled".to_owned(), is_enabled.into()),
        ("notifyReviewers".to_owned(), tells.into()),
        ("requestDurationInDays".to_owned(), days),
    ])
}

fn telling(is_told: impl Fn(&str, &str) -> bool) -> Map<String, Value> {
    let members = TOLD.iter();
    members
        .map(|(name, member)| ((*member).to_owned(), is_told(name, member).into()))
        .collect()
}

fn switched(is_enabled: bool) -> Map<String, Value> {
    Map::from_iter([("isEnabled".to_owned(), is_enabled.into())])
}

/// Whether those who decide are to be written to.
fn is_ticked(fields: &Fields) -> bool {
    fields.all("option").any(|value| value == "mail")
}

/// The form with what the page shows.
fn over(visit: &Visit, step: &str, shown: Map<String, Value>, typed: &Fields) -> Form {
    let is_typed = typed.get("step") == step;
    carried(visit.form(HERE), shown, is_typed.then_some(typed))
}

/// What is no number is refused by the directory, with its place.
fn number(text: &str) -> Value {
    text.parse::<u32>().map_or_else(|_| text.into(), Value::from)
}

/// `None` for what the person may not see.
async fn seen(api: &Api<'_>, path: &str) -> Result<Option<Value>, ApiError> {
    match api.get(path, &[]).await {
        Ok(found) => Ok(Some(found)),
        Err(ApiError::Denied) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn show(visit: &Visit, wrong: Option<(Fields, Notice)>) -> Result<Response, Wrong> {
    let (page, api) = (visit.page(), visit.api());
    let (typed, notice) = wrong.map_or_else(|| (Fields(Vec::new()), None), |(typed, notice)| (typed, Some(notice)));
    let mut frame = visit.frame(&page, Section::Settings);
    frame.notices.extend(notice);
    let mut sheet = Sheet::new(&page, frame, page.t("admin-settings"));
    sheet.lead = page.t("settings-lead");
    sheet
        .links
        .push(Link::new("/admin/passwords", page.t("settings-passwords")));
    sheet.links.push(Link::new("/admin/mails", page.t("mails-title")));
    if let Some(found) = seen(&api, LIFETIME).await? {
        let shown = members(LIFETIME, &found);
        let lifetime: Lifetime = serde_json::from_value(found).map_err(ApiError::Unreadable)?;
        if lifetime.is_long() {
            let notice = Notice::new(&page, Tone::Warning, page.t("settings-long"));
            sheet.frame.notices.push(notice);
        }
        sheet.blocks.push(Block {
            lead: page.t("settings-sessions-lead"),
            parts: sessions(&page, &lifetime, &typed),
            ..Block::new(
                "sessions",
                page.t("settings-sessions"),
                over(visit, "sessions", shown, &typed),
                ("sessions", page.t("policy-save")),
            )
        });
    }
    if let Some(found) = seen(&api, AUTHORIZATION).await? {
        let (inviters, consent) = without_role_found(&found);
        sheet.blocks.push(Block {
            lead: page.t("settings-people-lead"),
            parts: people(&page, (inviters, consent), &typed),
            ..Block::new(
                "without-role",
                page.t("settings-people"),
                over(visit, "people", members(AUTHORIZATION, &found), &typed),
                ("people", page.t("policy-save")),
            )
        });
    }
    sheet.blocks.extend(requests(visit, &page, &typed).await?);
    sheet.blocks.extend(claims(visit, &page).await?);
    sheet.blocks.extend(defaults(visit, &page).await?);
    if sheet.blocks.is_empty() {
        return Err(ApiError::Denied.into());
    }
    sheet.last = Some(elsewhere(&page));
    Ok(View(sheet).into_response())
}

/// What the form has: what was typed, or what is there.
fn value(typed: &Fields, name: &str, found: &str) -> String {
    match typed.get(name) {
        "" => found.to_owned(),
        typed => typed.to_owned(),
    }
}

fn sessions(page: &Page, lifetime: &Lifetime, typed: &Fields) -> Vec<Part> {
    let minutes = |name: &'static str, found: u64| {
        let key = format!("settings-{name}");
        let field = Field::new(page, Input::Digits, name, page.t(&key)).hint(page.t(&format!("{key}-hint")));
        Part::Field(field.value(value(typed, name, &found.to_string())))
    };
    let is_offered = match typed.get("step") {
        "sessions" => typed.all("option").any(|value| value == "stay"),
        _ => lifetime.is_stay_signed_in_offered,
    };
    vec![
        minutes("longest", lifetime.maximum_lifetime_in_minutes),
        minutes("idle", lifetime.inactivity_timeout_in_minutes),
        Part::Boxes(Boxes {
            name: "option",
            legend: page.t("method-options"),
            options: vec![("stay".to_owned(), page.t("settings-stay"), is_offered)],
        }),
    ]
}

/// Who may invite, and to what people may consent by themselves.
fn without_role_found(found: &Value) -> (&str, &str) {
    let assigned = &found["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"];
    let assigned = assigned.as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut assigned: Vec<&str> = assigned
        .filter_map(|id| id.strip_prefix(FOR_SELF))
        .filter(|id| CONSENTS.contains(id))
        .collect();
    // The wider of several is what counts.
    assigned.sort_unstable_by_key(|id| CONSENTS.iter().position(|known| known == id));
    let inviters = found["allowInvitesFrom"].as_str().unwrap_or_default();
    (inviters, assigned.last().copied().unwrap_or_default())
}

fn people(page: &Page, (inviters, consent): (&str, &str), typed: &Fields) -> Vec<Part> {
    let options = |of: &str, words: &[&str]| {
        let words = words.iter();
        let option = |word: &&str| {
            let key = if word.is_empty() { "none" } else { word };
            ((*word).to_owned(), page.t(&format!("settings-{of}-{key}")))
        };
        words.map(option).collect::<Vec<_>>()
    };
    let consent = match typed.get("step") {
        "people" => typed.get("consent"),
        _ => consent,
    };
    vec![
        Part::Select(
            Select::new("inviters", page.t("settings-inviters"), options("inviters", &INVITERS))
                .chosen(&value(typed, "inviters", inviters)),
        ),
        Part::Select(
            Select::new("consent", page.t("settings-consent"), options("consent", &CONSENTS))
                .chosen(consent)
                .hint(page.t("settings-consent-hint")),
        ),
    ]
}

/// Whether people may ask an administrator to consent, and how long a request waits.
async fn requests(visit: &Visit, page: &Page, typed: &Fields) -> Result<Option<Block>, ApiError> {
    let Some(found) = seen(&visit.api(), REQUESTS).await? else {
        return Ok(None);
    };
    let is_typed = typed.get("step") == "requests";
    let is_on = if is_typed {
        typed.get("asking") == "on"
    } else {
        found["isEnabled"] == true
    };
    let tells = if is_typed {
        is_ticked(typed)
    } else {
        found["notifyReviewers"] == true
    };
    let states = ["on", "off"].map(|state| (state.to_owned(), page.t(&format!("settings-asking-{state}"))));
    let shown = members(REQUESTS, &found);
    let days = found["requestDurationInDays"].as_u64().unwrap_or_default().to_string();
    let days =
        Field::new(page, Input::Digits, "days", page.t("settings-asking-days")).value(value(typed, "days", &days));
    Ok(Some(Block {
        lead: page.t("settings-asking-lead"),
        parts: vec![
            Part::Select(
                Select::new("asking", page.t("settings-asking-state"), states.to_vec()).chosen(if is_on {
                    "on"
                } else {
                    "off"
                }),
            ),
            Part::Field(days.hint(page.t("settings-asking-days-hint"))),
            Part::Boxes(Boxes {
                name: "option",
                legend: page.t("method-options"),
                options: vec![("mail".to_owned(), page.t("settings-asking-mail"), tells)],
            }),
        ],
        ..Block::new(
            "requests",
            page.t("settings-asking"),
            over(visit, "requests", shown, typed),
            ("requests", page.t("policy-save")),
        )
    }))
}

/// What tokens tell of an authentication.
async fn claims(visit: &Visit, page: &Page) -> Result<Option<Block>, ApiError> {
    let Some(found) = seen(&visit.api(), CLAIMS).await? else {
        return Ok(None);
    };
    let options = TOLD.map(|(name, member)| {
        let words = page.t(&format!("settings-claim-{name}"));
        (name.to_owned(), words, found[member] == true)
    });
    let shown = members(CLAIMS, &found);
    Ok(Some(Block {
        lead: page.t("settings-claims-lead"),
        parts: vec![Part::Boxes(Boxes {
            name: "claim",
            legend: page.t("settings-claims-told"),
            options: options.to_vec(),
        })],
        ..Block::new(
            "claims",
            page.t("settings-claims"),
            over(visit, "claims", shown, &Fields(Vec::new())),
            ("claims", page.t("policy-save")),
        )
    }))
}

async fn defaults(visit: &Visit, page: &Page) -> Result<Option<Block>, ApiError> {
    let Some(found) = seen(&visit.api(), DEFAULTS).await? else {
        return Ok(None);
    };
    let is_enabled = found["isEnabled"] == true;
    let states = ["on", "off"].map(|state| (state.to_owned(), page.t(&format!("settings-defaults-{state}"))));
    let chosen = if is_enabled { "on" } else { "off" };
    let state = Select::new("state", page.t("user-state"), states.to_vec()).chosen(chosen);
    Ok(Some(Block {
        lead: page.t("settings-defaults-lead"),
        parts: vec![Part::Select(state)],
        ..Block::new(
            "defaults",
            page.t("settings-defaults"),
            over(visit, "defaults", members(DEFAULTS, &found), &Fields(Vec::new())),
            ("defaults", page.t("policy-save")),
        )
    }))
}

/// What whoever runs the program sets in its configuration.
fn elsewhere(page: &Page) -> List {
    let rows = ["retention", "events", "mail", "countries", "publishers"].map(|name| Row {
        title: page.t(&format!("settings-{name}")),
        detail: page.t(&format!("settings-{name}-what")),
        ..Row::default()
    });
    List {
        heading: page.t("settings-elsewhere"),
        lead: page.t("settings-elsewhere-lead"),
        ..List::new("elsewhere", String::new(), rows.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_than_the_rules_of_health_is_said() {
        for (longest, idle, stay, is_long) in [
            (240, 30, false, false),
            (241, 30, false, true),
            (240, 31, false, true),
            (60, 15, true, true),
        ] {
            let lifetime = Lifetime {
                maximum_lifetime_in_minutes: longest,
                inactivity_timeout_in_minutes: idle,
                is_stay_signed_in_offered: stay,
            };
            assert_eq!(lifetime.is_long(), is_long, "{longest} {idle} {stay}");
        }
    }
}
