//! `demo.json`: what scripts and clients read about a demo world. Its members are fixed; a service that is not built is
//! absent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hygie_core::{AppId, ObjectId, TenantId};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files;

/// Where a demo world is kept unless said otherwise.
pub const DEFAULT_DIR: &str = "./hygie-demo";
/// Its name in the directory of the world.
pub const FILE: &str = "demo.json";
const LIMIT: u64 = 16 * 1024 * 1024;

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Certificate of the local authority, relative to the directory.
    pub ca_certificate: PathBuf,
    /// Addresses.
    pub endpoints: Endpoints,
    /// Establishments.
    pub tenants: Vec<Tenant>,
    /// Workspaces and their services.
    pub workspaces: Vec<Workspace>,
    /// Who may do what.
    pub role_assignments: Vec<RoleAssignment>,
    /// The infrastructure of the cards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cards: Option<Cards>,
}

/// Addresses of the services.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoints {
    /// The entry page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal: Option<String>,
    /// The identity provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// What asks people for a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certauth: Option<String>,
    /// The directory API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<String>,
    /// Health and metrics, plain HTTP.
    pub health: String,
    /// The same services for clients with a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_channel: Option<String>,
    /// Tokens of the managed identities of `demo-workload`, plain HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_identity: Option<ManagedIdentity>,
}

/// What a program needs to get tokens of its managed identities: the variables `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`
/// of its environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManagedIdentity {
    /// Address.
    pub endpoint: String,
    /// The secret that the program shows.
    pub header: String,
    /// Client id of the identity that is the workload's own; it reads the FHIR service.
    pub system_assigned: AppId,
    /// Client id of an identity that workloads share; it has no role.
    pub user_assigned: AppId,
}

/// An establishment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its domain.
    pub domain: String,
    /// Its name.
    pub display_name: String,
    /// Whether the federator lets its people in.
    pub psc_allowed: bool,
    /// Its people.
    pub users: Vec<User>,
    /// Its applications.
    pub apps: Vec<App>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// What this person is in the demo world: `administrator`, `doctor`, `nurse`, `secretary`, `emergency`.
    pub name: String,
    /// Object id.
    pub oid: ObjectId,
    /// User name.
    pub upn: String,
    /// Password.
    pub password: String,
    /// As people read it.
    pub display_name: String,
    /// Roles in the directory.
    pub directory_roles: Vec<String>,
    /// Groups by name.
    pub groups: Vec<String>,
    /// Secret of time-based codes.
    pub totp_secret: Option<String>,
    /// The card of this person, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
}

/// A card: a certificate and its key, as files in PEM form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
    /// The national identifier of its holder.
    pub national_id: String,
}

/// The infrastructure of the cards, and cards that are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cards {
    /// The root, a file in PEM form.
    pub root: String,
    /// The authority that issues cards.
    pub issuing: String,
    /// Where its revocation list is.
    pub revocation_list: String,
    /// Cards in the name of the doctor that are refused, by why: `revoked`, `expired`, `unknown`.
    pub refused: BTreeMap<String, Card>,
}

/// An application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// What it is in the demo world.
    pub name: String,
    /// Its id.
    pub client_id: AppId,
    /// Its secret; `null` for a public client.
    pub client_secret: Option<String>,
    /// A file with another proof: a certificate and its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Where people come back to.
    pub redirect_uris: Vec<String>,
    /// For an application that is an API as well: the permission by which it is called for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// A workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its name.
    pub name: String,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its FHIR services.
    pub fhir: Vec<DataService>,
}

/// A data service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataService {
    /// Its name.
    pub name: String,
    /// Its address.
    pub base: String,
    /// What tokens for it name.
    pub audience: String,
    /// Its application.
    pub app_id: AppId,
}

/// A role given to a user or an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoleAssignment {
    /// Tenant of the principal.
    pub tenant: TenantId,
    /// Name of the application, or user name.
    pub principal: String,
    /// Name of the role.
    pub role: String,
    /// Workspace or service.
    pub scope: String,
}

/// Reads the document of the world in `dir`.
pub fn read(dir: &Path) -> Result<Document, Failure> {
    let path = dir.join(FILE);
    let bytes = files::read_limited(&path, LIMIT).map_err(|_| {
        Failure::usage(format!(
            "{} is not a demo world (start one with: hygie demo)",
            dir.display()
        ))
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::usage(format!("{} is not of this version: {error}", path.display())))
}

/// Writes the document of the world in `dir`.
pub fn write(dir: &Path, document: &Document) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec_pretty(document)?;
    text.push(b'\n');
    files::write_private(&dir.join(FILE), &text)
}
