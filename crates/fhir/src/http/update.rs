//! `PUT /{type}/{id}`, `PUT /{type}?…`. <http://hl7.org/fhir/R4/http.html#update>

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use axum::response::Response;
use hygie_access::Interaction as Permitted;
use hygie_fhir_model::ResourceType;

use super::binary;
use super::call::{At, Call, Failed, Of};
use super::headers::{check_json, text};
use crate::interaction::{self, Condition, Error, Interaction, Subject, Update, new_id};

/// Writes a resource under its id.
pub async fn put(call: Call, At(kind, id): At, headers: HeaderMap, body: Body) -> Result<Response, Failed> {
    call.about("fhir.update", format!("{kind}/{id}"));
    if !call.query.is_empty() {
        return Err(Error::NotSupported("an update with parameters").into());
    }
    run(call, (kind, Subject::Named(id)), headers, body).await
}

/// Writes a resource over the one that meets a condition, or makes it.
pub async fn conditional(call: Call, Of(kind): Of, headers: HeaderMap, body: Body) -> Result<Response, Failed> {
    call.about("fhir.update", kind.name());
    call.mandate.check(Permitted::ConditionalUpdate, kind)?;
    let condition = Condition::of(&call.fhir, &call.mandate, kind, &call.query)?;
    let subject = Subject::Meeting(condition, new_id(&call.mandate.cx));
    run(call, (kind, subject), headers, body).await
}

async fn run(
    call: Call,
    (kind, subject): (ResourceType, Subject),
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failed> {
    let if_match = text(&headers, IF_MATCH, "If-Match")?;
    let id = match &subject {
        Subject::Named(id) => Some(id.as_str()),
        _ => None,
    };
    let prepare = |call: &Call, body| {
        let named = (kind, subject.clone());
        let update = Update::prepare(&call.fhir, &call.mandate, named, body, if_match.as_deref());
        update.map(Interaction::Update)
    };
    if binary::is_content(kind, &headers) {
        return binary::write(call, (&headers, body), id, prepare).await;
    }
    check_json(&headers)?;
    let body = call.read(body, call.fhir.limits().resource).await?;
    if binary::is_json_content(&call, kind, &body) {
        return binary::write(call, (&headers, body.into()), id, prepare).await;
    }
    let update = prepare(&call, interaction::Body::Bytes(body))?;
    call.run(update).await
}
