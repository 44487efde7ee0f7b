//! Bodies of requests about means of identification: JSON within limits.

use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use hygie_core::ErrorKind;
use hygie_web::error::{Failure, GraphError};
use serde_json::Value;

use crate::Graph;

/// Octets of a body: a policy with a thousand models.
const MAX_BODY: usize = 1 << 20;
/// Levels of a body.
const MAX_DEPTH: usize = 16;

/// A body.
pub struct Body(pub Value);

impl FromRequest<Graph> for Body {
    type Rejection = GraphError;

    async fn from_request(request: Request, _: &Graph) -> Result<Self, GraphError> {
        if !is_json(request.headers()) {
            let failure = refused("the Content-Type must be application/json");
            return Err(GraphError(Box::new(failure.status(StatusCode::UNSUPPORTED_MEDIA_TYPE))));
        }
        let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY).await;
        let bytes = bytes.map_err(|_| {
            let failure = refused("the body is too large").status(StatusCode::PAYLOAD_TOO_LARGE);
            GraphError(Box::new(failure))
        })?;
        if !hygie_jose::json::is_within(&bytes, MAX_DEPTH) {
            return Err(GraphError(Box::new(refused("the body is nested too deep"))));
        }
        let value = serde_json::from_slice(&bytes);
        value
            .map(Self)
            .map_err(|_| GraphError(Box::new(refused("the body is not JSON"))))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    kind.split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/json")
}

fn refused(message: &'static str) -> Failure {
    Failure::new(ErrorKind::Invalid, "BadRequest", message)
}

/// A member that a body may have; every other one is refused.
pub struct Members<'a>(&'a serde_json::Map<String, Value>);

impl<'a> Members<'a> {
    /// Those of an object that has no others than these.
    pub fn of(body: &'a Value, known: &[&str]) -> Result<Self, GraphError> {
        let Value::Object(members) = body else {
            return Err(GraphError(Box::new(refused("the body must be an object"))));
        };
        let is_known = |name: &&String| known.contains(&name.as_str()) || name.contains("@odata.");
        match members.keys().find(|name| !is_known(name)) {
            Some(name) => {
                let name: String = name.chars().take(64).collect();
                let message = format!("{name}: there is no such member");
                let failure = Failure::new(ErrorKind::Invalid, "BadRequest", message);
                Err(GraphError(Box::new(failure)))
            }
            None => Ok(Self(members)),
        }
    }

    /// One of them, read by `read`; `null` is absence.
    pub fn find<T>(&self, name: &'static str, read: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, GraphError> {
        let found = self.0.get(name).filter(|value| !value.is_null());
        let Some(value) = found else { return Ok(None) };
        let wrong = || {
            let failure = Failure::new(ErrorKind::Invalid, "BadRequest", format!("{name} is not valid"));
            GraphError(Box::new(failure))
        };
        read(value).map(Some).ok_or_else(wrong)
    }
}
