//! The tables as repositories over one transaction. Rows stay private; `find_` may find nothing.
//!
//! To add a table: a migration in [`crate::MIGRATIONS`], a repository here, and a test in `tests/it/tenants.rs` that what one
//! tenant writes another neither reads nor changes.

mod activities;
mod agreements;
mod applications;
mod attempts;
mod backchannels;
mod campaigns;
mod changes;
mod codes;
mod conditional;
mod consent_requests;
mod consents;
mod deleted;
mod devices;
mod familiar;
mod federated;
mod first_passwords;
mod global;
mod grants;
mod groups;
mod guests;
mod handovers;
mod hashes;
mod keys;
mod letters;
mod logs;
mod managers;
mod methods;
mod names;
mod notices;
mod oaths;
mod outsiders;
mod owners;
mod passes;
mod passkeys;
mod policy_targets;
mod principals;
mod publishers;
mod refresh;
mod risk_events;
mod risks;
mod roles;
mod sessions;
mod signins;
mod tenants;
mod trust;
mod users;
mod workloads;

use hygie_core::{ObjectId, Secret};
use hygie_store::{StoreError, Tx, Value};
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use activities::{Activities, LastSignIn, SignInActivity};
pub use agreements::{Agreements, AnswerRow, Answers};
pub use applications::{Applications, CertificateRow, Credentials, Holder, SecretRow};
pub use attempts::{Attempts, Guessed};
pub use backchannels::Backchannels;
pub use campaigns::Campaigns;
pub use changes::{Became, Change, Changes, Followed};
pub use codes::{CodeRow, Codes};
pub use conditional::{DocumentRow, Documents};
pub use consent_requests::ConsentRequests;
pub use consents::{Consents, LowImpactRow};
pub use deleted::{Deleted, DeletedRow};
pub use devices::{DeviceRow, Devices};
pub use familiar::Familiar;
pub use federated::FederatedCredentials;
pub use first_passwords::FirstPasswords;
pub use global::{BrowserSession, Global};
pub use grants::{Grants, GrantsOf, RolesOf};
pub use groups::Groups;
pub use guests::{GuestRow, Guests};
pub use handovers::{HandoverRow, Handovers};
pub use hashes::complete as seal_hashes;
pub use keys::{KeyMark, KeyRow, Keys};
pub use letters::{Letters, Topic, address_of};
pub use logs::Logs;
pub(crate) use logs::first_id;
pub use managers::Managers;
pub use methods::{MethodsPolicies, MethodsRow};
pub use names::complete as complete_names;
pub use names::{ByName, Place};
pub use notices::{NoticeRow, Notices};
pub use oaths::{OathRow, Oaths};
pub use outsiders::Outsiders;
pub use owners::Owners;
pub use passes::{PassRow, Passes};
pub use passkeys::{PasskeyRow, Passkeys};
pub use policy_targets::PolicyTargets;
pub use principals::Principals;
pub use publishers::{Publisher, Publishers};
pub use refresh::{FamilyRow, Refreshes};
pub use risk_events::{RiskEvent, RiskEvents};
pub use risks::{AtRisk, Risks};
pub use roles::Roles;
pub use sessions::{Kept, SessionRow, Sessions};
pub use signins::MovedSignIns;
pub use signins::SignIns;
pub use tenants::{IsDefault, Tenants};
pub use trust::{RevocationLists, TrustStores};
pub use users::{Lockout, Users};
pub use workloads::Workloads;

/// The beginning of a page: ids after this one, or all.
fn after(id: Option<ObjectId>) -> Value {
    id.map_or_else(|| Vec::new().into(), Into::into)
}

/// A UUID column.
fn uuid(bytes: &[u8], column: &str) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes).map_err(|_| StoreError::Inconsistent(format!("{column} is not a UUID")))
}

/// A sealed column of 32 bytes.
fn secret_key(bytes: &Secret<Vec<u8>>, column: &str) -> Result<Secret<[u8; 32]>, StoreError> {
    let key = bytes.expose().as_slice().try_into();
    key.map(Secret::new)
        .map_err(|_| StoreError::Inconsistent(format!("{column} is not 32 bytes")))
}

/// A column of 32 bytes.
fn key(bytes: Vec<u8>, column: &str) -> Result<[u8; 32], StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError::Inconsistent(format!("{column} is not 32 bytes")))
}

/// A JSON column.
fn json<T: DeserializeOwned>(text: &str, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Inconsistent(format!("{column} cannot be read")))
}

/// Holds where a column has the id of a user, a group or a service principal that is there.
fn is_there(column: &str) -> String {
    let one =
        |table| format!("EXISTS (SELECT 1 FROM {table} WHERE {{i.is}}tenant = :tenant AND {table}.id = {column})");
    format!("({})", ["idp_user", "idp_group", "idp_principal"].map(one).join(" OR "))
}

/// `?1, ?2, …`: as many placeholders.
fn placeholders(count: usize) -> String {
    let all: Vec<String> = (1..=count).map(|n| format!("?{n}")).collect();
    all.join(", ")
}

/// The values of ids.
fn ids<T: Into<Value> + Copy>(ids: &[T]) -> Vec<Value> {
    ids.iter().map(|id| (*id).into()).collect()
}

/// A JSON column of members; older rows have none.
fn profile<T: DeserializeOwned + Default>(text: Option<String>, column: &str) -> Result<T, StoreError> {
    text.map_or_else(|| Ok(T::default()), |text| json(&text, column))
}

/// The rows of the tenant in a table.
async fn count(tx: &mut Tx<'_>, table: &'static str) -> Result<i64, StoreError> {
    let sql = format!("SELECT COUNT(*) FROM {table} WHERE {{i.is}}tenant = :tenant");
    let row = tx.query_one(&sql, &[]).await?;
    row.map_or(Ok(0), |mut row| row.take(0))
}
