//! The engines of `hygie-store` that several processes share, behind the same traits and the same conformance suite.
//!
//! - [`postgres`] keeps structured data, the journal, the ordered index and both audit trails in PostgreSQL
//!   (`docs/adr/0008-postgresql.md`).
//! - [`objects`] keeps blobs in S3 or Azure Blob Storage, [`kafka`] delivers events to Apache Kafka or Azure Event Hubs
//!   (`docs/adr/0012-objects-and-events.md`).
#![warn(missing_docs)]

pub mod kafka;
pub mod objects;
pub mod postgres;
mod tls;
mod tokens;

pub use tokens::{TokenError, Tokens};
