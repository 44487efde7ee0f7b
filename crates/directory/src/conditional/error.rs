//! Why conditional access cannot be changed, or read.

use hygie_core::{ErrorKind, Fault};
use hygie_policy::ReadError;
use hygie_policy::check::Broken;
use hygie_store::StoreError;

/// Names that an error lists at most.
const LISTED: usize = 5;

/// Why a policy, a location, a strength or a context cannot be made, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum ConditionalError {
    /// The document cannot be read.
    #[error(transparent)]
    Document(#[from] Box<ReadError>),
    /// It breaks a rule.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// There is no such object.
    #[error("Resource '{0}' does not exist or one of its queried reference-property objects are not present.")]
    NotFound(String),
    /// An object with this id is there.
    #[error("an object with this id exists already")]
    Exists,
    /// It is not what the change was made from any more.
    #[error("the object was changed since it was read")]
    Changed,
    /// As many as a tenant may have are there.
    #[error("a tenant may have {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        most: usize,
    },
    /// It refers to something that is not there.
    #[error("{at}: there is no such object: {id}")]
    Missing {
        /// The member that refers to it.
        at: &'static str,
        /// What it names.
        id: String,
    },
    /// Policies refer to it.
    #[error("it is used by {}", listed(.0))]
    InUse(Vec<String>),
    /// Every tenant has it.
    #[error("what is built in cannot be changed")]
    BuiltIn,
    /// A trusted location is not removed by a slip of the hand.
    #[error("a trusted location cannot be removed: set isTrusted to false first")]
    Trusted,
    /// Applications see it.
    #[error("an authentication context that is available cannot be removed: set isAvailable to false first")]
    Available,
    /// Policies would keep out everybody who administers.
    #[error("nobody who administers could sign in any more, by {}: exclude the account of an administrator", listed(.0))]
    LockOut(Vec<String>),
    /// Policies are enforced.
    #[error("security defaults cannot be enabled while conditional access policies are: {}", listed(.0))]
    PoliciesEnabled(Vec<String>),
    /// Nothing tells from which country somebody comes.
    #[error(
        "a policy by country cannot be enabled: no country is known here, for no database of countries is configured; keep it disabled or report-only"
    )]
    NoCountries,
    /// Nothing here acts on it.
    #[error("{0} has no effect here: a policy with it cannot be enabled; keep it disabled or report-only")]
    NoEffect(&'static str),
    /// Nothing tells where a telephone is.
    #[error("countryLookupMethod authenticatorAppGps is not supported: no telephone tells its position here")]
    NoPosition,
    /// Another policy is that of the establishment.
    #[error("isOrganizationDefault: '{0}' is the policy for all applications already")]
    Default(String),
    /// The object has a policy of this kind.
    #[error("the object has a policy of this kind already: take it away first")]
    Assigned,
    /// Managed identities have none.
    #[error("token lifetimes of managed identities cannot be set")]
    ManagedIdentity,
    /// Security defaults are enforced.
    #[error("a conditional access policy cannot be enabled while security defaults are")]
    SecurityDefaults,
    /// The directory failed.
    #[error("the directory failed")]
    Store(#[from] StoreError),
}

/// The first names, in quotes.
pub(crate) fn listed(names: &[String]) -> String {
    let mut text: Vec<String> = names.iter().take(LISTED).map(|name| format!("'{name}'")).collect();
    if names.len() > LISTED {
        text.push(format!("{} more", names.len() - LISTED));
    }
    text.join(", ")
}

impl From<ReadError> for ConditionalError {
    fn from(error: ReadError) -> Self {
        Self::Document(Box::new(error))
    }
}

impl Fault for ConditionalError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Exists => ErrorKind::Conflict,
            Self::Changed => ErrorKind::Precondition,
            Self::Store(error) => error.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "Request_ResourceNotFound",
            Self::Exists => "Request_MultipleObjectsWithSameKeyValue",
            Self::Changed => "preconditionFailed",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_lists_a_few_names() {
        let names: Vec<String> = (1..8).map(|n| format!("AC0{n}")).collect();
        let error = ConditionalError::InUse(names);
        let expected = "it is used by 'AC01', 'AC02', 'AC03', 'AC04', 'AC05', 2 more";
        assert_eq!((error.kind(), error.public().as_str()), (ErrorKind::Invalid, expected));
    }
}
