//! Why the directory API refuses.

use hygie_core::{ErrorKind, Fault};
use hygie_directory::DirectoryError;
use hygie_policy::ReadError;
use hygie_store::StoreError;

use hygie_odata::QueryError;

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
    /// The body is no JSON.
    #[error("The body of the request is not valid JSON.")]
    NotJson,
    /// The body is of another kind.
    #[error("The body of the request must be application/json.")]
    MediaType,
    /// A member of the body.
    #[error("Invalid value specified: {0}.")]
    Body(#[from] ReadError),
    /// The directory does not take the change.
    #[error("the directory does not take it")]
    Directory(#[source] Box<DirectoryError>),
    /// A reference that is there already; scripts look for these words.
    #[error("One or more added object references already exist for the following modified properties: '{0}'.")]
    Referred(&'static str),
    /// Not built.
    #[error("This operation is not supported.")]
    Unsupported,
    /// The directory cannot be read.
    #[error("the directory failed")]
    Store(#[from] StoreError),
}

impl From<DirectoryError> for GraphFault {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Store(error) => Self::Store(error),
            other => Self::Directory(Box::new(other)),
        }
    }
}

impl GraphFault {
    /// Why no reference is added to this property.
    pub fn of_reference(property: &'static str) -> impl Fn(DirectoryError) -> Self {
        move |error| match error {
            DirectoryError::Exists => Self::Referred(property),
            other => other.into(),
        }
    }
}

impl Fault for GraphFault {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::MediaType => ErrorKind::UnsupportedMediaType,
            // As Graph answers: what is there already is a wrong request.
            Self::Directory(error) => match error.kind() {
                ErrorKind::Conflict => ErrorKind::Invalid,
                kind => kind,
            },
            Self::Denied => ErrorKind::Forbidden,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Query(_)
            | Self::PageToken
            | Self::NotJson
            | Self::Body(_)
            | Self::Referred(_)
            | Self::Unsupported => ErrorKind::Invalid,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied => "Authorization_RequestDenied",
            Self::NotFound(_) => "Request_ResourceNotFound",
            Self::Query(QueryError::NeedsEventual(_)) => "Request_UnsupportedQuery",
            Self::Query(_) | Self::NotJson | Self::MediaType => "BadRequest",
            Self::PageToken => "Directory_ExpiredPageToken",
            Self::Body(_) | Self::Referred(_) => "Request_BadRequest",
            Self::Directory(error) => match error.kind() {
                ErrorKind::Conflict => "Request_BadRequest",
                _ => error.code(),
            },
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
            Self::Directory(error) => sentence(&error.public()),
            other => other.to_string(),
        }
    }
}

/// As Graph writes messages.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}
