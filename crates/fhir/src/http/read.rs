//! `GET /{type}/{id}` and `GET /{type}/{id}/_history/{vid}`. <http://hl7.org/fhir/R4/http.html#read>

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH};
use axum::response::Response;

use super::binary;
use super::call::{At, Call, Failed, Version};
use super::headers::{parse_http_date, text};
use crate::binary::is_binary;
use crate::interaction::{Interaction, Read, Unless, Vread};

/// Reads the current version. It takes the request apart itself, since an extractor of the headers would copy them.
pub async fn get(call: Call, At(kind, id): At, request: Request) -> Result<Response, Failed> {
    call.about("fhir.read", format!("{kind}/{id}"));
    let headers = request.into_parts().0.headers;
    let since = text(&headers, IF_MODIFIED_SINCE, "If-Modified-Since")?;
    let unless = Unless {
        none_match: text(&headers, IF_NONE_MATCH, "If-None-Match")?,
        modified_since: since.as_deref().and_then(parse_http_date),
    };
    let read = Interaction::Read(Read::prepare(&call.mandate, (kind, id), unless)?);
    if is_binary(kind) {
        return binary::read(&call, read, &headers).await;
    }
    call.run(read).await
}

/// Reads a version.
pub async fn get_version(
    call: Call,
    Version(kind, id, number): Version,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    call.about("fhir.vread", format!("{kind}/{id}/_history"));
    let vread = Vread::prepare(&call.mandate, (kind, id), &number)?;
    call.about("fhir.vread", vread.object());
    if is_binary(kind) {
        return binary::read(&call, Interaction::Vread(vread), &headers).await;
    }
    call.run(Interaction::Vread(vread)).await
}
