//! How long tokens live: as the policies of the tenant say, or the usual time.
//! <https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes>
//!
//! An access token lives as its resource says, an id token as its client. Sign-in frequency still ends both
//! ([`super::issue::earlier`]), and what a managed identity gets lives the usual time, as in Entra ID.

use std::time::Duration;

use hygie_core::{Cx, Random};
use hygie_oidc::grant;

use super::party::Party;
use crate::{Idp, IdpError};

/// What policies say of the tokens of one issuance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetimes {
    access: Option<Duration>,
    id: Option<Duration>,
}

impl Lifetimes {
    /// Of an access token.
    pub(super) fn access(self, random: &dyn Random) -> Duration {
        self.access.unwrap_or_else(|| grant::access_ttl(random))
    }

    /// Of an id token.
    pub(super) fn id(self) -> Duration {
        self.id.unwrap_or(grant::ID_TOKEN_TTL)
    }
}

impl Idp {
    /// By the policies for the client and the resource.
    pub(super) async fn lifetimes(&self, cx: &Cx, client: &Party, resource: &Party) -> Result<Lifetimes, IdpError> {
        let of = async |party: &Party| {
            let directory = self.directory();
            directory.token_lifetime(cx, &party.principal, &party.application).await
        };
        Ok(Lifetimes {
            access: of(resource).await?,
            id: of(client).await?,
        })
    }
}
