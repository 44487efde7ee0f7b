//! The FHIR R4 service over HTTP: interactions, bundles, CapabilityStatement.
//! <http://hl7.org/fhir/R4/http.html>
//!
//! - [`router`] gives the addresses of a service instance ([`Fhir`]). `http/` has a file for each interaction: what HTTP
//!   says is read there and nothing decided.
//! - `interaction/` has the same interactions without HTTP: prepared outside of the store's writer, run in a transaction.
//!   `bundle/` runs them many at a time, `bulk/` writes many resources at once.
//! - `binary/`: content of Binary resources outside of the database.
//! - Resources, their versions, their index and search are in `hygie_fhir_store`.
//! - `wire/`: bodies as the specification has them.
//!
//! To add an interaction: its request value with `prepare` and `run` in `interaction/`, a variant of `Interaction` and
//! where needed of `Answer`, its route and file in `http/`, its line in the CapabilityStatement, and its story in
//! `tests/it/`.

mod binary;
mod bulk;
mod bundle;
mod http;
mod interaction;
mod service;
mod wire;

pub use http::{is_upload, router};
pub use service::{Authority, Fhir, Limits, Settings};
