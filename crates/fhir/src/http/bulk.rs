//! `POST /.hygie/bulk`: NDJSON, one resource a line. An address of ours, outside of what FHIR and Azure name
//! (`docs/adr/0016-fhir-bulk.md`).

use axum::Json;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use hygie_access::{Interaction, Refusal};
use hygie_web::audit::Note;

use super::call::{Call, Failed, cut};
use super::headers::check_ndjson;
use crate::bulk;
use crate::interaction::Error;

/// Loads the resources, each under its id. Whoever may import may; types that only some may write are judged by line.
pub async fn post(call: Call, headers: HeaderMap, body: Body) -> Result<Response, Failed> {
    call.about("fhir.bulk", "");
    let importing = call.mandate.permissions.check(Interaction::Import.everywhere());
    importing.map_err(Refusal::from)?;
    if !call.query.is_empty() {
        return Err(Error::NotSupported("a bulk load with parameters").into());
    }
    check_ndjson(&headers)?;
    let limit = call.fhir.limits().bundle;
    let body = body.into_data_stream().map_err(|error| cut(&error, limit));
    let report = bulk::load(&call.fhir, &call.mandate, body).await?;
    let was_recorded = report.lines > 0;
    let response = Json(report);
    Ok(if was_recorded {
        (Note::recorded(), response).into_response()
    } else {
        response.into_response()
    })
}
