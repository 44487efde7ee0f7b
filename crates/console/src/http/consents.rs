//! `/admin/consents` — what people ask administrators to consent to, and the answers.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_web::ui::{Field, Form, Identifier, Link, Notice, Page, Tone, View};
use serde::Deserialize;
use serde_json::json;

use super::{Fields, Section, Visit, Wrong, done, refusal};
use crate::Console;
use crate::api::{Api, ApiError, quoted, segment};
use crate::parts::Part;
use crate::sheet::{Block, Fact, Kind, List, Row, Sheet};

const HERE: &str = "/admin/consents";
const REQUESTS: &str = "/identityGovernance/appConsent/appConsentRequests";
/// A request that nobody answered.
const OPEN: &str = "InProgress";
/// The well-known id of the directory API.
const DIRECTORY_API: &str = "00000003-0000-0000-c000-000000000000";

pub fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, read_by(list))
        .route(&format!("{HERE}/{{id}}"), read_by(get).post(post))
}

/// The requests for one application.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wanted {
    id: String,
    app_id: String,
    app_display_name: String,
    pending_scopes: Vec<Pending>,
    /// Whose application it is; none where it is gone.
    app_owner_organization_id: Option<String>,
    verified_publisher: Option<Publisher>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Pending {
    display_name: String,
    resource_app_id: String,
    resource_display_name: Option<String>,
}

impl Pending {
    /// With its resource, where that is not the directory API.
    fn word(&self) -> String {
        if self.resource_app_id == DIRECTORY_API {
            self.display_name.clone()
        } else {
            format!("{}/{}", self.resource_app_id, self.display_name)
        }
    }
}

/// The request of one person.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Request {
    id: String,
    created_by: By,
    created_date_time: String,
    reason: Option<String>,
    status: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct By {
    user: Who,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Who {
    id: String,
    display_name: Option<String>,
}

/// The answer to a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Stage {
    id: String,
    review_result: String,
    justification: Option<String>,
}

/// The application as it is present here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Present {
    id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Publisher {
    display_name: Option<String>,
}

/// A permission as who offers it describes it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Offered {
    app_id: String,
    oauth2_permission_scopes: Vec<Scope>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Scope {
    value: String,
    admin_consent_display_name: Option<String>,
}

impl Wanted {
    fn is_open(&self) -> bool {
        !self.pending_scopes.is_empty()
    }

    /// What is asked for, in one text.
    fn scopes(&self) -> String {
        let scopes: BTreeSet<String> = self.pending_scopes.iter().map(Pending::word).collect();
        scopes.into_iter().collect::<Vec<_>>().join(" ")
    }
}

/// How many applications wait for an answer; none for who may not see it.
pub async fn waiting(api: &Api<'_>) -> Result<usize, ApiError> {
    match api.all::<Wanted>(REQUESTS, &[]).await {
        Ok(all) => Ok(all.iter().filter(|one| one.is_open()).count()),
        Err(ApiError::Denied) => Ok(0),
        Err(error) => Err(error),
    }
}

async fn list(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let mut all: Vec<Wanted> = visit.api().all(REQUESTS, &[]).await?;
    all.sort_by_key(|one| (!one.is_open(), one.app_display_name.to_lowercase()));
    let rows = all.iter().map(|one| Row {
        title: one.app_display_name.clone(),
        href: Some(format!("{HERE}/{}", segment(&one.id))),
        detail: if one.is_open() {
            page.tn("consents-permissions-count", "count", one.pending_scopes.len())
        } else {
            String::new()
        },
        tag: Some(if one.is_open() {
            (Tone::Warning, page.t("consents-open"))
        } else {
            (Tone::Information, page.t("consents-answered"))
        }),
        ..Row::default()
    });
    let mut sheet = Sheet::new(&page, visit.frame(&page, Section::Consents), page.t("admin-consents"));
    sheet.lead = page.t("consents-lead");
    sheet
        .links
        .push(Link::new("/admin/settings", page.t("consents-switch")));
    sheet
        .lists
        .push(List::new("requests", page.t("consents-none"), rows.collect()));
    Ok(View(sheet).into_response())
}

async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    show(&visit, &id, (Fields(Vec::new()), None)).await
}

async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    let notice = match act(&visit.api(), &id, &fields).await {
        Ok(Outcome::Done(word)) => return Ok(done(&format!("{HERE}/{}", segment(&id)), word)),
        Ok(Outcome::Not(key)) => Notice::new(&page, Tone::Danger, page.t(key)),
        Err(error) => refusal(&page, error)?,
    };
    show(&visit, &id, (fields, Some(notice))).await
}

/// What came of an answer.
enum Outcome {
    Done(&'static str),
    /// It was not given, for the reason of this message.
    Not(&'static str),
}

/// Answers all who wait for this application: what was shown, and nothing that was asked for since.
async fn act(api: &Api<'_>, id: &str, fields: &Fields) -> Result<Outcome, ApiError> {
    let (result, words, word) = match fields.get("step") {
        "approve" => ("Approve", fields.get("approval"), "consent-given"),
        "deny" => ("Deny", fields.get("refusal"), "consent-denied"),
        "block" => ("Deny", fields.get("blocking"), "consent-blocked"),
        _ => return Err(ApiError::NotFound),
    };
    if result == "Deny" && words.is_empty() {
        return Ok(Outcome::Not("consents-say-why"));
    }
    let path = format!("{REQUESTS}/{}", segment(id));
    let wanted: Wanted = api.get(&path, &[]).await?;
    if wanted.scopes() != fields.get("asked") {
        return Ok(Outcome::Not("consents-other-by-now"));
    }
    if fields.get("step") == "block" {
        block(api, &wanted.app_id).await?;
    }
    let mut decision = json!({ "reviewResult": result });
    if !words.is_empty() {
        decision["justification"] = words.into();
    }
    let shown: BTreeSet<&str> = fields.all("request").collect();
    let requests: Vec<Request> = api.all(&format!("{path}/userConsentRequests"), &[]).await?;
    for one in requests.iter().filter(|one| one.status == OPEN) {
        if !shown.contains(one.id.as_str()) {
            continue;
        }
        let request = segment(&one.id);
        let stage = format!("{path}/userConsentRequests/{request}/approval/stages/{request}");
        match api.patch(&stage, &decision).await {
            // One answer answers the others that it covers.
            Ok(()) | Err(ApiError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Outcome::Done(word))
}

/// Nobody of the establishment signs in to the application any more, nor asks for it.
async fn block(api: &Api<'_>, app: &str) -> Result<(), ApiError> {
    let id = if let Some(present) = present(api, app).await? {
        present.id
    } else {
        let made = api.post("/servicePrincipals", &json!({ "appId": app })).await?;
        made["id"].as_str().unwrap_or_default().to_owned()
    };
    let principal = format!("/servicePrincipals/{}", segment(&id));
    api.patch(&principal, &json!({ "accountEnabled": false })).await
}

async fn show(visit: &Visit, id: &str, (typed, wrong): (Fields, Option<Notice>)) -> Result<Response, Wrong> {
    let (page, api) = (visit.page(), visit.api());
    let path = format!("{REQUESTS}/{}", segment(id));
    let wanted: Wanted = api.get(&path, &[]).await?;
    let mut requests: Vec<Request> = api.all(&format!("{path}/userConsentRequests"), &[]).await?;
    requests.sort_by(|a, b| (b.status == OPEN, &b.created_date_time).cmp(&(a.status == OPEN, &a.created_date_time)));
    let mut frame = visit.frame(&page, Section::Consents);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, wanted.app_display_name.clone());
    sheet.back = Some(Link::new(HERE, page.t("admin-consents")));
    let identifier = Identifier::new(&page, wanted.app_id.clone(), page.t("application-client-id"));
    sheet
        .facts
        .push((page.t("application-client-id"), Fact::Id(identifier)));
    let publisher = Fact::Text(publisher(&page, &wanted));
    sheet.facts.push((page.t("consents-publisher"), publisher));
    if let Some(present) = present(&api, &wanted.app_id).await? {
        let address = format!("/admin/applications/{}", segment(&present.id));
        sheet.links.push(Link::new(address, page.t("consents-application")));
    }
    sheet.tag = Some((Tone::Information, page.t("consents-answered")));
    if wanted.is_open() {
        sheet.tag = Some((Tone::Warning, page.t("consents-open")));
        sheet.lists.push(permissions(&page, &api, &wanted).await?);
        let mut form = visit
            .form(format!("{HERE}/{}", segment(id)))
            .carry("asked", wanted.scopes());
        for one in requests.iter().filter(|one| one.status == OPEN) {
            form = form.carry("request", one.id.clone());
        }
        sheet.blocks = answers(&page, &form, &typed);
    }
    let stages = stages(&api, &path, &requests).await?;
    sheet.lists.push(people(&page, &requests, &stages));
    Ok(View(sheet).into_response())
}

/// The application, where it is present and the person may see it.
async fn present(api: &Api<'_>, app: &str) -> Result<Option<Present>, ApiError> {
    let filter = format!("appId eq {}", quoted(app));
    let query = [("$filter", filter.as_str()), ("$select", "id")];
    match api.all("/servicePrincipals", &query).await {
        Ok(found) => Ok(found.into_iter().next()),
        Err(ApiError::Denied) => Ok(None),
        Err(error) => Err(error),
    }
}

fn publisher(page: &Page, wanted: &Wanted) -> String {
    if wanted.app_owner_organization_id.is_none() {
        return page.t("consents-publisher-unknown");
    }
    let verified = wanted.verified_publisher.as_ref();
    verified.and_then(|one| one.display_name.as_ref()).map_or_else(
        || page.t("consents-publisher-unverified"),
        |name| page.t1("consents-publisher-verified", "name", name),
    )
}

/// A permission in words: those of the pages of consent for one of the directory API, for others those of who offers it.
fn permission(page: &Page, offered: &[Offered], pending: &Pending) -> Row {
    let value = &pending.display_name;
    if pending.resource_app_id == DIRECTORY_API {
        let words = page.find(&format!("permission-{}", value.to_lowercase().replace('.', "-")));
        return Row {
            title: words.unwrap_or_else(|| value.clone()),
            detail: value.clone(),
            ..Row::default()
        };
    }
    let of = offered.iter().find(|one| one.app_id == pending.resource_app_id);
    let mut scopes = of.into_iter().flat_map(|one| &one.oauth2_permission_scopes);
    let words = scopes
        .find(|scope| scope.value == *value)
        .and_then(|scope| scope.admin_consent_display_name.clone());
    let resource = pending
        .resource_display_name
        .as_ref()
        .unwrap_or(&pending.resource_app_id);
    Row {
        title: words.unwrap_or_else(|| value.clone()),
        detail: format!("{resource} · {value}"),
        ..Row::default()
    }
}

/// What is asked for, in words.
async fn permissions(page: &Page, api: &Api<'_>, wanted: &Wanted) -> Result<List, ApiError> {
    let select = [("$select", "id,appId,oauth2PermissionScopes")];
    let offered: Vec<Offered> = match api.all("/servicePrincipals", &select).await {
        Err(ApiError::Denied) => Vec::new(),
        found => found?,
    };
    let rows = wanted.pending_scopes.iter().map(|one| permission(page, &offered, one));
    Ok(List {
        heading: page.t("consents-permissions"),
        lead: page.t("consents-permissions-lead"),
        ..List::new("permissions", String::new(), rows.collect())
    })
}

/// The answers to the requests that have one.
async fn stages(api: &Api<'_>, path: &str, requests: &[Request]) -> Result<Vec<Stage>, ApiError> {
    let answered = requests.iter().filter(|one| one.status != OPEN);
    let paths: Vec<String> = answered
        .map(|one| {
            let request = segment(&one.id);
            format!("{path}/userConsentRequests/{request}/approval/stages/{request}")
        })
        .collect();
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    Ok(api.get_each(&paths).await?.into_iter().flatten().collect())
}

/// Who asked, why, and what was answered.
fn people(page: &Page, requests: &[Request], stages: &[Stage]) -> List {
    let rows = requests.iter().map(|one| {
        let stage = stages.iter().find(|stage| stage.id == one.id);
        let tag = match stage.map(|stage| stage.review_result.as_str()) {
            Some("Approve") => (Tone::Success, page.t("consents-approved")),
            Some("Deny") => (Tone::Danger, page.t("consents-denied")),
            _ if one.status == OPEN => (Tone::Warning, page.t("consents-open")),
            _ => (Tone::Information, page.t("consents-answered")),
        };
        let reason = one.reason.clone().unwrap_or_default();
        let user = &one.created_by.user;
        let known = user.display_name.clone();
        Row {
            href: known.is_some().then(|| format!("/admin/users/{}", segment(&user.id))),
            title: known.unwrap_or_else(|| page.t("risk-account-gone")),
            detail: match stage.and_then(|stage| stage.justification.as_ref()) {
                Some(words) => page.with(
                    "consents-reason-and-answer",
                    &[("reason", reason.into()), ("answer", words.clone().into())],
                ),
                None => page.t1("consents-reason", "reason", &reason),
            },
            at: Some(one.created_date_time.clone()),
            tag: Some(tag),
            ..Row::default()
        }
    });
    List {
        heading: page.t("consents-people"),
        ..List::new("people", page.t("consents-nobody"), rows.collect())
    }
}

/// The answers.
fn answers(page: &Page, form: &Form, typed: &Fields) -> Vec<Block> {
    let words = |name: &'static str, key: &str| Field::text(page, name, page.t(key)).value(typed.get(name));
    vec![
        Block {
            lead: page.t("consents-approve-lead"),
            parts: vec![Part::Field(words("approval", "consents-words").optional())],
            kind: Kind::Primary,
            ..Block::new(
                "approve",
                page.t("consents-approve"),
                form.clone(),
                ("approve", page.t("consents-approve-do")),
            )
        },
        Block {
            lead: page.t("consents-deny-lead"),
            parts: vec![Part::Field(words("refusal", "consents-why"))],
            ..Block::new(
                "deny",
                page.t("consents-deny"),
                form.clone(),
                ("deny", page.t("consents-deny-do")),
            )
        },
        Block {
            lead: page.t("consents-block-lead"),
            parts: vec![Part::Field(words("blocking", "consents-why"))],
            kind: Kind::Folded,
            ..Block::new(
                "block",
                page.t("consents-block"),
                form.clone(),
                ("block", page.t("consents-block-do")),
            )
        },
    ]
}
