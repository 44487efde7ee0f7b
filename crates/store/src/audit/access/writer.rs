//! The one thread that writes an access log.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use hygie_core::{Clock, Random, Timestamp, random_array};
use tokio::sync::oneshot;

use super::files::{self, Disk, Media};
use super::segment::{self, FRAME_OVERHEAD, Header, MAX_FRAME, SegmentKeys};
use crate::StoreError;
use crate::audit::HeadFile;
use crate::audit::chain::Chain;
use crate::keys::Sealer;
use crate::space::{self, Reserve};

/// The head is made durable so often.
const SYNC_HEAD_EVERY: Duration = Duration::from_secs(1);

/// Records of one group: as many as wait, up to this size.
const MAX_GROUP: usize = 1 << 20;

/// A record that waits to be written.
pub struct Waiting {
    /// As JSON.
    pub record: Vec<u8>,
    /// Told once it is durable, or why it is not.
    pub answer: oneshot::Sender<Result<(), StoreError>>,
}

/// What the thread is asked for.
pub enum Asked {
    /// To write a record.
    Record(Waiting),
    /// To go on under other keys.
    Renew(Box<Renewal>),
    /// To take this space when the disk is full.
    Keep(Arc<Reserve>),
}

/// Other keys.
pub struct Renewal {
    /// They open the segments before, too.
    pub keys: SegmentKeys,
    /// Told when the next record is written under them.
    pub answer: oneshot::Sender<Result<(), StoreError>>,
}

/// Everything that the thread works on.
pub struct Writer {
    pub directory: PathBuf,
    pub disk: Box<dyn Disk>,
    pub keys: SegmentKeys,
    pub chain: Chain,
    pub head: HeadFile,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// Number of the next segment.
    pub next_segment: u64,
    pub segment_size: u64,
    /// Space that is taken in advance.
    pub reserve: u64,
    pub open: Option<OpenSegment>,
    pub head_synced_at: Timestamp,
    pub is_failing: bool,
    /// Taken when the disk is full.
    pub reserve_file: Option<Arc<Reserve>>,
}

impl Writer {
    /// Works until every sender is gone; then `done` is told how it ended.
    pub fn run(mut self, queue: &Receiver<Asked>, done: oneshot::Sender<Result<(), StoreError>>) {
        loop {
            match queue.recv_timeout(SYNC_HEAD_EVERY) {
                Ok(Asked::Record(first)) => {
                    let (group, other) = take_group(first, queue);
                    self.answer(group);
                    if let Some(other) = other {
                        self.other(other);
                    }
                    let now = self.clock.now();
                    if now.since(self.head_synced_at) >= SYNC_HEAD_EVERY {
                        self.sync_head(now);
                    }
                }
                Ok(other) => self.other(other),
                Err(RecvTimeoutError::Timeout) => self.sync_head(self.clock.now()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let ended = self.end().map_err(|error| fault(&error));
        // Nobody may be waiting: the log was dropped without being closed.
        let _ = done.send(ended);
    }

    fn answer(&mut self, group: Vec<Waiting>) {
        let records: Vec<&[u8]> = group.iter().map(|waiting| waiting.record.as_slice()).collect();
        let written = self.write_in_need(&records);
        self.log_change(written.as_ref().err());
        for waiting in group {
            let answer = written.as_ref().map_err(fault).copied();
            // A caller that went away needs no answer; its record stays.
            let _ = waiting.answer.send(answer);
        }
    }

    /// Logs the first failure and the recovery: a full disk must not fill up with messages about it.
    fn log_change(&mut self, failure: Option<&io::Error>) {
        match failure {
            Some(error) if !self.is_failing => {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "the access log cannot be written"
                );
            }
            None if self.is_failing => tracing::warn!("the access log can be written again"),
            _ => {}
        }
        self.is_failing = failure.is_some();
    }

    /// Writes a group, if need be to the space that is kept for that.
    fn write_in_need(&mut self, records: &[&[u8]]) -> io::Result<()> {
        let Some(reserve) = self.reserve_file.clone() else {
            return self.write(records);
        };
        let given = reserve.given();
        match self.write(records) {
            Err(error) if space::is_full(&error) && reserve.release(given) => self.write(records),
            written => written,
        }
    }

    /// Writes a group durably, or leaves nothing of it. When only the head cannot be moved, the group stays, and its
    /// callers are refused all the same.
    fn write(&mut self, records: &[&[u8]]) -> io::Result<()> {
        let mut open = self.take_segment()?;
        let before = self.chain.tip();
        let counter = open.take_counter();
        let frame = segment::seal_frame(&mut self.chain, &open.sealer, counter, records);
        let written = open.append(&frame, self.reserve);
        if written.is_err() {
            self.chain.restore(before);
            // If this fails too, it is tried again before the next group.
            open.undo();
        }
        self.open = Some(open);
        written?;
        self.head.advance(self.chain.tip())
    }

    /// The open segment, or a new one when there is none or it is full.
    fn take_segment(&mut self) -> io::Result<OpenSegment> {
        if let Some(mut open) = self.open.take() {
            if open.is_damaged && !open.undo() {
                self.open = Some(open);
                return Err(io::Error::other("a part of a failed write is still there"));
            }
            if open.position < self.segment_size {
                return Ok(open);
            }
            if let Err(error) = open.finish() {
                self.open = Some(open);
                return Err(error);
            }
        }
        let salt = random_array(&*self.random);
        let header = Header::new(&self.keys, self.next_segment, self.chain.tip(), salt);
        let path = files::path(&self.directory, header.number);
        let media = self.disk.create(&path)?;
        let mut open = OpenSegment {
            media,
            sealer: header.sealer(&self.keys),
            position: 0,
            reserved: 0,
            counter: 0,
            is_damaged: false,
        };
        if let Err(error) = open.append(&header.encode(&self.keys), 0) {
            if self.disk.remove(&path).is_err() {
                // Not this one again: a segment is written once.
                self.next_segment += 1;
            }
            return Err(error);
        }
        self.next_segment += 1;
        Ok(open)
    }

    fn other(&mut self, asked: Asked) {
        match asked {
            Asked::Record(waiting) => self.answer(vec![waiting]),
            Asked::Renew(renewal) => self.renew(*renewal),
            Asked::Keep(reserve) => self.reserve_file = Some(reserve),
        }
    }

    /// A segment has one key: the open one ends, and the next record begins another.
    fn renew(&mut self, renewal: Renewal) {
        let ended = self.end_segment();
        if ended.is_ok() {
            self.keys = renewal.keys;
        }
        // Nobody may be waiting any more.
        let _ = renewal.answer.send(ended.map_err(|error| fault(&error)));
    }

    fn end_segment(&mut self) -> io::Result<()> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if open.is_damaged && !open.undo() {
            return Err(io::Error::other("a part of a failed write is still there"));
        }
        open.finish()?;
        self.open = None;
        Ok(())
    }

    fn sync_head(&mut self, now: Timestamp) {
        self.head_synced_at = now;
        self.reserve_file.iter().for_each(|reserve| reserve.restore());
        if let Err(error) = self.head.sync() {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "syncing the head of the access log"
            );
        }
    }

    fn end(&mut self) -> io::Result<()> {
        if let Some(mut open) = self.open.take() {
            open.finish()?;
        }
        self.head.sync()
    }
}

/// The records that wait, and what comes after them.
fn take_group(first: Waiting, queue: &Receiver<Asked>) -> (Vec<Waiting>, Option<Asked>) {
    let mut size = first.record.len();
    let mut group = vec![first];
    while size < MAX_GROUP {
        match queue.try_recv() {
            Ok(Asked::Record(next)) => {
                size += next.record.len() + 1;
                group.push(next);
            }
            Ok(other) => return (group, Some(other)),
            Err(_) => break,
        }
    }
    (group, None)
}

/// The largest record that is taken: the last of a group may go beyond the group's size.
pub const MAX_RECORD: usize = 64 << 10;
const _: () = assert!(
    MAX_GROUP + MAX_RECORD + FRAME_OVERHEAD + 1 < MAX_FRAME,
    "a group fits into a frame"
);

/// The segment that is being written.
pub struct OpenSegment {
    media: Box<dyn Media>,
    sealer: Sealer,
    /// Where the next frame goes.
    position: u64,
    /// Up to here the file holds zeros.
    reserved: u64,
    counter: u64,
    /// Whether a failed write may have left something after `position`.
    is_damaged: bool,
}

impl OpenSegment {
    /// The nonce of the next frame: never the same one twice, written or not.
    fn take_counter(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Writes at the end and syncs.
    fn append(&mut self, bytes: &[u8], reserve: u64) -> io::Result<()> {
        let end = self.position + bytes.len() as u64;
        self.is_damaged = true;
        if end + reserve / 2 > self.reserved {
            // When there is no more space to take, what was taken lasts for a while.
            let _ = self.reserve(end + reserve);
        }
        self.media.write_at(bytes, self.position)?;
        self.media.sync()?;
        self.position = end;
        self.is_damaged = false;
        Ok(())
    }

    /// Fills the file with zeros up to `end`: the space is then ours, and syncing a frame moves no metadata.
    fn reserve(&mut self, end: u64) -> io::Result<()> {
        const STEP: usize = 256 << 10;
        self.reserved = self.reserved.max(self.position);
        while self.reserved < end {
            let step = (end - self.reserved).min(STEP as u64);
            self.media.write_at(&vec![0; step as usize], self.reserved)?;
            self.reserved += step;
        }
        Ok(())
    }

    /// Removes what a failed write left; whether that is done.
    fn undo(&mut self) -> bool {
        let cut = self.media.set_len(self.position).and_then(|()| {
            self.reserved = self.position;
            self.media.sync()
        });
        self.is_damaged = cut.is_err();
        cut.is_ok()
    }

    /// Gives the reserved space back.
    fn finish(&mut self) -> io::Result<()> {
        self.media.set_len(self.position)?;
        self.media.sync()
    }
}

/// What a caller is told about an error of the disk.
pub fn fault(error: &io::Error) -> StoreError {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    let source = Box::new(io::Error::new(error.kind(), error.to_string()));
    match error.kind() {
        StorageFull | QuotaExceeded => StoreError::Full(source),
        _ => StoreError::Unavailable(Some(source)),
    }
}
