//! `GET /error?code=50058` — what an error code means; `error_uri` of every refusal leads here.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hygie_oidc::{Aadsts, Refusal};
use hygie_web::error::Failure;
use hygie_web::ui::{Page, View};

use super::inbound::Inbound;
use super::refused::{self, Words};
use hygie_idp_core::{Idp, IdpError};

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    page: Page,
    words: Words,
    number: u32,
    error: &'static str,
    message: String,
}

pub async fn get(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let code = code(&inbound).map_err(|refusal| refused::page(&idp, &inbound, &IdpError::from(refusal)))?;
    let page = inbound.asked.page();
    Ok(View(CodePage {
        words: Words::of(&page, code),
        number: code.number(),
        error: code.error(),
        // Nothing was refused here: the places of what a request said stay empty.
        message: Refusal::about(code, &["…", "…"]).text().to_owned(),
        page,
    })
    .into_response())
}

fn code(inbound: &Inbound) -> Result<Aadsts, Refusal> {
    let code = inbound.params()?.require("code")?;
    let number = code.trim_start_matches("AADSTS").parse().ok();
    number.and_then(Aadsts::find).ok_or_else(|| Refusal::bad("code"))
}
