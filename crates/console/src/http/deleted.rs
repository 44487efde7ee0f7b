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
/// What may be brought back.
const SORTS: [Sort; 6] = [
    Sort {
        kind: "user",
        all: "/directory/deletedItems/microsoft.graph.user",
        one: "/directory/deletedItems",
        home: "/admin/users",
    },
    Sort {
        kind: "group",
        all: "/directory/deletedItems/microsoft.graph.group",
        one: "/directory/deletedItems",
        home: "/admin/groups",
    },
    Sort {
        kind: "application",
        all: "/directory/deletedItems/microsoft.graph.application",
        one: "/directory/deletedItems",
        home: "/admin/registrations",
    },
    Sort {
        kind: "servicePrincipal",
        all: "/directory/deletedItems/microsoft.graph.servicePrincipal",
        one: "/directory/deletedItems",
        home: "/admin/applications",
    },
    Sort {
        kind: "policy",
        all: "/identity/conditionalAccess/deletedItems/policies",
        one: "/identity/conditionalAccess/deletedItems/policies",
        home: "/admin/policies",
    },
    Sort {
        kind: "location",
        all: "/identity/conditionalAccess/deletedItems/namedLocations",
        one: "/identity/conditionalAccess/deletedItems/namedLocations",
        home: "/admin/locations",
    },
];
/// Objects of a kind, beside the others and alone.
const SOME: &str = "5";
const PAGE: &str = "25";

/// A kind of objects.
struct Sort {
    /// Its word in addresses and messages.
    kind: &'static str,
    /// Its collection, in the address of the API.
    all: &'static str,
    /// Where one of them is.
    one: &'static str,
    /// The pages of those that are there.
    home: &'static str,
}

impl Sort {
    fn find(kind: &str) -> Option<&'static Self> {
        SORTS.iter().find(|sort| sort.kind == kind)
    }

    /// Of an address; of another word there is no page.
    fn of(kind: &str) -> Result<&'static Self, ApiError> {
        Self::find(kind).ok_or(ApiError::NotFound)
    }

    /// The page of one that was deleted.
    fn page(&self, id: &str) -> String {
        format!("{HERE}/{}/{}", self.kind, segment(id))
    }
}

pub fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, read_by(list).post(post_list))
        .route(&format!("{HERE}/{{kind}}/{{id}}"), read_by(get).post(post))
}

/// What was deleted.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Deleted {
    id: String,
    display_name: String,
    user_principal_name: Option<String>,
    app_id: Option<String>,
    #[serde(rename = "deletedDateTime")]
    at: Option<String>,
}

async fn list(visit: Visit) -> Result<Response, Wrong> {
    show_list(&visit, None).await
}

async fn post_list(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let sort = Sort::of(fields.get("kind"))?;
    match act(&visit.api(), sort, fields.get("item"), &fields).await {
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
    if let Some(sort) = Sort::find(visit.option("kind")) {
        let (found, pager) = visit.listed(sort.all, &[("$top", PAGE)]).await?;
        sheet.back = Some(Link::new(HERE, page.t("admin-deleted")));
        sheet.lists.push(rows(visit, &page, sort, &found));
        sheet.pager = Some(pager);
        return Ok(View(sheet).into_response());
    }
    let mut is_denied = true;
    for sort in &SORTS {
        let found: Listed<Deleted> = match visit.api().get(sort.all, &[("$top", SOME)]).await {
            Err(ApiError::Denied) => continue,
            found => found?,
        };
        is_denied = false;
        if !found.value.is_empty() {
            let href = found.next().map(|_| format!("{HERE}?kind={}", sort.kind));
            sheet.lists.push(List {
                href,
                ..rows(visit, &page, sort, &found.value)
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
fn rows(visit: &Visit, page: &Page, sort: &'static Sort, found: &[Deleted]) -> List {
    let rows = found.iter().map(|one| {
        let name = one.user_principal_name.as_deref().or(one.app_id.as_deref());
        Row {
            title: one.display_name.clone(),
            href: Some(sort.page(&one.id)),
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
        heading: page.t(&format!("deleted-all-{}", sort.kind)),
        form: Some(visit.form(HERE).carry("kind", sort.kind)),
        ..List::new(sort.kind, page.t("deleted-none"), rows.collect())
    }
}

async fn get(visit: Visit, Path((kind, id)): Path<(String, String)>) -> Result<Response, Wrong> {
    show(&visit, (Sort::of(&kind)?, &id), None).await
}

async fn post(visit: Visit, Path((kind, id)): Path<(String, String)>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let sort = Sort::of(&kind)?;
    match act(&visit.api(), sort, &id, &fields).await {
        Ok(to) => Ok(to),
        Err(error) => {
            let notice = refusal(&visit.page(), error)?;
            show(&visit, (sort, &id), Some(notice)).await
        }
    }
}

/// Brings an object back, or forgets it; says where to go on.
async fn act(api: &Api<'_>, sort: &Sort, id: &str, fields: &Fields) -> Result<Response, ApiError> {
    let item = format!("{}/{}", sort.one, segment(id));
    match fields.get("step") {
        "restore" => {
            api.post(&format!("{item}/restore"), &json!({})).await?;
            let address = format!("{}/{}", sort.home, segment(id));
            Ok(done(&address, "deleted-restored"))
        }
        "delete" if fields.get("sure") == "yes" => {
            api.delete(&item).await?;
            Ok(done(HERE, "deleted-forgotten"))
        }
        _ => Err(ApiError::NotFound),
    }
}

async fn show(visit: &Visit, (sort, id): (&Sort, &str), wrong: Option<Notice>) -> Result<Response, Wrong> {
    let page = visit.page();
    let item: Deleted = visit.api().get(&format!("{}/{}", sort.one, segment(id)), &[]).await?;
    let mut frame = visit.frame(&page, Section::Deleted);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, item.display_name.clone());
    sheet.back = Some(Link::new(HERE, page.t("admin-deleted")));
    let kind = page.t(&format!("deleted-a-{}", sort.kind));
    sheet.facts.push((page.t("deleted-what"), Fact::Text(kind)));
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
    let form = visit.form(sort.page(&item.id));
    let lead = page.find(&format!("deleted-restore-{}", sort.kind));
    sheet.blocks = vec![
        Block {
            lead: lead.unwrap_or_else(|| page.t("deleted-restore-lead")),
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
