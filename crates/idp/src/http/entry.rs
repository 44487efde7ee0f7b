//! `GET /` — whose sessions this browser has, and the way out of them. Applications lead persons to the pages of a
//! sign-in; who comes here typed the address, or went back to the start page where there is no portal.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hygie_web::cookie;
use hygie_web::error::Failure;
use hygie_web::ui::{Page, View};

use super::inbound::Inbound;
use super::logout::EVERYONE;
use super::{SESSION_COOKIE, refused};
use hygie_idp_core::Idp;

#[derive(Template)]
#[template(path = "entry.html")]
struct Entry {
    page: Page,
    /// Name and user name of each.
    people: Vec<(String, String)>,
    everyone: &'static str,
    here: String,
}

pub async fn get(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let cookie = cookie::get(&inbound.headers, SESSION_COOKIE);
    let accounts = idp.accounts(&inbound.cx(), cookie, None).await;
    let accounts = accounts.map_err(|error| refused::page(&idp, &inbound, &error))?;
    // A guest is somebody who is signed in at home.
    let people = accounts
        .into_iter()
        .filter(|known| known.home.is_none())
        .map(|known| (known.account.display_name, known.account.user_principal_name));
    Ok(View(Entry {
        page: inbound.asked.page(),
        people: people.collect(),
        everyone: EVERYONE,
        here: idp.provider().login.clone(),
    })
    .into_response())
}
