//! Outside issuers that a workspace trusts.

use hygie_access::{ClaimNames, EntraCloud, ProfessionalClaims, ThumbprintForm, derived_id};
use hygie_core::TenantId;
use serde::Deserialize;

/// A tenant of Microsoft Entra ID, or of another installation with its protocol surface.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntraTenant {
    /// Its id.
    pub tenant: TenantId,
    /// The authority of its cloud, such as `https://login.microsoftonline.us`; the worldwide one when absent.
    pub authority: Option<String>,
    /// Base of its version 1 issuers, for an authority that has them elsewhere than at a host we know.
    pub sts: Option<String>,
    /// Which discovery document is read.
    #[serde(default)]
    pub metadata: Metadata,
    /// Application roles of its tokens that count.
    #[serde(default)]
    pub app_roles: Vec<AppRole>,
}

/// A discovery document of Entra.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metadata {
    /// That of the tenant.
    #[default]
    Tenant,
    /// That of all tenants, fetched once for those that are trusted.
    Organizations,
}

impl EntraTenant {
    /// A tenant of the worldwide cloud about which there is nothing more to say.
    pub fn plain(tenant: TenantId) -> Self {
        Self {
            tenant,
            authority: None,
            sts: None,
            metadata: Metadata::Tenant,
            app_roles: Vec::new(),
        }
    }

    /// Its cloud.
    pub fn cloud(&self) -> EntraCloud {
        let mut cloud = self
            .authority
            .as_deref()
            .map_or_else(EntraCloud::default, EntraCloud::of);
        if let Some(sts) = &self.sts {
            sts.trim_end_matches('/').clone_into(&mut cloud.sts);
        }
        cloud
    }
}

/// An OpenID Connect provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenIdIssuer {
    /// `iss` of its tokens, character by character; its discovery document is below it.
    pub issuer: String,
    /// What its tokens may name as their audience, besides the addresses of the FHIR services.
    #[serde(default)]
    pub fhir_audiences: Vec<String>,
    /// Where its tokens say what.
    #[serde(default)]
    pub claims: ClaimNames,
    /// Where they tell about a health professional, if what they tell counts.
    pub professional: Option<ProfessionalClaims>,
    /// How it writes the thumbprint of a certificate that a token is bound to.
    #[serde(default)]
    pub thumbprint: ThumbprintForm,
    /// Application roles of its tokens that count.
    #[serde(default)]
    pub app_roles: Vec<AppRole>,
}

impl OpenIdIssuer {
    /// The tenant that stands for it: made from its name, so that it is nobody else's.
    pub fn tenant(&self) -> TenantId {
        TenantId::from_uuid(derived_id(&self.issuer, ""))
    }
}

/// An application role that stands for one of ours.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppRole {
    /// What the token says.
    pub value: String,
    /// Name of the role that it stands for.
    pub role: String,
    /// Name of the FHIR service; all services of the workspace when absent.
    pub fhir: Option<String>,
}
