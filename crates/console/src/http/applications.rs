//! `GET /admin/applications` — the applications that are present in the establishment.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Input, Page, View};

use super::{Frame, Pager, Section, Visit, Wrong};
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
    pager: Pager,
}

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let options = [("$top", PAGE)];
    let (listed, pager) = visit.found("/servicePrincipals", &options, &["displayName"]).await?;
    let search = Field::new(&page, Input::Search, "q", page.t("applications-search"))
        .value(visit.option("q"))
        .optional();
    Ok(View(Applications {
        frame: visit.frame(&page, Section::Applications),
        search,
        listed,
        pager,
        page,
    })
    .into_response())
}
