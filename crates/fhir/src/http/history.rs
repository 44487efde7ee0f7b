//! `GET /{type}/{id}/_history`, `GET /{type}/_history`, `GET /_history`. <http://hl7.org/fhir/R4/http.html#history>

use axum::response::Response;

use super::call::{self, At, Call, Failed};
use crate::interaction::{History, Interaction, Of};

/// Lists versions of a resource, newest first.
pub async fn get(call: Call, At(kind, id): At) -> Result<Response, Failed> {
    call.about("fhir.history-instance", format!("{kind}/{id}"));
    run(call, Of::Instance(kind, id)).await
}

/// Of all resources of a type.
pub async fn of_type(call: Call, call::Of(kind): call::Of) -> Result<Response, Failed> {
    call.about("fhir.history-type", kind.name());
    run(call, Of::Type(kind)).await
}

/// Of all resources.
pub async fn of_system(call: Call) -> Result<Response, Failed> {
    call.about("fhir.history-system", "");
    run(call, Of::System).await
}

async fn run(call: Call, of: Of) -> Result<Response, Failed> {
    let history = History::prepare(&call.mandate, of, &call.query)?;
    call.run(Interaction::History(history)).await
}
