//! The search index of a FHIR service: what its keys look like and which a resource has.
//!
//! To make something else searchable: a kind of key here, its entries in `extract`, its use in `crate::search`.

pub mod amount;
pub mod extract;
pub mod key;
pub mod rows;
pub mod when;

pub use rows::{Entry, Extract, Measured, Numbers};
pub use when::When;
