//! Signing in: passwords, the sessions of browsers, and what policies say to it.

mod admission;
pub(crate) mod app_log;
mod attempt;
mod campaign;
pub mod certificate;
pub(crate) mod familiar;
mod guest;
mod keeping;
mod limit;
pub(crate) mod limits;
mod own_pages;
mod password;
mod professional;
mod security_info;
mod session;
mod signals;
pub(crate) mod throttle;
pub(crate) mod workload;

pub use admission::{Candidate, Interruption, Occasion, Purpose, client_app_of, known_acr};
pub use guest::Standing;
pub use keeping::CookieLife;
pub use limit::Counted;
pub(crate) use own_pages::own_page;
pub use own_pages::{ADMIN_CONSENT, APPROVALS, INVITATIONS, MY_APPLICATIONS};
pub use password::PresentedPassword;
pub(crate) use professional::Vouched as Professional;
pub use security_info::SECURITY_INFO;
pub(crate) use security_info::security_info;
pub use session::{Cookies, NewSession, SignedIn};
pub use signals::KnownSignals;
pub use throttle::Throttle;
pub use workload::ownership;
