//! `OperationOutcome`, the error body of FHIR: <http://hl7.org/fhir/R4/operationoutcome.html>.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hygie_core::{ErrorKind, Fault, RequestId, Timestamp};
use serde::Serialize;

use super::{Failure, Render};
use crate::asked::Asked;

/// How grave an issue is (value set `issue-severity`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The program failed.
    Fatal,
    /// The request was refused.
    Error,
    /// Done, with something to look at.
    Warning,
    /// Done.
    Information,
}

/// One issue of an [`OperationOutcome`].
#[derive(Clone, Debug, Serialize)]
pub struct Issue {
    /// How grave.
    pub severity: Severity,
    /// Its code (value set `issue-type`).
    pub code: &'static str,
    /// What happened, in words.
    pub diagnostics: String,
    /// FHIRPath of the elements concerned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expression: Vec<String>,
}

impl Issue {
    /// An error with this code.
    pub fn error(code: &'static str, diagnostics: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            diagnostics: diagnostics.into(),
            expression: Vec::new(),
        }
    }

    /// A warning with this code.
    pub fn warning(code: &'static str, diagnostics: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, diagnostics)
        }
    }

    /// At this element.
    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Self {
        self.expression.push(expression.into());
        self
    }
}

/// The resource itself.
#[derive(Clone, Debug, Serialize)]
pub struct OperationOutcome {
    #[serde(rename = "resourceType")]
    resource_type: &'static str,
    id: String,
    meta: Meta,
    issue: Vec<Issue>,
}

#[derive(Clone, Debug, Serialize)]
struct Meta {
    #[serde(rename = "lastUpdated")]
    last_updated: String,
}

impl OperationOutcome {
    /// Of these issues; its id is the request's, to be found again in the log.
    pub fn new(request: RequestId, now: Timestamp, mut issue: Vec<Issue>) -> Self {
        for one in &mut issue {
            make_string(&mut one.diagnostics);
            one.expression.iter_mut().for_each(make_string);
        }
        Self {
            resource_type: "OperationOutcome",
            id: request.to_string(),
            meta: Meta {
                last_updated: now.to_rfc3339(),
            },
            issue,
        }
    }
}

/// A message may repeat what was sent; a FHIR string has no control characters but white space.
/// <http://hl7.org/fhir/R4/datatypes.html#string>
fn make_string(text: &mut String) {
    text.retain(|c| c >= ' ' || matches!(c, '\t' | '\r' | '\n'));
}

/// The error type of FHIR handlers.
#[derive(Debug)]
pub struct OutcomeError {
    failure: Failure,
    issues: Vec<Issue>,
}

impl OutcomeError {
    /// Of this kind with issues of its own: validation reports several.
    pub fn new(kind: ErrorKind, issues: Vec<Issue>) -> Self {
        let message = issues
            .first()
            .map(|issue| issue.diagnostics.clone())
            .unwrap_or_default();
        Self {
            failure: Failure::new(
                kind,
                issues.first().map_or(issue_code(kind), |issue| issue.code),
                message,
            ),
            issues,
        }
    }

    /// With a status that the table of kinds does not have.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.failure = self.failure.status(status);
        self
    }

    /// With a header (`ETag` of the deleted version, `Retry-After`).
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.failure = self.failure.header(name, value);
        self
    }

    /// The status of the answer, and of an entry's response in a bundle.
    pub const fn status(&self) -> StatusCode {
        self.failure.status
    }

    /// The kind.
    pub const fn kind(&self) -> ErrorKind {
        self.failure.kind
    }

    /// The issues.
    pub fn issues(&self) -> Vec<Issue> {
        issues_of(&self.failure, &self.issues)
    }

    /// The resource, for an entry of a batch response.
    pub fn outcome(&self, request: RequestId, now: Timestamp) -> OperationOutcome {
        OperationOutcome::new(request, now, self.issues())
    }
}

impl<F: Fault> From<F> for OutcomeError {
    fn from(fault: F) -> Self {
        Self {
            failure: Failure::of(&fault),
            issues: Vec::new(),
        }
    }
}

impl IntoResponse for OutcomeError {
    fn into_response(self) -> Response {
        let issues = self.issues;
        self.failure.rendered_by(Arc::new(Outcome(issues))).into_response()
    }
}

/// Renders failures as `OperationOutcome`; without issues of its own, with one made of the failure.
#[derive(Clone, Debug, Default)]
pub struct Outcome(pub Vec<Issue>);

impl Render for Outcome {
    fn render(&self, failure: &Failure, asked: &Asked) -> Response {
        let outcome = OperationOutcome::new(asked.request(), asked.now(), issues_of(failure, &self.0));
        let body = serde_json::to_vec(&outcome).expect("strings and lists always serialize");
        ([(CONTENT_TYPE, "application/fhir+json; charset=utf-8")], body).into_response()
    }
}

fn issues_of(failure: &Failure, issues: &[Issue]) -> Vec<Issue> {
    if !issues.is_empty() {
        return issues.to_vec();
    }
    let code = ISSUE_TYPES
        .iter()
        .copied()
        .find(|code| *code == failure.code)
        .unwrap_or_else(|| issue_code(failure.kind));
    vec![Issue::error(code, failure.message.clone())]
}

/// The issue type of a kind, where the fault's own code is not one.
const fn issue_code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Invalid => "invalid",
        ErrorKind::Unauthenticated => "login",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::NotFound => "not-found",
        ErrorKind::Gone => "deleted",
        ErrorKind::Conflict | ErrorKind::Precondition => "conflict",
        ErrorKind::TooLarge => "too-long",
        ErrorKind::UnsupportedMediaType | ErrorKind::NotAcceptable | ErrorKind::NotSupported => "not-supported",
        ErrorKind::Unprocessable => "processing",
        ErrorKind::TooMany => "throttled",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Unavailable | ErrorKind::Internal => "exception",
    }
}

/// The value set `issue-type`: <http://hl7.org/fhir/R4/valueset-issue-type.html>.
const ISSUE_TYPES: &[&str] = &[
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "security",
    "login",
    "unknown",
    "expired",
    "forbidden",
    "suppressed",
    "processing",
    "not-supported",
    "duplicate",
    "multiple-matches",
    "not-found",
    "deleted",
    "too-long",
    "code-invalid",
    "extension",
    "too-costly",
    "business-rule",
    "conflict",
    "transient",
    "lock-error",
    "no-store",
    "exception",
    "timeout",
    "incomplete",
    "throttled",
    "informational",
];

#[cfg(test)]
mod tests {
    use super::super::tests::{Disk, Trouble};
    use super::*;

    fn body(error: &OutcomeError) -> serde_json::Value {
        let request = RequestId::from_uuid(uuid::Uuid::nil());
        serde_json::to_value(error.outcome(request, Timestamp::from_secs(0))).expect("a resource")
    }

    #[test]
    fn a_fault_becomes_an_issue_without_its_chain() {
        let error = OutcomeError::from(Trouble::Storage(Disk));
        assert_eq!(error.status().as_u16(), 500);
        assert_eq!(
            body(&error),
            serde_json::json!({
                "resourceType": "OperationOutcome",
                "id": "00000000-0000-0000-0000-000000000000",
                "meta": { "lastUpdated": "1970-01-01T00:00:00.000Z" },
                "issue": [{ "severity": "error", "code": "exception", "diagnostics": "sorry" }]
            })
        );
    }

    #[test]
    fn a_message_that_repeats_what_was_sent_is_a_fhir_string() {
        let issue = Issue::error("invalid", "'a\0\u{1b}\tb' is\nnot known").at("Patient.\0name");
        let error = OutcomeError::new(ErrorKind::Invalid, vec![issue]);
        assert_eq!(body(&error)["issue"][0]["diagnostics"], "'a\tb' is\nnot known");
        assert_eq!(body(&error)["issue"][0]["expression"][0], "Patient.name");
    }

    #[test]
    fn issues_of_its_own_are_kept() {
        let issues = vec![
            Issue::error("required", "no status").at("Observation.status"),
            Issue::warning("value", "odd"),
        ];
        let error = OutcomeError::new(ErrorKind::Invalid, issues);
        assert_eq!(error.status().as_u16(), 400);
        assert_eq!(
            body(&error)["issue"],
            serde_json::json!([
                { "severity": "error", "code": "required", "diagnostics": "no status", "expression": ["Observation.status"] },
                { "severity": "warning", "code": "value", "diagnostics": "odd" }
            ])
        );
    }

    #[test]
    fn codes_of_the_value_set_pass_and_others_follow_the_kind() {
        for (code, kind, expected) in [
            ("multiple-matches", ErrorKind::Precondition, "multiple-matches"),
            ("own-code", ErrorKind::Precondition, "conflict"),
            ("own-code", ErrorKind::TooMany, "throttled"),
        ] {
            let issues = issues_of(&Failure::new(kind, code, ""), &[]);
            assert_eq!(issues[0].code, expected, "{code}");
        }
    }
}
