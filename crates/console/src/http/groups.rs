//! `GET /admin/groups` — the groups of the establishment; and `/admin/groups/new`, which makes one.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Form, Input, Link, Notice, Page, Summary, View};
use serde_json::json;

use super::{Fields, Frame, Pager, Section, Visit, Wrong, done, refusal};
use crate::wire::Object;

/// Groups of a page.
const PAGE: &str = "25";

#[derive(Template)]
#[template(path = "groups.html")]
struct Groups {
    page: Page,
    frame: Frame,
    search: Field,
    is_search: bool,
    listed: Vec<Object>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "form.html")]
struct NewGroup {
    page: Page,
    frame: Frame,
    title: String,
    lead: String,
    form: Form,
    summary: Summary,
    fields: Vec<Field>,
    submit: String,
    back: Link,
}

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let options = [("$top", PAGE), ("$select", "id,displayName,description")];
    let (listed, pager) = visit.found("/groups", &options, &["displayName"]).await?;
    let search = Field::new(&page, Input::Search, "q", page.t("groups-search"))
        .value(visit.option("q"))
        .optional();
    Ok(View(Groups {
        frame: visit.frame(&page, Section::Groups),
        search,
        is_search: !visit.option("q").is_empty(),
        listed,
        pager,
        page,
    })
    .into_response())
}

pub async fn new(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    Ok(form(&visit, page, ("", ""), None))
}

pub async fn create(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    let (name, description) = (fields.get("displayName"), fields.get("description"));
    // A nickname is wanted by Graph and used by mail, which no group here has.
    let nickname: String = name.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
    let body = json!({
        "displayName": name,
        "description": (!description.is_empty()).then_some(description),
        "mailEnabled": false,
        "mailNickname": if nickname.is_empty() { "group" } else { &nickname },
        "securityEnabled": true,
    });
    match visit.api().post("/groups", &body).await {
        Ok(group) => {
            let id = group["id"].as_str().unwrap_or_default();
            Ok(done(&format!("/admin/groups/{id}"), "group-created"))
        }
        Err(error) => {
            let notice = refusal(&page, error)?;
            Ok(form(&visit, page, (name, description), Some(notice)))
        }
    }
}

fn form(visit: &Visit, page: Page, (name, description): (&str, &str), wrong: Option<Notice>) -> Response {
    let fields = vec![
        Field::text(&page, "displayName", page.t("group-name")).value(name),
        Field::text(&page, "description", page.t("group-description"))
            .value(description)
            .optional(),
    ];
    let mut frame = visit.frame(&page, Section::Groups);
    frame.notices.extend(wrong);
    View(NewGroup {
        frame,
        title: page.t("groups-new"),
        lead: page.t("groups-new-lead"),
        form: visit.form("/admin/groups/new"),
        summary: Summary::of(&page, &fields),
        fields,
        submit: page.t("groups-create"),
        back: Link::new("/admin/groups", page.t("admin-groups")),
        page,
    })
    .into_response()
}
