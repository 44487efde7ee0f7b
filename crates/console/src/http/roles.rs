//! `/admin/roles` — the directory roles, who has each, and giving and taking them.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_web::ui::{Field, Input, Link, Notice, Page, Tone, View};
use serde_json::json;

use super::{Fields, Section, Visit, Wrong, done, refusal};
use crate::Console;
use crate::api::{Api, ApiError, segment};
use crate::parts::Part;
use crate::sheet::{Block, Kind, List, Row, Sheet};
use crate::wire::{Object, User};

const HERE: &str = "/admin/roles";

pub fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, read_by(list))
        .route(&format!("{HERE}/{{id}}"), read_by(get).post(post))
}

/// What a role is called; its name in Graph where there are no words for it.
fn name(page: &Page, role: &Object) -> String {
    page.find(&format!("role-{}", role.id))
        .unwrap_or_else(|| role.display_name.clone())
}

/// What a role is for.
fn what(page: &Page, role: &Object) -> String {
    let words = page.find(&format!("role-{}-what", role.id));
    let words = words.unwrap_or_else(|| role.description.clone().unwrap_or_default());
    // Policies and Entra ID know it by this name.
    if name(page, role) == role.display_name {
        words
    } else {
        format!("{} · {words}", role.display_name)
    }
}

async fn list(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let mut all: Vec<Object> = visit.api().all("/directoryRoles", &[]).await?;
    all.sort_by_key(|role| name(&page, role).to_lowercase());
    let rows = all.iter().map(|role| Row {
        title: name(&page, role),
        href: Some(format!("{HERE}/{}", segment(&role.id))),
        detail: what(&page, role),
        ..Row::default()
    });
    let mut sheet = Sheet::new(&page, visit.frame(&page, Section::Roles), page.t("admin-roles"));
    sheet.lead = page.t("roles-lead");
    sheet
        .lists
        .push(List::new("roles", page.t("admin-none"), rows.collect()));
    Ok(View(sheet).into_response())
}

async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, &id, ("", None)).await
}

async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    match act(&visit.api(), &id, &fields).await {
        Ok(word) => Ok(done(&format!("{HERE}/{}", segment(&id)), word)),
        Err(ApiError::NotFound) if fields.get("step") == "give" => {
            let notice = Notice::new(&page, Tone::Danger, page.t("group-no-such-person"));
            show(&visit, page, &id, (fields.get("member"), Some(notice))).await
        }
        Err(error) => {
            let notice = refusal(&page, error)?;
            show(&visit, page, &id, (fields.get("member"), Some(notice))).await
        }
    }
}

async fn act(api: &Api<'_>, id: &str, fields: &Fields) -> Result<&'static str, ApiError> {
    let members = format!("/directoryRoles/{}/members", segment(id));
    match fields.get("step") {
        "give" => {
            let path = format!("/users/{}", segment(fields.get("member")));
            let person: User = api.get(&path, &[("$select", "id")]).await?;
            let reference = format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", person.id);
            api.post(&format!("{members}/$ref"), &json!({ "@odata.id": reference }))
                .await?;
            Ok("role-given")
        }
        "take" => {
            let member = segment(fields.get("item"));
            api.delete(&format!("{members}/{member}/$ref")).await?;
            Ok("role-taken")
        }
        _ => Err(ApiError::NotFound),
    }
}

async fn show(visit: &Visit, page: Page, id: &str, (typed, wrong): (&str, Option<Notice>)) -> Result<Response, Wrong> {
    let api = visit.api();
    let path = format!("/directoryRoles/{}", segment(id));
    let role: Object = api.get(&path, &[]).await?;
    let members: Vec<Object> = api.all(&format!("{path}/members"), &[]).await?;
    let mut frame = visit.frame(&page, Section::Roles);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, name(&page, &role));
    sheet.back = Some(Link::new(HERE, page.t("admin-roles")));
    sheet.lead = what(&page, &role);
    let form = visit.form(format!("{HERE}/{}", segment(id)));
    let rows = members.iter().map(|member| Row {
        title: member.display_name.clone(),
        href: match &member.user_principal_name {
            Some(_) => Some(format!("/admin/users/{}", segment(&member.id))),
            None => member
                .is_group()
                .then(|| format!("/admin/groups/{}", segment(&member.id))),
        },
        detail: if member.is_group() {
            page.t("role-of-group")
        } else {
            member.user_principal_name.clone().unwrap_or_default()
        },
        button: Some(("take", member.id.clone(), page.t("admin-remove"))),
        ..Row::default()
    });
    sheet.lists.push(List {
        heading: page.t("role-members"),
        form: Some(form.clone()),
        ..List::new("members", page.t("role-nobody"), rows.collect())
    });
    let member = Field::new(&page, Input::Name, "member", page.t("group-member")).hint(page.t("group-member-hint"));
    sheet.blocks.push(Block {
        parts: vec![Part::Field(member.value(typed).autocomplete("off"))],
        kind: Kind::Primary,
        lead: page.t("role-give-lead"),
        ..Block::new("give", page.t("role-give"), form, ("give", page.t("role-give-do")))
    });
    Ok(View(sheet).into_response())
}
