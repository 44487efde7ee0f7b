//! `POST /{tenant}/oauth2/v2.0/bc-authorize` — OpenID CIBA Core 1.0 §7.

use axum::Json;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, ORIGIN, PRAGMA};
use axum::response::{IntoResponse, Response};
use hygie_oidc::ciba::{BackchannelRequest, acknowledgement};
use hygie_web::audit::Note;
use hygie_web::error::Failure;
use serde_json::Value;

use super::inbound::Inbound;
use super::refused;
use hygie_idp_core::{Idp, IdpError};

pub async fn post(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    inbound.asked.note(Note::new("idp.device.backchannel", "app"));
    let body = begin(&idp, &inbound).await;
    let body = body.map_err(|error| refused::json(&idp, &inbound, &error))?;
    let headers = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    Ok((headers, Note::recorded(), Json(body)).into_response())
}

async fn begin(idp: &Idp, inbound: &Inbound) -> Result<Value, IdpError> {
    let cx = inbound.cx();
    let place = idp.place(&cx, &inbound.segment).await?;
    let authorization = inbound.header(AUTHORIZATION.as_str());
    let request = BackchannelRequest::parse(inbound.params()?, authorization)?;
    let ttl = request.ttl;
    let origin = inbound.header(ORIGIN.as_str());
    let client = request.client.clone();
    let begun = idp.begin_backchannel(&cx, place, request, origin);
    let id = idp.limited(&cx, &client, begun).await?;
    Ok(acknowledgement(id.expose(), ttl))
}
