//! The outbox: events that are written in the transaction of their effect, and delivered afterwards to named consumers.
//!
//! - [`Outbox::emit`] is part of a transaction: what commits has its events, what does not has none.
//! - Each **consumer** has a set of its own of what it has not acknowledged ([`Consumers`]). A consumer gets what is emitted
//!   from the moment it is added, of the kinds that begin as it says. Where there is no consumer, nothing is kept.
//! - Of several processes one delivers for a consumer at a time: the one with the lease ([`crate::Owner`]).
//! - Delivery is **at least once**: what was not acknowledged comes again. It is **in order per key** for transactions that
//!   exclude one another, as those do that change the same thing: events get their numbers in their transaction.
//! - An event is deleted once all consumers have acknowledged it and what came before.
//!
//! There is no position per consumer. On an engine with concurrent transactions a lower number may be committed after a
//! higher one, and a consumer that had gone past it would miss it (`docs/adr/0009-outbox-and-jobs.md`).

mod consumers;
mod deliver;

pub use consumers::{Backlog, Consumers, Event, Lease};
pub use deliver::{Consumer, Round, deliver};

use crate::{StoreError, Tx};

/// The tables of the outbox, in every instance.
pub const TABLES: &str = "CREATE TABLE outbox_event (
    {i.def}seq {serial},
    tenant {blob} NOT NULL,
    kind TEXT NOT NULL,
    event_key TEXT NOT NULL,
    body {blob} NOT NULL,
    emitted_at {int} NOT NULL{serial.key}
);
CREATE TABLE outbox_consumer (
    {i.def}name TEXT NOT NULL,
    owner {blob},
    lease_until {int} NOT NULL,
    fence {int} NOT NULL,
    PRIMARY KEY ({i.col}name)
) {clustered};
CREATE TABLE outbox_pending (
    {i.def}consumer TEXT NOT NULL,
    seq {int} NOT NULL,
    PRIMARY KEY ({i.col}consumer, seq)
) {clustered};";

/// Leases in a table of their own: who emits reads the consumers, and where transactions run side by side (PostgreSQL) each
/// round of a delivery would be in its way.
pub const LEASES: &str = "CREATE TABLE outbox_lease (
    {i.def}consumer TEXT NOT NULL,
    owner {blob},
    lease_until {int} NOT NULL,
    fence {int} NOT NULL,
    PRIMARY KEY ({i.col}consumer)
) {clustered};
INSERT INTO outbox_lease ({i.col}consumer, owner, lease_until, fence)
    SELECT {i.col}name, owner, lease_until, fence FROM outbox_consumer;
ALTER TABLE outbox_consumer DROP COLUMN owner;
ALTER TABLE outbox_consumer DROP COLUMN lease_until;
ALTER TABLE outbox_consumer DROP COLUMN fence;";

/// What the kinds that a consumer gets begin with: all get everything at first.
pub const KINDS: &str = "ALTER TABLE outbox_consumer ADD COLUMN kinds TEXT NOT NULL DEFAULT '';";

/// Longest body of an event: it says what changed, it does not carry it.
pub const MAX_BODY: usize = 64 * 1024;
/// Longest kind and key.
pub const MAX_NAME: usize = 512;

/// The events of a transaction.
pub struct Outbox<'t, 'e>(pub &'t mut Tx<'e>);

impl Outbox<'_, '_> {
    /// Tells the consumers, once the transaction has committed. Events of one tenant with the same key come in order. The
    /// body is JSON.
    pub async fn emit(&mut self, kind: &str, key: &str, body: &[u8]) -> Result<(), StoreError> {
        if kind.len() > MAX_NAME || key.len() > MAX_NAME || body.len() > MAX_BODY {
            let lens = (kind.len(), key.len(), body.len());
            return Err(StoreError::Inconsistent(format!("an event of {lens:?} bytes")));
        }
        let at = self.0.cx().clock.now();
        // One statement for the question and the answer: on PostgreSQL each is a round trip.
        let event = "INSERT INTO outbox_event ({i.col}tenant, kind, event_key, body, emitted_at) \
                     SELECT {i.val}CAST(:tenant AS {blob}), CAST(?1 AS TEXT), CAST(?2 AS TEXT), CAST(?3 AS {blob}), \
                     CAST(?4 AS {int}) WHERE EXISTS \
                     (SELECT 1 FROM outbox_consumer WHERE {i.is}CAST(?1 AS TEXT) LIKE kinds || '%') RETURNING seq";
        let values = [kind.into(), key.into(), body.into(), at.into()];
        let Some(mut row) = self.0.query_one(event, &values).await? else {
            return Ok(());
        };
        let seq: i64 = row.take(0)?;
        let pending = "INSERT INTO outbox_pending ({i.col}consumer, seq) \
                       SELECT {i.val}name, CAST(?1 AS {int}) FROM outbox_consumer \
                       WHERE {i.is}CAST(?2 AS TEXT) LIKE kinds || '%'";
        self.0.execute(pending, &[seq.into(), kind.into()]).await.map(drop)
    }

    /// Whether anybody gets events of a kind: for who would have to read much to make one.
    pub async fn is_awaited(&mut self, kind: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM outbox_consumer WHERE {i.is}CAST(?1 AS TEXT) LIKE kinds || '%' LIMIT 1";
        Ok(self.0.query_one(sql, &[kind.into()]).await?.is_some())
    }
}
