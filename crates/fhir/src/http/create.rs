//! `POST /{type}`. <http://hl7.org/fhir/R4/http.html#create>

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;

use super::call::{Call, Failed, Of};
use super::headers::{check_json, text};
use crate::interaction::{self, Create, Error, Interaction, new_id};

const IF_NONE_EXIST: HeaderName = HeaderName::from_static("if-none-exist");

/// Creates a resource, unless one meets the condition of `If-None-Exist`.
pub async fn post(call: Call, Of(kind): Of, headers: HeaderMap, body: Body) -> Result<Response, Failed> {
    call.about("fhir.create", kind.name());
    if !call.query.is_empty() {
        return Err(Error::NotSupported("a create with search parameters in its address").into());
    }
    check_json(&headers)?;
    let condition = text(&headers, IF_NONE_EXIST, "If-None-Exist")?;
    let body = interaction::Body::Bytes(call.read(body, call.fhir.limits().resource).await?);
    let id = new_id(&call.mandate.cx);
    let create = Create::prepare(&call.fhir, &call.mandate, (kind, id), body, condition.as_deref())?;
    call.run(Interaction::Create(create)).await
}
