//! Signing in: passwords and their lock-out, and the sessions of browsers.

mod lockout;
mod password;
pub mod revocation;
mod session;
pub(crate) mod throttle;

pub(crate) use revocation::revoke_all_of;
pub use session::{NewSession, SESSION_TTL, SignedIn};
