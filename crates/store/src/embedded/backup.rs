//! Copying an instance while it is in use.
//!
//! The copy is one state of the database, which lies between the beginning and the end of the copying, with what belongs
//! to it: it has the layout of the original, is encrypted under the same keys, and can be verified and opened where it
//! lies, with the keyring beside it. What is signed is copied before what it signs, which only grows: so the copied heads
//! say nothing that the copy does not have.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use hygie_core::{Cx, Secret};
use rusqlite::backup::{Backup, StepResult};

use super::access_place;
use super::blobs::Snapshots;
use super::connection::{Access, Db, fault};
use super::rotation::{database, remove_database};
use crate::audit::{AccessKeys, HeadFile, HeadName, Trail};
use crate::blobs::{BlobError, CopyOnDisk};
use crate::files::sync_directory_of;
use crate::keys::{Keyring, Purpose};
use crate::{Store, StoreError};

/// Where an instance lies: the directories of [`Options`](super::Options).
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Of the database, the access log and the blobs.
    pub directory: &'a Path,
    /// Of the signed heads.
    pub heads: &'a Path,
}

/// From where to where an instance is copied.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// The instance.
    pub from: Place<'a>,
    /// Directories that exist and have no instance of this name.
    pub to: Place<'a>,
    /// Directory of an earlier copy on the same disk, from which the blobs are taken that it has.
    pub earlier: Option<&'a Path>,
}

/// How much was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Bytes of the database.
    pub database: u64,
    /// Bytes of the access log.
    pub accesses: u64,
    /// Blobs.
    pub blobs: u64,
}

/// Tries to copy a head while it is written, and to find the blobs of a snapshot before they are deleted.
const TRIES: usize = 10;

/// Copies an instance beside the process that uses it or without. The keyring is to be copied afterwards: it only grows
/// while no key is removed, which whoever copies has to prevent.
pub async fn back_up(
    Route { from, to, earlier }: Route<'_>,
    instance: &str,
    keyring: &Keyring,
    cx: &Cx,
) -> Result<Copied, BlobError> {
    let (source, key) = database(from.directory, instance, keyring)?;
    let (target, _) = database(to.directory, instance, keyring)?;
    source.metadata().map_err(io_error)?;
    if target.exists() {
        let taken = io::Error::new(io::ErrorKind::AlreadyExists, target.display().to_string());
        return Err(io_error(taken).into());
    }
    copy_heads((from, to), instance, keyring)?;
    let accesses = copy_accesses((from, to), instance).map_err(io_error)?;
    let blobs = CopyOnDisk::new((from.directory, to.directory), earlier, instance);
    // Those in a bucket are no files to be copied.
    let has_blobs = keyring.find(&Purpose::blobs(instance)).is_some() && blobs.is_there();
    if has_blobs {
        // Most of them before the snapshot: what is deleted later is there all the same.
        blobs.everything().await?;
    }
    for _ in 0..TRIES {
        copy_database((&source, &target), &key).await?;
        let mut copied = Copied {
            database: target.metadata().map_err(io_error)?.len(),
            accesses,
            blobs: 0,
        };
        if !has_blobs {
            return Ok(copied);
        }
        let snapshot = Store::new(Arc::new(Snapshots::open(to.directory, instance, keyring)?));
        let missing = blobs.referenced(&snapshot, cx, &mut copied.blobs).await?;
        snapshot.close().await?;
        if missing == 0 {
            return Ok(copied);
        }
        // Deleted since: so there is a later state that does not refer to them.
        remove_database(&target).map_err(io_error)?;
    }
    Err(StoreError::Busy.into())
}

fn io_error(error: io::Error) -> StoreError {
    StoreError::Unavailable(Some(Box::new(error)))
}

/// Copies what is signed, whole: it may be written at this moment.
fn copy_heads((from, to): (Place<'_>, Place<'_>), instance: &str, keyring: &Keyring) -> Result<(), StoreError> {
    let keys = AccessKeys::get(keyring, instance)?;
    for trail in [Trail::Writes, Trail::Accesses] {
        let name = HeadName {
            instance: instance.to_owned(),
            trail,
        };
        let mut tries = TRIES;
        loop {
            copy_file(&name.path_in(from.heads), &name.path_in(to.heads)).map_err(io_error)?;
            let head = HeadFile::read(to.heads, &keys.heads, &name).map_err(io_error)?;
            tries -= 1;
            // One that stays spoilt is copied as it is: verifying tells.
            if head.is_some_and(|head| head.is_whole) || tries == 0 {
                break;
            }
        }
    }
    Ok(())
}

/// Copies the segments of the access log, oldest first; the last one may grow meanwhile.
fn copy_accesses((from, to): (Place<'_>, Place<'_>), instance: &str) -> io::Result<u64> {
    let directory = |place: Place<'_>| access_place(place.directory, place.heads, instance).directory;
    let (source, target) = (directory(from), directory(to));
    make_private(&target)?;
    let mut names = fs::read_dir(&source)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    let mut bytes = 0;
    for name in names {
        bytes += copy_file(&source.join(&name), &target.join(&name))?;
    }
    Ok(bytes)
}

fn make_private(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_directory_of(directory),
    }
}

/// Copies a file with its mode, durably.
fn copy_file(from: &Path, to: &Path) -> io::Result<u64> {
    let bytes = fs::copy(from, to)?;
    File::open(to)?.sync_all()?;
    sync_directory_of(to)?;
    Ok(bytes)
}

async fn copy_database((from, to): (&Path, &Path), key: &Secret<[u8; 32]>) -> Result<(), StoreError> {
    let (from, to, key) = (from.to_owned(), to.to_owned(), key.clone());
    let copied = tokio::task::spawn_blocking(move || copy_database_now((&from, &key), (&to, &key))).await;
    copied.map_err(|panic| StoreError::Engine(Box::new(panic)))?
}

/// Copies one state of a database to a new file, durably; each side has its key.
pub fn copy_database_now(
    (from, from_key): (&Path, &Secret<[u8; 32]>),
    (to, to_key): (&Path, &Secret<[u8; 32]>),
) -> Result<(), StoreError> {
    const CACHE_KIB: u32 = 2048;
    let source = Db::open(from, from_key, Access::Read, CACHE_KIB)?;
    let mut target = Db::open(to, to_key, Access::Copy, CACHE_KIB)?;
    {
        let (source, target) = (
            source.raw(),
            target.raw_mut().expect("nobody else has a handle of the copy"),
        );
        let backup = Backup::new(&source, target).map_err(fault)?;
        // All at once: a copy in steps begins anew whenever the writer writes. It holds up nobody, the log grows.
        match backup.step(-1).map_err(fault)? {
            StepResult::Done => {}
            _ => return Err(StoreError::Busy),
        }
    }
    drop(target);
    File::open(to).and_then(|file| file.sync_all()).map_err(io_error)?;
    sync_directory_of(to).map_err(io_error)
}
