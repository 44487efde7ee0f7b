//! Bodies as the specification has them: stored bytes with what the server adds, bundles, outcomes, capabilities.

mod bundle;
mod capability;
mod name;
mod outcome;
mod pretty;

pub use bundle::{Responses, Return, done, list};
pub use capability::{capability_statement, smart_configuration};
pub use name::{etag, location, shown};
pub use outcome::outcome_error;
pub use pretty::pretty;
