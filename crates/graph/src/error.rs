//! Why the directory API refuses.

use hygie_core::{ErrorKind, Fault};
use hygie_store::StoreError;

use crate::odata::QueryError;

/// A refusal of the directory API.
#[derive(Debug, thiserror::Error)]
pub enum GraphFault {
    /// The token lacks the permission.
    #[error("Insufficient privileges to complete the operation.")]
    Denied,
    /// There is no such object, or none that the caller may see.
    #[error("Resource '{0}' does not exist or one of its queried reference-property objects are not present.")]
    NotFound(String),
    /// The query options.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A page cannot be gone on from.
    #[error("The specified page token value has expired or is not valid.")]
    PageToken,
    /// Not built.
    #[error("This operation is not supported.")]
    Unsupported,
    /// The directory cannot be read.
    #[error("the directory failed")]
    Store(#[from] StoreError),
}

impl Fault for GraphFault {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Denied => ErrorKind::Forbidden,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Query(_) | Self::PageToken | Self::Unsupported => ErrorKind::Invalid,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied => "Authorization_RequestDenied",
            Self::NotFound(_) => "Request_ResourceNotFound",
            Self::Query(QueryError::NeedsEventual(_)) => "Request_UnsupportedQuery",
            Self::Query(_) => "BadRequest",
            Self::PageToken => "Directory_ExpiredPageToken",
            Self::Unsupported => "notSupported",
            Self::Store(error) => match error.kind() {
                ErrorKind::Unavailable => "serviceNotAvailable",
                ErrorKind::Invalid => "Request_BadRequest",
                _ => "internalServerError",
            },
        }
    }

    fn public(&self) -> String {
        match self {
            Self::Store(error) => error.public(),
            other => other.to_string(),
        }
    }
}
