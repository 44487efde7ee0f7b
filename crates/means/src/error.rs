//! Why a means was not registered, or proved nothing.

use hygie_core::{ErrorKind, Fault};
use hygie_directory::PasswordError;
use hygie_store::StoreError;

use crate::certificate::CertificateRefusal;

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not what was expected: a wrong code, a wrong pass, a signature of another key.
    #[error("this does not prove who you are")]
    Wrong,
    /// Too many wrong ones of late.
    #[error("too many wrong attempts; try again later")]
    Locked,
    /// The question is too old, or was answered before; a pass is not good any more.
    #[error("this has expired or was used already")]
    Expired,
    /// The policy of the tenant does not have this method for this person.
    #[error("this method is not allowed here")]
    NotOffered,
    /// The policy does not have this model or kind of passkey.
    #[error("passkeys of this model are not allowed here")]
    Model,
    /// The maker of the passkey must vouch for it, and did not.
    #[error("the origin of this passkey could not be proved")]
    Attestation,
    /// The policy wants the maker to vouch, and there are no metadata to check that by.
    #[error("the origin of passkeys must be proved, and this installation has no metadata of authenticators")]
    NoMetadata,
    /// The account is disabled.
    #[error("the account is disabled")]
    Disabled,
    /// The person has as many as there may be.
    #[error("there are as many as there may be")]
    Full,
    /// Registered already.
    #[error("this is registered already")]
    Exists,
    /// A value breaks a rule; tells which.
    #[error("{0} is not valid")]
    Value(&'static str),
    /// There is no such thing; tells which.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A certificate proves nobody; tells why.
    #[error(transparent)]
    Certificate(CertificateRefusal),
}

impl Refusal {
    /// The reason in audit records.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Locked => "locked",
            Self::Expired => "expired",
            Self::NotOffered => "not-offered",
            Self::Model => "model",
            Self::Attestation => "attestation",
            Self::NoMetadata => "no-metadata",
            Self::Disabled => "disabled",
            Self::Full => "full",
            Self::Exists => "exists",
            Self::Value(_) => "value",
            Self::NotFound(_) => "not-found",
            Self::Certificate(refusal) => refusal.reason(),
        }
    }
}

/// An error of an operation with means of identification.
#[derive(Debug, thiserror::Error)]
pub enum MeansError {
    /// Refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The same, where the trail has it already.
    #[error(transparent)]
    Recorded(Refusal),
    /// The directory cannot be read or written.
    #[error("the directory failed")]
    Store(#[source] StoreError),
    /// A pass cannot be hashed or checked.
    #[error("a pass cannot be checked")]
    Password(#[from] PasswordError),
    /// A value of ours cannot be written or read.
    #[error("a value cannot be written")]
    Json(#[from] serde_json::Error),
    /// What is configured cannot be used.
    #[error("{0}")]
    Setting(&'static str),
}

impl MeansError {
    /// What was refused, if anything was: all else is a failure of ours.
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(refusal) | Self::Recorded(refusal) => Some(*refusal),
            _ => None,
        }
    }

    /// Whether the trail has it already: then the audit layer need not record it.
    pub const fn is_recorded(&self) -> bool {
        matches!(self, Self::Recorded(_))
    }
}

impl From<StoreError> for MeansError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate(_) => Self::Refused(Refusal::Exists),
            other => Self::Store(other),
        }
    }
}

impl Fault for MeansError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(refusal) | Self::Recorded(refusal) => match refusal {
                Refusal::Full | Refusal::Exists => ErrorKind::Conflict,
                Refusal::NotFound(_) => ErrorKind::NotFound,
                Refusal::Locked => ErrorKind::TooMany,
                Refusal::NotOffered | Refusal::Disabled => ErrorKind::Forbidden,
                _ => ErrorKind::Invalid,
            },
            Self::Store(error) => error.kind(),
            Self::Password(PasswordError::Busy) => ErrorKind::TooMany,
            Self::Password(_) | Self::Json(_) | Self::Setting(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            ErrorKind::Invalid => "Request_BadRequest",
            ErrorKind::Conflict => "Request_MultipleObjectsWithSameKeyValue",
            ErrorKind::NotFound => "Request_ResourceNotFound",
            ErrorKind::Forbidden => "accessDenied",
            ErrorKind::TooMany => "TooManyRequests",
            ErrorKind::Unavailable => "serviceNotAvailable",
            _ => "internalServerError",
        }
    }

    fn public(&self) -> String {
        match self {
            Self::Refused(refusal) | Self::Recorded(refusal) => refusal.to_string(),
            Self::Store(error) => error.public(),
            Self::Password(PasswordError::Busy) => "too many passwords are being checked; try again".to_owned(),
            Self::Password(_) | Self::Json(_) | Self::Setting(_) => "an internal error occurred".to_owned(),
        }
    }
}
