//! The access log: who read what, who signed in, who was refused.
//!
//! Records go through a bounded queue to one thread, which writes all that wait as one sealed frame, syncs once, and
//! answers them all; so a record is durable before the answer to its request leaves, and many cost little more than one.
//! Segments are append-only files ([`segment`] has the format). What a crash cut short was not answered yet and is removed
//! at the next start. A full disk refuses new records, and the log recovers by itself when there is space again.

mod files;
mod reader;
mod resume;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use hygie_core::{Clock, Random};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use self::files::{Disk, LocalDisk};
use self::resume::resume;
use self::segment::SegmentKeys;
use self::writer::{Asked, MAX_RECORD, Renewal, Waiting, Writer};
use super::chain::{Chain, LinkKey, Resumption, Trail};
use super::{HeadFile, HeadName, Record};
use crate::keys::{DataKey, KeyError, Keyring, Purpose};
use crate::{Reserve, StoreError};

pub(crate) use self::writer::fault;
pub use reader::{AccessRecords, Numbered, verify_accesses};

/// The data keys of the access log of an instance.
#[derive(Clone)]
pub struct AccessKeys {
    /// Links its chain.
    pub audit: DataKey,
    /// Encrypts it.
    pub log: DataKey,
    /// Open what was written before the key was replaced.
    pub retired: Vec<DataKey>,
    /// Signs its head.
    pub heads: DataKey,
}

impl AccessKeys {
    /// From the keyring, made when there are none.
    pub fn get_or_create(keyring: &Keyring, instance: &str) -> Result<Self, KeyError> {
        for purpose in [
            Purpose::audit(instance),
            Purpose::access_log(instance),
            Purpose::heads(),
        ] {
            keyring.get_or_create(&purpose)?;
        }
        Self::get(keyring, instance)
    }

    /// From the keyring, where they must be.
    pub fn get(keyring: &Keyring, instance: &str) -> Result<Self, KeyError> {
        Ok(Self {
            audit: keyring.get(&Purpose::audit(instance))?,
            log: keyring.get(&Purpose::access_log(instance))?,
            retired: keyring.find_all(&Purpose::access_log(instance)).split_off(1),
            heads: keyring.get(&Purpose::heads())?,
        })
    }

    fn of_segments(&self) -> SegmentKeys {
        SegmentKeys {
            links: LinkKey::new(&self.audit, Trail::Accesses),
            links_id: self.audit.id,
            log: self.log.clone(),
            retired: self.retired.clone(),
        }
    }
}

/// Where an access log lies.
#[derive(Clone, Debug)]
pub struct AccessPlace {
    /// Directory of its segments; it is made when there is none.
    pub directory: PathBuf,
    /// Directory of the signed heads; it exists.
    pub heads: PathBuf,
    /// The service instance.
    pub instance: String,
}

impl AccessPlace {
    fn head_name(&self) -> HeadName {
        HeadName {
            instance: self.instance.clone(),
            trail: Trail::Accesses,
        }
    }
}

/// Sizes of an access log.
#[derive(Clone, Copy, Debug)]
pub struct AccessLimits {
    /// Records that may wait before [`StoreError::Busy`].
    pub queue: usize,
    /// A segment that has reached this size, in bytes, is followed by a new one. At most 128 MiB.
    pub segment: u64,
    /// Space that is taken in advance, in bytes: the log goes on for so long when the disk is full.
    pub reserve: u64,
}

impl Default for AccessLimits {
    fn default() -> Self {
        Self {
            queue: 8192,
            segment: 32 << 20,
            reserve: 4 << 20,
        }
    }
}

/// The access log of one service instance, open for writing by this process alone.
pub struct AccessLog {
    queue: Mutex<Option<SyncSender<Asked>>>,
    ended: Mutex<Option<oneshot::Receiver<Result<(), StoreError>>>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for AccessLog {
    /// Waits for what is being written.
    fn drop(&mut self) {
        drop(self.queue.lock().take());
        // A panic there was reported there.
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

impl AccessLog {
    /// Opens the log, whose chain was begun with [`begin_chains`](crate::audit::begin_chains). It blocks: the end of the log is read and verified. A log whose end does not fit its head
    /// goes on after a visible gap, and says so in the program's log.
    pub fn open(
        place: &AccessPlace,
        keys: &AccessKeys,
        limits: AccessLimits,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StoreError> {
        Self::open_on(Box::new(LocalDisk), place, keys, limits, (clock, random))
    }

    fn open_on(
        disk: Box<dyn Disk>,
        place: &AccessPlace,
        keys: &AccessKeys,
        limits: AccessLimits,
        (clock, random): (Arc<dyn Clock>, Arc<dyn Random>),
    ) -> Result<Self, StoreError> {
        let failed = |error: io::Error| fault(&error);
        fs::create_dir_all(&place.directory).map_err(failed)?;
        // Also when it is there: a crash may have come before its name was durable.
        crate::files::sync_directory_of(&place.directory).map_err(failed)?;
        let (mut head, found) = HeadFile::open(&place.heads, &keys.heads, &place.head_name()).map_err(failed)?;
        let segment_keys = keys.of_segments();
        let end = resume(&place.directory, &segment_keys, found).map_err(failed)?;
        if let Resumption::Broken(reason) = end.resumption {
            tracing::error!(
                instance = place.instance,
                ?reason,
                "the access log is broken; run `hygie verify`"
            );
        }
        head.begin(end.tip).map_err(failed)?;
        let writer = Writer {
            directory: place.directory.clone(),
            disk,
            chain: Chain::at(segment_keys.links.clone(), end.tip),
            keys: segment_keys,
            head,
            random,
            next_segment: end.next_segment,
            segment_size: limits.segment.min(128 << 20),
            reserve: limits.reserve,
            open: None,
            head_synced_at: clock.now(),
            is_failing: false,
            reserve_file: None,
            clock,
        };
        let (queue, receiver) = sync_channel(limits.queue);
        let (done, ended) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || writer.run(&receiver, done))
            .map_err(failed)?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            ended: Mutex::new(Some(ended)),
            thread: Some(thread),
        })
    }

    /// Records an access; returns once it is durable. A caller that goes away meanwhile may leave its record behind.
    pub async fn record(&self, record: &Record) -> Result<(), StoreError> {
        let record = record.to_json();
        if record.len() > MAX_RECORD {
            return Err(StoreError::Inconsistent(
                "an audit record is larger than 64 KiB".to_owned(),
            ));
        }
        let (answer, told) = oneshot::channel();
        {
            let queue = self.queue.lock();
            let queue = queue.as_ref().ok_or(StoreError::Unavailable(None))?;
            queue
                .try_send(Asked::Record(Waiting { record, answer }))
                .map_err(|error| match error {
                    TrySendError::Full(_) => StoreError::Busy,
                    TrySendError::Disconnected(_) => StoreError::Unavailable(None),
                })?;
        }
        told.await.map_err(|_| StoreError::Unavailable(None))?
    }

    /// Goes on in a new segment under these keys, which open the segments before, too.
    pub async fn renew(&self, keys: AccessKeys) -> Result<(), StoreError> {
        let (answer, told) = oneshot::channel();
        let renewal = Asked::Renew(Box::new(Renewal {
            keys: keys.of_segments(),
            answer,
        }));
        let queue = self.queue.lock().clone().ok_or(StoreError::Unavailable(None))?;
        queue.try_send(renewal).map_err(|_| StoreError::Busy)?;
        drop(queue);
        told.await.map_err(|_| StoreError::Unavailable(None))?
    }

    /// Takes this space when the disk is full.
    pub fn set_reserve(&self, reserve: Arc<Reserve>) -> Result<(), StoreError> {
        let queue = self.queue.lock();
        let queue = queue.as_ref().ok_or(StoreError::Unavailable(None))?;
        queue.try_send(Asked::Keep(reserve)).map_err(|_| StoreError::Busy)
    }

    /// Writes what waits, makes the head durable and ends. Closing twice does nothing more.
    pub async fn close(&self) -> Result<(), StoreError> {
        drop(self.queue.lock().take());
        let ended = self.ended.lock().take();
        match ended {
            Some(ended) => ended.await.map_err(|_| StoreError::Unavailable(None))?,
            None => Ok(()),
        }
    }
}
