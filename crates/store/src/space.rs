//! Space: what an instance may take, and what is kept so that the audit trail goes on when the disk is full.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::StoreError;
use crate::files;

/// What an instance takes and may take.
#[derive(Default)]
pub struct Space {
    database: AtomicU64,
    blobs: AtomicU64,
    /// 0: no limit.
    limit: AtomicU64,
    /// Whether all instances together have taken what they may.
    is_closed: AtomicBool,
    reserve: OnceLock<Arc<Reserve>>,
}

impl Space {
    /// Bytes of database and blobs.
    pub fn used(&self) -> u64 {
        self.database.load(Ordering::Relaxed) + self.blobs.load(Ordering::Relaxed)
    }

    /// Bytes that it may take; writes are refused beyond.
    pub fn set_limit(&self, bytes: Option<u64>) {
        self.limit
            .store(bytes.map_or(0, |bytes| bytes.max(1)), Ordering::Relaxed);
    }

    /// Bytes that its blobs take, as somebody measured.
    pub fn set_blobs(&self, bytes: u64) {
        self.blobs.store(bytes, Ordering::Relaxed);
    }

    /// Whether writes are refused because all instances together have taken what they may.
    pub fn set_closed(&self, is_closed: bool) {
        self.is_closed.store(is_closed, Ordering::Relaxed);
    }

    /// Bytes that its database takes, as its writer knows.
    pub(crate) fn set_database(&self, bytes: u64) {
        self.database.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn set_reserve(&self, reserve: Arc<Reserve>) {
        // A second one would be the same.
        let _kept = self.reserve.set(reserve);
    }

    /// Refuses a write before it has any effect.
    pub(crate) fn admit(&self) -> Result<(), StoreError> {
        if self.reserve.get().is_some_and(|reserve| reserve.is_released()) {
            return Err(StoreError::Full("what is left is for the audit trail".into()));
        }
        let limit = self.limit.load(Ordering::Relaxed);
        if self.is_closed.load(Ordering::Relaxed) || (limit > 0 && self.used() >= limit) {
            return Err(StoreError::Quota);
        }
        Ok(())
    }
}

/// Bytes of a write of what only takes space.
const STEP: u64 = 1 << 20;

/// A file that takes space until the disk is full: then it is given back to the access logs, and databases take no writes
/// until there is space for it again.
pub struct Reserve {
    path: PathBuf,
    size: u64,
    is_released: AtomicBool,
    /// How often space was given back.
    given: AtomicU64,
    /// Held while the file changes.
    changing: Mutex<()>,
}

impl Reserve {
    /// Keeps `size` bytes in this file. When there is no space for it, it counts as given back already.
    pub fn keep(path: PathBuf, size: u64) -> io::Result<Arc<Self>> {
        let reserve = Self {
            path,
            size,
            is_released: AtomicBool::new(false),
            given: AtomicU64::new(0),
            changing: Mutex::new(()),
        };
        match reserve.fill() {
            Err(error) if is_full(&error) => {
                reserve.is_released.store(true, Ordering::SeqCst);
                reserve.cut()?;
                tracing::error!("there is no space to keep for the audit trail: nothing is written until there is");
            }
            filled => filled?,
        }
        Ok(Arc::new(reserve))
    }

    /// Whether it is given back.
    pub fn is_released(&self) -> bool {
        self.is_released.load(Ordering::Relaxed)
    }

    /// How often space was given back, to be asked before a write and told to [`Reserve::release`].
    pub(crate) fn given(&self) -> u64 {
        self.given.load(Ordering::SeqCst)
    }

    /// Gives the space back because a write found the disk full; whether there is some now that there was not when it began.
    pub(crate) fn release(&self, given: u64) -> bool {
        let _changing = self.changing.lock();
        if self.is_released.swap(true, Ordering::SeqCst) {
            // Another log was faster, or somebody was about to take it again and gave it back.
            return self.given() != given;
        }
        self.given.fetch_add(1, Ordering::SeqCst);
        tracing::error!(
            bytes = self.size,
            "THE DISK IS FULL: the space kept for the audit trail is in use; reads are recorded as long as it lasts, \
             writes are refused until there is space again"
        );
        self.cut().is_ok()
    }

    /// Takes the space again when there is enough; called from time to time.
    pub(crate) fn restore(&self) {
        if !self.is_released() {
            return;
        }
        let Some(_changing) = self.changing.try_lock() else {
            return;
        };
        // Trying in vain would take the last space from those who write.
        if !self.has_room() {
            return;
        }
        if self.fill().is_ok() {
            self.is_released.store(false, Ordering::SeqCst);
            tracing::warn!("there is space again: it is kept for the audit trail, and writes are taken");
        } else {
            drop(self.cut());
            self.given.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn has_room(&self) -> bool {
        let place = self.path.parent().unwrap_or(&self.path);
        let free = rustix::fs::statvfs(place).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        free.is_ok_and(|free| free >= self.end() + STEP)
    }

    /// Half as much more is taken, and given back: else the first writes would use up the last space at once.
    fn end(&self) -> u64 {
        self.size + self.size / 2
    }

    fn open(&self) -> io::Result<File> {
        files::private()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&self.path)
    }

    fn fill(&self) -> io::Result<()> {
        let file = self.open()?;
        if file.metadata()?.len() == self.size {
            return Ok(());
        }
        let end = self.end();
        let mut at = 0;
        while at < end {
            let step = STEP.min(end - at);
            file.write_all_at(&vec![0x5a; step as usize], at)?;
            at += step;
        }
        // Some file systems find out only now.
        file.sync_all()?;
        file.set_len(self.size)?;
        file.sync_all()
    }

    fn cut(&self) -> io::Result<()> {
        let file = self.open()?;
        file.set_len(0)?;
        file.sync_all()
    }
}

/// Whether an error says that there is no space.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_given_back_once_and_taken_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reserve");
        let reserve = Reserve::keep(path.clone(), 3 << 20).unwrap();
        let len = || std::fs::metadata(&path).unwrap().len();
        let space = Space::default();
        space.set_reserve(reserve.clone());
        assert_eq!((len(), space.admit().is_ok()), (3 << 20, true));
        let given = reserve.given();
        assert!(reserve.release(given));
        assert_eq!(len(), 0);
        assert!(reserve.release(given), "another write found the disk full before");
        assert!(!reserve.release(reserve.given()), "one that began afterwards");
        assert!(matches!(space.admit(), Err(StoreError::Full(_))));
        reserve.restore();
        assert_eq!((len(), space.admit().is_ok()), (3 << 20, true));
    }

    #[test]
    fn a_quota_counts_database_and_blobs() {
        let space = Space::default();
        space.set_database(60);
        space.set_blobs(30);
        assert!(space.admit().is_ok());
        space.set_limit(Some(91));
        assert!(space.admit().is_ok());
        space.set_blobs(31);
        assert!(matches!(space.admit(), Err(StoreError::Quota)));
        space.set_limit(None);
        assert!(space.admit().is_ok());
        space.set_closed(true);
        assert!(matches!(space.admit(), Err(StoreError::Quota)));
    }
}
