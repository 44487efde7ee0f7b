//! What the trust store of a tenant is made of.

use std::time::Duration;

use hygie_core::Timestamp;
use hygie_jose::x509::Authority;
use uuid::Uuid;

/// Infrastructures of a tenant.
pub const MAX_PKIS: usize = 50;
/// Authorities of a tenant, as in Entra ID.
pub const MAX_AUTHORITIES: usize = 250;
/// Octets of a revocation list.
pub const MAX_LIST: usize = 20 << 20;
/// The longest grace, in hours: a week.
pub const MAX_GRACE: u32 = 7 * 24;

/// A public key infrastructure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pki {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub display_name: String,
    /// When it or its authorities were changed last.
    pub modified_at: Timestamp,
}

/// A certification authority that a tenant trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedAuthority {
    /// Its id.
    pub id: Uuid,
    /// The infrastructure that it is in.
    pub pki: Uuid,
    /// What its certificate says.
    pub authority: Authority,
    /// Where its revocation list is; where there is none, nothing that it issued is ever revoked.
    pub list_url: Option<String>,
    /// Where the list is of what changed since; with it, certificates are judged by both.
    pub delta_url: Option<String>,
    /// Whether browsers may be told of it.
    pub is_hint_enabled: bool,
    /// Hours in which its last list counts after its end.
    pub grace_hours: u32,
    /// When it was added.
    pub created_at: Timestamp,
}

impl TrustedAuthority {
    /// How long its last list counts after its end.
    pub fn grace(&self) -> Duration {
        Duration::from_hours(self.grace_hours.into())
    }
}

/// Which list of an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// That of all that it revoked.
    Whole,
    /// That of what changed since.
    Delta,
}

/// Where a list comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListSource {
    /// From the address of the authority.
    Fetched,
    /// From an administrator.
    Uploaded,
}

/// What is known of a list without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    /// SHA-256 of it.
    pub digest: [u8; 32],
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next one is there.
    pub next_update: Timestamp,
    /// When it came here.
    pub stored_at: Timestamp,
    /// Where it comes from.
    pub source: ListSource,
    /// How many certificates it revokes.
    pub revoked: u32,
}
