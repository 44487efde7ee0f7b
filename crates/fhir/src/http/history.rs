//! `GET /{type}/{id}/_history`. <http://hl7.org/fhir/R4/http.html#history>

use axum::response::Response;

use super::call::{At, Call, Failed};
use crate::interaction::{History, Interaction};

/// Lists versions, newest first.
pub async fn get(call: Call, At(kind, id): At) -> Result<Response, Failed> {
    call.about("fhir.history-instance", format!("{kind}/{id}"));
    let history = History::prepare(&call.mandate, (kind, id), &call.query)?;
    call.run(Interaction::History(history)).await
}
