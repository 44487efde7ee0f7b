//! `GET /admin/users` — the people of the establishment, searched; and `/admin/users/new`, which adds one.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Form, Input, Link, Notice, Page, Summary, View};
use serde_json::json;

use super::{Fields, Frame, Section, Visit, Wrong, done, refusal};
use crate::api::Listed;
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
    next: Option<String>,
    first: Option<String>,
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
    fields: Vec<Field>,
    submit: String,
    back: Link,
}

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let (text, token) = (visit.option("q").trim(), visit.option("page"));
    let search = search_of(text);
    let mut query = vec![
        ("$top", PAGE),
        ("$select", "id,displayName,userPrincipalName,accountEnabled,userType"),
    ];
    if let Some(search) = &search {
        query.extend([("$search", search.as_str()), ("$count", "true")]);
    } else {
        query.push(("$orderby", "displayName"));
    }
    if !token.is_empty() {
        query.push(("$skiptoken", token));
    }
    let listed: Listed<User> = visit.api().get("/users", &query).await?;
    let next = listed.next().map(|token| visit.address_with("page", &token));
    let search = Field::new(&page, Input::Search, "q", page.t("users-search"))
        .hint(page.t("users-search-hint"))
        .value(text)
        .optional();
    Ok(View(Users {
        frame: visit.frame(&page, Section::Users),
        search,
        listed: listed.value,
        next,
        first: (!token.is_empty()).then(|| visit.address_with("page", "")),
        page,
    })
    .into_response())
}

/// `$search` for a text; quotes and backslashes are no part of a name.
pub fn search_of(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !matches!(c, '"' | '\\')).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| format!("\"displayName:{text}\" OR \"userPrincipalName:{text}\""))
}

pub async fn new(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    Ok(form(&visit, page, &Typed::default(), None))
}

/// What was typed.
#[derive(Default)]
struct Typed {
    display_name: String,
    user_principal_name: String,
}

pub async fn create(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    let typed = Typed {
        display_name: fields.get("displayName").to_owned(),
        user_principal_name: fields.get("userPrincipalName").to_owned(),
    };
    let nickname = typed.user_principal_name.split('@').next().unwrap_or_default();
    let body = json!({
        "accountEnabled": true,
        "displayName": typed.display_name,
        "userPrincipalName": typed.user_principal_name,
        "mailNickname": nickname,
        "passwordProfile": { "password": fields.get("password"), "forceChangePasswordNextSignIn": true },
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
    let mut frame = visit.frame(&page, Section::Users);
    frame.notices.extend(wrong);
    View(NewUser {
        frame,
        title: page.t("users-new"),
        lead: page.t("users-new-lead"),
        form: visit.form("/admin/users/new"),
        summary: Summary::of(&page, &fields),
        fields,
        submit: page.t("users-create"),
        back: Link::new("/admin/users", page.t("admin-users")),
        page,
    })
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_holds_no_quotes() {
        assert_eq!(search_of("  "), None);
        assert_eq!(
            search_of("\"mar\\tin").as_deref(),
            Some("\"displayName:martin\" OR \"userPrincipalName:martin\"")
        );
    }
}
