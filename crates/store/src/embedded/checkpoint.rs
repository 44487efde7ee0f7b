//! Copying the log into the database file, beside the writer.
//!
//! By itself SQLite does it in the commit that finds the log full, and all writes wait for the time that 128 MiB take. Here
//! a thread with a connection of its own copies while the writer goes on. What was written meanwhile is little: the writer
//! copies it between two groups, so that the log begins anew.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use hygie_core::Secret;

use super::connection::{Access, CHECKPOINT_PAGES, Db, fault};
use crate::StoreError;

/// How often the length of the log is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// The connection reads no pages of its own.
const CACHE_KIB: u32 = 64;

/// The thread that copies.
pub struct Checkpoints {
    due: Arc<AtomicBool>,
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Checkpoints {
    /// Starts the thread for the database at this path.
    pub fn start(path: &Path, key: &Secret<[u8; 32]>) -> Result<Self, StoreError> {
        let db = Db::open(path, key, Access::Read, CACHE_KIB)?;
        let (stop, stopped) = channel();
        let due = Arc::new(AtomicBool::new(false));
        let copied = due.clone();
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(&db, &copied, &stopped))
            .map_err(|error| StoreError::Unavailable(Some(Box::new(error))))?;
        Ok(Self {
            due,
            thread: Some((stop, thread)),
        })
    }

    /// Whether the writer is to copy the rest; true once for each time.
    pub fn is_due(&self) -> bool {
        self.due.load(Ordering::Relaxed) && self.due.swap(false, Ordering::Relaxed)
    }

    /// Ends the thread, after what it does now.
    pub fn stop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            // A panic there was reported there.
            let _ended = thread.join();
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(db: &Db, due: &AtomicBool, stop: &Receiver<()>) {
    let mut is_failing = false;
    while stop.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
        let copied = pages(db).and_then(|pages| {
            let is_long = pages >= i64::from(CHECKPOINT_PAGES);
            if is_long {
                db.batch("PRAGMA wal_checkpoint(PASSIVE)")?;
            }
            Ok(is_long)
        });
        match copied {
            Ok(is_long) => {
                due.store(is_long, Ordering::Relaxed);
                is_failing = false;
            }
            // Once: a full disk must not fill up with messages about it.
            Err(error) if !is_failing => {
                tracing::warn!(error = &error as &dyn std::error::Error, "copying the log");
                is_failing = true;
            }
            Err(_) => {}
        }
    }
}

/// Length of the log; -1 before there is one.
fn pages(db: &Db) -> Result<i64, StoreError> {
    let raw = db.raw();
    let mut look = raw.prepare_cached("PRAGMA wal_checkpoint(NOOP)").map_err(fault)?;
    look.query_row((), |row| row.get(1)).map_err(fault)
}
