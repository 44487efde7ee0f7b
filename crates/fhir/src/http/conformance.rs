//! Documents for everybody: `GET /metadata`, `GET /.well-known/smart-configuration`, `GET /$versions`.
//! <http://hl7.org/fhir/R4/http.html#capabilities>

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::call::Failed;
use super::headers::Format;
use crate::interaction::{Error, pairs};
use crate::service::Fhir;
use crate::wire::pretty;

/// The CapabilityStatement.
pub async fn metadata(
    State(fhir): State<Fhir>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let pairs = pairs(query.as_deref().unwrap_or_default());
    let format = Format::of(&headers, &pairs)?;
    match pairs
        .iter()
        .find(|(name, _)| name == "mode")
        .map(|(_, mode)| mode.as_str())
    {
        None | Some("full" | "normative") => {}
        Some("terminology") => return Err(Error::NotSupported("the mode terminology").into()),
        Some(_) => return Err(Error::Parameter("mode").into()),
    }
    let statement = fhir.documents().capability_statement.clone();
    let content_type = [(CONTENT_TYPE, format.content_type)];
    Ok(if format.is_pretty {
        let text = String::from_utf8_lossy(&statement).into_owned();
        (content_type, pretty(text)).into_response()
    } else {
        (content_type, statement).into_response()
    })
}

/// What of SMART App Launch is usable.
pub async fn smart(State(fhir): State<Fhir>) -> ([(axum::http::HeaderName, &'static str); 1], Bytes) {
    let document = fhir.documents().smart_configuration.clone();
    ([(CONTENT_TYPE, "application/json")], document)
}

/// The versions of FHIR that are served, in the form of Azure.
pub async fn versions() -> ([(axum::http::HeaderName, &'static str); 1], &'static str) {
    let document = r#"{"versions":["4.0"],"defaultVersion":"4.0"}"#;
    ([(CONTENT_TYPE, "application/json")], document)
}
