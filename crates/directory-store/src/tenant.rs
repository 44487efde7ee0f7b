//! A tenant.

use hygie_core::{Secret, TenantId, Timestamp};

/// One establishment's directory.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its id (`tid`).
    pub id: TenantId,
    /// Name of the establishment.
    pub display_name: String,
    /// Key of the pairwise subjects (OpenID Connect Core §8.1). Never changed: relying parties keep what it makes.
    pub pairwise: Secret<[u8; 32]>,
    /// When it was created.
    pub created_at: Timestamp,
}
