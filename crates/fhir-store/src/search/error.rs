//! What can be wrong with a search.

use hygie_access::Refusal;
use hygie_core::{ErrorKind, Fault};
use hygie_store::StoreError;

/// A search that is not answered.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A parameter that the type does not have, under strict handling.
    #[error("the search parameter '{0}' is not known for this type")]
    UnknownParameter(String),
    /// A parameter that exists but is not supported, under strict handling.
    #[error("the search parameter '{0}' is not supported")]
    UnsupportedParameter(String),
    /// A modifier that the parameter does not have.
    #[error("the modifier ':{modifier}' is not supported for '{parameter}'")]
    UnsupportedModifier {
        /// The parameter.
        parameter: String,
        /// After the colon.
        modifier: String,
    },
    /// A value that cannot be read.
    #[error("the value of '{parameter}' is not {expected}")]
    Value {
        /// The parameter.
        parameter: String,
        /// What it should be.
        expected: &'static str,
    },
    /// An include of a type or reference that is not, under strict handling.
    #[error("nothing can be included by '{0}'")]
    UnknownInclude(String),
    /// A sort that is not supported, under strict handling.
    #[error("sorting by '{0}' is not supported")]
    UnsupportedSort(String),
    /// A chain with more links than it may have.
    #[error("a chain may have at most {0} links")]
    TooDeep(usize),
    /// Chains over more types than a search may ask.
    #[error("the chains of a search may go over at most {0} types; name a type, as in 'subject:Patient.name'")]
    TooWide(usize),
    /// A type that the principal may not search.
    #[error("refused")]
    Refused(#[from] Refusal),
    /// An element that the type does not have, under strict handling.
    #[error("'{0}' is not an element of this type")]
    UnknownElement(String),
    /// Parameters that exclude one another.
    #[error("a search cannot have {0}")]
    Contradiction(&'static str),
    /// More matches than are sorted by several keys.
    #[error("more than {0} matches are not sorted by several keys; ask for fewer, or sort by one")]
    TooManyToSort(usize),
    /// More parameters or values than a search may have.
    #[error("a search may have at most {0} parameters and values")]
    TooMany(usize),
    /// A continuation that this search did not give.
    #[error("the continuation of the search cannot be read")]
    Continuation,
    /// The store.
    #[error("the search could not be answered")]
    Store(#[from] StoreError),
}

impl Fault for SearchError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Refused(refusal) => refusal.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Refused(refusal) => refusal.code(),
            Self::UnknownParameter(_)
            | Self::UnsupportedParameter(_)
            | Self::UnsupportedModifier { .. }
            | Self::UnknownInclude(_)
            | Self::UnsupportedSort(_) => "not-supported",
            Self::TooMany(_) | Self::TooManyToSort(_) | Self::TooDeep(_) | Self::TooWide(_) => "too-costly",
            Self::Value { .. } | Self::UnknownElement(_) | Self::Contradiction(_) | Self::Continuation => "invalid",
        }
    }

    fn public(&self) -> String {
        match self {
            Self::Store(error) => error.public(),
            Self::Refused(refusal) => refusal.public(),
            _ => self.to_string(),
        }
    }
}
