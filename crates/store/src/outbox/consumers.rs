//! The consumers of an instance's events, across its tenants.

use std::time::Duration;

use hygie_core::{TenantId, Timestamp};

use crate::lease::held;
use crate::{Owner, Row, StoreError, Tx, Value};

/// Events that one statement acknowledges: on PostgreSQL each is a round trip, while other writes wait.
const AT_ONCE: usize = 100;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub seq: i64,
    /// Whose it is.
    pub tenant: TenantId,
    /// What kind of thing happened.
    pub kind: String,
    /// To what it happened: events with the same key come in order.
    pub key: String,
    /// What a consumer has to know of it.
    pub body: Vec<u8>,
    /// When.
    pub at: Timestamp,
}

/// The right to deliver for a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    consumer: String,
    owner: Owner,
    fence: i64,
}

impl Lease {
    /// Rises whenever the lease changes hands: what was done under a lower one is of somebody who lost it.
    pub fn fence(&self) -> i64 {
        self.fence
    }
}

/// What waits for a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// How many events.
    pub events: u64,
    /// When the oldest one happened.
    pub oldest: Option<Timestamp>,
}

/// The consumers of the instance.
pub struct Consumers<'t, 'e>(pub &'t mut Tx<'e>);

impl Consumers<'_, '_> {
    /// Adds a consumer, which gets what is emitted from now on, of the kinds that begin with `kinds` (of all when that is
    /// empty). Where it is there already it gets others from now on.
    pub async fn add(&mut self, name: &str, kinds: &str) -> Result<(), StoreError> {
        let lease = "INSERT INTO outbox_lease ({i.col}consumer, owner, lease_until, fence) \
                     VALUES ({i.val}?1, NULL, 0, 0) ON CONFLICT DO NOTHING";
        self.0.execute(lease, &[name.into()]).await?;
        let consumer = "INSERT INTO outbox_consumer ({i.col}name, kinds) VALUES ({i.val}?1, ?2) \
                        ON CONFLICT ({i.col}name) DO UPDATE SET kinds = excluded.kinds";
        self.0.execute(consumer, &[name.into(), kinds.into()]).await.map(drop)
    }

    /// What the kinds that a consumer gets begin with, if it is there.
    pub async fn kinds(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT kinds FROM outbox_consumer WHERE {i.is}name = ?1";
        let row = self.0.query_one(sql, &[name.into()]).await?;
        row.map(|mut row| row.take(0)).transpose()
    }

    /// Removes a consumer and what waits for it.
    pub async fn remove(&mut self, name: &str) -> Result<(), StoreError> {
        let values = [name.into()];
        let consumer = "DELETE FROM outbox_consumer WHERE {i.is}name = ?1";
        self.0.execute(consumer, &values).await?;
        let lease = "DELETE FROM outbox_lease WHERE {i.is}consumer = ?1";
        self.0.execute(lease, &values).await?;
        let pending = "DELETE FROM outbox_pending WHERE {i.is}consumer = ?1";
        self.0.execute(pending, &values).await?;
        self.trim().await
    }

    /// The names of all.
    pub async fn list(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM outbox_consumer WHERE {i.is}1 = 1 ORDER BY name";
        let rows = self.0.query(sql, &[]).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// What waits for a consumer. It counts: not for each request.
    pub async fn backlog(&mut self, name: &str) -> Result<Backlog, StoreError> {
        let count = "SELECT count(*) FROM outbox_pending WHERE {i.is}consumer = ?1";
        let row = self.0.query_one(count, &[name.into()]).await?;
        let events = row.map_or(Ok(0), |mut row| row.take::<i64>(0))?;
        let oldest = self.pending(name, 1).await?.first().map(|event| event.at);
        Ok(Backlog {
            events: events.cast_unsigned(),
            oldest,
        })
    }

    /// Whether anything waits for a consumer.
    pub async fn has_any(&mut self, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM outbox_pending WHERE {i.is}consumer = ?1 LIMIT 1";
        Ok(self.0.query_one(sql, &[name.into()]).await?.is_some())
    }

    /// Takes the lease of a consumer, or prolongs it for its owner; `None` while another has it or without such a
    /// consumer.
    pub async fn lease(&mut self, name: &str, owner: Owner, ttl: Duration) -> Result<Option<Lease>, StoreError> {
        let now = self.0.cx().clock.now();
        let sql = "UPDATE outbox_lease SET lease_until = ?3, \
                   fence = CASE WHEN owner = ?2 THEN fence ELSE fence + 1 END, owner = ?2 \
                   WHERE {i.is}consumer = ?1 AND (owner IS NULL OR owner = ?2 OR lease_until <= ?4) RETURNING fence";
        let values = [name.into(), owner.into(), (now + ttl).into(), now.into()];
        let row = self.0.query_one(sql, &values).await?;
        let lease = |fence| Lease {
            consumer: name.to_owned(),
            owner,
            fence,
        };
        row.map(|mut row| Ok(lease(row.take(0)?))).transpose()
    }

    /// Gives a lease back, so that another need not wait for its end.
    pub async fn release(&mut self, lease: &Lease) -> Result<(), StoreError> {
        let sql = "UPDATE outbox_lease SET lease_until = 0, owner = NULL WHERE {i.is}consumer = ?1 AND fence = ?2 \
                   AND owner = ?3";
        self.0.execute(sql, &lease.values()).await.map(drop)
    }

    /// Gives back whatever lease an owner has, which stops.
    pub async fn leave(&mut self, name: &str, owner: Owner) -> Result<(), StoreError> {
        let sql = "UPDATE outbox_lease SET lease_until = 0, owner = NULL WHERE {i.is}consumer = ?1 AND owner = ?2";
        self.0.execute(sql, &[name.into(), owner.into()]).await.map(drop)
    }

    /// The next events for the consumer of the lease, oldest first; the same again until they are acknowledged.
    pub async fn next(&mut self, lease: &Lease, limit: u32) -> Result<Vec<Event>, StoreError> {
        let holder = "SELECT 1 FROM outbox_lease WHERE {i.is}consumer = ?1 AND fence = ?2 AND owner = ?3";
        let row = self.0.query_one(holder, &lease.values()).await?;
        held(u64::from(row.is_some()))?;
        self.pending(&lease.consumer, limit).await
    }

    /// Takes events as delivered, and forgets those that all consumers have acknowledged.
    pub async fn acknowledge(&mut self, lease: &Lease, events: &[i64]) -> Result<(), StoreError> {
        let holder = "UPDATE outbox_lease SET fence = fence WHERE {i.is}consumer = ?1 AND fence = ?2 AND owner = ?3";
        held(self.0.execute(holder, &lease.values()).await?)?;
        let places: Vec<String> = (2..2 + AT_ONCE).map(|place| format!("?{place}")).collect();
        let places = places.join(", ");
        let sql = format!("DELETE FROM outbox_pending WHERE {{i.is}}consumer = ?1 AND seq IN ({places})");
        for seqs in events.chunks(AT_ONCE) {
            let mut values = vec![lease.consumer.as_str().into()];
            values.extend(seqs.iter().map(|seq| Value::from(*seq)));
            // Always the same statement: what is no event's number fills it up.
            values.resize(1 + AT_ONCE, Value::from(-1_i64));
            self.0.execute(&sql, &values).await?;
        }
        self.trim().await
    }

    async fn pending(&mut self, name: &str, limit: u32) -> Result<Vec<Event>, StoreError> {
        let sql = "SELECT seq, tenant, kind, event_key, body, emitted_at FROM outbox_event WHERE {i.is}seq IN \
                   (SELECT seq FROM outbox_pending WHERE {i.is}consumer = ?1 ORDER BY seq LIMIT ?2) ORDER BY seq";
        let rows = self.0.query(sql, &[name.into(), i64::from(limit).into()]).await?;
        rows.into_iter().map(event).collect()
    }

    /// Deletes the events before the first one for which a consumer waits.
    async fn trim(&mut self) -> Result<(), StoreError> {
        let mut first = i64::MAX;
        let sql = "SELECT seq FROM outbox_pending WHERE {i.is}consumer = ?1 ORDER BY seq LIMIT 1";
        for name in self.list().await? {
            if let Some(mut row) = self.0.query_one(sql, &[name.into()]).await? {
                first = first.min(row.take(0)?);
            }
        }
        let sql = "DELETE FROM outbox_event WHERE {i.is}seq < ?1";
        self.0.execute(sql, &[first.into()]).await.map(drop)
    }
}

impl Lease {
    fn values(&self) -> [Value; 3] {
        [self.consumer.as_str().into(), self.fence.into(), self.owner.into()]
    }
}

fn event(mut row: Row) -> Result<Event, StoreError> {
    Ok(Event {
        seq: row.take(0)?,
        tenant: row.take(1)?,
        kind: row.take(2)?,
        key: row.take(3)?,
        body: row.take(4)?,
        at: row.take(5)?,
    })
}
