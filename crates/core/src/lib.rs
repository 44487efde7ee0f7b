//! Ids, tenant, principal, context of an operation, clock, randomness, secrets and kinds of error:
//! the words every other crate speaks. No I/O, no async runtime, no HTTP.
#![warn(missing_docs)]

mod cx;
mod fault;
mod id;
mod principal;
mod random;
mod secret;
mod seeded;
mod time;

pub use cx::Cx;
pub use fault::{ErrorKind, Fault};
pub use id::{AppId, GroupId, ObjectId, RequestId, SessionId, TenantId};
pub use principal::{Principal, PrincipalKind, Profession, Professional};
pub use random::{Random, random_array};
pub use secret::Secret;
pub use seeded::SeededRandom;
pub use time::{Clock, NotAnInstant, Timestamp};
