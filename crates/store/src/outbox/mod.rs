//! The outbox: events that are written in the transaction of their effect, and delivered afterwards to named consumers.
//!
//! - [`Outbox::emit`] is part of a transaction: what commits has its events, what does not has none.
//! - Each **consumer** has a set of its own of what it has not acknowledged ([`Consumers`]). A consumer gets what is emitted
//!   from the moment it is added. Where there is no consumer, nothing is kept.
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

/// Longest body of an event: it says what changed, it does not carry it.
pub const MAX_BODY: usize = 64 * 1024;
/// Longest kind and key.
pub const MAX_NAME: usize = 512;

/// The events of a transaction.
pub struct Outbox<'t, 'e>(pub &'t mut Tx<'e>);

impl Outbox<'_, '_> {
    /// Tells the consumers, once the transaction has committed. Events of one tenant with the same key come in order.
    pub async fn emit(&mut self, kind: &str, key: &str, body: &[u8]) -> Result<(), StoreError> {
        if kind.len() > MAX_NAME || key.len() > MAX_NAME || body.len() > MAX_BODY {
            let lens = (kind.len(), key.len(), body.len());
            return Err(StoreError::Inconsistent(format!("an event of {lens:?} bytes")));
        }
        let anybody = "SELECT 1 FROM outbox_consumer WHERE {i.is}1 = 1 LIMIT 1";
        if self.0.query_one(anybody, &[]).await?.is_none() {
            return Ok(());
        }
        let at = self.0.cx().clock.now();
        let event = "INSERT INTO outbox_event ({i.col}tenant, kind, event_key, body, emitted_at) \
                     VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4) RETURNING seq";
        let values = [kind.into(), key.into(), body.into(), at.into()];
        let row = self.0.query_one(event, &values).await?;
        let no_number = || StoreError::Inconsistent("an event without number".to_owned());
        let seq: i64 = row.ok_or_else(no_number)?.take(0)?;
        let pending = "INSERT INTO outbox_pending ({i.col}consumer, seq) \
                       SELECT {i.val}name, CAST(?1 AS {int}) FROM outbox_consumer WHERE {i.is}1 = 1";
        self.0.execute(pending, &[seq.into()]).await.map(drop)
    }
}
