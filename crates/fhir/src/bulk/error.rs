//! Why a line, or the rest of a bulk load, is not taken.

use hygie_core::{ErrorKind, Fault};

use crate::interaction::Error;

/// Why a line, or the rest of a bulk load, is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    /// A resource without id: loaded again it would be another one.
    #[error("the resource has no id, or one of another form; a bulk load keeps the ids of its resources")]
    Id,
    /// A line beyond the limit of a resource.
    #[error("the line is longer than {0} bytes")]
    Line(usize),
    /// A search parameter: it takes effect by `$reindex`, and is not importable in Azure either.
    #[error("a SearchParameter cannot be loaded in bulk")]
    SearchParameter,
    /// A conditional reference, which nothing resolves here.
    #[error("a conditional reference is not resolved in a bulk load")]
    Reference,
    /// A reference to an entry of a bundle, which there is not here.
    #[error("{0} names an entry of a bundle, and lines have no such names")]
    Entry(String),
    /// The body did not come in the time that a request has.
    #[error("the lines did not come in time; send fewer in one request")]
    Slow,
    /// The load ended before the end of the body.
    #[error("the load stopped after line {done}")]
    Stopped {
        /// The last line that is done, or refused; 0 when there is none.
        done: u64,
        /// By what.
        #[source]
        error: Box<Error>,
    },
}

impl Fault for BulkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Line(_) => ErrorKind::TooLarge,
            Self::Slow => ErrorKind::Timeout,
            Self::Stopped { error, .. } => error.kind(),
            Self::Id | Self::SearchParameter | Self::Reference | Self::Entry(_) => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Id => "required",
            Self::Line(_) => "too-long",
            Self::SearchParameter => "not-supported",
            Self::Reference | Self::Entry(_) => "invalid",
            Self::Slow => "timeout",
            Self::Stopped { error, .. } => error.code(),
        }
    }

    fn public(&self) -> String {
        match self {
            Self::Stopped { done: 0, error } => format!("nothing was loaded: {}", error.public()),
            Self::Stopped { done, error } => {
                format!(
                    "the lines up to {done} are done, those after it are not: {}",
                    error.public()
                )
            }
            other => other.to_string(),
        }
    }
}
