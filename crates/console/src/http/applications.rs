//! `GET /admin/applications` — the applications that are present in the establishment.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Input, Page, View};

use super::{Frame, Section, Visit, Wrong};
use crate::api::Listed;
use crate::wire::Principal;

/// Applications of a page.
const PAGE: &str = "25";

#[derive(Template)]
#[template(path = "applications.html")]
struct Applications {
    page: Page,
    frame: Frame,
    search: Field,
    listed: Vec<Principal>,
    next: Option<String>,
    first: Option<String>,
}

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let (text, token) = (visit.option("q").trim(), visit.option("page"));
    let text: String = text.chars().filter(|c| !matches!(c, '"' | '\\')).collect();
    let search = format!("\"displayName:{text}\"");
    let mut query = vec![("$top", PAGE)];
    if text.is_empty() {
        query.push(("$orderby", "displayName"));
    } else {
        query.extend([("$search", search.as_str()), ("$count", "true")]);
    }
    if !token.is_empty() {
        query.push(("$skiptoken", token));
    }
    let listed: Listed<Principal> = visit.api().get("/servicePrincipals", &query).await?;
    let next = listed.next().map(|token| visit.address_with("page", &token));
    let search = Field::new(&page, Input::Search, "q", page.t("applications-search"))
        .value(&*text)
        .optional();
    Ok(View(Applications {
        frame: visit.frame(&page, Section::Applications),
        search,
        listed: listed.value,
        next,
        first: (!token.is_empty()).then(|| visit.address_with("page", "")),
        page,
    })
    .into_response())
}
