//! The audit trail: who did what to what, with which outcome.
//!
//! Writes are recorded in the same transaction as their effect, in the table `audit` of the instance ([`Chain`]); reads,
//! sign-ins and refusals in a sealed log beside the database that is synced in groups before the answer ([`AccessLog`]).
//! Both are chains
//! whose links are keyed, and whose heads are signed outside of the database ([`HeadFile`]), so that a holder of the
//! database key who alters, removes or truncates entries is found by `hygie verify` ([`Verification`]; `docs/adr/0002`).

mod access;
mod chain;
mod head;
mod record;
mod verify;

pub(crate) use access::fault;
pub use access::{AccessKeys, AccessLimits, AccessLog, AccessPlace, AccessRecords, Numbered, verify_accesses};
pub use chain::{Break, Chain, Entry, INSERT, Link, LinkKey, PAGE, Resumption, SINCE_HEAD, TABLE, Tip, Trail};
pub use head::{Head, HeadFile, HeadName, begin_chains};
pub use record::{Actor, Outcome, Record};
pub use verify::{Finding, Report, Verification, Verified};
