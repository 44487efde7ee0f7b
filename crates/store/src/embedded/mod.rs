//! The embedded engine: SQLite with SQLCipher, one file per service instance, one writer with group commit, snapshot
//! readers, and an ordered index whose newest rows wait in memory (`docs/adr/0001-storage-waist.md`,
//! `docs/adr/0003-fhir-index.md`).
//!
//! - The answer to a write comes after its group's commit is in the synced log of the database.
//! - A read takes a free connection and runs on the caller's thread; work that looks at many rows is begun anew on the
//!   blocking pool, so that a long search does not hold up others. Its snapshot is kept for the next while nothing is written.
//! - An access is recorded in the access log of the instance, beside the database, by a thread of its own.
//! - At start the changes to the index after the merge mark are made again from the journal, by [`Replay`]; all of them
//!   when the index is of another form than the present release makes.

mod backup;
mod blobs;
mod checkpoint;
mod connection;
mod heads;
mod idle;
mod index;
mod integrity;
mod key;
mod merge;
mod readers;
mod recent;
mod replay;
mod rotation;
mod schema;
mod session;
mod succession;
mod tail;
mod verify;
mod writer;

use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use futures_util::future::BoxFuture;
use hygie_core::Cx;
use parking_lot::Mutex;
use tokio::sync::oneshot;

pub use self::backup::{Copied, Place, Route, back_up};
pub use self::blobs::{open_for_reading, verify_blobs, verify_blobs_in};
use self::checkpoint::Checkpoints;
use self::connection::{Access, Db};
pub use self::integrity::damage;
use self::merge::Merge;
use self::readers::Readers;
use self::recent::FirstBytes;
pub use self::rotation::{Control, Observer, Step, instance_of, replace_access_key, replace_database_key, settle};
use self::session::WriteSession;
use self::tail::Tail;
pub use self::verify::verify;
use self::writer::{Command, Writer};
use crate::audit::{AccessKeys, AccessLimits, AccessLog, AccessPlace, Record, begin_chains};
use crate::files::write_again;
use crate::keys::{Keyring, Purpose};
use crate::{Engine, Migration, Space, Store, StoreError, Tx, Work};

/// Makes the index changes of a journal record again, as they were made when it was appended.
pub trait Replay: Send + Sync {
    /// Names the form of the keys it makes, 1 and up: an index of another form is made again from the whole journal when
    /// the instance is opened. To be raised whenever a record gives other keys than before.
    fn form(&self) -> i64 {
        1
    }

    /// Whether keys that begin with this byte come in no order, so that in a large index nearly each changes a page of its
    /// own: they pass through a smaller table, and searches for them look in both while there is something in it.
    fn scatters(&self, _first: u8) -> bool {
        false
    }

    /// Adds and removes the record's keys. It may read, but neither take numbers nor append.
    fn replay<'t>(&'t self, tx: &'t mut Tx<'_>, seq: i64, record: &'t [u8]) -> BoxFuture<'t, Result<(), StoreError>>;

    /// Before an index is made again in another form: adds the keys of the numbers that the record gave, and gives numbers
    /// to what its keys name now and did not before, in a record of their own.
    fn number<'t>(&'t self, _tx: &'t mut Tx<'_>, _record: &'t [u8]) -> BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(ready(Ok(())))
    }
}

/// How to open an instance.
pub struct Options<'a> {
    /// Directory of the database file `INSTANCE.db` and of the access log `INSTANCE.access/`; it exists.
    pub directory: &'a Path,
    /// Directory of the signed heads of the audit chains; it exists.
    pub heads: &'a Path,
    /// Name of the service instance: `directory`, `fhir-demo-fhir`…
    pub instance: &'a str,
    /// Holds, or gets, the data keys of the instance.
    pub keyring: &'a Keyring,
    /// The tables of the services that live in it, besides the engine's own.
    pub migrations: &'a [Migration],
    /// Makes index changes again at start; `None` for an instance without index.
    pub replay: Option<Arc<dyn Replay>>,
    /// Context of the start.
    pub cx: &'a Cx,
    /// Sizes.
    pub limits: Limits,
}

impl Options<'_> {
    fn scattered(&self) -> FirstBytes {
        let replay = self.replay.as_ref();
        FirstBytes::which(|first| replay.is_some_and(|replay| replay.scatters(first)))
    }
}

/// Sizes of queues and caches.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Writes that may wait before [`StoreError::Busy`].
    pub queue: usize,
    /// Connections for reading.
    pub readers: usize,
    /// Page cache of each connection, in KiB.
    pub cache_kib: u32,
    /// Index changes in memory before a merge begins. About 60 bytes each.
    pub tail: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue: 4096,
            readers: 4,
            cache_kib: 64 * 1024,
            tail: 1_000_000,
        }
    }
}

struct Embedded {
    queue: Mutex<Option<SyncSender<Command>>>,
    readers: Arc<Readers>,
    accesses: AccessLog,
    space: Arc<Space>,
    writer: Option<JoinHandle<()>>,
}

impl Drop for Embedded {
    /// Waits for the writer: at the end of the process SQLCipher gives back what its connections still use.
    fn drop(&mut self) {
        drop(self.queue.lock().take());
        // The last one to let go may be a unit of work, which the writer drops.
        let writer = self
            .writer
            .take()
            .filter(|writer| writer.thread().id() != thread::current().id());
        // A panic there was reported there.
        let _ended = writer.map(JoinHandle::join);
    }
}

/// Opens or creates an instance. It blocks: the tail of the index may have to be made again.
#[expect(
    clippy::needless_pass_by_value,
    reason = "whoever opens makes the options on the spot"
)]
pub fn open(options: Options<'_>) -> Result<Store, StoreError> {
    open_with_control(&options).map(|(store, _)| store)
}

/// The same, with what an operator does with it.
pub fn open_with_control(options: &Options<'_>) -> Result<(Store, Control), StoreError> {
    let Options {
        directory,
        heads,
        instance,
        keyring,
        cx,
        limits,
        ..
    } = *options;
    keyring.get_or_create(&Purpose::database(instance))?;
    let (path, key) = rotation::database_to_write(directory, instance, keyring)?;
    let mut db = Db::open(&path, &key, Access::Write, limits.cache_kib)?;
    if schema::is_new(&db)? {
        let begun = begin_chains(heads, instance, &AccessKeys::get_or_create(keyring, instance)?);
        begun.map_err(|error| StoreError::Unavailable(Some(Box::new(error))))?;
    }
    schema::migrate(&mut db, options.migrations)?;
    let last = schema::last_journal(&db)?;
    // The log of a process that was killed: what follows in it counts only with what is before.
    let log = connection::log_of(&path);
    let (chain, head) = heads::resume(&mut db, keyring, (heads, instance), cx, || write_again(&log, 0))?;
    let tail = Arc::new(Tail::default());
    let mut session = WriteSession::new(db, tail.clone(), chain, last);
    let mut merge = Merge::open(&session, limits.tail, options.scattered())?;
    if let Some(replay) = &options.replay {
        replay::replay(&mut session, &mut merge, &**replay, cx)?;
    }
    let readers = Readers::open(&path, &key, limits, tail, options.replay.is_some())?;
    let accesses = AccessLog::open(
        &access_place(directory, heads, instance),
        &AccessKeys::get_or_create(keyring, instance)?,
        AccessLimits::default(),
        cx.clock.clone(),
        cx.random.clone(),
    )?;
    let (sender, receiver) = sync_channel(limits.queue);
    let space = Arc::new(Space::default());
    let mut writer = Writer {
        session,
        space: space.clone(),
        merge,
        head,
        checkpoints: Checkpoints::start(&path, &key)?,
        is_failing: false,
        is_halted: false,
        waiting: None,
    };
    readers.follow(&mut writer.session.db);
    writer.measure();
    let thread = thread::Builder::new()
        .name("store-writer".to_owned())
        .spawn(move || writer.run(&receiver))
        .map_err(|error| StoreError::Unavailable(Some(Box::new(error))))?;
    let engine = Arc::new(Embedded {
        queue: Mutex::new(Some(sender)),
        readers: Arc::new(readers),
        accesses,
        space,
        writer: Some(thread),
    });
    Ok((Store::new(engine.clone()), Control::new(engine, options)))
}

/// Where the access log of an instance lies.
fn access_place(directory: &Path, heads: &Path, instance: &str) -> AccessPlace {
    AccessPlace {
        directory: directory.join(format!("{instance}.access")),
        heads: heads.to_owned(),
        instance: instance.to_owned(),
    }
}

impl Embedded {
    fn send(&self, command: Command) -> Result<(), StoreError> {
        let queue = self.queue.lock();
        let queue = queue.as_ref().ok_or(StoreError::Unavailable(None))?;
        queue.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Unavailable(None),
        })
    }

    async fn close_writer(&self) -> Result<(), StoreError> {
        self.readers.close();
        let (done, answer) = oneshot::channel();
        let Some(queue) = self.queue.lock().take() else {
            return Ok(());
        };
        // The queue may be full of writes that come before: wait for room on a thread that may block.
        let sent = tokio::task::spawn_blocking(move || queue.send(Command::Close(done)).is_ok());
        if !sent.await.unwrap_or(false) {
            return Err(StoreError::Unavailable(None));
        }
        answer.await.map_err(|_| StoreError::Unavailable(None))?
    }
}

impl Engine for Embedded {
    fn write<'a>(&'a self, cx: &'a Cx, work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.space.admit()?;
            let (done, answer) = oneshot::channel();
            self.send(Command::Write {
                cx: cx.clone(),
                work,
                done,
            })?;
            answer.await.map_err(|_| StoreError::Unavailable(None))?
        })
    }

    fn read<'a>(&'a self, cx: &'a Cx, work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.readers.run(cx, work))
    }

    fn record(&self, record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.accesses.record(&record).await })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            // Both, whatever comes of the first.
            let writer = self.close_writer().await;
            self.accesses.close().await.and(writer)
        })
    }
}
