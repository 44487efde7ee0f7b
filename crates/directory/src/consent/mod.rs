//! Consent: what applications are let do in a tenant, by its administrators for everybody or by people for themselves.
//! <https://learn.microsoft.com/entra/identity-platform/permissions-consent-overview>
//!
//! A consent is one transaction: the application becomes present in the tenant if it is not yet, each resource gets one
//! grant that holds what it held before as well, each role one assignment, and each of it its record.

mod given;
mod own;
pub(crate) mod requests;
mod settings;

use hygie_core::{AppId, ObjectId};
use uuid::Uuid;

pub use own::OwnConsent;
pub use requests::{ConsentDecision, MAX_CONSENT_REQUESTS, NewConsentRequest};
pub use settings::LowImpact;

/// What an application is given of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// The resource.
    pub resource: AppId,
    /// Delegated permissions, by their words.
    pub scopes: Vec<String>,
    /// Roles of the application itself, by their ids.
    pub roles: Vec<Uuid>,
}

/// For whom consent is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForWhom {
    /// Everybody in the tenant, by an administrator.
    Everybody,
    /// This person, by themselves.
    Person(ObjectId),
}

/// What a consent made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consented {
    /// The service principal of the application.
    pub client: ObjectId,
    /// Whether it is new in the tenant.
    pub is_new: bool,
}
