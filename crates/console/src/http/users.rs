//! `GET /admin/users` — the people of the establishment, searched; and `/admin/users/new`, which adds one.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Form, Input, Link, Notice, Page, Summary, View};
use serde_json::json;

use super::{Fields, Frame, Pager, Section, Visit, Wrong, done, refusal};
use crate::parts::{Check, Part};
use crate::wire::User;

/// People of a page.
const PAGE: &str = "25";

#[derive(Template)]
#[template(path = "users.html")]
struct Users {
    page: Page,
    frame: Frame,
    search: Field,
    listed: Vec<User>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "form.html")]
struct NewUser {
    page: Page,
    frame: Frame,
    title: String,
    lead: String,
    form: Form,
    summary: Summary,
    fields: Vec<Part>,
    submit: String,
    back: Link,
}

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let select = ("$select", "id,displayName,userPrincipalName,accountEnabled,userType");
    let in_names = ["displayName", "userPrincipalName"];
    let (listed, pager) = visit.found("/users", &[("$top", PAGE), select], &in_names).await?;
    let search = Field::new(&page, Input::Search, "q", page.t("users-search"))
        .hint(page.t("users-search-hint"))
        .value(visit.option("q"))
        .optional();
    Ok(View(Users {
        frame: visit.frame(&page, Section::Users),
        search,
        listed,
        pager,
        page,
    })
    .into_response())
}

pub async fn new(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let typed = Typed {
        display_name: String::new(),
        user_principal_name: String::new(),
        is_once: true,
    };
    Ok(form(&visit, page, &typed, None))
}

/// The box of a password that is good for one sign-in.
pub const ONCE: &str = "once";

/// The same, with when it is wise to leave it.
pub fn once(page: &Page, is_ticked: bool) -> Check {
    let (label, hint) = (page.t("user-password-once"), page.t("user-password-once-hint"));
    Check::new(ONCE, label, hint, is_ticked)
}

/// What was typed.
struct Typed {
    display_name: String,
    user_principal_name: String,
    is_once: bool,
}

pub async fn create(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    let typed = Typed {
        display_name: fields.get("displayName").to_owned(),
        user_principal_name: fields.get("userPrincipalName").to_owned(),
        is_once: fields.get(ONCE) == Check::TICKED,
    };
    let nickname = typed.user_principal_name.split('@').next().unwrap_or_default();
    let body = json!({
        "accountEnabled": true,
        "displayName": typed.display_name,
        "userPrincipalName": typed.user_principal_name,
        "mailNickname": nickname,
        "passwordProfile": { "password": fields.password("password"), "forceChangePasswordNextSignIn": typed.is_once },
    });
    match visit.api().post("/users", &body).await {
        Ok(user) => {
            let id = user["id"].as_str().unwrap_or_default();
            Ok(done(&format!("/admin/users/{id}"), "user-created"))
        }
        Err(error) => {
            let notice = refusal(&page, error)?;
            Ok(form(&visit, page, &typed, Some(notice)))
        }
    }
}

fn form(visit: &Visit, page: Page, typed: &Typed, wrong: Option<Notice>) -> Response {
    let fields = vec![
        Field::text(&page, "displayName", page.t("user-display-name")).value(&*typed.display_name),
        Field::new(&page, Input::Name, "userPrincipalName", page.t("user-principal-name"))
            .hint(page.t("user-principal-name-hint"))
            .value(&*typed.user_principal_name)
            .autocomplete("off"),
        Field::new(&page, Input::Password, "password", page.t("user-first-password"))
            .hint(page.t("user-first-password-hint"))
            .autocomplete("new-password"),
    ];
    let summary = Summary::of(&page, &fields);
    let mut fields: Vec<Part> = fields.into_iter().map(Part::Field).collect();
    fields.push(Part::Check(once(&page, typed.is_once)));
    let mut frame = visit.frame(&page, Section::Users);
    frame.notices.extend(wrong);
    View(NewUser {
        frame,
        title: page.t("users-new"),
        lead: page.t("users-new-lead"),
        form: visit.form("/admin/users/new"),
        summary,
        fields,
        submit: page.t("users-create"),
        back: Link::new("/admin/users", page.t("admin-users")),
        page,
    })
    .into_response()
}
