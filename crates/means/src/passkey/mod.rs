//! Passkeys: credentials of Web Authentication Level 2 that are discoverable and verify their person.
//! <https://www.w3.org/TR/webauthn-2/>
//!
//! The relying party is the host of the login address, the origin that address. The library verifies what authenticators
//! sign; here is who may register what, whose a passkey is, and what is kept.
//!
//! # Deviations
//!
//! - A challenge is made of random octets and its own seal (`challenge`), so that nothing is kept of who merely looks at
//!   a page, and the directory API can give options to one process and get the answer at another. It is good for one success.
//! - A counter that does not grow refuses the sign-in.
//! - The statement of the maker is always asked for, because it brings the model; without one the model is taken as the
//!   authenticator says it.

mod authenticate;
mod challenge;
mod register;

use std::time::Duration;

use hygie_core::{Cx, ObjectId, TenantId, Timestamp};
use hygie_directory::User;
use hygie_policy::strength::Usage;
use serde_json::Value;
use url::Url;
use uuid::Uuid;
use webauthn_rs_core::WebauthnCore;

use crate::{MeansError, Refusal};

/// Passkeys of one person.
pub const MAX_PASSKEYS: usize = 10;
/// How long a page waits for its answer.
pub(crate) const TTL: Duration = Duration::from_mins(5);
/// Octets of an answer.
const MAX_RESPONSE: usize = 64 << 10;
/// Octets of the id of a passkey (WebAuthn Level 2 §5.8.3).
const MAX_ID: usize = 1_023;

/// Who registers a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The person: the policy must allow it.
    Person,
    /// An administrator for the person, by the directory API.
    Administrator,
}

/// What the browser is asked, as `navigator.credentials` takes it in JSON (`publicKey` and its members).
#[derive(Clone, Debug)]
pub struct PasskeyOptions {
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`.
    pub public_key: Value,
    /// When the answer comes too late.
    pub expires_at: Timestamp,
}

/// Who signed with a passkey.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The tenant: that of the context, or, where it names none, that of the person.
    pub tenant: TenantId,
    /// The person.
    pub user: User,
    /// The method, with the model.
    pub usage: Usage,
}

/// The relying party.
pub(crate) struct Party {
    core: WebauthnCore,
}

impl Party {
    pub(crate) fn of(login: &str) -> Result<Self, MeansError> {
        let wrong = || MeansError::Setting("the login address has no host");
        let origin = Url::parse(login).map_err(|_| wrong())?;
        let host = origin.host_str().ok_or_else(wrong)?.to_owned();
        let (subdomains, any_port) = (Some(false), Some(false));
        let core = WebauthnCore::new_unsafe_experts_only("hygie", &host, vec![origin], TTL, subdomains, any_port);
        Ok(Self { core })
    }
}

/// What an authenticator keeps of whom its passkey is for, and tells where no name was typed.
fn handle(tenant: TenantId, user: ObjectId) -> Vec<u8> {
    [*tenant.uuid().as_bytes(), *user.uuid().as_bytes()].concat()
}

/// The tenant and person of a handle.
fn of_handle(handle: &[u8]) -> Option<(TenantId, ObjectId)> {
    let (tenant, user) = handle.split_at_checked(16)?;
    let tenant = TenantId::from_uuid(Uuid::from_slice(tenant).ok()?);
    Some((tenant, ObjectId::from_uuid(Uuid::from_slice(user).ok()?)))
}

/// The JSON of an answer of the browser.
fn parse<T: serde::de::DeserializeOwned>(response: &str) -> Result<T, Refusal> {
    if response.len() > MAX_RESPONSE {
        return Err(Refusal::Wrong);
    }
    serde_json::from_str(response).map_err(|error| {
        tracing::debug!(%error, "an answer of an authenticator cannot be read");
        Refusal::Wrong
    })
}

/// A state of the library with a challenge of ours.
fn with_challenge<S>(state: &S, challenge: &[u8]) -> Result<S, MeansError>
where
    S: serde::Serialize + serde::de::DeserializeOwned,
{
    let mut value = serde_json::to_value(state)?;
    value["challenge"] = hygie_jose::base64url::encode(challenge).into();
    Ok(serde_json::from_value(value)?)
}

/// Whether a context names a tenant.
fn has_tenant(cx: &Cx) -> bool {
    !cx.tenant.uuid().is_nil()
}
