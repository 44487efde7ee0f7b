//! `GET /{type}/{id}` and `GET /{type}/{id}/_history/{vid}`. <http://hl7.org/fhir/R4/http.html#read>

use axum::http::HeaderMap;
use axum::http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH};
use axum::response::Response;

use super::call::{At, Call, Failed, Version};
use super::headers::{parse_http_date, text};
use crate::interaction::{Interaction, Read, Unless, Vread};

/// Reads the current version.
pub async fn get(call: Call, At(kind, id): At, headers: HeaderMap) -> Result<Response, Failed> {
    call.about("fhir.read", format!("{kind}/{id}"));
    let since = text(&headers, IF_MODIFIED_SINCE, "If-Modified-Since")?;
    let unless = Unless {
        none_match: text(&headers, IF_NONE_MATCH, "If-None-Match")?,
        modified_since: since.as_deref().and_then(parse_http_date),
    };
    let read = Read::prepare(&call.mandate, (kind, id), unless)?;
    call.run(Interaction::Read(read)).await
}

/// Reads a version.
pub async fn get_version(call: Call, Version(kind, id, number): Version) -> Result<Response, Failed> {
    call.about("fhir.vread", format!("{kind}/{id}/_history"));
    let vread = Vread::prepare(&call.mandate, (kind, id), &number)?;
    call.about("fhir.vread", vread.object());
    call.run(Interaction::Vread(vread)).await
}
