//! Why an interaction is not done, with the status and issue codes of the FHIR API.
//! <http://hl7.org/fhir/R4/http.html#Status-Codes>

use hygie_access::Refusal;
use hygie_core::{ErrorKind, Fault};
use hygie_fhir_model::json::ParseError;
use hygie_fhir_model::patch::PatchError;
use hygie_fhir_model::{Invalid, InvalidId, ResourceType, UnknownType};
use hygie_fhir_store::search::SearchError;
use hygie_store::StoreError;
use hygie_store::blobs::BlobError;

use crate::bulk::BulkError;
use crate::bundle::BundleError;

/// Why an interaction is not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The principal may not.
    #[error("refused")]
    Refused(#[from] Refusal),
    /// The body is no JSON, or too large, or too deep.
    #[error(transparent)]
    Json(#[from] ParseError),
    /// The body is no valid resource.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The type of the address does not exist.
    #[error(transparent)]
    UnknownType(#[from] UnknownType),
    /// The id of the address has not the form of one.
    #[error(transparent)]
    InvalidId(#[from] InvalidId),
    /// The body is of another type than the address says.
    #[error("a resource of type {expected} is expected at this address")]
    OtherType {
        /// What the address says.
        expected: ResourceType,
    },
    /// An update without id in the body.
    #[error("the resource has no id; an update needs the id of the address")]
    MissingId,
    /// An update with another id in the body.
    #[error("the id of the resource is not the id of the address")]
    OtherId,
    /// There is no such resource, or no such version of it.
    #[error("there is no such resource")]
    NotFound,
    /// The resource is deleted.
    #[error("the resource is deleted")]
    Gone {
        /// The version that says so.
        number: u32,
    },
    /// Another version is current than the one that `If-Match` names.
    #[error("the version that If-Match names is not the current one")]
    VersionConflict,
    /// A header, or the member of `Bundle.entry.request` that stands for it, that cannot be read.
    #[error("{0} cannot be read")]
    Header(&'static str),
    /// A parameter of the address that cannot be read.
    #[error("the parameter {0} cannot be read")]
    Parameter(&'static str),
    /// A condition without criteria.
    #[error("the condition has no search criteria, or one without value")]
    NoCriteria,
    /// A condition that several resources meet.
    #[error("several resources meet the condition")]
    MultipleMatches,
    /// A conditional update that nothing meets, with the id of a resource that is there.
    #[error("no resource meets the condition, and one that does not has the id of the body")]
    Taken,
    /// A patch that is none, or does not fit the resource.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// What the conditions find was another each time they were looked at.
    #[error("other writes keep changing what the conditions find; try again")]
    Moved,
    /// An operation or a variant of an interaction that is not offered.
    #[error("{0} is not supported")]
    NotSupported(&'static str),
    /// The content type of the body.
    #[error("the content type of the body must be {0}")]
    ContentType(&'static str),
    /// The formats that the client accepts.
    #[error("only the format application/fhir+json is offered")]
    Format,
    /// A body beyond its limit.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// A form with bytes that are no text.
    #[error("the form is not UTF-8 text")]
    Form,
    /// A body that did not come to its end.
    #[error("the body ended too early")]
    Cut,
    /// A body that comes so slowly that it is not waited for.
    #[error("the body comes too slowly")]
    Slow,
    /// As many large bodies are received as may be at once.
    #[error("too many large bodies are being received; try again")]
    Crowded,
    /// A write that took longer than allowed.
    #[error("the write took longer than allowed; read the resource to see whether it was done")]
    Late,
    /// A range that lies outside of the content.
    #[error("the range lies outside of the content, which has {0} bytes")]
    Range(u64),
    /// Content outside of the database.
    #[error(transparent)]
    Large(#[from] BlobError),
    /// A search that cannot be done.
    #[error(transparent)]
    Search(SearchError),
    /// A bundle that cannot be processed.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A bulk load, or a line of it, that is not taken.
    #[error(transparent)]
    Bulk(#[from] BulkError),
    /// The store.
    #[error("the store")]
    Store(#[from] StoreError),
}

impl From<SearchError> for Error {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Refused(refusal) => Self::Refused(refusal),
            error => Self::Search(error),
        }
    }
}

impl Error {
    /// The error of another crate or module that it stands for.
    fn inner(&self) -> Option<&dyn Fault> {
        Some(match self {
            Self::Refused(error) => error,
            Self::Json(error) => error,
            Self::Invalid(error) => error,
            Self::Patch(error) => error,
            Self::Search(error) => error,
            Self::Bundle(error) => error,
            Self::Bulk(error) => error,
            Self::Large(error) => error,
            Self::Store(error) => error,
            _ => return None,
        })
    }
}

impl Fault for Error {
    fn kind(&self) -> ErrorKind {
        if let Some(inner) = self.inner() {
            return inner.kind();
        }
        match self {
            Self::UnknownType(_) | Self::InvalidId(_) | Self::NotFound => ErrorKind::NotFound,
            Self::Gone { .. } => ErrorKind::Gone,
            Self::VersionConflict | Self::MultipleMatches => ErrorKind::Precondition,
            Self::Moved | Self::Taken => ErrorKind::Conflict,
            Self::NotSupported(_) => ErrorKind::NotSupported,
            Self::ContentType(_) => ErrorKind::UnsupportedMediaType,
            Self::Format => ErrorKind::NotAcceptable,
            Self::TooLarge(_) => ErrorKind::TooLarge,
            Self::Slow => ErrorKind::Timeout,
            Self::Crowded => ErrorKind::TooMany,
            Self::Late => ErrorKind::Unavailable,
            _ => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        if let Some(inner) = self.inner() {
            return inner.code();
        }
        match self {
            Self::UnknownType(_) | Self::NotSupported(_) | Self::ContentType(_) | Self::Format => "not-supported",
            Self::InvalidId(_) | Self::NotFound => "not-found",
            Self::Gone { .. } => "deleted",
            Self::VersionConflict | Self::Moved | Self::Taken => "conflict",
            Self::MultipleMatches => "multiple-matches",
            Self::TooLarge(_) => "too-long",
            Self::Slow | Self::Late => "timeout",
            Self::Crowded => "throttled",
            _ => "invalid",
        }
    }

    fn public(&self) -> String {
        self.inner().map_or_else(|| self.to_string(), Fault::public)
    }
}
