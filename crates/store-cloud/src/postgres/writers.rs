//! The writes of one instance in this process: who waits, who runs, and the signatures of their chains.

use std::sync::{Arc, Weak};
use std::time::Duration;

use hygie_core::Cx;
use hygie_store::{StoreError, Work};
use tokio::time::Instant;

use super::Database;
use super::group::run_group;
use super::queue::{Lent, Queue, SLOW, Taken};

/// Signatures of heads are made durable so often.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// What the transactions of an instance share.
pub struct Writers {
    /// Where they write.
    pub database: Arc<Database>,
    /// Number of the instance.
    pub instance: i64,
    /// The writes that wait.
    pub queue: Arc<Queue>,
    /// Writes in one transaction at most.
    pub max_group: usize,
    /// How long one waits for its turn.
    pub max_wait: Duration,
}

impl Writers {
    /// Runs a write; returns after its commit or rollback.
    pub async fn write(self: &Arc<Self>, cx: &Cx, work: Box<dyn Work>) -> Result<(), StoreError> {
        let Taken {
            ticket,
            mut answer,
            lent,
        } = self.queue.push(cx, work)?;
        if let Some(lent) = lent {
            // A task of its own: a caller that goes away leaves all or nothing, and no connection in between.
            tokio::spawn(drive(self.clone(), lent));
        }
        let mut left = self.max_wait;
        let answered = loop {
            let step = left.min(SLOW);
            match tokio::time::timeout(step, &mut answer).await {
                Ok(answered) => break answered,
                Err(_elapsed) => left -= step,
            }
            if left.is_zero() {
                if self.queue.withdraw(ticket) {
                    return Err(StoreError::Busy);
                }
                // It runs.
                break answer.await;
            }
            if let Some(lent) = self.queue.help(ticket) {
                tokio::spawn(drive(self.clone(), lent));
            }
        };
        answered.map_err(|_| StoreError::Unavailable(None))?
    }

    /// Takes no more writes and waits for those that are here; signatures are durable afterwards.
    pub async fn close(&self) {
        let lanes = self.queue.close().await;
        let done = tokio::task::spawn_blocking(move || lanes.into_iter().for_each(|mut lane| lane.sync()));
        let _ended = done.await;
    }
}

/// Runs transactions with this chain until no write waits.
async fn drive(writers: Arc<Writers>, mut lent: Lent) {
    let mut due = Instant::now() + SYNC_EVERY;
    while let Some(job) = lent.next() {
        let Ok(lane) = lent.lane() else { return };
        run_group(&writers, lane, job).await;
        if Instant::now() >= due {
            let Some(synced) = lent.sync().await else { return };
            lent = synced;
            due = Instant::now() + SYNC_EVERY;
        }
    }
}

/// Makes the signatures of chains that are not in use durable, until the instance is dropped.
pub async fn sync_heads(writers: Weak<Writers>) {
    loop {
        tokio::time::sleep(SYNC_EVERY).await;
        let Some(writers) = writers.upgrade() else { return };
        while let Some(lent) = writers.queue.take_unsynced() {
            let Some(lent) = lent.sync().await else { break };
            // Writes may wait for it by now.
            tokio::spawn(drive(writers.clone(), lent));
        }
    }
}
