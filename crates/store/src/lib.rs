//! The storage waist: one narrow way to keep structured data, the same on every engine.
//!
//! - [`Store`] opens transactions. A **write** is a closure that may await nothing but its own [`Tx`] and may be run
//!   again: ids, instants and random values are made before it. `Ok` commits, an error rolls back, and the answer
//!   comes after the commit is durable. A **read** is a closure over one snapshot and never waits for writers.
//! - SQL is written once: `?1`… for values, `:tenant` for the tenant of the context (bound by the store, never by the
//!   caller), `{i.is}`, `{i.col}` and `{i.val}` where the service instance stands in keys (see [`Dialect`]).
//! - [`Tx::append`] writes the journal of an instance, [`Tx::index_add`] and [`Tx::index_scan`] its ordered index, whose
//!   rows the embedded engine keeps in memory until they are merged in sorted slices (`docs/adr/0003-fhir-index.md`).
//! - [`blobs`] keeps large objects outside of the database, sealed, with a reference in it.
//! - [`outbox`] delivers events that are written with their effect; [`jobs`] are work that outlives its process.
//! - [`Vault`] seals the columns that nobody may read who has the tables alone.
//! - [`audit`] records writes with their effect and accesses before their answer; [`keys`] holds the data keys.
//!
//! To add a table: a numbered migration in the service that owns it, a repository over `&mut Tx` with a two-tenant
//! test, and nothing engine-specific in either.
#![warn(missing_docs)]

pub mod audit;
pub mod blobs;
mod dialect;
pub mod embedded;
mod engine;
mod error;
#[cfg(test)]
mod fakes;
pub mod jobs;
mod lease;
mod migrate;
pub mod outbox;
mod space;
mod tx;
mod value;
mod vault;

use hygie_keyring::files;

pub use hygie_keyring as keys;

pub use dialect::{Dialect, Rendered};
pub use engine::{Engine, Store, Verdict, Work};
pub use error::StoreError;
pub use lease::Owner;
pub use migrate::{Migration, TABLES};
pub use space::{Reserve, Space};
pub use tx::{IndexKeys, IndexRange, Order, Scribe, Session, Tx, successor};
pub use value::{FromValue, Row, Value};
pub use vault::{SealedColumn, Unopened, Vault};
