//! Why an object of the directory cannot be made, changed or read.

use hygie_core::{ErrorKind, Fault};
use hygie_oidc::RuleBroken;
use hygie_policy::ReadError;
use hygie_store::StoreError;

use crate::conditional::listed;
use crate::password::PasswordError;
use crate::password_rules::WeakPassword;

/// Why an object cannot be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A redirect URI breaks a rule.
    #[error("a redirect URI cannot be registered")]
    RedirectUri(#[from] RuleBroken),
    /// A value has a wrong form; tells which.
    #[error("{0} is not valid")]
    Value(&'static str),
    /// An object with this name or id exists.
    #[error("an object with this name or id exists already")]
    Exists,
    /// What it refers to is not there; tells which.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A letter is asked for where nobody sends any.
    #[error("no message is sent here, for no mail server is configured: hand inviteRedeemUrl over")]
    NoMail,
    /// A member of an object.
    #[error(transparent)]
    Member(#[from] ReadError),
    /// A password that may not be set.
    #[error(transparent)]
    WeakPassword(#[from] WeakPassword),
    /// The password that is to be changed is another one, or was tried too often.
    #[error("the current password is wrong, or was wrong too often")]
    WrongPassword,
    /// Something else changed the object meanwhile.
    #[error("the object was changed meanwhile; try again")]
    Changed,
    /// It is not for anybody to change; tells what.
    #[error("{0} cannot be changed or deleted")]
    Fixed(&'static str),
    /// Nobody would be left who can administer the tenant.
    #[error("the last Global Administrator of the tenant cannot be removed, disabled or deleted")]
    LastAdministrator,
    /// Policies would keep out everybody who administers.
    #[error("nobody who administers could sign in any more, by {}", listed(.0))]
    LockOut(Vec<String>),
    /// The directory cannot be read or written.
    #[error("the directory failed")]
    Store(#[source] StoreError),
    /// A password cannot be hashed.
    #[error("the password is not stored")]
    Password(#[from] PasswordError),
    /// The list of published passwords cannot be read.
    #[error("the list of published passwords cannot be read")]
    PasswordList(#[source] std::io::Error),
    /// A value of ours is not JSON.
    #[error("a value cannot be written")]
    Json(#[from] serde_json::Error),
}

impl From<StoreError> for DirectoryError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate(_) => Self::Exists,
            other => Self::Store(other),
        }
    }
}

impl Fault for DirectoryError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::RedirectUri(_)
            | Self::Value(_)
            | Self::Member(_)
            | Self::WeakPassword(_)
            | Self::WrongPassword
            | Self::Fixed(_)
            | Self::NoMail
            | Self::LastAdministrator
            | Self::LockOut(_) => ErrorKind::Invalid,
            Self::Exists | Self::Changed => ErrorKind::Conflict,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Store(error) => error.kind(),
            Self::Password(PasswordError::Busy) => ErrorKind::TooMany,
            Self::PasswordList(_) => ErrorKind::Unavailable,
            Self::Password(_) | Self::Json(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            ErrorKind::Conflict if matches!(self, Self::Changed) => "Directory_ConcurrencyViolation",
            ErrorKind::Invalid => "Request_BadRequest",
            ErrorKind::Conflict => "Request_MultipleObjectsWithSameKeyValue",
            ErrorKind::NotFound => "Request_ResourceNotFound",
            ErrorKind::TooMany => "TooManyRequests",
            ErrorKind::Unavailable => "serviceNotAvailable",
            _ => "internalServerError",
        }
    }

    fn public(&self) -> String {
        match self {
            Self::RedirectUri(rule) => rule.to_string(),
            Self::Store(error) => error.public(),
            Self::Password(PasswordError::Busy) => "too many passwords are being checked; try again".to_owned(),
            Self::Password(_) | Self::Json(_) => "an internal error occurred".to_owned(),
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_is_a_conflict_and_what_fails_no_fault_of_the_caller() {
        let taken = DirectoryError::from(StoreError::Duplicate("taken".into()));
        assert_eq!(
            (taken.kind(), taken.code()),
            (ErrorKind::Conflict, "Request_MultipleObjectsWithSameKeyValue")
        );
        let lost = DirectoryError::from(StoreError::Busy);
        assert_eq!(
            (lost.kind(), lost.code()),
            (ErrorKind::Unavailable, "serviceNotAvailable")
        );
        assert_eq!(DirectoryError::NotFound("user").public(), "there is no such user");
    }
}
