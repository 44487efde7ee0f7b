//! Documents that clients send: JSON within limits, not yet looked at.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use http::{StatusCode, header};
use hygie_core::ErrorKind;
use hygie_web::audit::Note;
use hygie_web::error::{Failure, GraphError};
use serde_json::Value;

use super::strict;
use crate::Graph;

/// Bytes of a document; one with files in it may have more.
pub const MAX_DOCUMENT: usize = 1 << 20;
/// The deepest is a policy's, with six.
pub const MAX_DEPTH: usize = 16;

/// A document.
pub struct Document(pub Value);

impl FromRequest<Graph> for Document {
    type Rejection = GraphError;

    async fn from_request(request: Request, _: &Graph) -> Result<Self, GraphError> {
        read(request, MAX_DOCUMENT).await.map(Self)
    }
}

/// A document that may have files in it, of so many bytes. It is read when the caller is known to be let.
pub async fn large(request: Request, most: usize) -> Result<Value, GraphError> {
    read(request, most).await
}

async fn read(request: Request, most: usize) -> Result<Value, GraphError> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let failure = refuse("the Content-Type must be application/json");
        return Err(wrap(failure.status(StatusCode::UNSUPPORTED_MEDIA_TYPE)));
    }
    let bytes = bounded(request, most, MAX_DEPTH).await?;
    Ok(strict::parse(&bytes)?)
}

/// The bytes of a body, so many at most, whose JSON nests no deeper than this.
pub async fn bounded(request: Request, most: usize, depth: usize) -> Result<Bytes, GraphError> {
    let bytes = axum::body::to_bytes(request.into_body(), most).await;
    let bytes = bytes.map_err(|_| wrap(refuse("the body is too large").status(StatusCode::PAYLOAD_TOO_LARGE)))?;
    if !hygie_jose::json::is_within(&bytes, depth) {
        return Err(wrap(refuse("the body is nested too deep")));
    }
    Ok(bytes)
}

fn refuse(message: &str) -> Failure {
    Failure::new(ErrorKind::Invalid, "BadRequest", message)
}

fn wrap(failure: Failure) -> GraphError {
    GraphError(Box::new(failure))
}

/// 201: it is made, and is at this address.
pub fn created(answer: Response, address: &str) -> Response {
    let mut answer = (StatusCode::CREATED, answer).into_response();
    if let Ok(address) = HeaderValue::from_str(address) {
        answer.headers_mut().insert(LOCATION, address);
    }
    answer
}

/// 204: it is done, and recorded with its effect.
pub fn done() -> Response {
    let no_store = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::NO_CONTENT, no_store, Note::recorded(), ()).into_response()
}
