//! The readers: connections that each take a snapshot for one unit of work.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hygie_core::{Cx, Secret};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use super::connection::{Access, Db, fault};
use super::idle::{Idle, Resting, Snapshot, Taken};
use super::session::{Budget, ReadSession};
use super::tail::Tail;
use crate::{StoreError, Tx, Work};

/// Rows that a unit of work may look at on the caller's thread: about a millisecond. Beyond, it begins anew on the
/// blocking pool.
const BUDGET: usize = 2_000;

/// The pool of reading connections.
pub struct Readers {
    idle: Arc<Idle>,
    /// One for each connection; held by the work, which may outlive its caller.
    permits: Arc<Semaphore>,
    /// One less: work on the blocking pool takes one of these first, so that a connection is left for what is short.
    long: Arc<Semaphore>,
    tail: Arc<Tail>,
    journaled: bool,
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
            idle: Arc::new(Idle::new(idle, tail.clone())),
            tail,
            journaled,
        })
    }

    /// Goes on with these connections, as many as it was opened with; work that runs ends on those it has.
    pub fn replace(&self, connections: Vec<Db>) {
        self.idle.replace(connections);
    }

    /// Keeps snapshots while nothing is written through this connection: the writer's.
    pub fn follow(&self, writer: &mut Db) {
        writer.tell(self.idle.clone());
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
            let (taken, Resting { db, snapshot }) = self.idle.take()?;
            let begun = match snapshot {
                Some(kept) => Ok(kept),
                None => self.begin(&db),
            };
            match begun {
                Ok(snapshot) if self.idle.is_present(taken) => {
                    return Ok(Lent {
                        readers: self,
                        taken,
                        session: Some(ReadSession {
                            db,
                            snapshot,
                            budget,
                            exceeded: false,
                        }),
                    });
                }
                // The database moved on meanwhile: what is merged now would be neither in the view nor here.
                Ok(_) => {}
                Err(error) => {
                    let _none_open = db.batch("ROLLBACK");
                    self.idle.give_back(taken, db, None);
                    return Err(error);
                }
            }
        }
    }

    fn begin(&self, db: &Db) -> Result<Snapshot, StoreError> {
        loop {
            let view = self.tail.view();
            db.raw()
                .prepare_cached("BEGIN")
                .and_then(|mut begin| begin.execute(()))
                .map_err(fault)?;
            if !self.journaled {
                return Ok(Snapshot { view, tag: 0 });
            }
            let tag = last_of_journal(db)?.unwrap_or(0);
            // A part that was frozen between the two looks would be missing from the view.
            if self.tail.is_present(&view) {
                return Ok(Snapshot { view, tag });
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
    taken: Taken,
    session: Option<ReadSession>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.readers
                .idle
                .give_back(self.taken, session.db, Some(session.snapshot));
        }
    }
}
