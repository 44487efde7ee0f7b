//! Permissions as objects: roles of applications that somebody has, and delegated permissions that were granted.

use hygie_core::{ObjectId, Timestamp};
use uuid::Uuid;

/// That somebody has a role of an application (`appRoleAssignment`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppRoleAssignment {
    /// Its id.
    pub id: ObjectId,
    /// The service principal of the application.
    pub resource: ObjectId,
    /// A user, a group or a service principal.
    pub principal: ObjectId,
    /// The role; the nil UUID is being assigned without one.
    pub role: Uuid,
    /// When it was given.
    pub created_at: Timestamp,
}

/// A role of an application that is to be given.
#[derive(Clone, Copy, Debug)]
pub struct NewAppRole {
    /// The service principal of the application.
    pub resource: ObjectId,
    /// A user, a group or a service principal.
    pub principal: ObjectId,
    /// The role, or the nil UUID.
    pub role: Uuid,
}

/// Delegated permissions that were granted (`oAuth2PermissionGrant`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionGrant {
    /// Its id.
    pub id: ObjectId,
    /// The service principal of the application that acts.
    pub client: ObjectId,
    /// The service principal of the application that it acts on.
    pub resource: ObjectId,
    /// For whom; everybody when absent.
    pub user: Option<ObjectId>,
    /// The permissions.
    pub scopes: Vec<String>,
}

/// Delegated permissions that are to be granted.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// The service principal of the application that acts.
    pub client: ObjectId,
    /// The service principal of the application that it acts on.
    pub resource: ObjectId,
    /// For whom; everybody when absent.
    pub user: Option<ObjectId>,
    /// The permissions.
    pub scopes: Vec<String>,
}
