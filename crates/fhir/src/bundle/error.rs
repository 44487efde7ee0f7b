//! Why a bundle is not processed.

use hygie_core::{ErrorKind, Fault};

use crate::interaction::Error;

/// Why a bundle is not processed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Another resource.
    #[error("a Bundle is expected at this address")]
    NoBundle,
    /// Neither batch nor transaction.
    #[error("the type of the Bundle must be batch or transaction")]
    Type,
    /// `entry` is no list.
    #[error("Bundle.entry must be an array")]
    Entries,
    /// More entries than allowed.
    #[error("the Bundle has more than {0} entries")]
    TooMany(usize),
    /// An entry without a request, or with one that cannot be read.
    #[error("the request of the entry is missing or incomplete")]
    Request,
    /// A method that bundles do not have.
    #[error("the method of the entry is not offered in a Bundle")]
    Method,
    /// An entry that needs a resource and has none.
    #[error("the entry has no resource")]
    NoResource,
    /// A patch that is a Binary without JSON Patch.
    #[error("a patch in a Binary needs the contentType application/json-patch+json and its data in base64")]
    PatchData,
    /// Two entries of a transaction with one `fullUrl`.
    #[error("another entry has the same fullUrl")]
    FullUrl,
    /// Two entries of a transaction that concern one resource.
    #[error("another entry concerns the same resource")]
    Duplicate,
    /// A conditional reference that finds nothing or more than one.
    #[error("a conditional reference does not name exactly one resource")]
    Reference,
    /// A reference to an entry that is not there.
    #[error("the reference {0} names no entry of the bundle")]
    Unresolved(String),
    /// What is wrong with one entry of a transaction.
    #[error("entry {index} of the bundle")]
    Entry {
        /// Its position, from 0.
        index: usize,
        /// What.
        #[source]
        error: Box<Error>,
    },
}

impl BundleError {
    /// Of the entry at `index`.
    pub fn entry(index: usize, error: impl Into<Error>) -> Error {
        let error = Box::new(error.into());
        Error::Bundle(Self::Entry { index, error })
    }
}

impl Fault for BundleError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Method => ErrorKind::NotSupported,
            Self::Entry { error, .. } => error.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoBundle | Self::Type | Self::Entries => "structure",
            Self::TooMany(_) => "too-costly",
            Self::Request | Self::NoResource => "required",
            Self::Method => "not-supported",
            Self::FullUrl | Self::Duplicate => "duplicate",
            Self::Reference | Self::Unresolved(_) | Self::PatchData => "invalid",
            Self::Entry { error, .. } => error.code(),
        }
    }

    fn public(&self) -> String {
        match self {
            Self::Entry { index, error } => format!("Bundle.entry[{index}]: {}", error.public()),
            other => other.to_string(),
        }
    }
}
