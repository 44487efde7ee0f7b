//! What validation finds.

use std::fmt;

use hygie_core::{ErrorKind, Fault};

/// The kind of an issue, as `OperationOutcome.issue.code` names it. <http://hl7.org/fhir/R4/valueset-issue-type.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueCode {
    /// Unknown element, wrong JSON kind, wrong cardinality.
    Structure,
    /// A required element is missing.
    Required,
    /// A value has not the form of its type.
    Value,
    /// A code is not of the required value set.
    CodeInvalid,
}

impl IssueCode {
    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Required => "required",
            Self::Value => "value",
            Self::CodeInvalid => "code-invalid",
        }
    }
}

/// One thing that is wrong with a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Its kind.
    pub code: IssueCode,
    /// Where, as a FHIRPath: `Patient.name[0].given`.
    pub expression: String,
    /// What, in words.
    pub problem: String,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.expression.is_empty() {
            return f.write_str(&self.problem);
        }
        write!(f, "{}: {}", self.expression, self.problem)
    }
}

/// A resource that is not valid, with at least one issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    issues: Vec<Issue>,
}

impl Invalid {
    pub(super) fn new(issues: Vec<Issue>) -> Self {
        Self { issues }
    }

    /// What is wrong, in the order of the resource.
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, issue) in self.issues.iter().enumerate() {
            write!(f, "{}{issue}", if position == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

impl Fault for Invalid {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn code(&self) -> &'static str {
        self.issues.first().map_or("invalid", |issue| issue.code.code())
    }

    fn public(&self) -> String {
        self.to_string()
    }
}
