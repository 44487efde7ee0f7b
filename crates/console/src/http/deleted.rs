//! `/admin/deleted` — what was deleted in the last thirty days: brought back, or forgotten for ever.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_web::ui::{Identifier, Link, Notice, Page, View};
use serde::Deserialize;
use serde_json::json;

use super::{Fields, Section, Visit, Wrong, done, refusal};
use crate::Console;
use crate::api::{Api, ApiError, Listed, segment};
use crate::sheet::{Block, Fact, Kind, List, Row, Sheet};

const HERE: &str = "/admin/deleted";
const ITEMS: &str = "/directory/deletedItems";
/// What may be brought back: its type in Graph, and the page of one that is there.
const KINDS: [(&str, &str); 4] = [
    ("user", "/admin/users"),
    ("group", "/admin/groups"),
    ("application", "/admin/registrations"),
    ("servicePrincipal", "/admin/applications"),
];
/// Objects of a kind, beside the others and alone.
const SOME: &str = "5";
const PAGE: &str = "25";

pub fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, read_by(list).post(post_list))
        .route(&format!("{HERE}/{{id}}"), read_by(get).post(post))
}

/// What was deleted.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Deleted {
    #[serde(rename = "@odata.type")]
    kind: String,
    id: String,
    display_name: String,
    user_principal_name: Option<String>,
    app_id: Option<String>,
    #[serde(rename = "deletedDateTime")]
    at: Option<String>,
}

impl Deleted {
    /// Its type without the namespace.
    fn kind(&self) -> &str {
        self.kind.rsplit('.').next().unwrap_or_default()
    }
}

/// The word of a kind that an address names, as the program has it.
fn known(kind: &str) -> Option<&'static str> {
    let found = KINDS.iter().find(|(known, _)| *known == kind);
    found.map(|(known, _)| *known)
}

async fn list(visit: Visit) -> Result<Response, Wrong> {
    show_list(&visit, None).await
}

async fn post_list(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    match act(&visit.api(), fields.get("item"), &fields).await {
        Ok(to) => Ok(to),
        Err(error) => {
            let notice = refusal(&visit.page(), error)?;
            show_list(&visit, Some(notice)).await
        }
    }
}

async fn show_list(visit: &Visit, wrong: Option<Notice>) -> Result<Response, Wrong> {
    let page = visit.page();
    let mut frame = visit.frame(&page, Section::Deleted);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, page.t("admin-deleted"));
    sheet.lead = page.t("deleted-lead");
    if let Some(kind) = known(visit.option("kind")) {
        let path = format!("{ITEMS}/microsoft.graph.{kind}");
        let (found, pager) = visit.listed(&path, &[("$top", PAGE)]).await?;
        sheet.back = Some(Link::new(HERE, page.t("admin-deleted")));
        sheet.lists.push(rows(visit, &page, kind, &found));
        sheet.pager = Some(pager);
        return Ok(View(sheet).into_response());
    }
    let mut is_denied = true;
    for (kind, _) in KINDS {
        let path = format!("{ITEMS}/microsoft.graph.{kind}");
        let found: Listed<Deleted> = match visit.api().get(&path, &[("$top", SOME)]).await {
            Err(ApiError::Denied) => continue,
            found => found?,
        };
        is_denied = false;
        if !found.value.is_empty() {
            let href = found.next().map(|_| format!("{HERE}?kind={kind}"));
            sheet.lists.push(List {
                href,
                ..rows(visit, &page, kind, &found.value)
            });
        }
    }
    if is_denied {
        return Err(ApiError::Denied.into());
    }
    if sheet.lists.is_empty() {
        sheet.lists.push(List::new("none", page.t("deleted-none"), Vec::new()));
    }
    Ok(View(sheet).into_response())
}

/// The objects of a kind, each with the button that brings it back.
fn rows(visit: &Visit, page: &Page, kind: &'static str, found: &[Deleted]) -> List {
    let rows = found.iter().map(|one| {
        let name = one.user_principal_name.as_deref().or(one.app_id.as_deref());
        Row {
            title: one.display_name.clone(),
            href: Some(format!("{HERE}/{}", segment(&one.id))),
            detail: name.map_or_else(
                || page.t("deleted-since"),
                |name| page.t1("deleted-named-since", "name", name),
            ),
            at: one.at.clone(),
            button: Some(("restore", one.id.clone(), page.t("deleted-restore"))),
            ..Row::default()
        }
    });
    List {
        heading: page.t(&format!("deleted-{kind}s")),
        form: Some(visit.form(HERE)),
        ..List::new(kind, page.t("deleted-none"), rows.collect())
    }
}

async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    show(&visit, &id, None).await
}

async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    match act(&visit.api(), &id, &fields).await {
        Ok(to) => Ok(to),
        Err(error) => {
            let notice = refusal(&visit.page(), error)?;
            show(&visit, &id, Some(notice)).await
        }
    }
}

/// Brings an object back, or forgets it; says where to go on.
async fn act(api: &Api<'_>, id: &str, fields: &Fields) -> Result<Response, ApiError> {
    let item = format!("{ITEMS}/{}", segment(id));
    match fields.get("step") {
        "restore" => {
            let restored = api.post(&format!("{item}/restore"), &json!({})).await?;
            let restored: Deleted = serde_json::from_value(restored).map_err(ApiError::Unreadable)?;
            let home = KINDS.iter().find(|(kind, _)| *kind == restored.kind());
            let address = home.map_or_else(
                || HERE.to_owned(),
                |(_, home)| format!("{home}/{}", segment(&restored.id)),
            );
            Ok(done(&address, "deleted-restored"))
        }
        "delete" if fields.get("sure") == "yes" => {
            api.delete(&item).await?;
            Ok(done(HERE, "deleted-forgotten"))
        }
        _ => Err(ApiError::NotFound),
    }
}

async fn show(visit: &Visit, id: &str, wrong: Option<Notice>) -> Result<Response, Wrong> {
    let page = visit.page();
    let item: Deleted = visit.api().get(&format!("{ITEMS}/{}", segment(id)), &[]).await?;
    let mut frame = visit.frame(&page, Section::Deleted);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, item.display_name.clone());
    sheet.back = Some(Link::new(HERE, page.t("admin-deleted")));
    if let Some(kind) = known(item.kind()) {
        let kind = page.t(&format!("deleted-a-{kind}"));
        sheet.facts.push((page.t("deleted-what"), Fact::Text(kind)));
    }
    for (key, value) in [
        ("user-principal-name", &item.user_principal_name),
        ("application-client-id", &item.app_id),
    ] {
        if let Some(value) = value {
            sheet.facts.push((page.t(key), Fact::Text(value.clone())));
        }
    }
    let id = Identifier::new(&page, item.id.clone(), page.t("user-id"));
    sheet.facts.push((page.t("user-id"), Fact::Id(id)));
    if let Some(at) = item.at {
        sheet.facts.push((page.t("deleted-at"), Fact::At(at)));
    }
    let form = visit.form(format!("{HERE}/{}", segment(&item.id)));
    sheet.blocks = vec![
        Block {
            lead: page.t("deleted-restore-lead"),
            kind: Kind::Primary,
            ..Block::new(
                "restore",
                String::new(),
                form.clone(),
                ("restore", page.t("deleted-restore")),
            )
        },
        Block::danger(&page, form, page.t("deleted-forget-sure"), page.t("deleted-forget")),
    ];
    Ok(View(sheet).into_response())
}
