//! Putting a database under another key while it is used (`docs/adr/0011-key-rotation.md`).
//!
//! SQLite copies the database page by page to a new file under the next key, through the writer's own connection: then
//! what the writer changes in pages that are copied already is changed in the copy, too. The writer copies a slice between
//! two groups. When all but the last page is there, it pauses: last page, sync, the new connections, the next key made the
//! current one — that one durable writing of `keys.json` is the switch — and it goes on with the new file. Readers take
//! connections of the new file from then on; those that run end on the old one.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use hygie_core::{Clock, Timestamp};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use tokio::sync::oneshot;

use super::Limits;
use super::checkpoint::Checkpoints;
use super::connection::{Access, Db, fault};
use super::readers::Readers;
use super::rotation::{Observer, Step, remove_database};
use super::schema;
use super::writer::{Command, Writer};
use crate::StoreError;
use crate::audit::fault as fault_of;
use crate::files::sync_directory_of;
use crate::keys::{DataKey, KeyState, Keyring, Purpose};

/// Pages that are copied between two groups: half a MiB, some milliseconds.
const SLICE: i32 = 64;

/// Pages after which what is copied is synced beside the writer, so that the last sync is short.
const SYNC_PAGES: i32 = 8192;

/// How often is looked whether the switch may be made.
const PATIENCE: Duration = Duration::from_millis(50);

/// Page cache of the copy.
const CACHE_KIB: u32 = 2048;

/// How often is tried to make a switch durable before nobody is answered any more.
const SETTLE_TRIES: u32 = 20;

type Closing = Option<oneshot::Sender<Result<(), StoreError>>>;

/// What the writer needs to go over to another file.
pub struct Succession {
    /// The new file; what an earlier try left of it is removed.
    pub to: PathBuf,
    /// The next key.
    pub key: DataKey,
    /// Whose connections are replaced.
    pub readers: Arc<Readers>,
    /// Sizes of the new connections.
    pub limits: Limits,
    /// Makes the next key the current one.
    pub keyring: Arc<Keyring>,
    /// What the key is for.
    pub purpose: Purpose,
    /// Told how far it is; says when the switch may be made.
    pub observer: Arc<dyn Observer>,
    /// Measures the pause.
    pub clock: Arc<dyn Clock>,
    /// Told how it ended.
    pub done: oneshot::Sender<Result<Switched, StoreError>>,
}

/// What the writer has left behind; dropped, it closes the old file.
pub struct Switched {
    /// How long no write was taken.
    pub pause: Duration,
    _checkpoints: Checkpoints,
    _writer: Db,
}

/// Connections to the new file, which nobody uses yet.
struct Ready {
    writer: Db,
    readers: Vec<Db>,
    checkpoints: Checkpoints,
}

impl Writer {
    /// Goes over to another file while it serves; the answer to a close that came meanwhile, which ends it.
    pub fn succeed(&mut self, succession: Succession, queue: &Receiver<Command>) -> Closing {
        let mut close = None;
        let outcome = self.copy_and_switch(&succession, queue, &mut close);
        if outcome.is_err() && !succession.is_switched() {
            // What is left is removed before the next try, and at the next start.
            let _left = remove_database(&succession.to);
        }
        let _unheard = succession.done.send(outcome);
        close
    }

    fn copy_and_switch(
        &mut self,
        succession: &Succession,
        queue: &Receiver<Command>,
        close: &mut Closing,
    ) -> Result<Switched, StoreError> {
        remove_database(&succession.to).map_err(|error| fault_of(&error))?;
        let mut target = Db::open(&succession.to, &succession.key.key, Access::Copy, CACHE_KIB)?;
        let paused_at = self.copy(succession, &mut target, (queue, close))?;
        drop(target);
        let mut ready = succession.ready(self.session.appended())?;
        succession.observer.reached(Step::Ready);
        succession.promote().inspect_err(|_| {
            // Which of the two files the next start takes is not known: nobody may be answered.
            self.is_halted = succession.is_switched();
        })?;
        succession.observer.reached(Step::Switched);
        let checkpoints = std::mem::replace(&mut self.checkpoints, ready.checkpoints);
        succession.readers.follow(&mut ready.writer);
        let writer = std::mem::replace(&mut self.session.db, ready.writer);
        succession.readers.replace(ready.readers);
        let _only_slower = writer.keep_log();
        Ok(Switched {
            pause: succession.clock.now().since(paused_at),
            _checkpoints: checkpoints,
            _writer: writer,
        })
    }

    /// Copies while it serves, until the copy is the same as the original and the switch may be made; since when no write is
    /// taken.
    fn copy(
        &mut self,
        succession: &Succession,
        target: &mut Db,
        (queue, close): (&Receiver<Command>, &mut Closing),
    ) -> Result<Timestamp, StoreError> {
        let handle = self.session.db.handle();
        let source = handle.lock();
        let target = target.raw_mut().ok_or(StoreError::Unavailable(None))?;
        let mut copy = Copy::begin(&source, target, succession)?;
        loop {
            let wait = if copy.has_arrived()? && copy.is_synced()? {
                if succession.observer.may_switch() {
                    break;
                }
                PATIENCE
            } else {
                Duration::ZERO
            };
            self.serve(wait, queue, close)?;
        }
        succession.observer.reached(Step::Copied);
        // From here on no write is taken.
        let paused_at = succession.clock.now();
        copy.finish()?;
        Ok(paused_at)
    }

    /// Runs a group, if somebody asks for one in this time.
    fn serve(&mut self, wait: Duration, queue: &Receiver<Command>, close: &mut Closing) -> Result<(), StoreError> {
        self.checkpoint();
        match queue.recv_timeout(wait) {
            Ok(Command::Close(done)) => *close = Some(done),
            Ok(Command::Succeed(other)) => {
                let _unheard = other.done.send(Err(StoreError::Busy));
            }
            Ok(write @ Command::Write { .. }) => *close = self.group(write, queue),
            Err(RecvTimeoutError::Timeout) => self.head.sync(),
            Err(RecvTimeoutError::Disconnected) => return Err(StoreError::Unavailable(None)),
        }
        // Whoever closes does not wait for a copy.
        close.as_ref().map_or(Ok(()), |_| Err(StoreError::Unavailable(None)))
    }
}

impl Succession {
    fn is_switched(&self) -> bool {
        self.keyring
            .find(&self.purpose)
            .is_some_and(|key| key.id == self.key.id)
    }

    /// The switch: durable when it returns. On an error [`Self::is_switched`] tells whether it happened all the same.
    fn promote(&self) -> Result<(), StoreError> {
        let Err(error) = self.keyring.promote(&self.purpose, KeyState::Leaving) else {
            return Ok(());
        };
        if !self.is_switched() {
            return Err(error.into());
        }
        for _ in 0..SETTLE_TRIES {
            if self.keyring.sync().is_ok() {
                return Ok(());
            }
            std::thread::sleep(PATIENCE);
        }
        tracing::error!("the switch to another key cannot be made durable: restart the program when the disk works");
        Err(error.into())
    }

    /// The new file made durable and opened by everybody who will use it.
    fn ready(&self, last: i64) -> Result<Ready, StoreError> {
        File::open(&self.to)
            .and_then(|file| file.sync_all())
            .map_err(|error| fault_of(&error))?;
        sync_directory_of(&self.to).map_err(|error| fault_of(&error))?;
        let (key, cache) = (&self.key.key, self.limits.cache_kib);
        let writer = Db::open(&self.to, key, Access::Write, cache)?;
        if schema::last_journal(&writer)? != last {
            return Err(StoreError::Inconsistent("the copy is not the database".to_owned()));
        }
        let readers = (0..self.limits.readers).map(|_| Db::open(&self.to, key, Access::Read, cache));
        Ok(Ready {
            writer,
            readers: readers.collect::<Result<_, _>>()?,
            checkpoints: Checkpoints::start(&self.to, key)?,
        })
    }
}

/// A copy that goes on.
struct Copy<'c> {
    backup: Backup<'c, 'c>,
    path: PathBuf,
    observer: Arc<dyn Observer>,
    /// Pages copied since the last sync began.
    unsynced: i32,
    sync: Option<JoinHandle<io::Result<()>>>,
    /// Whether it was synced when all was there.
    is_last_sync: bool,
}

impl<'c> Copy<'c> {
    fn begin(source: &'c Connection, target: &'c mut Connection, succession: &Succession) -> Result<Self, StoreError> {
        Ok(Self {
            backup: Backup::new(source, target).map_err(fault)?,
            path: succession.to.clone(),
            observer: succession.observer.clone(),
            unsynced: 0,
            sync: None,
            is_last_sync: false,
        })
    }

    /// Copies a slice, but never the last page: with it the copy would end, and no longer follow the original. Whether only
    /// that one is left.
    fn has_arrived(&mut self) -> Result<bool, StoreError> {
        let before = self.backup.progress();
        // Before the first step nothing is known; and a step of no page tells by how much the database has grown.
        let known = before.pagecount > 0;
        let pages = if known {
            SLICE.min(before.remaining - 1).max(0)
        } else {
            0
        };
        match self.backup.step(pages).map_err(fault)? {
            StepResult::More => {}
            StepResult::Done => return Err(StoreError::Inconsistent("the copy ended before its time".to_owned())),
            _ => std::thread::sleep(Duration::from_millis(1)),
        }
        let now = self.backup.progress();
        let (left, total) = (now.remaining.max(0) as u64, now.pagecount.max(0) as u64);
        self.observer.copied(total.saturating_sub(left), total);
        self.unsynced += pages;
        if self.unsynced >= SYNC_PAGES && self.sync.is_none() {
            self.start_sync();
        }
        if self.sync.as_ref().is_some_and(JoinHandle::is_finished) {
            self.end_sync()?;
        }
        Ok(now.remaining <= 1)
    }

    /// A sync that failed is not made good by one that succeeds: the system tells a failure once, and takes the pages for
    /// written (compare [`crate::files::write_again`]).
    fn end_sync(&mut self) -> Result<(), StoreError> {
        let Some(sync) = self.sync.take() else { return Ok(()) };
        let synced = sync.join().map_err(|_panic| StoreError::Unavailable(None))?;
        synced.map_err(|error| fault_of(&error))
    }

    /// Whether what is copied is on the disk; called when all is copied, it sees to that.
    fn is_synced(&mut self) -> Result<bool, StoreError> {
        if self.sync.is_none() && !self.is_last_sync {
            self.is_last_sync = true;
            self.start_sync();
        }
        if self.sync.as_ref().is_some_and(|sync| !sync.is_finished()) {
            return Ok(false);
        }
        self.end_sync()?;
        Ok(true)
    }

    fn start_sync(&mut self) {
        self.unsynced = 0;
        let path = self.path.clone();
        let sync = move || File::open(path).and_then(|file| file.sync_data());
        // Without it only the sync before the switch is longer.
        self.sync = std::thread::Builder::new()
            .name("store-sync".to_owned())
            .spawn(sync)
            .ok();
    }

    fn finish(self) -> Result<(), StoreError> {
        match self.backup.step(-1).map_err(fault)? {
            StepResult::Done => Ok(()),
            _ => Err(StoreError::Busy),
        }
    }
}
