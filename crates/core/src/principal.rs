//! Who acts.

use serde::{Deserialize, Serialize};

use crate::{AppId, GroupId, ObjectId, SessionId, TenantId};

/// What kind of actor a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// A person, through an application.
    User,
    /// An application by itself.
    App,
    /// A service whose credential the platform manages.
    ManagedIdentity,
}

/// A profession that somebody exercises.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Profession {
    /// Its code (TRE G15): `10` is a physician, `60` a nurse.
    pub code: String,
    /// In which category (TRE R09): `C` civil, `M` public agent, `E` student.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

/// What the federator vouched for about a health professional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Professional {
    /// National identifier (`8` + RPPS).
    pub national_id: String,
    /// Professions.
    pub professions: Vec<Profession>,
    /// FINESS or SIRET numbers of the structures of activity.
    pub structures: Vec<String>,
}

/// An authenticated actor, as established from a bearer token or a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The issuer that vouches for it, as in the token's `iss`.
    pub issuer: String,
    /// Its tenant.
    pub tenant: TenantId,
    /// The object id within the tenant (`oid`); for an application, of its service principal.
    pub subject: ObjectId,
    /// Person or program.
    pub kind: PrincipalKind,
    /// The application that acts or through which the person acts.
    pub app: Option<AppId>,
    /// Groups by object id.
    pub groups: Vec<GroupId>,
    /// Application roles carried by the token.
    pub app_roles: Vec<String>,
    /// Delegated scopes.
    pub scopes: Vec<String>,
    /// Session of the identity provider, so that it can be revoked.
    pub session: Option<SessionId>,
    /// Set when the person is a health professional known to the federator.
    pub professional: Option<Professional>,
}
