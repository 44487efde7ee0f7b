//! `GET /{type}?…`, `POST /{type}/_search` and `GET /{type}/$includes`. <http://hl7.org/fhir/R4/http.html#search>

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;

use super::call::{Call, Failed, Of};
use super::headers::check_form;
use crate::interaction::{Error, Includes, Interaction, Search, pairs};

/// Bytes of a form.
const MAX_FORM: usize = 64 * 1024;

/// Searches by the query.
pub async fn get(mut call: Call, Of(kind): Of) -> Result<Response, Failed> {
    call.about("fhir.search-type", kind.name());
    let query = std::mem::take(&mut call.query);
    let search = Search::prepare(&call.fhir, &call.mandate, kind, query, call.prefer.handling)?;
    call.run(Interaction::Search(search)).await
}

/// What comes with a page of a search beyond its limit.
pub async fn includes(mut call: Call, Of(kind): Of) -> Result<Response, Failed> {
    call.about("fhir.includes", kind.name());
    let query = std::mem::take(&mut call.query);
    let includes = Includes::prepare(&call.fhir, &call.mandate, kind, query, call.prefer.handling)?;
    call.run(Interaction::Includes(includes)).await
}

/// Searches by the query and the form, so that what is searched stands in no log of addresses.
pub async fn post(mut call: Call, Of(kind): Of, headers: HeaderMap, body: Body) -> Result<Response, Failed> {
    call.about("fhir.search-type", kind.name());
    check_form(&headers)?;
    let form = String::from_utf8(call.read(body, MAX_FORM).await?).map_err(|_| Error::Form)?;
    let mut query = std::mem::take(&mut call.query);
    query.extend(pairs(&form));
    let search = Search::prepare(&call.fhir, &call.mandate, kind, query, call.prefer.handling)?;
    call.run(Interaction::Search(search)).await
}
