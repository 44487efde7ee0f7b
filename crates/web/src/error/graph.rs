//! The error body of Microsoft Graph: <https://learn.microsoft.com/graph/errors>.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue};
use hygie_core::Fault;
use serde_json::json;

use super::{Failure, Render};
use crate::asked::Asked;

/// The error type of the handlers of the directory API.
#[derive(Debug)]
pub struct GraphError(pub Box<Failure>);

impl<F: Fault> From<F> for GraphError {
    fn from(fault: F) -> Self {
        Self(Box::new(Failure::of(&fault)))
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        self.0.rendered_by(Arc::new(Graph)).into_response()
    }
}

/// Renders failures as Graph does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Graph;

impl Render for Graph {
    fn render(&self, failure: &Failure, asked: &Asked) -> Response {
        let request = asked.request().to_string();
        // A message may repeat what was sent; clients print it, on a line.
        let message: String = failure.message.chars().filter(|c| !c.is_control()).collect();
        let body = json!({ "error": {
            "code": failure.code,
            "message": message,
            "innerError": { "date": asked.now().to_rfc3339(), "request-id": request,
                            "client-request-id": asked.client_request() },
        }});
        let mut answer = body.to_string().into_response();
        let kind = HeaderValue::from_static("application/json");
        answer.headers_mut().insert(CONTENT_TYPE, kind);
        self.mark(asked, answer.headers_mut());
        answer
    }

    fn mark(&self, asked: &Asked, headers: &mut HeaderMap) {
        for (name, id) in [
            ("request-id", asked.request().to_string()),
            ("client-request-id", asked.client_request()),
        ] {
            if let Ok(id) = HeaderValue::from_str(&id) {
                headers.insert(HeaderName::from_static(name), id);
            }
        }
    }
}
