//! Who a workspace trusts to say who somebody is.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_core::TenantId;
use hygie_jose::KeySet;

/// The keys of an issuer cannot be had; why is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys of an issuer cannot be had")]
pub struct KeysUnavailable;

/// Where the keys of one issuer come from: `server` gives those of our own tenants from memory,
/// [`crate::Discovered`] fetches those of others.
pub trait KeySource: Send + Sync {
    /// The keys as known now.
    fn keys(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>>;

    /// The keys after asking the issuer again, because a token names one that is not among them. Rate-limited: may be
    /// the same as before.
    fn refreshed(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>>;
}

/// How the tokens of an issuer are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Entra's claims, ours included: `tid`, `oid`, `appid` or `azp`, `scp`, `roles`, `idtyp`.
    Entra,
    /// Any OpenID Connect provider with JWT access tokens (RFC 9068): `sub`, `client_id` or `azp`, `scope`. Subjects
    /// and clients get ids derived from issuer and text, because they need not be GUIDs.
    OpenId,
}

/// An issuer that a workspace trusts, with the tenant that its principals belong to.
#[derive(Clone)]
pub struct TrustedIssuer {
    /// `iss` of its tokens, character by character.
    pub issuer: String,
    /// The tenant of its principals. Entra's tokens must name it; others are taken to be of it.
    pub tenant: TenantId,
    /// How its tokens are read.
    pub style: Style,
    /// Its keys.
    pub keys: Arc<dyn KeySource>,
    /// Issuers that its keys may name as the one they sign for: Entra publishes one document for both versions.
    pub key_issuers: Vec<String>,
}

impl TrustedIssuer {
    /// An OpenID Connect provider whose principals form `tenant`.
    pub fn open_id(issuer: impl Into<String>, tenant: TenantId, keys: Arc<dyn KeySource>) -> Self {
        let issuer = issuer.into();
        Self {
            key_issuers: vec![issuer.clone()],
            issuer,
            tenant,
            style: Style::OpenId,
            keys,
        }
    }

    /// The two issuers of a tenant of our own identity provider at `login` (`https://login.example`, no final slash):
    /// version 1 `https://login.example/{tid}/` and version 2 `https://login.example/{tid}/v2.0`.
    pub fn of_tenant(login: &str, tenant: TenantId, keys: &Arc<dyn KeySource>) -> [Self; 2] {
        Self::pair(
            format!("{login}/{tenant}/"),
            format!("{login}/{tenant}/v2.0"),
            tenant,
            keys,
        )
    }

    /// The two issuers of a tenant of Microsoft Entra ID (the worldwide cloud).
    pub fn of_entra(tenant: TenantId, keys: &Arc<dyn KeySource>) -> [Self; 2] {
        Self::pair(
            format!("https://sts.windows.net/{tenant}/"),
            format!("https://login.microsoftonline.com/{tenant}/v2.0"),
            tenant,
            keys,
        )
    }

    fn pair(v1: String, v2: String, tenant: TenantId, keys: &Arc<dyn KeySource>) -> [Self; 2] {
        let key_issuers = vec![v1.clone(), v2.clone()];
        [v1, v2].map(|issuer| Self {
            issuer,
            tenant,
            style: Style::Entra,
            keys: keys.clone(),
            key_issuers: key_issuers.clone(),
        })
    }

    /// Whether a key that names this issuer (`{tenantid}` standing for the tenant) may sign for us. Without the check,
    /// a key that an issuer publishes for some tenants only would open all of them.
    pub(crate) fn accepts_key_of(&self, key_issuer: Option<&str>) -> bool {
        key_issuer.is_none_or(|named| {
            let named = named.replace("{tenantid}", &self.tenant.to_string());
            self.key_issuers.contains(&named)
        })
    }
}

impl fmt::Debug for TrustedIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedIssuer")
            .field("issuer", &self.issuer)
            .field("tenant", &self.tenant)
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}
