//! The audit trail: who did what to what, with which outcome.
//!
//! Writes are recorded in the same transaction as their effect, in the table `audit` of the instance; reads, sign-ins
//! and refusals in a sealed log beside the database that is synced in groups before the answer. Both are chains whose
//! links are keyed, and whose heads are signed outside of the database, so that a holder of the database key who
//! alters, removes or truncates entries is found by `hygie verify` (DESIGN: storage).

mod record;

pub use record::{Actor, Outcome, Record};
