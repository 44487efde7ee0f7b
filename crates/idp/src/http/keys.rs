//! `GET /{tenant}/discovery/v2.0/keys` and its v1 form — the key document, RFC 7517 §5. The same for every tenant.

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hygie_idp_core::Idp;
use hygie_oidc::Version;
use hygie_web::error::Failure;

use super::discovery::DAY;
use super::inbound::Inbound;
use super::refused;

const JSON: [(HeaderName, &str); 1] = [(CONTENT_TYPE, "application/json; charset=utf-8")];

pub async fn get_v2(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let document = idp.key_document(Version::V2);
    keys(&idp, &inbound, document).await
}

pub async fn get_v1(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let document = idp.key_document(Version::V1);
    keys(&idp, &inbound, document).await
}

async fn keys(idp: &Idp, inbound: &Inbound, document: Bytes) -> Result<Response, Failure> {
    let place = idp.place(&inbound.cx(), &inbound.segment).await;
    place.map_err(|error| refused::json(idp, inbound, &error))?;
    Ok((JSON, DAY, document).into_response())
}
