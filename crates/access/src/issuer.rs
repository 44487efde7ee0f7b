//! Who a workspace trusts to say who somebody is.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_core::TenantId;
use hygie_jose::KeySet;

use crate::confirmation::ThumbprintForm;
use crate::mapping::{ClaimNames, ProfessionalClaims};

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

/// A version of Entra's tokens, which have an issuer each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `https://sts.windows.net/{tid}/`, client in `appid`.
    V1,
    /// `https://login.microsoftonline.com/{tid}/v2.0`, client in `azp`.
    V2,
}

impl Version {
    /// The claim `ver` of its tokens.
    pub const fn ver(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        }
    }

    /// The claim that names the client.
    pub(crate) const fn client_claim(self) -> &'static str {
        match self {
            Self::V1 => "appid",
            Self::V2 => "azp",
        }
    }
}

/// How the tokens of an issuer are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Style {
    /// Entra's claims, ours included: `tid`, `oid`, `appid` or `azp`, `scp`, `roles`, `idtyp`.
    Entra(Version),
    /// Any OpenID Connect provider with JWT access tokens (RFC 9068): `client_id` or `azp`, `scope`, and what the
    /// configuration calls by name. Subjects, clients and groups get ids derived from issuer and text, because they
    /// need not be GUIDs.
    OpenId(ClaimNames),
}

/// A cloud of Microsoft Entra ID, or whatever has its protocol surface: another hygie for instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntraCloud {
    /// Base of the authority, without final slash; version 2 issuers are `{authority}/{tid}/v2.0`.
    pub authority: String,
    /// Base of version 1 issuers, which are `{sts}/{tid}/`.
    pub sts: String,
}

impl EntraCloud {
    /// The cloud of this authority. Version 1 tokens of Microsoft's clouds come from another host than the authority;
    /// everybody else's from the authority itself.
    pub fn of(authority: &str) -> Self {
        let authority = authority.trim_end_matches('/');
        let sts = match authority {
            "https://login.microsoftonline.com" | "https://login.microsoftonline.us" => "https://sts.windows.net",
            "https://login.partner.microsoftonline.cn" => "https://sts.chinacloudapi.cn",
            other => other,
        };
        Self {
            authority: authority.to_owned(),
            sts: sts.to_owned(),
        }
    }

    /// The two issuers of a tenant.
    pub fn issuers(&self, tenant: TenantId, keys: &Arc<dyn KeySource>) -> [TrustedIssuer; 2] {
        let v1 = format!("{}/{tenant}/", self.sts);
        let v2 = format!("{}/{tenant}/v2.0", self.authority);
        let key_issuers = vec![v1.clone(), v2.clone()];
        [(v1, Version::V1), (v2, Version::V2)].map(|(issuer, version)| TrustedIssuer {
            issuer,
            tenant,
            style: Style::Entra(version),
            keys: keys.clone(),
            key_issuers: key_issuers.clone(),
            audiences: Vec::new(),
            professional: None,
            thumbprint: ThumbprintForm::Octets,
        })
    }
}

impl Default for EntraCloud {
    /// The worldwide one.
    fn default() -> Self {
        Self::of("https://login.microsoftonline.com")
    }
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
    /// What else its tokens may name as their audience, for issuers that know no URI of the service.
    pub audiences: Vec<String>,
    /// Where its tokens tell about a health professional; those of an issuer without are no professionals to us.
    pub professional: Option<ProfessionalClaims>,
    /// How it writes the thumbprint of a certificate that a token is bound to.
    pub thumbprint: ThumbprintForm,
}

impl TrustedIssuer {
    /// An OpenID Connect provider whose principals form `tenant`.
    pub fn open_id(issuer: impl Into<String>, tenant: TenantId, keys: Arc<dyn KeySource>) -> Self {
        let issuer = issuer.into();
        Self {
            key_issuers: vec![issuer.clone()],
            issuer,
            tenant,
            style: Style::OpenId(ClaimNames::default()),
            keys,
            audiences: Vec::new(),
            professional: None,
            thumbprint: ThumbprintForm::Octets,
        }
    }

    /// The two issuers of a tenant of our own identity provider at `login` (`https://login.example`, no final slash):
    /// version 1 `https://login.example/{tid}/` and version 2 `https://login.example/{tid}/v2.0`. What they say of
    /// health professionals counts: they exchanged the federator's tokens for it.
    pub fn of_tenant(login: &str, tenant: TenantId, keys: &Arc<dyn KeySource>) -> [Self; 2] {
        EntraCloud::of(login).issuers(tenant, keys).map(|issuer| Self {
            professional: Some(ProfessionalClaims::default()),
            ..issuer
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
