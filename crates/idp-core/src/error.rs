//! What goes wrong in the identity provider.

use hygie_core::{ErrorKind, Fault, Principal};
use hygie_directory::{DirectoryError, PasswordError};
use hygie_jose::JoseError;
use hygie_means::MeansError;
use hygie_oidc::psc::Unacceptable;
use hygie_oidc::{Aadsts, Refusal};
use hygie_store::StoreError;

use crate::signin::Interruption;

/// An error of an operation of the identity provider.
#[derive(Debug, thiserror::Error)]
pub enum IdpError {
    /// The request was refused by a rule of the protocol or of the directory.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The same, where the trail has it already.
    #[error(transparent)]
    Recorded(Refusal),
    /// Policies ask something first, or refuse.
    #[error("policies do not let it pass")]
    Interrupted(Box<Interruption>),
    /// The token that was to be exchanged is not one that we take.
    #[error("the subject token is not acceptable ({})", fault.code())]
    Subject {
        /// Why.
        fault: Unacceptable,
        /// The client that presented it, once it has proved who it is.
        by: Option<Box<Principal>>,
    },
    /// The directory cannot be read or written.
    #[error("the directory failed")]
    Store(#[from] StoreError),
    /// A key or token cannot be made.
    #[error("a key or token cannot be made")]
    Jose(#[from] JoseError),
    /// A password cannot be checked.
    #[error("a password cannot be checked")]
    Password,
    /// No password can be set.
    #[error("the list of published passwords cannot be read")]
    PasswordList(#[source] std::io::Error),
    /// A blocking task ended without an answer.
    #[error("a worker stopped")]
    Worker(#[from] tokio::task::JoinError),
    /// The threads that sign cannot be started.
    #[error("the threads that sign cannot be started")]
    Threads(#[source] std::io::Error),
    /// The thread that made a signature gave no answer.
    #[error("a signature was not made")]
    Unsigned,
    /// More passwords wait than the pool takes.
    #[error("too much work is waiting")]
    Busy,
    /// A value of ours is not JSON.
    #[error("a value cannot be written")]
    Json(#[from] serde_json::Error),
}

impl IdpError {
    /// The refusal that the caller is told.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) | Self::Recorded(refusal) => refusal.clone(),
            Self::Interrupted(interruption) => interruption.refusal.clone(),
            Self::Subject { fault, .. } => (*fault).into(),
            Self::Busy => Refusal::new(Aadsts::Throttled),
            Self::PasswordList(_) => Refusal::new(Aadsts::Unavailable),
            Self::Store(error) if error.kind() == ErrorKind::Unavailable => Refusal::new(Aadsts::Unavailable),
            Self::Store(StoreError::NulText) => Refusal::new(Aadsts::Malformed),
            Self::Store(_)
            | Self::Jose(_)
            | Self::Password
            | Self::Worker(_)
            | Self::Threads(_)
            | Self::Unsigned
            | Self::Json(_) => Refusal::new(Aadsts::ServiceFault),
        }
    }
}

impl From<PasswordError> for IdpError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy,
            PasswordError::Hash => Self::Password,
            PasswordError::Worker(error) => Self::Worker(error),
        }
    }
}

/// What is left of an operation of the directory when what a person is told of was told: a fault.
impl From<DirectoryError> for IdpError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Store(error) => Self::Store(error),
            DirectoryError::Password(error) => error.into(),
            DirectoryError::PasswordList(error) => Self::PasswordList(error),
            DirectoryError::Json(error) => Self::Json(error),
            _ => Self::Password,
        }
    }
}

impl From<MeansError> for IdpError {
    fn from(error: MeansError) -> Self {
        match error {
            MeansError::Store(error) => Self::Store(error),
            MeansError::Password(error) => error.into(),
            MeansError::Json(error) => Self::Json(error),
            // What a person is told of is told by who asked.
            MeansError::Refused(_) => Refusal::new(Aadsts::BadCredentials).into(),
            MeansError::Recorded(_) => Self::Recorded(Refusal::new(Aadsts::BadCredentials)),
            MeansError::Setting(_) => Self::Password,
        }
    }
}

impl From<Unacceptable> for IdpError {
    fn from(fault: Unacceptable) -> Self {
        Self::Subject { fault, by: None }
    }
}

impl Fault for IdpError {
    fn kind(&self) -> ErrorKind {
        Fault::kind(&self.refusal())
    }

    fn code(&self) -> &'static str {
        self.refusal().code().error()
    }

    fn public(&self) -> String {
        self.refusal().public()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_cannot_be_read_is_an_outage_that_is_named() {
        let error = IdpError::from(DirectoryError::PasswordList(std::io::Error::other("gone")));
        assert_eq!(error.refusal().code(), Aadsts::Unavailable);
        assert_eq!(error.to_string(), "the list of published passwords cannot be read");
        assert!(std::error::Error::source(&error).is_some_and(|source| source.to_string() == "gone"));
    }

    #[test]
    fn what_the_caller_sent_is_no_fault_of_ours() {
        let code = |error: StoreError| IdpError::from(error).refusal().code();
        assert_eq!(code(StoreError::NulText), Aadsts::Malformed);
        assert_eq!(code(StoreError::Busy), Aadsts::Unavailable);
        assert_eq!(code(StoreError::ForeignAwait), Aadsts::ServiceFault);
    }
}
