//! Conditional access of a tenant, kept: policies, named locations, authentication strengths, authentication contexts and
//! the security defaults; and how long tokens live. What may be kept is decided in `kept`, `references` and `guard`, within the transaction of the change
//! and against what is there then; what follows from it is decided by `hygie_policy`.
//!
//! # Deviations
//!
//! - A policy that keeps out everybody who administers is refused, where Entra ID's portal warns and its interface does not: see `guard`.
//! - The security defaults of a new tenant are off until somebody turns them on, as the configuration does.

mod deleted;
mod emergency;
mod error;
mod guard;
mod kept;
mod known;
mod lifetime;
mod operations;
mod protection;
mod references;
mod rules;
mod security_defaults;
mod strengths;
mod token_lifetimes;

pub use error::ConditionalError;
pub(crate) use error::listed;
pub(crate) use guard::Watch;
pub use guard::guest_of;
pub use kept::{Kept, MAX_CONTEXTS, MAX_LOCATIONS, MAX_STRENGTHS};
pub(crate) use known::KnownRules;
pub use operations::Unchanged;
pub(crate) use protection::put_consent_requests;
pub use rules::AccessRules;
pub use token_lifetimes::MAX_TOKEN_LIFETIMES;
