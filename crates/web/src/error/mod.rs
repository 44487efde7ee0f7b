//! One renderer per protocol. A handler names its renderer in its return type; any [`Fault`] becomes it by `?`.
//!
//! An error travels as a [`Failure`] beside an empty response; the layers render it once the request id, the language
//! and the protocol of the service are known, and log the chain of its sources. The client never sees that chain.

mod graph;
mod outcome;
mod page;

use std::borrow::Cow;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::{HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use hygie_access::Refusal;
use hygie_core::{ErrorKind, Fault};

pub use graph::{Graph, GraphError};
pub use outcome::{Issue, OperationOutcome, Outcome, OutcomeError, Severity};
pub use page::{PageError, Pages};

use crate::asked::Asked;

/// Turns a failure into an answer of one protocol. Status and headers of the failure are put by the caller.
pub trait Render: Send + Sync {
    /// The body and its content type.
    fn render(&self, failure: &Failure, asked: &Asked) -> Response;

    /// The headers that every answer of the protocol has; none for most.
    fn mark(&self, asked: &Asked, headers: &mut HeaderMap) {
        let _ = (asked, headers);
    }
}

/// What went wrong, as far as a client may know, and the chain of causes for the log.
#[derive(Clone)]
pub struct Failure {
    /// Its kind.
    pub kind: ErrorKind,
    /// The status: that of the kind unless the protocol says otherwise.
    pub status: StatusCode,
    /// The stable code.
    pub code: Cow<'static, str>,
    /// The message for the client.
    pub message: String,
    /// Headers of the answer: `WWW-Authenticate`, `Retry-After`…
    pub headers: HeaderMap,
    /// The reason for the audit, where the client may not know it; the code otherwise.
    pub reason: Option<&'static str>,
    chain: Option<String>,
    render: Option<Arc<dyn Render>>,
}

impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Failure({} {}: {})", self.status.as_u16(), self.code, self.message)
    }
}

impl Failure {
    /// A failure of this kind, rendered by the service's own renderer.
    pub fn new(kind: ErrorKind, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            kind,
            status: StatusCode::from_u16(kind.http_status()).expect("the table of kinds has statuses"),
            code: code.into(),
            message: message.into(),
            headers: HeaderMap::new(),
            reason: None,
            chain: None,
            render: None,
        }
    }

    /// Of a fault. The chain is kept for faults of ours only: causes of a client's error may quote its input.
    pub fn of(fault: &dyn Fault) -> Self {
        let kind = fault.kind();
        let mut failure = Self::new(kind, fault.code(), fault.public());
        failure.refused_by(fault);
        match kind {
            ErrorKind::Internal | ErrorKind::Unavailable => failure.because(fault),
            _ => failure,
        }
    }

    /// A refusal of the gate, or a fault with one among its sources, has a challenge for the client (RFC 6750 §3) and
    /// a reason for the audit only.
    fn refused_by(&mut self, fault: &dyn Fault) {
        let mut error: Option<&(dyn std::error::Error + 'static)> = Some(fault);
        while let Some(cause) = error {
            if let Some(refusal) = cause.downcast_ref::<Refusal>() {
                self.reason = Some(refusal.reason().code());
                let challenge = refusal.challenge().and_then(|text| HeaderValue::from_str(text).ok());
                self.headers.extend(challenge.map(|value| (WWW_AUTHENTICATE, value)));
                return;
            }
            error = cause.source();
        }
    }

    /// A fault of ours that has no type of its own.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        Self::new(ErrorKind::Internal, "internal", "an internal error occurred").because(error)
    }

    fn because(mut self, error: &dyn std::error::Error) -> Self {
        let mut chain = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            source = cause.source();
        }
        self.chain = Some(chain);
        self
    }

    /// With a status that the table of kinds does not have (424, 504).
    #[must_use]
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// To be tried again after this many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(RETRY_AFTER, seconds.into())
    }

    /// In another protocol than the service's own.
    #[must_use]
    pub fn rendered_by(mut self, render: Arc<dyn Render>) -> Self {
        self.render = Some(render);
        self
    }

    /// The answer: its own renderer's or `default`'s body under its status and headers.
    pub(crate) fn answer(&self, default: &dyn Render, asked: &Asked) -> Response {
        self.log();
        let mut response = self.render.as_deref().unwrap_or(default).render(self, asked);
        *response.status_mut() = self.status;
        for (name, value) in &self.headers {
            response.headers_mut().append(name, value.clone());
        }
        response
    }

    /// Inside the span of the request, which has its id.
    fn log(&self) {
        if let Some(chain) = &self.chain {
            tracing::error!(code = %self.code, cause = %chain, "the request failed");
        } else {
            tracing::debug!(code = %self.code, status = self.status.as_u16(), "the request was refused");
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no disk")]
    pub(crate) struct Disk;

    #[derive(Debug, thiserror::Error)]
    pub(crate) enum Trouble {
        #[error("writing the row")]
        Storage(#[source] Disk),
        #[error("Mme Martin is not here")]
        Missing(#[source] Disk),
    }

    impl Fault for Trouble {
        fn kind(&self) -> ErrorKind {
            match self {
                Self::Storage(_) => ErrorKind::Internal,
                Self::Missing(_) => ErrorKind::NotFound,
            }
        }

        fn code(&self) -> &'static str {
            "trouble"
        }

        fn public(&self) -> String {
            "sorry".to_owned()
        }
    }

    #[test]
    fn the_chain_is_kept_for_the_log_of_our_own_faults_only() {
        let ours = Failure::of(&Trouble::Storage(Disk));
        assert_eq!(ours.chain.as_deref(), Some("writing the row: no disk"));
        assert_eq!((ours.status.as_u16(), ours.message.as_str()), (500, "sorry"));
        let theirs = Failure::of(&Trouble::Missing(Disk));
        assert_eq!(theirs.chain, None);
        assert_eq!(theirs.status.as_u16(), 404);
    }
}
