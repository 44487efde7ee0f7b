//! `POST /` with a batch or transaction. <http://hl7.org/fhir/R4/http.html#transaction>

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use hygie_access::{Interaction, Refusal};
use hygie_web::audit::Note;

use super::call::{Call, Failed};
use super::headers::check_json;
use crate::bundle::process;

/// Processes a bundle. Any data action lets the caller enter; each entry is authorized on its own.
pub async fn post(call: Call, headers: HeaderMap, body: Body) -> Result<Response, Failed> {
    call.about("fhir.bundle", "");
    let entering = call.mandate.permissions.check(Interaction::Bundle.everywhere());
    entering.map_err(Refusal::from)?;
    check_json(&headers)?;
    let body = call.read(body, call.fhir.limits().bundle).await?;
    let preferred = (call.prefer.handling, call.prefer.returns);
    let response = process(&call.fhir, &call.mandate, body, preferred).await?;
    Ok((Note::recorded(), call.body(response)).into_response())
}
