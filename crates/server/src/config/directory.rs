//! What the directory holds from the first start on: establishments, their first administrator, their applications.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hygie_core::{AppId, Secret, TenantId};
use hygie_directory::{PasswordOwner, directory_api};
use serde::Deserialize;

use super::{Psc, env_origin};
use crate::ambient::environment;

/// An establishment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Its id, a GUID that never changes.
    pub id: TenantId,
    /// Its domain, as in user names.
    pub domain: String,
    /// Its name.
    pub display_name: String,
    /// Made with the tenant, on first start.
    pub administrator: Option<Administrator>,
    /// Whether a tenant that is made begins with the security defaults, which ask everybody for two factors, as those of
    /// Entra ID do. Nothing of a tenant that is there.
    #[serde(default = "on")]
    pub security_defaults: bool,
    /// Its own applications, each registered when it is not there.
    #[serde(default)]
    pub applications: Vec<Application>,
    /// Programs with managed identities.
    #[serde(default)]
    pub workloads: Vec<Workload>,
    /// For how many days its logs are kept; 30 when absent.
    pub log_retention_days: Option<u32>,
    /// Publishers whose applications may carry the mark of being verified, in every tenant.
    #[serde(default)]
    pub publishers: Vec<Publisher>,
    /// The Pro Santé Connect whose tokens are exchanged for its own.
    pub psc: Option<Psc>,
}

const fn on() -> bool {
    true
}

/// A program with managed identities.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Its name in the tenant.
    pub name: String,
    /// The file that its secret is written to, for this program alone, when there is none; without the file the workload
    /// gets a new secret at the next start.
    pub header_file: PathBuf,
    /// Names of identities that it may share with others; made when they are not there.
    #[serde(default)]
    pub user_assigned: Vec<String>,
}

/// A publisher that the operator of this installation vouches for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// Its id, by which an application names it.
    pub id: String,
    /// Its name, as people read it.
    pub display_name: String,
}

/// The first administrator of a tenant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Administrator {
    /// User name, in the domain of the tenant.
    pub upn: String,
    /// The variable of the environment that holds the first password.
    pub password_env: String,
}

impl Administrator {
    /// Who it is and the first password, which the rules for passwords allow.
    pub fn account(&self, tenant: &Tenant) -> Result<(String, Secret<String>)> {
        let origin = env_origin(&self.password_env);
        let password = environment(&self.password_env);
        let password = password.with_context(|| format!("{origin} with the first password is not set"))?;
        let organization = [Some(tenant.display_name.as_str()), tenant.domain.split('.').next()];
        let owner = PasswordOwner {
            user: vec![&self.upn],
            organization: organization.into_iter().flatten().collect(),
            ..PasswordOwner::default()
        };
        hygie_directory::check_password(&password, &owner).with_context(|| format!("{origin} cannot be a password"))?;
        Ok((self.upn.clone(), Secret::new(password)))
    }
}

/// An application of a tenant. Its later changes are made in the directory, not here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its id, a GUID that never changes.
    pub app: AppId,
    /// Its name.
    pub display_name: String,
    /// The certificate by which it proves itself, in PEM form; a public client when absent.
    pub certificate: Option<PathBuf>,
    /// What it is called where others ask for tokens for it.
    #[serde(default)]
    pub identifier_uris: Vec<String>,
    /// Where people come back to who sign in to it.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// The FHIR services, as `WORKSPACE/SERVICE`, that it may use as whoever signed in, without asking each.
    #[serde(default)]
    pub fhir: Vec<String>,
    /// Its own permissions on the directory API (`Policy.Read.All`, …), for an application with a certificate.
    #[serde(default)]
    pub directory_permissions: Vec<String>,
}

impl Application {
    /// What is wrong with its permissions on the directory API, if anything is.
    pub fn wrong_permission(&self) -> Option<String> {
        let (name, api) = (&self.display_name, directory_api());
        if self.certificate.is_none() && !self.directory_permissions.is_empty() {
            return Some(format!(
                "application {name} has permissions of its own and no certificate to prove itself by"
            ));
        }
        let is_known = |wanted: &&String| api.definition.app_roles.iter().any(|role| role.value == **wanted);
        let unknown = self.directory_permissions.iter().find(|wanted| !is_known(wanted))?;
        Some(format!(
            "application {name} wants {unknown}, which is no permission of applications on the directory API"
        ))
    }
}

impl Tenant {
    /// Takes relative paths as relative to `base`.
    pub fn make_absolute(&mut self, base: &Path) {
        let certificates = self.applications.iter_mut().filter_map(|app| app.certificate.as_mut());
        certificates.for_each(|path| *path = base.join(&*path));
        if let Some(psc) = &mut self.psc {
            psc.make_absolute(base);
        }
    }
}
