//! Signing in: passwords, and the sessions of browsers.

mod password;
mod session;
pub(crate) mod throttle;

pub use session::{NewSession, SESSION_TTL, SignedIn};
