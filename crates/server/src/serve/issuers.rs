//! The issuers that workspaces trust besides their own tenant, each with its keys.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use hygie_access::{
    AppRole, Discovered, Document, KeySource, Outgoing, ProfessionalClaims, Role, Style, TrustedIssuer,
};
use hygie_core::{Clock, TenantId};

use crate::config::{self, EntraTenant, Metadata, OpenIdIssuer, Workspace};
use crate::wiring::Base;

/// Makes them; an issuer that several workspaces trust is asked once for all.
pub struct Issuers {
    outgoing: Outgoing,
    clock: Arc<dyn Clock>,
    login: String,
    own_keys: Arc<dyn KeySource>,
    discovered: HashMap<Document, Discovered>,
}

impl Issuers {
    /// Asked by this client.
    pub fn new(outgoing: &Outgoing, base: &Base) -> Self {
        Self {
            outgoing: outgoing.clone(),
            clock: base.settings.clock.clone(),
            login: base.settings.login.clone(),
            own_keys: base.idp.key_source(),
            discovered: HashMap::new(),
        }
    }

    /// Those of a workspace. Their keys are fetched when their first token comes.
    pub fn trusted_by(&mut self, workspace: &Workspace) -> Vec<TrustedIssuer> {
        let own = workspace.trusted_tenants.iter();
        let mut trusted: Vec<_> = own
            .flat_map(|tenant| TrustedIssuer::of_tenant(&self.login, *tenant, &self.own_keys))
            .collect();
        for entra in plain(&workspace.trusted_entra_tenants).iter().chain(&workspace.entra) {
            trusted.extend(self.entra(entra));
        }
        for issuer in &workspace.issuers {
            trusted.push(self.open_id(issuer));
        }
        trusted
    }

    /// The application roles that count on a FHIR service of a workspace.
    pub fn app_roles(&self, workspace: &Workspace, service: &str) -> Result<Vec<AppRole>> {
        let mut counted = Vec::new();
        for entra in &workspace.entra {
            let issuers = entra.cloud().issuers(entra.tenant, &self.own_keys);
            for issuer in issuers {
                counted.extend(of(&entra.app_roles, service, (issuer.issuer, entra.tenant))?);
            }
        }
        for provider in &workspace.issuers {
            let issuer = (provider.issuer.clone(), provider.tenant());
            counted.extend(of(&provider.app_roles, service, issuer)?);
        }
        Ok(counted)
    }

    fn entra(&mut self, entra: &EntraTenant) -> [TrustedIssuer; 2] {
        let cloud = entra.cloud();
        let document = match entra.metadata {
            Metadata::Tenant => Document::of_entra(&cloud, entra.tenant),
            Metadata::Organizations => Document::of_entra_organizations(&cloud),
        };
        let keys = self.keys(document);
        cloud.issuers(entra.tenant, &keys)
    }

    fn open_id(&mut self, provider: &OpenIdIssuer) -> TrustedIssuer {
        let keys = self.keys(Document::of_issuer(&provider.issuer));
        let professional: Option<ProfessionalClaims> = provider.professional.clone();
        TrustedIssuer {
            style: Style::OpenId(provider.claims.clone()),
            audiences: provider.fhir_audiences.clone(),
            professional,
            thumbprint: provider.thumbprint,
            ..TrustedIssuer::open_id(&provider.issuer, provider.tenant(), keys)
        }
    }

    fn keys(&mut self, document: Document) -> Arc<dyn KeySource> {
        let found = self.discovered.entry(document).or_insert_with_key(|document| {
            Discovered::new(self.outgoing.clone(), document.clone(), self.clock.clone())
        });
        Arc::new(found.clone())
    }
}

fn plain(tenants: &[TenantId]) -> Vec<EntraTenant> {
    tenants.iter().copied().map(EntraTenant::plain).collect()
}

fn of(roles: &[config::AppRole], service: &str, (issuer, tenant): (String, TenantId)) -> Result<Vec<AppRole>> {
    let here = roles
        .iter()
        .filter(|granted| granted.fhir.as_deref().is_none_or(|name| name == service));
    here.map(|granted| {
        Ok(AppRole {
            issuer: issuer.clone(),
            tenant,
            value: granted.value.clone(),
            role: Role::find(&granted.role).with_context(|| format!("{:?} is not a role", granted.role))?,
        })
    })
    .collect()
}
