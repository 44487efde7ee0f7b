//! What became of the lines of a bulk load.

use hygie_core::Fault;
use serde::Serialize;

use super::BulkError;
use crate::interaction::Error;

/// Refused lines that are named; more are only counted.
const LISTED: usize = 1000;

/// What became of the lines, as the client reads it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Lines that are not blank.
    pub lines: u64,
    /// Resources that were not there.
    pub created: u64,
    /// New versions of resources that were.
    pub updated: u64,
    /// Lines that were refused.
    pub refused: u64,
    /// The first of them.
    pub errors: Vec<Refused>,
    /// The last line that is done.
    #[serde(skip)]
    pub(super) done: u64,
}

/// A line that was refused.
#[derive(Debug, Serialize)]
pub struct Refused {
    line: u64,
    /// The status that the resource alone would have been answered with.
    status: u16,
    /// As in an `OperationOutcome`.
    code: &'static str,
    message: String,
}

impl Report {
    /// Adds a line that is refused.
    pub(super) fn refuse(&mut self, line: u64, error: &Error) {
        self.refused += 1;
        if self.errors.len() < LISTED {
            self.errors.push(Refused {
                line,
                status: error.kind().http_status(),
                code: error.code(),
                message: error.public(),
            });
        }
    }

    /// The error that ends the load, with what is done.
    pub(super) fn stopped_by(&self, error: Error) -> Error {
        let (done, error) = (self.done, Box::new(error));
        BulkError::Stopped { done, error }.into()
    }
}
