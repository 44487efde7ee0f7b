//! The error page: what happened, why, what the person can do, a reference for support. Never a code alone.

use std::sync::Arc;

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::Method;
use http::header::{HeaderName, HeaderValue};
use hygie_core::{ErrorKind, Fault};

use super::{Failure, Render};
use crate::asked::Asked;
use crate::ui::{Page, View};

/// The error type of handlers that answer pages.
#[derive(Debug)]
pub struct PageError(Failure);

impl PageError {
    /// A failure with a code of this service, whose words are the messages `error-{code}`, `.why` and `.do`.
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self(Failure::new(kind, code, message))
    }

    /// With a header.
    #[must_use]
    pub fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self(self.0.header(name, value))
    }
}

impl<F: Fault> From<F> for PageError {
    fn from(fault: F) -> Self {
        Self(Failure::of(&fault))
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        self.0.rendered_by(Arc::new(Pages)).into_response()
    }
}

/// Renders failures as pages, with the messages of the service.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pages;

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage {
    page: Page,
    title: String,
    why: String,
    remedy: String,
    reference: crate::ui::Identifier,
    at: String,
    code: String,
    message: String,
    /// The address of this page, where the same request may succeed later.
    again: Option<String>,
}

impl Render for Pages {
    fn render(&self, failure: &Failure, asked: &Asked) -> Response {
        let page = asked.page();
        // Codes that only exist elsewhere (a protocol's own) are explained by their kind.
        let own = format!("error-{}", failure.code);
        let key = match page.find(&format!("{own}.why")) {
            Some(_) => own.as_str(),
            None => key_of(failure.kind),
        };
        let reference = asked.request().to_string();
        View(ErrorPage {
            title: page.t(key),
            why: page.t(&format!("{key}.why")),
            remedy: page.t(&format!("{key}.do")),
            reference: crate::ui::Identifier::new(&page, reference, page.t("error-reference")),
            at: asked.now().to_rfc3339(),
            again: may_pass(failure.kind, asked.method()).then(|| page.return_to.clone()),
            code: format!("{} {}", failure.status.as_u16(), failure.code),
            message: failure.message.clone(),
            page,
        })
        .into_response()
    }
}

/// Whether the same once more is worth a try, and harmless.
fn may_pass(kind: ErrorKind, method: &Method) -> bool {
    let passes = matches!(
        kind,
        ErrorKind::TooMany | ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal
    );
    passes && *method == Method::GET
}

const fn key_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Invalid | ErrorKind::UnsupportedMediaType | ErrorKind::NotAcceptable | ErrorKind::Unprocessable => {
            "error-invalid"
        }
        ErrorKind::Unauthenticated => "error-unauthenticated",
        ErrorKind::Forbidden => "error-forbidden",
        ErrorKind::NotFound => "error-not-found",
        ErrorKind::Gone => "error-gone",
        ErrorKind::Conflict | ErrorKind::Precondition => "error-conflict",
        ErrorKind::TooLarge => "error-too-large",
        ErrorKind::NotSupported => "error-not-supported",
        ErrorKind::TooMany => "error-too-many",
        ErrorKind::Unavailable => "error-unavailable",
        ErrorKind::Timeout => "error-timeout",
        ErrorKind::Internal => "error-internal",
    }
}
