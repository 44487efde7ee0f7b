//! The trust store of a tenant: public key infrastructures, each with the certification authorities by which certificates of
//! people are judged, and the revocation lists of these.
//! <https://learn.microsoft.com/graph/api/resources/certificatebasedauthpki>
//!
//! # Deviations
//!
//! - Of lists that tell only what changed (delta) no address is taken: one that is configured and never read would let pass
//!   what it revokes.
//! - What is removed is gone at once; Entra ID keeps it for thirty days.
//! - A list may be given by an administrator, for a house that does not reach its address, and an authority may have a grace
//!   in which its last list counts after its end: ours, none unless it is asked for.

mod error;
mod lists;
mod operations;

use std::time::Duration;

use hygie_core::Timestamp;
use hygie_jose::x509::Authority;
use uuid::Uuid;

pub use error::TrustError;
pub use lists::{ListRow, ListSource};
pub use operations::AuthorityChange;

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
