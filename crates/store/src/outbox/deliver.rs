//! One round of delivery.

use std::time::Duration;

use futures_util::future::BoxFuture;
use hygie_core::Cx;

use super::consumers::{Consumers, Event, Lease};
use crate::{Owner, Store, StoreError};

/// How long a process may take for a round before another takes over.
const LEASE: Duration = Duration::from_secs(30);

/// Events of a round.
const BATCH: u32 = 100;

/// Somebody who wants to know what happened.
pub trait Consumer: Send + Sync {
    /// Under which name it was added ([`Consumers::add`]).
    fn name(&self) -> &str;

    /// Delivers events in their order and tells how many of them, from the first on, have arrived for good. It may see an
    /// event again that it has delivered, and has less than half a minute.
    fn deliver<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, usize>;
}

/// What a round has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Another process delivers for this consumer.
    Elsewhere,
    /// Nothing waits.
    Idle,
    /// So many events were delivered and acknowledged; others may wait.
    Delivered(usize),
    /// The consumer took none: to be tried again later.
    Refused,
}

/// Delivers some events to a consumer, if this process gets its lease. An event whose delivery was not acknowledged comes
/// again, here or in another process.
pub async fn deliver(store: &Store, cx: &Cx, owner: Owner, consumer: &dyn Consumer) -> Result<Round, StoreError> {
    let name = consumer.name().to_owned();
    // A look costs no commit: most rounds end here.
    let waits = store.read(cx, name.clone(), |name, tx| {
        Box::pin(async move { Consumers(tx).has_any(name).await })
    });
    if !waits.await? {
        return Ok(Round::Idle);
    }
    let lease = store.write(cx, (name, owner), |(name, owner), tx| {
        Box::pin(async move { Consumers(tx).lease(name, *owner, LEASE).await })
    });
    let Some(lease) = lease.await? else {
        return Ok(Round::Elsewhere);
    };
    let events = store.read(cx, lease.clone(), |lease, tx| {
        Box::pin(async move { Consumers(tx).next(lease, BATCH).await })
    });
    let events: Vec<Event> = events.await?;
    let delivered = consumer.deliver(&events).await;
    let seqs: Vec<i64> = events.iter().take(delivered).map(|event| event.seq).collect();
    let count = seqs.len();
    acknowledge(store, cx, lease, seqs).await?;
    Ok(match count {
        0 => Round::Refused,
        count => Round::Delivered(count),
    })
}

async fn acknowledge(store: &Store, cx: &Cx, lease: Lease, seqs: Vec<i64>) -> Result<(), StoreError> {
    if seqs.is_empty() {
        return Ok(());
    }
    let write = store.write(cx, (lease, seqs), |(lease, seqs), tx| {
        Box::pin(async move { Consumers(tx).acknowledge(lease, seqs).await })
    });
    write.await
}
