//! Why an agreement cannot be made, changed or answered.

use hygie_core::{ErrorKind, Fault};
use hygie_policy::ReadError;
use hygie_policy::agreement::{MAX_AGREEMENTS, MAX_FILES, MAX_PDF};
use hygie_policy::check::Broken;
use hygie_store::StoreError;

/// Why an agreement cannot be made, changed or answered.
#[derive(Debug, thiserror::Error)]
pub enum AgreementError {
    /// The document cannot be read.
    #[error(transparent)]
    Document(#[from] Box<ReadError>),
    /// It breaks a rule.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// There is no such object.
    #[error("Resource '{0}' does not exist or one of its queried reference-property objects are not present.")]
    NotFound(String),
    /// As many as there may be are there.
    #[error("a tenant may have {MAX_AGREEMENTS} agreements")]
    TooMany,
    /// As many as there may be are there.
    #[error("an agreement may have {MAX_FILES} files, earlier versions included")]
    TooManyFiles,
    /// Nobody could read what they accept.
    #[error("files: an agreement needs a file")]
    NoFile,
    /// Nobody could say which of them is shown.
    #[error("files: two files are of one language")]
    SameLanguage,
    /// The same.
    #[error("files: more than one file has isDefault")]
    SeveralDefaults,
    /// It is something else.
    #[error("fileData: the file is not a PDF")]
    NotPdf,
    /// It is too large.
    #[error("fileData: a file may have {MAX_PDF} bytes")]
    TooLarge,
    /// Policies ask for it.
    #[error("it is used by {}", .0.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", "))]
    InUse(Vec<String>),
    /// A newer file is to be read.
    #[error("there is a newer version of this file")]
    Outdated,
    /// The directory failed.
    #[error("the directory failed")]
    Store(#[from] StoreError),
}

impl From<ReadError> for AgreementError {
    fn from(error: ReadError) -> Self {
        Self::Document(Box::new(error))
    }
}

impl Fault for AgreementError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Outdated => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "Request_ResourceNotFound",
            Self::Outdated => "Conflict",
            Self::Store(error) => match error.kind() {
                ErrorKind::Unavailable => "serviceNotAvailable",
                ErrorKind::Invalid => "BadRequest",
                _ => "internalServerError",
            },
            _ => "BadRequest",
        }
    }

    fn public(&self) -> String {
        match self {
            Self::Store(error) => error.public(),
            other => other.to_string(),
        }
    }
}
