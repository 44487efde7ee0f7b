//! Changes of what somebody saw: `ETag` of policies, locations, strengths and contexts, and `If-Match` when they are changed or
//! deleted (RFC 9110 §13.1.1). The comparison is made in the transaction of the change; what differs is 412.

use std::sync::Arc;

use axum::response::Response;
use http::header::{ETAG, HeaderMap, HeaderValue, IF_MATCH};
use hygie_directory::{Kept, Unchanged};
use hygie_jose::{base64url, digest};

/// What a version is called: a digest of the document.
pub fn of<T: Kept>(kept: &T) -> String {
    let digest = digest::sha256(kept.write().to_string());
    format!("\"{}\"", base64url::encode(&digest[..16]))
}

/// An answer with the version of what it shows.
pub fn marked(mut answer: Response, version: &str) -> Response {
    if let Ok(version) = HeaderValue::try_from(version) {
        answer.headers_mut().insert(ETAG, version);
    }
    answer
}

/// What a request wants to be there still; none where it says nothing, or takes any.
pub fn expected<T: Kept>(headers: &HeaderMap) -> Option<Unchanged<T>> {
    let mut wanted: Vec<String> = Vec::new();
    for value in headers.get_all(IF_MATCH) {
        // What cannot be read is the version of nothing.
        let tags = value.to_str().unwrap_or("\"\"").split(',').map(str::trim);
        wanted.extend(tags.map(str::to_owned));
    }
    if wanted.is_empty() || wanted.iter().any(|tag| tag == "*") {
        return None;
    }
    Some(Arc::new(move |kept: &T| wanted.contains(&of(kept))))
}
