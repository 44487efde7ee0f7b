//! A user.

use hygie_core::{ObjectId, Timestamp};

/// A person of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Object id (`oid`).
    pub id: ObjectId,
    /// What the person types to sign in, with the case it was given.
    pub user_principal_name: String,
    /// Name for display.
    pub display_name: String,
    /// First name.
    pub given_name: Option<String>,
    /// Family name.
    pub surname: Option<String>,
    /// Address.
    pub mail: Option<String>,
    /// Whether the person may sign in.
    pub is_enabled: bool,
    /// What was authenticated before this instant is revoked (`signInSessionsValidFromDateTime`).
    pub valid_from: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A user principal name as it is compared: without case.
pub fn key_of(user_principal_name: &str) -> String {
    user_principal_name.trim().to_lowercase()
}
