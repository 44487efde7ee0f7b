//! Errors as `OperationOutcome`: issues where there are several, headers where the specification asks for them.

use http::header::{CONTENT_RANGE, ETAG, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use hygie_core::{ErrorKind, Fault};
use hygie_fhir_model::Invalid;
use hygie_web::error::{Issue, OutcomeError};

use super::etag;
use crate::bundle::BundleError;
use crate::interaction::Error;

/// The answer that an error becomes.
pub fn outcome_error(error: Error) -> OutcomeError {
    match error {
        Error::Invalid(invalid) => invalid_resource(&invalid, None),
        Error::Bundle(BundleError::Entry { index, error }) => match *error {
            Error::Invalid(invalid) => invalid_resource(&invalid, Some(index)),
            error => OutcomeError::from(Error::Bundle(BundleError::Entry {
                index,
                error: Box::new(error),
            })),
        },
        Error::Gone { number } => {
            let tag = HeaderValue::from_str(&etag(number)).expect("a tag is ASCII");
            OutcomeError::from(Error::Gone { number }).with_header(ETAG, tag)
        }
        Error::Range(len) => {
            let range = HeaderValue::from_str(&format!("bytes */{len}")).expect("digits are ASCII");
            let outside = OutcomeError::from(Error::Range(len)).with_status(StatusCode::RANGE_NOT_SATISFIABLE);
            outside.with_header(CONTENT_RANGE, range)
        }
        Error::Crowded => OutcomeError::from(Error::Crowded).with_header(RETRY_AFTER, HeaderValue::from_static("5")),
        other => OutcomeError::from(other),
    }
}

/// One issue for each thing that is wrong, at its place in the resource or in the bundle around it.
fn invalid_resource(invalid: &Invalid, entry: Option<usize>) -> OutcomeError {
    let issue = |found: &hygie_fhir_model::Issue| {
        let place = match (entry, found.expression.split_once('.')) {
            (None, _) => found.expression.clone(),
            (Some(entry), Some((_, within))) => format!("Bundle.entry[{entry}].resource.{within}"),
            (Some(entry), None) => format!("Bundle.entry[{entry}].resource"),
        };
        let issue = Issue::error(found.code.code(), found.problem.clone());
        if place.is_empty() { issue } else { issue.at(place) }
    };
    let issues: Vec<_> = invalid.issues().iter().map(issue).collect();
    if issues.is_empty() {
        return OutcomeError::new(ErrorKind::Invalid, vec![Issue::error("invalid", invalid.public())]);
    }
    OutcomeError::new(ErrorKind::Invalid, issues)
}
