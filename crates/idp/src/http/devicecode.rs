//! `POST /{tenant}/oauth2/v2.0/devicecode` and its v1 form — RFC 8628 §3.1.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, ORIGIN, PRAGMA};
use axum::response::{IntoResponse, Response};
use hygie_oidc::Version;
use hygie_oidc::device::{DeviceRequest, DeviceResponse};
use hygie_web::audit::Note;
use hygie_web::error::Failure;
use hygie_web::i18n::Lang;

use super::inbound::Inbound;
use super::{DEVICE, refused};
use hygie_idp_core::{Idp, IdpError};

pub async fn post_v2(State(idp): State<Idp>, RawQuery(query): RawQuery, inbound: Inbound) -> Result<Response, Failure> {
    post(&idp, &inbound, query.as_deref(), Version::V2).await
}

pub async fn post_v1(State(idp): State<Idp>, RawQuery(query): RawQuery, inbound: Inbound) -> Result<Response, Failure> {
    post(&idp, &inbound, query.as_deref(), Version::V1).await
}

async fn post(idp: &Idp, inbound: &Inbound, query: Option<&str>, version: Version) -> Result<Response, Failure> {
    inbound.asked.note(Note::new("idp.device", "app"));
    let body = codes(idp, inbound, query, version).await;
    let body = body.map_err(|error| refused::json(idp, inbound, &error))?;
    let headers = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    Ok((headers, Note::recorded(), Json(body)).into_response())
}

async fn codes(
    idp: &Idp,
    inbound: &Inbound,
    query: Option<&str>,
    version: Version,
) -> Result<serde_json::Value, IdpError> {
    let cx = inbound.cx();
    let place = idp.place(&cx, &inbound.segment).await?;
    let authorization = inbound.header(AUTHORIZATION.as_str());
    let request = DeviceRequest::parse(inbound.params()?, authorization, version)?;
    let origin = inbound.header(ORIGIN.as_str());
    let client = request.client.clone();
    let begun = idp.begin_device(&cx, (place, version), request, origin);
    let codes = idp.limited(&cx, &client, begun).await?;
    let verification_uri = format!("{}{DEVICE}", idp.provider().login);
    let words = [
        ("uri", verification_uri.as_str().into()),
        ("code", codes.user_code.as_str().into()),
    ];
    let message = inbound.asked.messages().get(language(query), "device-message", &words);
    let response = DeviceResponse {
        device_code: codes.device_code.expose(),
        user_code: &codes.user_code,
        verification_uri: &verification_uri,
        message,
    };
    Ok(response.render(version))
}

/// The language of the message, by Entra's parameter `mkt`; English without it, for programs that show it in their log.
fn language(query: Option<&str>) -> Lang {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let market = pairs.find(|(name, _)| name == "mkt");
    market.and_then(|(_, tag)| Lang::parse(&tag)).unwrap_or(Lang::En)
}
