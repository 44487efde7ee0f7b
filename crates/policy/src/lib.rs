//! Conditional access, authentication strengths and the rules of certificates, as decisions over stored values. Pure: no
//! storage, no clock, no network; a service loads what is decided from, and does what was decided.
//!
//! Specifications: Microsoft Graph v1.0 (`identity/conditionalAccess`, `policies/authenticationStrengthPolicies`,
//! `policies/authenticationMethodsPolicy`) for the shape, the documentation of Entra ID for the behaviour; where they
//! leave room, the stricter reading, which each module names under its deviations.
#![warn(missing_docs)]

pub mod agreement;
pub mod applies;
pub mod certificate;
pub mod check;
pub mod client;
pub mod consent;
mod controls;
pub mod decide;
pub mod filter;
pub mod guard;
mod id;
pub mod json;
pub mod lifetime;
pub mod location;
pub mod methods;
mod outcome;
mod patch;
pub mod policy;
pub mod protection;
pub mod psc;
pub mod replay;
pub mod risk;
pub mod session;
pub mod signin;
pub mod strength;
pub mod templates;
pub mod token_lifetime;
pub mod what_if;

pub use decide::{Decision, Outcome, Rules, evaluate};
pub use id::{
    Aaguid, AgreementFileId, AgreementId, LocationId, NotAGuid, PolicyId, RoleTemplateId, StrengthId, TemplateId,
    TokenLifetimePolicyId,
};
pub use json::ReadError;
pub use location::NamedLocation;
pub use patch::Patch;
pub use policy::{MAX_POLICIES, Policy};
pub use signin::SignIn;
pub use strength::AuthenticationStrength;
