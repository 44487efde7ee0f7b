//! `/admin/risk` — people who are said to be at risk, and risks of sign-ins that a detector, or somebody here, supplied.
//! Nothing here measures risk: what is told here is what policies are decided by.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_core::Timestamp;
use hygie_web::ui::{Field, Form, Input, Link, Notice, Page, Tone, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::{Problem, find_all, told};
use super::{Fields, Section, Visit, Wrong, back_to, done};
use crate::Console;
use crate::api::{Api, ApiError, segment};
use crate::parts::{Area, Part, Select};
use crate::sheet::{Block, Fact, Kind, List, Row, Sheet};

const HERE: &str = "/admin/risk";
const PEOPLE: &str = "/identityProtection/riskyUsers";
const SUPPLIED: &str = "/identityProtection/suppliedRisks";
const PAGE: &str = "25";
/// How much risk somebody may say that there is.
const LEVELS: [&str; 3] = ["low", "medium", "high"];
/// An administrator knows that somebody else has the account.
const COMPROMISED: &str = "compromised";
/// Days that a supplied risk may be said for.
const DAYS: [u64; 4] = [1, 7, 30, 90];

pub fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, read_by(list))
        .route(&format!("{HERE}/report"), back_to(HERE).post(report))
        .route(&format!("{HERE}/supply"), back_to(HERE).post(supply))
        .route(&format!("{HERE}/withdraw"), back_to(HERE).post(withdraw))
        .route(&format!("{HERE}/{{id}}"), read_by(get).post(post))
}

/// Somebody of whom risk was told.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Risky {
    id: String,
    is_deleted: bool,
    risk_last_updated_date_time: Option<String>,
    risk_level: String,
    risk_state: String,
    risk_detail: String,
    user_display_name: Option<String>,
    user_principal_name: Option<String>,
}

impl Risky {
    fn name(&self) -> String {
        self.user_display_name.clone().unwrap_or_else(|| self.id.clone())
    }

    fn is_there(&self) -> bool {
        LEVELS.contains(&self.risk_level.as_str())
    }
}

/// Something that was told of somebody.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    #[serde(rename = "riskLastUpdatedDateTime")]
    at: Option<String>,
    #[serde(rename = "riskLevel")]
    level: String,
    #[serde(rename = "riskState")]
    state: String,
    #[serde(rename = "riskDetail")]
    detail: String,
}

/// A risk of sign-ins.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Supplied {
    id: String,
    risk_level: String,
    risk_event_type: Option<String>,
    user_ids: Vec<String>,
    ip_ranges: Vec<crate::wire::Range>,
    end_date_time: String,
    description: Option<String>,
}

/// How much it is, by a word of Graph.
fn level(page: &Page, level: &str) -> (Tone, String) {
    let tone = match level {
        "high" => Tone::Danger,
        "medium" | "low" => Tone::Warning,
        _ => Tone::Success,
    };
    let words = page.find(&format!("risk-level-{level}"));
    (tone, words.unwrap_or_else(|| level.to_owned()))
}

/// The message of a word of Graph; the word itself where it has none.
fn words(page: &Page, of: &str, word: &str) -> String {
    page.find(&format!("{of}-{word}")).unwrap_or_else(|| word.to_owned())
}

async fn list(visit: Visit) -> Result<Response, Wrong> {
    show_list(&visit, (Fields(Vec::new()), None)).await
}

/// Says of somebody how much risk there is.
async fn report(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let said = say(&visit.api(), &visit.page(), &fields).await;
    answered(&visit, fields, said, "risk-said").await
}

/// The people of these lines. A risk is of people, one by one: a group or a role is none, and a user name has an `@`.
async fn people(api: &Api<'_>, page: &Page, lines: &str) -> Result<BTreeSet<String>, Problem> {
    let mut names = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    if let Some(other) = names.find(|name| !name.contains('@')) {
        return Err(Problem::NoPerson(other.to_owned()));
    }
    Ok(find_all(api, page, lines).await?.users)
}

async fn say(api: &Api<'_>, page: &Page, fields: &Fields) -> Result<(), Problem> {
    let name = fields.get("person");
    let users = people(api, page, name).await?;
    if users.is_empty() {
        return Err(Problem::Unknown(name.to_owned()));
    }
    let (action, body) = match fields.get("level") {
        COMPROMISED => ("confirmCompromised", json!({ "userIds": users })),
        level => ("report", json!({ "userIds": users, "riskLevel": level })),
    };
    api.post(&format!("{PEOPLE}/{action}"), &body).await?;
    Ok(())
}

/// Supplies a risk of sign-ins.
async fn supply(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let supplied = add(&visit.api(), &visit.page(), &fields, visit.asked.now()).await;
    answered(&visit, fields, supplied, "risk-supplied").await
}

async fn add(api: &Api<'_>, page: &Page, fields: &Fields, now: Timestamp) -> Result<(), Problem> {
    let days = fields.get("days").parse().ok().filter(|days| DAYS.contains(days));
    let days = days.ok_or(Problem::Said("risk-no-such-days"))?;
    let users = people(api, page, fields.get("people")).await?;
    let ranges = fields.lines("ranges").map(|line| {
        let kind = if line.contains(':') {
            "iPv6CidrRange"
        } else {
            "iPv4CidrRange"
        };
        json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "cidrAddress": line })
    });
    let mut new = json!({
        "riskLevel": fields.get("supplied-level"),
        "userIds": users,
        "ipRanges": ranges.collect::<Vec<_>>(),
        "endDateTime": (now + Duration::from_hours(24 * days)).to_rfc3339(),
    });
    if !fields.get("description").is_empty() {
        new["description"] = fields.get("description").into();
    }
    api.post(SUPPLIED, &new).await?;
    Ok(())
}

async fn withdraw(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let path = format!("{SUPPLIED}/{}", segment(fields.get("item")));
    let withdrawn = visit.api().delete(&path).await;
    answered(&visit, fields, withdrawn.map_err(Problem::from), "risk-withdrawn").await
}

/// Back to the list; where it was refused, with what was typed.
async fn answered(
    visit: &Visit,
    typed: Fields,
    result: Result<(), Problem>,
    word: &'static str,
) -> Result<Response, Wrong> {
    match result {
        Ok(()) => Ok(done(HERE, word)),
        Err(problem) => {
            let notice = told(&visit.page(), problem)?;
            show_list(visit, (typed, Some(notice))).await
        }
    }
}

async fn show_list(visit: &Visit, (typed, wrong): (Fields, Option<Notice>)) -> Result<Response, Wrong> {
    let page = visit.page();
    let (people, pager) = visit.listed::<Risky>(PEOPLE, &[("$top", PAGE)]).await?;
    let supplied: Option<Vec<Supplied>> = match visit.api().all(SUPPLIED, &[]).await {
        Err(ApiError::Denied) => None,
        found => Some(found?),
    };
    let mut frame = visit.frame(&page, Section::Risk);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, page.t("admin-risk"));
    sheet.lead = page.t("risk-lead");
    if let Some(supplied) = &supplied {
        let form = visit.form(format!("{HERE}/withdraw"));
        sheet.lists.push(supplied_list(&page, supplied, form));
    }
    sheet.lists.push(people_list(&page, &people));
    sheet.pager = Some(pager);
    sheet
        .blocks
        .push(report_block(&page, &typed, visit.form(format!("{HERE}/report"))));
    if supplied.is_some() {
        sheet
            .blocks
            .push(supply_block(&page, &typed, visit.form(format!("{HERE}/supply"))));
    }
    Ok(View(sheet).into_response())
}

fn people_list(page: &Page, people: &[Risky]) -> List {
    let rows = people.iter().map(|one| Row {
        title: one.name(),
        href: Some(format!("{HERE}/{}", segment(&one.id))),
        detail: page.t1("risk-since", "state", &words(page, "risk-state", &one.risk_state)),
        at: one.risk_last_updated_date_time.clone(),
        tag: Some(level(page, &one.risk_level)),
        ..Row::default()
    });
    List {
        heading: page.t("risk-people"),
        lead: page.t("risk-people-lead"),
        ..List::new("people", page.t("risk-nobody"), rows.collect())
    }
}

fn supplied_list(page: &Page, supplied: &[Supplied], form: Form) -> List {
    let rows = supplied.iter().map(|one| {
        let ranges: Vec<&str> = one.ip_ranges.iter().map(|range| range.cidr_address.as_str()).collect();
        let whom = match one.user_ids.len() {
            0 => page.t("risk-everybody"),
            count => page.tn("risk-people-count", "count", count),
        };
        let place = if ranges.is_empty() {
            page.t("risk-anywhere")
        } else {
            ranges.join(", ")
        };
        let what = one.description.clone().or_else(|| one.risk_event_type.clone());
        Row {
            title: what.unwrap_or_else(|| page.t("risk-of-sign-ins")),
            detail: page.with("risk-until", &[("whom", whom.into()), ("place", place.into())]),
            at: Some(one.end_date_time.clone()),
            tag: Some(level(page, &one.risk_level)),
            button: Some(("withdraw", one.id.clone(), page.t("risk-withdraw"))),
            ..Row::default()
        }
    });
    List {
        heading: page.t("risk-supplied"),
        lead: page.t("risk-supplied-lead"),
        form: Some(form),
        ..List::new("supplied", page.t("risk-supplied-none"), rows.collect())
    }
}

fn levels(page: &Page) -> Vec<(String, String)> {
    let levels = LEVELS.iter();
    levels.map(|one| ((*one).to_owned(), level(page, one).1)).collect()
}

fn report_block(page: &Page, typed: &Fields, form: Form) -> Block {
    let person = Field::new(page, Input::Name, "person", page.t("group-member"));
    let mut levels = levels(page);
    levels.push((COMPROMISED.to_owned(), page.t("risk-compromised")));
    let level = Select::new("level", page.t("risk-level"), levels);
    Block {
        lead: page.t("risk-report-lead"),
        parts: vec![
            Part::Field(
                person
                    .hint(page.t("user-principal-name-hint"))
                    .value(typed.get("person"))
                    .autocomplete("off"),
            ),
            Part::Select(level.chosen(typed.get("level")).hint(page.t("risk-level-hint"))),
        ],
        ..Block::new(
            "report",
            page.t("risk-report"),
            form,
            ("report", page.t("risk-report-do")),
        )
    }
}

fn supply_block(page: &Page, typed: &Fields, form: Form) -> Block {
    let area = |name: &'static str, key: &str| {
        let hint = page.t(&format!("{key}-hint"));
        Part::Area(Area::new(name, page.t(key), hint, typed.get(name)))
    };
    let days = DAYS.map(|days| {
        let count = usize::try_from(days).unwrap_or_default();
        (days.to_string(), page.tn("risk-days", "count", count))
    });
    let level = Select::new("supplied-level", page.t("risk-level"), levels(page));
    Block {
        lead: page.t("risk-supply-lead"),
        parts: vec![
            area("ranges", "risk-ranges"),
            area("people", "risk-whom"),
            Part::Select(level.chosen(typed.get("supplied-level"))),
            Part::Select(Select::new("days", page.t("risk-how-long"), days.to_vec()).chosen(typed.get("days"))),
            Part::Field(
                Field::text(page, "description", page.t("risk-description"))
                    .hint(page.t("risk-description-hint"))
                    .value(typed.get("description"))
                    .optional(),
            ),
        ],
        kind: Kind::Folded,
        ..Block::new(
            "supply",
            page.t("risk-supply"),
            form,
            ("supply", page.t("risk-supply-do")),
        )
    }
}

async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    show(&visit, &id, None).await
}

async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let here = format!("{HERE}/{}", segment(&id));
    match act(&visit.api(), &id, &fields).await {
        Ok(()) => Ok(done(&here, "risk-said")),
        Err(error) => {
            let notice = super::refusal(&visit.page(), error)?;
            show(&visit, &id, Some(notice)).await
        }
    }
}

async fn act(api: &Api<'_>, id: &str, fields: &Fields) -> Result<(), ApiError> {
    let action = match (fields.get("step"), fields.get("sure")) {
        ("dismiss", _) => "dismiss",
        ("safe", _) => "confirmSafe",
        ("confirm", "yes") => "confirmCompromised",
        _ => return Err(ApiError::NotFound),
    };
    let body: Value = json!({ "userIds": [id] });
    api.post(&format!("{PEOPLE}/{action}"), &body).await.map(drop)
}

async fn show(visit: &Visit, id: &str, wrong: Option<Notice>) -> Result<Response, Wrong> {
    let page = visit.page();
    let risky: Risky = visit.api().get(&format!("{PEOPLE}/{}", segment(id)), &[]).await?;
    let mut frame = visit.frame(&page, Section::Risk);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, risky.name());
    sheet.back = Some(Link::new(HERE, page.t("admin-risk")));
    sheet.tag = Some(level(&page, &risky.risk_level));
    if !risky.is_deleted {
        let account = format!("/admin/users/{}", segment(&risky.id));
        sheet.links.push(Link::new(account, page.t("risk-account")));
    }
    let name = risky.user_principal_name.clone();
    let name = name.unwrap_or_else(|| page.t("risk-account-gone"));
    sheet.facts = vec![
        (page.t("user-principal-name"), Fact::Text(name)),
        (
            page.t("risk-state"),
            Fact::Text(words(&page, "risk-state", &risky.risk_state)),
        ),
    ];
    if let Some(detail) = page.find(&format!("risk-detail-{}", risky.risk_detail)) {
        sheet.facts.push((page.t("risk-detail"), Fact::Text(detail)));
    }
    sheet.lists.push(history(&page, &visit.api(), id).await?);
    let form = visit.form(format!("{HERE}/{}", segment(id)));
    if risky.is_there() {
        sheet.blocks.push(Block {
            lead: page.t("risk-dismiss-lead"),
            kind: Kind::Primary,
            ..Block::new(
                "dismiss",
                page.t("risk-dismiss"),
                form.clone(),
                ("dismiss", page.t("risk-dismiss-do")),
            )
        });
    }
    if risky.is_there() {
        sheet.blocks.push(Block {
            lead: page.t("risk-safe-lead"),
            ..Block::new(
                "safe",
                page.t("risk-safe"),
                form.clone(),
                ("safe", page.t("risk-safe-do")),
            )
        });
    }
    if let Some(at) = risky.risk_last_updated_date_time {
        sheet.facts.push((page.t("risk-updated"), Fact::At(at)));
    }
    if risky.risk_state != "confirmedCompromised" {
        sheet.blocks.push(Block {
            submit: ("confirm", page.t("risk-confirm")),
            ..Block::danger(&page, form, page.t("risk-confirm-sure"), String::new())
        });
    }
    Ok(View(sheet).into_response())
}

/// What was told of somebody, the last first.
async fn history(page: &Page, api: &Api<'_>, id: &str) -> Result<List, ApiError> {
    let mut told: Vec<Told> = api.all(&format!("{PEOPLE}/{}/history", segment(id)), &[]).await?;
    told.sort_by(|a, b| b.at.cmp(&a.at));
    let rows = told.into_iter().map(|one| Row {
        title: words(page, "risk-state", &one.state),
        detail: page.find(&format!("risk-detail-{}", one.detail)).unwrap_or_default(),
        tag: Some(level(page, &one.level)),
        at: one.at,
        ..Row::default()
    });
    Ok(List {
        heading: page.t("risk-history"),
        ..List::new("history", page.t("risk-history-none"), rows.collect())
    })
}
