//! Why a trust store is not changed.

use hygie_core::{ErrorKind, Fault};
use hygie_jose::x509::{ListFault, NotAuthority};
use hygie_store::StoreError;

use super::{MAX_AUTHORITIES, MAX_GRACE, MAX_LIST, MAX_PKIS};

/// Why a trust store is not changed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// There is no such object.
    #[error("Resource '{0}' does not exist or one of its queried reference-property objects are not present.")]
    NotFound(String),
    /// A name is empty or too long.
    #[error("displayName: must be a text of 1 to 256 signs")]
    Name,
    /// As many as there may be are there.
    #[error("a tenant may have {MAX_PKIS} public key infrastructures")]
    TooManyPkis,
    /// As many as there may be are there.
    #[error("a tenant may have {MAX_AUTHORITIES} certification authorities")]
    TooManyAuthorities,
    /// What was given is no authority.
    #[error("certificate: {0}")]
    Certificate(#[from] NotAuthority),
    /// An authority says that it is a root and is none, or the reverse.
    #[error("certificateAuthorityType: the certificate is that of another type of authority")]
    Position,
    /// It is there already.
    #[error("certificate: the authority is in the trust store already")]
    Exists,
    /// An address from which nothing can be fetched.
    #[error("certificateRevocationListUrl: must be the address of a file, http or https")]
    Url,
    /// An address from which nothing can be fetched.
    #[error("deltaCertificateRevocationListUrl: must be the address of a file, http or https")]
    DeltaUrl,
    /// What changed since a list says nothing without that list.
    #[error("deltaCertificateRevocationListUrl: needs a certificateRevocationListUrl")]
    DeltaAlone,
    /// The authority signs no lists.
    #[error("certificateRevocationListUrl: the authority may not sign revocation lists")]
    SignsNoLists,
    /// A grace that is too long.
    #[error("graceInHours: may be {MAX_GRACE} hours")]
    Grace,
    /// A list that does not count.
    #[error("{0}")]
    List(#[from] ListFault),
    /// A list that is too large.
    #[error("a revocation list may have {MAX_LIST} octets")]
    ListTooLarge,
    /// There is a newer one.
    #[error("a newer revocation list is there already")]
    ListOlder,
    /// The directory failed.
    #[error("the directory failed")]
    Store(#[from] StoreError),
}

impl Fault for TrustError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Exists | Self::ListOlder => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "Request_ResourceNotFound",
            Self::Exists => "Request_MultipleObjectsWithSameKeyValue",
            Self::ListOlder => "Conflict",
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
