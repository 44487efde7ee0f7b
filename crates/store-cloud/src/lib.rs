//! The engines of `hygie-store` that several processes share, behind the same traits and the same conformance suite.
//!
//! [`postgres`] keeps structured data, the journal, the ordered index and both audit trails in PostgreSQL
//! (`docs/adr/0008-postgresql.md`).
#![warn(missing_docs)]

pub mod postgres;
