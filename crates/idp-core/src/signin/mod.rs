//! Signing in: passwords, the sessions of browsers, and what policies say to it.

mod admission;
mod attempt;
pub mod certificate;
mod guest;
mod own_pages;
mod password;
mod security_info;
mod session;
pub(crate) mod throttle;
mod workload;

pub use admission::{Candidate, Interruption, Occasion, Purpose, client_app_of, known_acr};
pub use guest::Standing;
pub(crate) use own_pages::own_page;
pub use own_pages::{ADMIN_CONSENT, APPROVALS, INVITATIONS, MY_APPLICATIONS};
pub use security_info::SECURITY_INFO;
pub(crate) use security_info::security_info;
pub use session::{Cookies, NewSession, SESSION_IDLE, SESSION_LONGEST, SignedIn};
pub use throttle::Throttle;
pub use workload::ownership;
