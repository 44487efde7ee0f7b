//! `PATCH /{type}/{id}`, `PATCH /{type}?…`. <http://hl7.org/fhir/R4/http.html#patch>

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use axum::response::Response;
use hygie_access::Interaction as Permitted;
use hygie_fhir_model::ResourceType;

use super::call::{At, Call, Failed, Of};
use super::headers::{is_json_patch, text};
use crate::interaction::{Condition, Error, Instructions, Interaction, Patch, Subject, new_id};

/// Changes a resource by a patch.
pub async fn patch(call: Call, At(kind, id): At, headers: HeaderMap, body: Body) -> Result<Response, Failed> {
    call.about("fhir.patch", format!("{kind}/{id}"));
    if !call.query.is_empty() {
        return Err(Error::NotSupported("a patch with parameters").into());
    }
    run(call, (kind, Subject::Named(id)), headers, body).await
}

/// Changes the resource that meets a condition.
pub async fn conditional(call: Call, Of(kind): Of, headers: HeaderMap, body: Body) -> Result<Response, Failed> {
    call.about("fhir.patch", kind.name());
    call.mandate.check(Permitted::ConditionalPatch, kind)?;
    let condition = Condition::of(&call.fhir, &call.mandate, kind, &call.query)?;
    let subject = Subject::Meeting(condition, new_id(&call.mandate.cx));
    run(call, (kind, subject), headers, body).await
}

async fn run(call: Call, named: (ResourceType, Subject), headers: HeaderMap, body: Body) -> Result<Response, Failed> {
    let is_json_patch = is_json_patch(&headers)?;
    let if_match = text(&headers, IF_MATCH, "If-Match")?;
    let body = call.read(body, call.fhir.limits().resource).await?;
    let instructions = if is_json_patch {
        Instructions::Json(body)
    } else {
        Instructions::Fhir(body)
    };
    let patch = Patch::prepare(&call.fhir, &call.mandate, named, instructions, if_match.as_deref())?;
    call.run(Interaction::Patch(patch)).await
}
