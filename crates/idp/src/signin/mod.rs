//! Signing in: passwords, the sessions of browsers, and what policies say to it.

mod admission;
mod password;
mod session;
pub(crate) mod throttle;
mod workload;

pub use admission::{Candidate, Interruption, Occasion, Purpose, client_app_of, known_acr};
pub use session::{Cookies, NewSession, SESSION_IDLE, SESSION_LONGEST, SignedIn};
pub use workload::ownership;
