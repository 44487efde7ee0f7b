//! The reading connections that nobody uses.
//!
//! While nothing is written a connection keeps the snapshot of the work before: taking one costs three statements and two
//! locks of the log, 30 % of what a read by id does in the store. Before the writer begins a transaction all of them are let
//! go, so that none is ever older than the newest state, nor keeps the log from beginning anew or a merged part in memory.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::connection::{Db, Watch};
use super::tail::{Tail, View};
use crate::StoreError;

/// The connections that nobody uses.
pub struct Idle {
    tail: Arc<Tail>,
    state: Mutex<State>,
}

struct State {
    connections: Vec<Resting>,
    /// Raised when the database moves to another file: connections of an earlier one are not taken back.
    generation: u64,
    /// How many transactions the writer has ended.
    written: u64,
    /// Whether none is open; never, where no writer tells.
    is_quiet: bool,
}

/// A connection that nobody uses.
pub struct Resting {
    /// The connection.
    pub db: Db,
    /// What it still sees, which is the newest state.
    pub snapshot: Option<Snapshot>,
}

/// What a connection in a read transaction sees.
pub struct Snapshot {
    /// The tail that belongs to it.
    pub view: Arc<View>,
    /// Its last journal number.
    pub tag: i64,
}

/// The state in which a connection was taken.
#[derive(Clone, Copy)]
pub struct Taken {
    generation: u64,
    /// Transactions that had ended, unless one was open.
    written: Option<u64>,
}

impl Idle {
    /// These connections, beside this tail.
    pub fn new(connections: Vec<Db>, tail: Arc<Tail>) -> Self {
        let state = State {
            connections: resting(connections),
            generation: 0,
            written: 0,
            is_quiet: false,
        };
        Self {
            tail,
            state: Mutex::new(state),
        }
    }

    /// These connections, to another file, from now on.
    pub fn replace(&self, connections: Vec<Db>) {
        let mut state = self.state.lock();
        state.generation += 1;
        state.connections = resting(connections);
    }

    /// Takes a connection out.
    pub fn take(&self) -> Result<(Taken, Resting), StoreError> {
        let mut state = self.state.lock();
        let resting = state.connections.pop().ok_or(StoreError::Unavailable(None))?;
        Ok((state.now(), resting))
    }

    /// Whether a connection is one to the present file.
    pub fn is_present(&self, taken: Taken) -> bool {
        self.state.lock().generation == taken.generation
    }

    /// Puts a connection back. Its snapshot is kept if nothing was written since it was taken, else ended.
    pub fn give_back(&self, taken: Taken, db: Db, snapshot: Option<Snapshot>) {
        // An error of the disk may have ended the transaction.
        let snapshot = snapshot.filter(|_| !db.is_outside());
        let mut state = self.state.lock();
        // A part of the tail that is merged would stay in memory until the next write.
        let is_newest = |state: &State, view| state.has_seen_all(taken) && self.tail.is_present(view);
        let snapshot = match snapshot {
            Some(snapshot) if !is_newest(&state, &snapshot.view) => {
                MutexGuard::unlocked(&mut state, || end(&db));
                None
            }
            other => other,
        };
        if state.generation == taken.generation {
            state.connections.push(Resting { db, snapshot });
        } else if let Err(error) = db.keep_log() {
            tracing::debug!(error = &error as &dyn std::error::Error, "leaving an old database");
        }
    }
}

impl Watch for Idle {
    fn begins(&self) {
        let mut state = self.state.lock();
        state.is_quiet = false;
        for resting in &mut state.connections {
            if resting.snapshot.take().is_some() {
                end(&resting.db);
            }
        }
    }

    fn ended(&self) {
        let mut state = self.state.lock();
        state.written += 1;
        state.is_quiet = true;
    }
}

impl State {
    fn now(&self) -> Taken {
        Taken {
            generation: self.generation,
            written: self.is_quiet.then_some(self.written),
        }
    }

    /// Whether nothing was written since.
    fn has_seen_all(&self, taken: Taken) -> bool {
        taken.written.is_some() && taken.written == self.now().written
    }
}

fn resting(connections: Vec<Db>) -> Vec<Resting> {
    let alone = |db| Resting { db, snapshot: None };
    connections.into_iter().map(alone).collect()
}

/// Ends a read transaction.
fn end(db: &Db) {
    let ended = db
        .raw()
        .prepare_cached("COMMIT")
        .and_then(|mut commit| commit.execute(()));
    if let Err(error) = ended {
        tracing::error!(error = &error as &dyn std::error::Error, "ending a snapshot");
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use hygie_core::Secret;

    use super::*;
    use crate::embedded::connection::Access;

    /// A database with a table, its writer, and a pool of one reader; removed at the end.
    struct World {
        directory: PathBuf,
        writer: Db,
        idle: Arc<Idle>,
        tail: Arc<Tail>,
    }

    impl World {
        fn new(name: &str, is_watched: bool) -> Self {
            let directory = std::env::temp_dir().join(format!("hygie-idle-{name}-{}", std::process::id()));
            let _absent = std::fs::remove_dir_all(&directory);
            std::fs::create_dir_all(&directory).expect("a writable temporary directory");
            let open = |access| Db::open(&directory.join("test.db"), &Secret::new([7; 32]), access, 64).expect("open");
            let mut writer = open(Access::Write);
            writer.batch("CREATE TABLE t (n INTEGER)").expect("a table");
            let tail = Arc::new(Tail::default());
            let idle = Arc::new(Idle::new(vec![open(Access::Read)], tail.clone()));
            if is_watched {
                writer.tell(idle.clone());
            }
            Self {
                directory,
                writer,
                idle,
                tail,
            }
        }

        /// A connection with a snapshot, and whether that is a new one.
        fn begin(&self) -> (Taken, Db, Snapshot, bool) {
            let (taken, Resting { db, snapshot }) = self.idle.take().expect("a connection");
            let is_new = snapshot.is_none();
            let snapshot = snapshot.unwrap_or_else(|| {
                db.batch("BEGIN").expect("begin");
                count(&db);
                Snapshot {
                    view: self.tail.view(),
                    tag: 0,
                }
            });
            (taken, db, snapshot, is_new)
        }

        /// Reads; what it saw, and whether it took a new snapshot for it.
        fn read(&self) -> (i64, bool) {
            let (taken, db, snapshot, is_new) = self.begin();
            let rows = count(&db);
            self.idle.give_back(taken, db, Some(snapshot));
            (rows, is_new)
        }

        fn write(&self) {
            self.writer
                .batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1); COMMIT")
                .expect("a row");
        }

        /// Whether nobody keeps the log from beginning anew.
        fn restarts(&self) -> bool {
            let raw = self.writer.raw();
            let busy = raw.query_row("PRAGMA wal_checkpoint(RESTART)", (), |row| row.get::<_, i64>(0));
            busy.expect("a checkpoint") == 0
        }
    }

    impl Drop for World {
        fn drop(&mut self) {
            let _left = std::fs::remove_dir_all(&self.directory);
        }
    }

    fn count(db: &Db) -> i64 {
        let count = db.raw().query_row("SELECT count(*) FROM t", (), |row| row.get(0));
        count.expect("a count")
    }

    #[test]
    fn a_snapshot_is_kept_until_something_is_written() {
        let world = World::new("kept", true);
        assert_eq!(world.read(), (0, true));
        assert_eq!(world.read(), (0, false));
        world.write();
        assert_eq!(world.read(), (1, true));
        assert_eq!(world.read(), (1, false));
    }

    #[test]
    fn one_that_is_in_use_when_something_is_written_is_not_kept() {
        let world = World::new("used", true);
        world.read();
        for sql in ["BEGIN IMMEDIATE; INSERT INTO t VALUES (1)", "COMMIT"] {
            let (taken, db, snapshot, _) = world.begin();
            world.writer.batch(sql).expect("a step of a write");
            assert_eq!(count(&db), 0, "a snapshot stays what it is");
            world.idle.give_back(taken, db, Some(snapshot));
            let (rows, is_new) = world.read();
            assert!(is_new, "{sql}");
            assert_eq!(rows, i64::from(sql == "COMMIT"));
        }
        assert_eq!(world.read(), (1, false));
    }

    #[test]
    fn none_is_kept_while_a_transaction_is_open() {
        let world = World::new("open", true);
        world.writer.batch("BEGIN IMMEDIATE").expect("begin");
        assert!(world.read().1 && world.read().1);
        world.writer.batch("ROLLBACK").expect("roll back");
        assert!(world.read().1 && !world.read().1);
    }

    #[test]
    fn none_is_kept_where_no_writer_tells() {
        let world = World::new("alone", false);
        assert!(world.read().1 && world.read().1);
    }

    #[test]
    fn one_that_is_kept_does_not_keep_the_log_from_beginning_anew() {
        let world = World::new("log", true);
        world.writer.batch("PRAGMA busy_timeout = 1").expect("a setting");
        world.write();
        world.read();
        assert!(!world.restarts(), "a reader is in the log");
        world.write();
        assert!(world.restarts());
    }

    #[test]
    fn one_with_a_part_of_the_tail_that_is_merged_is_not_kept() {
        let world = World::new("merged", true);
        let (taken, db, snapshot, _) = world.begin();
        world.tail.retire();
        world.idle.give_back(taken, db, Some(snapshot));
        assert!(world.read().1);
    }

    #[test]
    fn one_whose_transaction_is_lost_is_not_kept() {
        let world = World::new("lost", true);
        let (taken, db, snapshot, _) = world.begin();
        db.batch("ROLLBACK").expect("as an error of the disk does");
        world.idle.give_back(taken, db, Some(snapshot));
        assert!(world.read().1);
    }
}
