//! `POST /{tenant}/oauth2/v2.0/revoke` — RFC 7009. <https://datatracker.ietf.org/doc/html/rfc7009>

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::response::{IntoResponse, Response};
use hygie_oidc::ClientAuth;
use hygie_web::audit::Note;
use hygie_web::error::Failure;

use super::inbound::Inbound;
use super::refused;
use hygie_idp_core::{Idp, IdpError};

pub async fn post(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    inbound.asked.note(Note::new("idp.token.revoke", "app"));
    let note = revoke(&idp, &inbound).await;
    let note = note.map_err(|error| refused::json(&idp, &inbound, &error))?;
    Ok((StatusCode::OK, note, [(CACHE_CONTROL, "no-store")]).into_response())
}

async fn revoke(idp: &Idp, inbound: &Inbound) -> Result<Note, IdpError> {
    let cx = inbound.cx();
    let place = idp.named_place(&cx, &inbound.segment).await?;
    let params = inbound.params()?;
    let client = ClientAuth::parse(params, inbound.header(AUTHORIZATION.as_str()))?;
    let token = params.require("token")?;
    let revoked = idp.revoke_token(&cx, place, (&client, token));
    idp.limited(&cx, &client, revoked).await
}
