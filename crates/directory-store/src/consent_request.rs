//! What people ask administrators to consent to.

use hygie_core::{AppId, ObjectId, Timestamp};
use serde::{Deserialize, Serialize};

/// How a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentRequestStatus {
    /// Nobody has decided.
    Awaited,
    /// It was consented to.
    Approved,
    /// It was not.
    Denied,
}

/// Delegated permissions of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestedPermissions {
    /// The application that offers them.
    pub resource: AppId,
    /// Their words.
    pub scopes: Vec<String>,
}

/// The request of a person for an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedConsent {
    /// Its id.
    pub id: ObjectId,
    /// The application.
    pub app: AppId,
    /// What that was called.
    pub app_display_name: String,
    /// Who asked.
    pub user: ObjectId,
    /// For what.
    pub permissions: Vec<RequestedPermissions>,
    /// Why, in the person's words.
    pub reason: String,
    /// How it stands.
    pub status: ConsentRequestStatus,
    /// Why it stands so, in the words of who decided.
    pub justification: Option<String>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When nobody is asked any more; of what was decided, when it is forgotten.
    pub ends_at: Timestamp,
}
