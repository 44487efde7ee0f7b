//! Which other origins may call a route from a browser (Fetch §3.2). Never with cookies: tokens go in headers.

use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, StatusCode};

/// The class of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cors {
    /// Pages and forms: no other origin.
    Closed,
    /// Public documents and calls that authenticate by a token or code in the request: any origin.
    Open,
    /// Calls by bearer token: these origins.
    Origins(Vec<String>),
}

const EXPOSED: &str = "ETag, Last-Modified, Location, Content-Location, WWW-Authenticate, Retry-After, X-Request-Id, X-Correlation-Id, request-id, client-request-id";
const ALLOWED: &str = "Authorization, Content-Type, Accept, If-Match, If-None-Match, If-None-Exist, If-Modified-Since, Prefer, X-Request-Id, client-request-id, return-client-request-id, x-client-sku, x-client-ver, x-client-os, x-client-cpu, x-client-current-telemetry, x-client-last-telemetry, x-ms-lib-capability, x-app-name, x-app-ver, ConsistencyLevel, SdkVersion, OData-Version, OData-MaxVersion";
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

impl Cors {
    /// The answer to a preflight request; `None` when this is none or the origin may not.
    pub(super) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        if method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        let origin = self.allowed(headers.get(ORIGIN))?;
        let mut response = StatusCode::NO_CONTENT.into_response();
        let answer = response.headers_mut();
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED));
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
        answer.insert(VARY, HeaderValue::from_static("Origin"));
        Some(response)
    }

    /// Lets the origin read the answer.
    pub(super) fn mark(&self, origin: Option<&HeaderValue>, response: &mut HeaderMap) {
        if *self == Self::Closed {
            return;
        }
        if matches!(self, Self::Origins(_)) {
            response.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = self.allowed(origin) {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }

    fn allowed(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        let origin = origin?;
        match self {
            Self::Closed => None,
            Self::Open => Some(HeaderValue::from_static("*")),
            Self::Origins(origins) => origins
                .iter()
                .any(|allowed| allowed.as_bytes() == origin.as_bytes())
                .then(|| origin.clone()),
        }
    }
}
