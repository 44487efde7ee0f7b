//! Who may write at this moment: each write has an audit chain of this process for itself, and there are only so many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hygie_store::StoreError;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::chain::Lane;

/// The chains that no write has at the moment.
pub struct Lanes {
    idle: Mutex<Vec<Lane>>,
    permits: Arc<Semaphore>,
    count: u32,
    waiting: AtomicUsize,
    max_waiting: usize,
    max_wait: Duration,
}

/// A chain on loan.
pub struct Lent {
    lanes: Arc<Lanes>,
    lane: Option<Lane>,
    _permit: OwnedSemaphorePermit,
}

impl Lanes {
    /// Of these chains, the first of which is used most. So many may wait for one, and so long.
    pub fn new(mut lanes: Vec<Lane>, max_waiting: usize, max_wait: Duration) -> Self {
        lanes.reverse();
        Self {
            permits: Arc::new(Semaphore::new(lanes.len())),
            count: lanes.len() as u32,
            idle: Mutex::new(lanes),
            waiting: AtomicUsize::new(0),
            max_waiting,
            max_wait,
        }
    }

    /// Takes a chain, or [`StoreError::Busy`] when too many wait for one, or for too long.
    pub async fn take(self: &Arc<Self>) -> Result<Lent, StoreError> {
        let permits = self.permits.clone();
        let permit = match permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait(permits).await?,
        };
        self.lend(permit)
    }

    async fn wait(&self, permits: Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StoreError> {
        let _waits = Waits::new(&self.waiting, self.max_waiting)?;
        match tokio::time::timeout(self.max_wait, permits.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_closed)) => Err(StoreError::Unavailable(None)),
            Err(_elapsed) => Err(StoreError::Busy),
        }
    }

    fn lend(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Result<Lent, StoreError> {
        let lane = self.idle.lock().pop().ok_or(StoreError::Unavailable(None))?;
        Ok(Lent {
            lanes: self.clone(),
            lane: Some(lane),
            _permit: permit,
        })
    }

    /// Makes the signatures of the chains that are not in use durable.
    pub async fn sync(self: &Arc<Self>) {
        let mut synced = Vec::new();
        while let Ok(permit) = self.permits.clone().try_acquire_owned() {
            let unsynced = {
                let mut idle = self.idle.lock();
                let at = idle.iter().position(Lane::is_unsynced);
                at.map(|at| idle.remove(at))
            };
            let Some(mut lane) = unsynced else { break };
            let done = tokio::task::spawn_blocking(move || {
                lane.sync();
                lane
            });
            let Ok(lane) = done.await else { break };
            synced.push(Lent {
                lanes: self.clone(),
                lane: Some(lane),
                _permit: permit,
            });
        }
        drop(synced);
    }

    /// Lets no more writes begin and waits for those that run; signatures are durable afterwards.
    pub async fn close(&self) {
        if let Ok(all) = self.permits.clone().acquire_many_owned(self.count).await {
            self.permits.close();
            drop(all);
        }
        let lanes = std::mem::take(&mut *self.idle.lock());
        let done = tokio::task::spawn_blocking(move || lanes.into_iter().for_each(|mut lane| lane.sync()));
        let _ended = done.await;
    }
}

/// One that waits, as long as it lives.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(count: &'a AtomicUsize, max: usize) -> Result<Self, StoreError> {
        let waits = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) >= max {
            return Err(StoreError::Busy);
        }
        Ok(waits)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lent {
    /// The chain.
    pub fn lane(&mut self) -> Result<&mut Lane, StoreError> {
        self.lane.as_mut().ok_or(StoreError::Unavailable(None))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(lane) = self.lane.take() {
            self.lanes.idle.lock().push(lane);
        }
    }
}
