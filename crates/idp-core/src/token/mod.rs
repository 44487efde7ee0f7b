//! Tokens: the grants of the token endpoint, and the codes and tokens of the authorization endpoint.

mod admitted;
mod asked;
mod asking;
mod authorize;
mod bearer;
mod challenge;
mod ciba;
mod claims;
mod client_credentials;
mod code;
mod consent;
mod device;
mod exchange;
pub(crate) mod federated;
mod issue;
pub(crate) mod known;
mod lifetime;
mod managed;
mod on_behalf_of;
mod party;
mod password;
mod psc;
mod refresh;
mod revoke;
mod userinfo;

use hygie_access::Confirmation;
use hygie_core::{Secret, TenantId};
use hygie_directory::Place;
use hygie_jose::base64url;
use hygie_oidc::{Aadsts, Platform, Refusal, TokenResponse};
use hygie_web::audit::Note;

pub use asking::Asking;
pub use consent::{AskedPermission, ConsentAsk, ConsentRequest, PermissionKind, Verdict};
pub use device::DeviceWay;
pub use exchange::ACTION as EXCHANGE;
pub use managed::{ManagedError, ManagedToken, Recognised, Selector};
pub use psc::{Exchanges, PscClient, TrustedPsc};
pub use userinfo::{UserInfo, UserInfoError};

/// The answer of a grant, with what the audit layer shall know.
#[derive(Debug)]
pub struct Granted {
    /// The response.
    pub response: TokenResponse,
    /// The record, unless the transaction made it.
    pub note: Note,
    /// Whether a page of another origin may read the answer.
    pub platform: Option<Platform>,
}

/// What a request at the token endpoint tells of who sent it, beside its parameters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender<'a> {
    /// The page that sent it.
    pub origin: Option<&'a str>,
    /// What it calls itself (`User-Agent`).
    pub user_agent: Option<&'a str>,
    /// The certificate (DER) that was shown in the TLS handshake.
    pub certificate: Option<&'a [u8]>,
}

impl Sender<'_> {
    /// What access tokens are bound to (RFC 8705 §3), whatever the grant.
    pub fn confirmation(self) -> Option<Confirmation> {
        self.certificate.map(Confirmation::by)
    }
}

/// A code or refresh token: the tenant that issued it, then the secret, so that it is found at endpoints for all tenants
/// too. Its form is ours; clients must not read it.
pub(crate) fn opaque(tenant: TenantId, secret: &Secret<[u8; 32]>) -> Secret<String> {
    let bytes = Secret::new([tenant.uuid().as_bytes().as_slice(), secret.expose()].concat());
    Secret::new(format!("1.{}", base64url::encode(bytes.expose())))
}

/// The tenant of the path, for grants that nobody is known by before. At `organizations` it is no advice to go there.
pub(crate) fn tenant_at(place: Place) -> Result<TenantId, Refusal> {
    let code = match place {
        Place::Tenant(tenant) => return Ok(tenant),
        Place::Organizations => Aadsts::NoTenant,
        Place::Common => Aadsts::TenantNeeded,
    };
    Err(Refusal::new(code))
}

/// The tenant of a code or refresh token; `None` when it is none of ours.
pub(crate) fn tenant_of(token: &str) -> Option<TenantId> {
    let bytes = base64url::decode(token.strip_prefix("1.")?).ok()?;
    let (tenant, secret) = bytes.split_at_checked(16)?;
    (secret.len() == 32).then_some(())?;
    Some(TenantId::from_uuid(uuid::Uuid::from_slice(tenant).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_tells_its_tenant() {
        let tenant: TenantId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001".parse().unwrap();
        let token = opaque(tenant, &Secret::new([7; 32]));
        assert_eq!(tenant_of(token.expose()), Some(tenant));
        assert_eq!(tenant_of(&token.expose()[..60]), None);
    }

    proptest! {
        #[test]
        fn never_panics(token in "\\PC{0,80}") {
            let _ = tenant_of(&token);
            let _ = tenant_of(&format!("1.{token}"));
        }
    }
}
