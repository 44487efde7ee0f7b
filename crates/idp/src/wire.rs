//! Small bodies that are no protocol messages of their own.

use serde::Serialize;

/// `error` and nothing else, where RFC 6750 §3.1 puts the reason into a header.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BearerError {
    /// The error.
    pub error: &'static str,
    /// For a person.
    pub error_description: &'static str,
}
