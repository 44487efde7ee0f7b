//! Merging the frozen tail into the table `idx`, in key order, a slice per commit.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use super::connection::{Db, fault};
use super::key::Key;
use super::session::WriteSession;
use super::tail::{Change, Changes, Tail};
use crate::StoreError;

/// Smallest slice that goes with a commit.
const SLICE: usize = 512;

/// The state of merging.
pub struct Merge {
    /// Changes in the active part that start a merge.
    limit: usize,
    run: Option<Run>,
}

/// A frozen part on its way into the table.
struct Run {
    changes: Arc<RwLock<Changes>>,
    /// Highest journal number of the changes passed so far: in the end the part holds all changes up to it.
    upto: i64,
    /// Last key that is in the table for good.
    done: Option<Key>,
    /// Last key of the slice in the open commit.
    sliced: Option<Key>,
    /// Whether the open commit holds the last slice.
    complete: bool,
}

impl Merge {
    /// That starts when `limit` changes wait.
    pub fn new(limit: usize) -> Self {
        Self { limit, run: None }
    }

    /// Whether an idle writer has something to merge.
    pub fn has_work(&self, session: &WriteSession) -> bool {
        self.run.is_some() || session.tail.waiting() > 0
    }

    /// Freezes the active part when it is full and nothing is frozen. Called between publications.
    pub fn start_when_full(&mut self, session: &WriteSession) {
        if self.run.is_none() && session.tail.waiting() >= self.limit {
            self.start(session);
        }
    }

    /// Freezes the active part when nothing is frozen.
    pub fn start_when_idle(&mut self, session: &WriteSession) {
        if self.run.is_none() {
            self.start(session);
        }
    }

    fn start(&mut self, session: &WriteSession) {
        self.run = Some(Run {
            changes: session.tail.freeze(),
            upto: 0,
            done: None,
            sliced: None,
            complete: false,
        });
    }

    /// A slice that goes with a commit which adds `added` changes: a quarter more, so that the tail stays bounded.
    pub fn slice_beside(&mut self, db: &Db, added: usize) -> Result<(), StoreError> {
        if self.run.is_none() {
            return Ok(());
        }
        self.slice(db, SLICE.max(added + added / 4))
    }

    /// Writes the next `keys` keys into the table, inside the open transaction.
    pub fn slice(&mut self, db: &Db, keys: usize) -> Result<(), StoreError> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let changes = run.changes.read();
        let from = match &run.done {
            Some(key) => Bound::Excluded((key.clone(), i64::MAX)),
            None => Bound::Unbounded,
        };
        let raw = db.raw();
        let mut insert = raw
            .prepare_cached("INSERT OR IGNORE INTO idx (k) VALUES (?1)")
            .map_err(fault)?;
        let mut delete = raw.prepare_cached("DELETE FROM idx WHERE k = ?1").map_err(fault)?;
        let mut write = |key: &Key, change: Change| {
            let statement = if change == Change::Add {
                &mut insert
            } else {
                &mut delete
            };
            statement.execute([key.as_bytes()]).map(drop).map_err(fault)
        };
        let mut written = 0;
        let mut last: Option<(&Key, Change)> = None;
        for ((key, tag), change) in changes.range((from, Bound::Unbounded)) {
            run.upto = run.upto.max(*tag);
            if let Some((before, what)) = last
                && before != key
            {
                write(before, what)?;
                run.sliced = Some(before.clone());
                written += 1;
                if written == keys {
                    return Ok(());
                }
            }
            last = Some((key, *change));
        }
        if let Some((key, what)) = last {
            write(key, what)?;
        }
        run.complete = true;
        raw.prepare_cached("UPDATE mark SET value = ?1 WHERE name = 'merged'")
            .and_then(|mut update| update.execute([run.upto]))
            .map(drop)
            .map_err(fault)
    }

    /// Merges what is frozen in commits of its own, before the writer begins.
    pub fn run_alone(&mut self, session: &WriteSession) -> Result<(), StoreError> {
        while self.run.is_some() {
            session.begin()?;
            self.slice(&session.db, 16 * SLICE)?;
            session.db.batch("COMMIT")?;
            self.committed(&session.tail);
        }
        Ok(())
    }

    /// The commit with the last slice is durable.
    pub fn committed(&mut self, tail: &Tail) {
        match self.run.take_if(|run| run.complete) {
            Some(run) => {
                tail.retire();
                free(run.changes);
            }
            None => {
                if let Some(run) = &mut self.run {
                    run.done.clone_from(&run.sliced);
                }
            }
        }
    }

    /// The commit with the last slice did not happen.
    pub fn rolled_back(&mut self) {
        if let Some(run) = &mut self.run {
            run.sliced.clone_from(&run.done);
            run.complete = false;
        }
    }
}

/// Parts with more changes are freed beside the writer: a million takes it some fifty milliseconds.
const SMALL: usize = 10_000;

/// How often is looked whether the last reader has let go.
const READERS: Duration = Duration::from_millis(10);

/// Frees a part that is merged.
fn free(changes: Arc<RwLock<Changes>>) {
    if changes.read().len() <= SMALL {
        return;
    }
    let beside = move || {
        // No reader should be the last that holds it, and pay.
        while Arc::strong_count(&changes) > 1 {
            std::thread::sleep(READERS);
        }
    };
    // Without a thread it is freed here.
    let _freed = std::thread::Builder::new().name("tail-free".to_owned()).spawn(beside);
}
