//! `PUT /{type}/{id}`. <http://hl7.org/fhir/R4/http.html#update>

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use axum::response::Response;

use super::call::{At, Call, Failed};
use super::headers::{check_json, text};
use crate::interaction::{self, Error, Interaction, Update};

/// Writes a resource under its id.
pub async fn put(call: Call, At(kind, id): At, headers: HeaderMap, body: Body) -> Result<Response, Failed> {
    call.about("fhir.update", format!("{kind}/{id}"));
    if !call.query.is_empty() {
        return Err(Error::NotSupported("an update with parameters").into());
    }
    check_json(&headers)?;
    let if_match = text(&headers, IF_MATCH, "If-Match")?;
    let body = interaction::Body::Bytes(call.read(body, call.fhir.limits().resource).await?);
    let update = Update::prepare(&call.fhir, &call.mandate, (kind, id), body, if_match.as_deref())?;
    call.run(Interaction::Update(update)).await
}
