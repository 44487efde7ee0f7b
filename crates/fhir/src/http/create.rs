//! `POST /{type}`. <http://hl7.org/fhir/R4/http.html#create>

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;

use super::binary;
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
    let condition = text(&headers, IF_NONE_EXIST, "If-None-Exist")?;
    let id = new_id(&call.mandate.cx);
    let prepare = |call: &Call, body| {
        let create = Create::prepare(
            &call.fhir,
            &call.mandate,
            (kind, id.clone()),
            body,
            condition.as_deref(),
        );
        create.map(Interaction::Create)
    };
    if binary::is_content(kind, &headers) {
        return binary::write(call, (&headers, body), None, prepare).await;
    }
    check_json(&headers)?;
    let body = call.read(body, call.fhir.limits().resource).await?;
    if binary::is_json_content(&call, kind, &body) {
        return binary::write(call, (&headers, body.into()), None, prepare).await;
    }
    let create = prepare(&call, interaction::Body::Bytes(body))?;
    call.run(create).await
}
