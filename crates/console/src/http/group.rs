//! `/admin/groups/{id}` — one group and who is in it.

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Form, Identifier, Input, Notice, Page, View};
use serde_json::json;

use super::{Fields, Frame, Pager, Section, Visit, Wrong, done, refusal};
use crate::api::{Api, ApiError, segment};
use crate::wire::{Object, User};

/// Members of a page.
const PAGE: &str = "50";

#[derive(Template)]
#[template(path = "group.html")]
struct Shown {
    page: Page,
    frame: Frame,
    group: Object,
    id: Identifier,
    members: Vec<Object>,
    pager: Pager,
    form: Form,
    member: Field,
}

pub async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, &id, ("", None)).await
}

pub async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    let here = format!("/admin/groups/{}", segment(&id));
    match act(&visit.api(), &id, &fields).await {
        Ok("group-deleted") => Ok(done("/admin/groups", "group-deleted")),
        Ok(word) => Ok(done(&here, word)),
        Err(ApiError::NotFound) if fields.get("step") == "add" => {
            let notice = Notice::new(&page, hygie_web::ui::Tone::Danger, page.t("group-no-such-person"));
            show(&visit, page, &id, (fields.get("member"), Some(notice))).await
        }
        Err(error) => {
            let notice = refusal(&page, error)?;
            show(&visit, page, &id, (fields.get("member"), Some(notice))).await
        }
    }
}

async fn act(api: &Api<'_>, id: &str, fields: &Fields) -> Result<&'static str, ApiError> {
    let group = format!("/groups/{}", segment(id));
    match fields.get("step") {
        "add" => {
            let person: User = api
                .get(
                    &format!("/users/{}", segment(fields.get("member"))),
                    &[("$select", "id")],
                )
                .await?;
            let reference = format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", person.id);
            api.post(&format!("{group}/members/$ref"), &json!({ "@odata.id": reference }))
                .await?;
            Ok("group-member-added")
        }
        "remove" => {
            let member = segment(fields.get("member"));
            api.delete(&format!("{group}/members/{member}/$ref")).await?;
            Ok("group-member-removed")
        }
        "delete" if fields.get("sure") == "yes" => {
            api.delete(&group).await?;
            Ok("group-deleted")
        }
        _ => Err(ApiError::NotFound),
    }
}

async fn show(visit: &Visit, page: Page, id: &str, (typed, wrong): (&str, Option<Notice>)) -> Result<Response, Wrong> {
    let api = visit.api();
    let path = format!("/groups/{}", segment(id));
    let group: Object = api.get(&path, &[]).await?;
    let (members, pager) = visit.listed(&format!("{path}/members"), &[("$top", PAGE)]).await?;
    let mut frame = visit.frame(&page, Section::Groups);
    frame.notices.extend(wrong);
    Ok(View(Shown {
        frame,
        id: Identifier::new(&page, group.id.clone(), page.t("group-id")),
        form: visit.form(format!("/admin/groups/{}", segment(&group.id))),
        group,
        members,
        pager,
        member: Field::new(&page, Input::Name, "member", page.t("group-member"))
            .hint(page.t("group-member-hint"))
            .value(typed)
            .autocomplete("off"),
        page,
    })
    .into_response())
}
