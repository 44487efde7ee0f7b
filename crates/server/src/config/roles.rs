//! Role assignments that are given at start.

use hygie_access::{Assignee, AssigneeKind, Holder, Profile, derived_id};
use hygie_core::{AppId, ObjectId, TenantId};
use serde::Deserialize;

use super::Workspace;

/// A role of a principal, of somebody at an OpenID Connect provider, or of a kind of health professional.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleAssignment {
    /// Object id of the user, group or service principal.
    pub principal: Option<ObjectId>,
    /// What it is.
    pub kind: Option<AssigneeKind>,
    /// Instead of a principal: an application of the workspace's tenant,
    pub app: Option<AppId>,
    /// or the name of a user of it.
    pub user: Option<String>,
    /// The tenant of the principal, or the one whose word on professionals counts; that of the workspace when absent.
    pub tenant: Option<TenantId>,
    /// Instead of a principal: an OpenID Connect provider of the workspace,
    pub issuer: Option<String>,
    /// and what it calls the subject or group.
    pub subject: Option<String>,
    /// Instead of a principal: codes of professions (`10`, `60`; `10/E` for students),
    #[serde(default)]
    pub professions: Vec<String>,
    /// and the structures in which they are exercised.
    #[serde(default)]
    pub structures: Vec<String>,
    /// Name of the role, as Azure shows it.
    pub role: String,
    /// Name of the FHIR service; all services of the workspace when absent.
    pub fhir: Option<String>,
}

/// Who is given a role.
#[derive(Debug)]
pub enum Whose<'a> {
    /// Whom the configuration knows by its id, its issuer or its profession.
    Holder(Holder),
    /// An application of the workspace's tenant.
    App(AppId),
    /// The user of this name in the workspace's tenant.
    User(&'a str),
}

impl RoleAssignment {
    /// Who is given the role; an error says what to write.
    pub fn whose(&self, workspace: &Workspace) -> Result<Whose<'_>, String> {
        match (self.app, &self.user) {
            (None, None) => self.holder(workspace).map(Whose::Holder),
            (Some(app), None) if !self.names_otherwise() => Ok(Whose::App(app)),
            (None, Some(name)) if !self.names_otherwise() => Ok(Whose::User(name)),
            _ => Err(
                "`app` or `user`, of the workspace's tenant, says whose a role is without any other member".to_owned(),
            ),
        }
    }

    fn names_otherwise(&self) -> bool {
        let ids = self.principal.is_some() || self.kind.is_some() || self.tenant.is_some();
        let outside = self.issuer.is_some() || self.subject.is_some();
        ids || outside || !self.professions.is_empty() || !self.structures.is_empty()
    }

    fn holder(&self, workspace: &Workspace) -> Result<Holder, String> {
        let is_profile = !self.professions.is_empty() || !self.structures.is_empty();
        match (self.principal, &self.subject, self.kind) {
            (None, None, None) if is_profile => self.profile(workspace).map(Holder::Profile),
            (Some(id), None, Some(kind)) if !is_profile && self.issuer.is_none() => {
                let tenant = self.tenant.unwrap_or(workspace.tenant);
                check_trusted(workspace, tenant)?;
                Ok(Holder::Object(Assignee { tenant, id, kind }))
            }
            (None, Some(subject), Some(kind)) if !is_profile && self.tenant.is_none() => {
                let issuer = self.provider(workspace)?.ok_or("`subject` needs its `issuer`")?;
                let id = ObjectId::from_uuid(derived_id(&issuer.issuer, subject));
                let tenant = issuer.tenant();
                Ok(Holder::Object(Assignee { tenant, id, kind }))
            }
            _ => Err(
                "a role assignment names `principal` and `kind`, or `issuer`, `subject` and `kind`, or `professions` \
                 and `structures`"
                    .to_owned(),
            ),
        }
    }

    fn profile(&self, workspace: &Workspace) -> Result<Profile, String> {
        let tenant = match self.provider(workspace)? {
            Some(provider) if provider.professional.is_none() => {
                return Err(format!("{} has no `professional`: it tells of none", provider.issuer));
            }
            Some(provider) => provider.tenant(),
            None => self.tenant.unwrap_or(workspace.tenant),
        };
        let vouches = tenant == workspace.tenant || workspace.trusted_tenants.contains(&tenant);
        if !vouches && self.issuer.is_none() {
            return Err(format!("the tenant {tenant} does not vouch for professions here"));
        }
        Profile::new(tenant, self.professions.clone(), self.structures.clone()).map_err(|error| error.to_string())
    }

    fn provider<'w>(&self, workspace: &'w Workspace) -> Result<Option<&'w super::OpenIdIssuer>, String> {
        let Some(issuer) = &self.issuer else { return Ok(None) };
        let found = workspace.issuers.iter().find(|known| known.issuer == *issuer);
        found
            .map(Some)
            .ok_or_else(|| format!("workspace {} does not trust the issuer {issuer}", workspace.name))
    }
}

fn check_trusted(workspace: &Workspace, tenant: TenantId) -> Result<(), String> {
    let is_trusted = tenant == workspace.tenant
        || workspace.trusted_tenants.contains(&tenant)
        || workspace.trusted_entra_tenants.contains(&tenant)
        || workspace.entra.iter().any(|entra| entra.tenant == tenant);
    if is_trusted {
        Ok(())
    } else {
        Err(format!(
            "workspace {} does not trust the tenant {tenant}",
            workspace.name
        ))
    }
}
