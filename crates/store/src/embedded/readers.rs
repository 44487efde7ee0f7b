//! The readers: connections that each take a snapshot for one unit of work.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hygie_core::{Cx, Secret};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use super::connection::{Access, Db, fault};
use super::session::{Budget, ReadSession};
use super::tail::{Tail, View};
use crate::{StoreError, Tx, Work};

/// Rows that a unit of work may look at on the caller's thread: about a millisecond. Beyond, it begins anew on the
/// blocking pool.
const BUDGET: usize = 2_000;

/// The pool of reading connections.
pub struct Readers {
    idle: Mutex<Idle>,
    /// One for each connection; held by the work, which may outlive its caller.
    permits: Arc<Semaphore>,
    /// One less: work on the blocking pool takes one of these first, so that a connection is left for what is short.
    long: Arc<Semaphore>,
    tail: Arc<Tail>,
    journaled: bool,
}

/// The connections that nobody uses.
struct Idle {
    /// Raised when the database moves to another file: connections of an earlier one are not taken back.
    generation: u64,
    connections: Vec<Db>,
}

enum Ran {
    Done,
    Exceeded(Box<dyn Work>),
}

impl Readers {
    /// Opens all connections, so that a wrong key shows at start.
    pub fn open(
        path: &Path,
        key: &Secret<[u8; 32]>,
        limits: Limits,
        tail: Arc<Tail>,
        journaled: bool,
    ) -> Result<Self, StoreError> {
        let idle = (0..limits.readers)
            .map(|_| Db::open(path, key, Access::Read, limits.cache_kib))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            permits: Arc::new(Semaphore::new(idle.len())),
            long: Arc::new(Semaphore::new(idle.len().saturating_sub(1).max(1))),
            idle: Mutex::new(Idle {
                generation: 0,
                connections: idle,
            }),
            tail,
            journaled,
        })
    }

    /// Goes on with these connections, as many as it was opened with; work that runs ends on those it has.
    pub fn replace(&self, connections: Vec<Db>) {
        let mut idle = self.idle.lock();
        idle.generation += 1;
        idle.connections = connections;
    }

    /// Takes no more work; what runs goes on.
    pub fn close(&self) {
        self.permits.close();
        self.long.close();
    }

    /// Runs `work` over a snapshot: here while it is small, else on the blocking pool, until the caller goes away.
    pub async fn run(self: &Arc<Self>, cx: &Cx, work: Box<dyn Work>) -> Result<(), StoreError> {
        let permit = permit_of(&self.permits).await?;
        let work = match self.once(cx, work, Budget::Rows(BUDGET))? {
            Ran::Done => return Ok(()),
            Ran::Exceeded(work) => work,
        };
        drop(permit);
        let held = (permit_of(&self.long).await?, permit_of(&self.permits).await?);
        let caller = Caller::default();
        let (readers, cx, budget) = (self.clone(), cx.clone(), Budget::Caller(caller.0.clone()));
        let ran = tokio::task::spawn_blocking(move || {
            let ran = readers.once(&cx, work, budget);
            drop(held);
            ran
        });
        ran.await
            .map_err(|panic| StoreError::Engine(Box::new(panic)))?
            .map(drop)
    }

    fn once(&self, cx: &Cx, mut work: Box<dyn Work>, budget: Budget) -> Result<Ran, StoreError> {
        // Given back however this ends: a panic in `work` must not shrink the pool.
        let mut lent = self.lend(budget)?;
        let Some(session) = lent.session.as_mut() else {
            return Err(StoreError::Unavailable(None));
        };
        let ready = {
            let mut tx = Tx::new(session, cx);
            let mut future = work.run(&mut tx);
            future
                .as_mut()
                .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
                .is_ready()
        };
        let exceeded = session.exceeded;
        drop(lent);
        match (ready, exceeded) {
            (_, true) => Ok(Ran::Exceeded(work)),
            (true, false) => Ok(Ran::Done),
            (false, false) => Err(StoreError::ForeignAwait),
        }
    }

    /// A snapshot of the database and the tail that belongs to it.
    fn lend(&self, budget: Budget) -> Result<Lent<'_>, StoreError> {
        loop {
            let (generation, db) = self.take()?;
            let begun = self.begin(&db);
            match begun {
                Ok((view, tag)) if self.idle.lock().generation == generation => {
                    return Ok(Lent {
                        readers: self,
                        generation,
                        session: Some(ReadSession {
                            db,
                            view,
                            tag,
                            budget,
                            exceeded: false,
                        }),
                    });
                }
                // The database moved on meanwhile: what is merged now would be neither in the view nor here.
                Ok(_) => {}
                Err(error) => {
                    let _none_open = db.batch("ROLLBACK");
                    self.give_back(generation, db);
                    return Err(error);
                }
            }
        }
    }

    fn take(&self) -> Result<(u64, Db), StoreError> {
        let mut idle = self.idle.lock();
        let db = idle.connections.pop().ok_or(StoreError::Unavailable(None))?;
        Ok((idle.generation, db))
    }

    fn give_back(&self, generation: u64, db: Db) {
        let mut idle = self.idle.lock();
        if idle.generation == generation {
            idle.connections.push(db);
        } else if let Err(error) = db.keep_log() {
            tracing::debug!(error = &error as &dyn std::error::Error, "leaving an old database");
        }
    }

    fn begin(&self, db: &Db) -> Result<(Arc<View>, i64), StoreError> {
        loop {
            let view = self.tail.view();
            db.raw()
                .prepare_cached("BEGIN")
                .and_then(|mut begin| begin.execute(()))
                .map_err(fault)?;
            if !self.journaled {
                return Ok((view, 0));
            }
            let tag = last_of_journal(db)?;
            // A part that was frozen between the two looks would be missing from the view.
            if self.tail.is_present(&view) {
                return Ok((view, tag.unwrap_or(0)));
            }
            db.batch("ROLLBACK")?;
        }
    }
}

fn last_of_journal(db: &Db) -> Result<Option<i64>, StoreError> {
    let raw = db.raw();
    let mut last = raw.prepare_cached("SELECT max(seq) FROM journal").map_err(fault)?;
    last.query_row((), |row| row.get(0)).map_err(fault)
}

async fn permit_of(semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StoreError> {
    let permit = semaphore.clone().acquire_owned().await;
    permit.map_err(|_| StoreError::Unavailable(None))
}

/// Somebody who waits; tells the work when they do no more.
#[derive(Default)]
struct Caller(Arc<AtomicBool>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection on loan.
struct Lent<'a> {
    readers: &'a Readers,
    generation: u64,
    session: Option<ReadSession>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            let ended = session
                .db
                .raw()
                .prepare_cached("COMMIT")
                .and_then(|mut end| end.execute(()));
            if let Err(error) = ended {
                tracing::error!(error = &error as &dyn std::error::Error, "ending a snapshot");
            }
            self.readers.give_back(self.generation, session.db);
        }
    }
}
