//! Who has credentials: a registration, whose are good in every tenant, and the presence of an application in one, whose are
//! good there alone.

use hygie_core::Cx;
use hygie_store::Tx;
use hygie_store::audit::Record;

use crate::repo::{Applications, Holder, Principals};
use crate::{DirectoryError, FIRST_PARTY};

/// What happens to credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CredentialChange {
    /// A secret is added.
    Secret,
    /// One is taken away.
    SecretRemoved,
    /// Certificates are others.
    Certificate,
}

/// The record of it.
pub(super) fn record(cx: &Cx, of: Holder, change: CredentialChange) -> Record {
    let action = match (of, change) {
        (Holder::Application(_), CredentialChange::Secret) => "idp.application.secret",
        (Holder::Application(_), CredentialChange::SecretRemoved) => "idp.application.remove_secret",
        (Holder::Application(_), CredentialChange::Certificate) => "idp.application.certificate",
        (Holder::Principal(_), CredentialChange::Secret) => "idp.principal.secret",
        (Holder::Principal(_), CredentialChange::SecretRemoved) => "idp.principal.remove_secret",
        (Holder::Principal(_), CredentialChange::Certificate) => "idp.principal.certificate",
    };
    let object = match of {
        Holder::Application(app) => format!("app/{app}"),
        Holder::Principal(id) => format!("principal/{id}"),
    };
    Record::success(cx, action, object)
}

/// Refuses who is not there, and who has none: managed identities and the parts of this program.
pub(super) async fn check(tx: &mut Tx<'_>, of: Holder) -> Result<(), DirectoryError> {
    match of {
        Holder::Application(app) => {
            let found = Applications(tx).find(app).await?;
            found.map(drop).ok_or(DirectoryError::NotFound("application"))
        }
        Holder::Principal(id) => {
            let found = Principals(tx).find(id).await?;
            let found = found.ok_or(DirectoryError::NotFound("service principal"))?;
            if found.resource_id.is_some() || found.home == FIRST_PARTY {
                return Err(DirectoryError::Value("servicePrincipalType"));
            }
            Ok(())
        }
    }
}
