//! `DELETE /{type}/{id}`, `DELETE /{type}?…`. <http://hl7.org/fhir/R4/http.html#delete>

use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use axum::response::Response;

use super::call::{At, Call, Failed, Of};
use super::headers::text;
use crate::interaction::{Delete, Error, Interaction};

/// Deletes a resource and keeps its history. Parameters ask for other deletions (`hardDelete`), which are not built:
/// doing less than was asked, silently, would be worse than nothing.
pub async fn delete(call: Call, At(kind, id): At, headers: HeaderMap) -> Result<Response, Failed> {
    call.about("fhir.delete", format!("{kind}/{id}"));
    if !call.query.is_empty() {
        return Err(Error::NotSupported("a deletion with parameters").into());
    }
    let if_match = text(&headers, IF_MATCH, "If-Match")?;
    let delete = Delete::prepare(&call.mandate, (kind, id), if_match.as_deref())?;
    call.run(Interaction::Delete(delete)).await
}

/// Deletes what meets a condition.
pub async fn conditional(mut call: Call, Of(kind): Of, headers: HeaderMap) -> Result<Response, Failed> {
    call.about("fhir.delete", kind.name());
    let query = std::mem::take(&mut call.query);
    if query
        .iter()
        .any(|(name, _)| matches!(name.as_str(), "hardDelete" | "_hardDelete"))
    {
        return Err(Error::NotSupported("a deletion of the history").into());
    }
    let if_match = text(&headers, IF_MATCH, "If-Match")?;
    let delete = Delete::conditional(&call.fhir, &call.mandate, kind, query, if_match.as_deref())?;
    call.run(Interaction::Delete(delete)).await
}
