//! Blobs on the local disk, and what uploads leave there when the program is killed.

use std::collections::HashSet;
use std::fs::{self, DirBuilder};
use std::future::ready;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use futures_util::future::BoxFuture;
use hygie_core::Timestamp;
use object_store::local::LocalFileSystem;
use parking_lot::Mutex;

use super::{BlobError, Blobs, Options, Uploads};
use crate::files::sync_directory_of;
use crate::keys::{Keyring, Purpose};

/// Bytes written and read at a time: an upload holds no more in memory, and larger ones are not faster on a disk.
const PART: usize = 1 << 20;

/// Opens the blobs of an instance in the directory `INSTANCE.blobs` of `directory`, which is made when there is none.
pub fn open_on_disk(directory: &Path, instance: &str, keyring: &Arc<Keyring>) -> Result<Blobs, BlobError> {
    let place = place(directory, instance);
    make_durable(&place).map_err(BlobError::unavailable)?;
    keyring.get_or_create(&Purpose::blobs(instance))?;
    open_existing_on_disk(directory, instance, keyring)
}

/// The same, but makes neither key nor directory.
pub fn open_existing_on_disk(directory: &Path, instance: &str, keyring: &Arc<Keyring>) -> Result<Blobs, BlobError> {
    let place = place(directory, instance);
    let disk = LocalFileSystem::new_with_prefix(&place).map_err(BlobError::unavailable)?;
    Blobs::open_existing(Options {
        // What was answered must survive a power loss, which it does not by default.
        objects: Arc::new(disk.with_fsync(true)),
        instance,
        keyring,
        part: PART,
        uploads: Some(Arc::new(Files::new(place))),
    })
}

pub fn place(directory: &Path, instance: &str) -> PathBuf {
    directory.join(format!("{instance}.blobs"))
}

/// What is below a directory of blobs and no blob: directories, and the files of unfinished uploads.
pub struct Files {
    place: PathBuf,
    /// Directories whose names are durable.
    durable: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Files {
    /// Below this directory.
    pub fn new(place: PathBuf) -> Self {
        let durable = Arc::default();
        Self { place, durable }
    }

    fn run<'a, T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, BlobError>> {
        let directory = self.place.clone();
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&directory)).await;
            done.map_err(BlobError::unavailable)?.map_err(BlobError::unavailable)
        })
    }
}

impl Uploads for Files {
    fn prepare<'a>(&'a self, path: &'a object_store::path::Path) -> BoxFuture<'a, Result<(), BlobError>> {
        let blob = self.place.join(path.as_ref());
        let shelf = blob.parent().map(Path::to_owned);
        let Some(shelf) = shelf.filter(|shelf| !self.durable.lock().contains(shelf)) else {
            return Box::pin(ready(Ok(())));
        };
        let durable = self.durable.clone();
        self.run(move |place| {
            let mut durable = durable.lock();
            let directories = [shelf.parent().unwrap_or(place), &shelf];
            for directory in directories {
                if !durable.contains(directory) {
                    make_durable(directory)?;
                    durable.insert(directory.to_owned());
                }
            }
            Ok(())
        })
    }

    fn count(&self) -> BoxFuture<'_, Result<u64, BlobError>> {
        self.run(|directory| {
            let files = all_files(directory)?;
            Ok(files.iter().filter(|(path, _)| is_staging(path)).count() as u64)
        })
    }

    fn remove_before(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, BlobError>> {
        self.run(move |directory| remove_abandoned(directory, before))
    }

    fn remove_of<'a>(&'a self, path: &'a object_store::path::Path) -> BoxFuture<'a, Result<(), BlobError>> {
        let path = path.clone();
        self.run(move |directory| remove_staging_of(directory, &path))
    }
}

/// Makes a directory that a power loss leaves. That it is there is not enough: who made it may have been killed before its name
/// was synced, or the sync failed, after which it passes for synced (`fsync(2)`, NOTES). In the second case nothing was stored
/// in it, so an empty one is made anew.
fn make_durable(directory: &Path) -> io::Result<()> {
    let _not_empty = fs::remove_dir(directory);
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_directory_of(directory).inspect_err(|_| {
        let _not_empty = fs::remove_dir(directory);
    })
}

/// Removes the files of uploads that were begun and not written on since `before`: their program was killed. A listing
/// of the object store does not show them (`ID#1`). It blocks.
fn remove_abandoned(directory: &Path, before: Timestamp) -> io::Result<u64> {
    let mut removed = 0;
    for (path, changed) in all_files(directory)? {
        if is_staging(&path) && changed < before {
            removed += u64::from(is_there(fs::remove_file(&path))?.is_some());
        }
    }
    Ok(removed)
}

/// Removes what an upload to `path` that could not be completed may have left beside it. It blocks.
fn remove_staging_of(directory: &Path, path: &object_store::path::Path) -> io::Result<()> {
    let target = directory.join(path.as_ref());
    let Some((parent, name)) = target.parent().zip(target.file_name()) else {
        return Ok(());
    };
    let name = name.to_string_lossy();
    for (path, _) in files_of(parent)? {
        let file = path.file_name().map(|file| file.to_string_lossy());
        if file.is_some_and(|file| file.strip_prefix(&*name).is_some_and(is_staging_end)) {
            is_there(fs::remove_file(&path))?;
        }
    }
    Ok(())
}

/// The files of blobs and of unfinished uploads, and when each was written on.
pub fn all_files(directory: &Path) -> io::Result<Vec<(PathBuf, Timestamp)>> {
    let mut found = Vec::new();
    for tenant in directories_of(directory)? {
        for shelf in directories_of(&tenant)? {
            found.extend(files_of(&shelf)?);
        }
    }
    Ok(found)
}

/// Whether a file is that of an unfinished upload.
pub fn is_staging(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.is_some_and(|name| name.find('#').is_some_and(|at| is_staging_end(&name[at..])))
}

/// What the object store appends to the name of a file that is being uploaded.
fn is_staging_end(end: &str) -> bool {
    end.strip_prefix('#')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn directories_of(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(entries) = is_there(fs::read_dir(directory))? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn files_of(directory: &Path) -> io::Result<Vec<(PathBuf, Timestamp)>> {
    let Some(entries) = is_there(fs::read_dir(directory))? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        // It may have been completed or removed meanwhile.
        let Some(metadata) = is_there(entry.metadata())? else {
            continue;
        };
        let since = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        if metadata.is_file() {
            found.push((entry.path(), Timestamp::from_millis(0) + since));
        }
    }
    Ok(found)
}

/// Nothing where there is no such file: it was removed meanwhile.
pub fn is_there<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_directory_of_somebody_else_is_made_anew_and_others_stay() {
        use std::os::unix::fs::MetadataExt as _;
        let dir = tempfile::tempdir().unwrap();
        let [empty, full, new] = ["empty", "full", "new"].map(|name| dir.path().join(name));
        fs::create_dir(&empty).unwrap();
        fs::create_dir_all(full.join("ab")).unwrap();
        // It stays open, so that its number is not given to another.
        let before = fs::File::open(&empty)
            .unwrap()
            .metadata()
            .map(|found| (found.ino(), fs::File::open(&empty)));
        let (number, _open) = before.unwrap();
        for directory in [&empty, &full, &new] {
            make_durable(directory).unwrap();
        }
        assert_ne!(fs::metadata(&empty).unwrap().ino(), number);
        assert!(full.join("ab").is_dir() && new.is_dir());
    }

    #[test]
    fn only_old_staging_files_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = dir.path().join("tenant/ab");
        fs::create_dir_all(&shelf).unwrap();
        for name in ["abcd", "abcd#1", "abce#12", "abcd#x", "abcd#"] {
            fs::write(shelf.join(name), b"x").unwrap();
        }
        let long_ago = Timestamp::from_secs(1_000_000_000);
        assert_eq!(remove_abandoned(dir.path(), long_ago).unwrap(), 0);
        let in_future = Timestamp::from_secs(100_000_000_000);
        assert_eq!(remove_abandoned(dir.path(), in_future).unwrap(), 2);
        let mut left: Vec<_> = files_of(&shelf).unwrap().into_iter().map(|(path, _)| path).collect();
        left.sort();
        assert_eq!(left, ["abcd", "abcd#", "abcd#x"].map(|name| shelf.join(name)));
    }

    #[test]
    fn the_staging_files_of_one_blob_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = dir.path().join("tenant/ab");
        fs::create_dir_all(&shelf).unwrap();
        for name in ["abcd#1", "abcd#2", "abcde#1", "abcd"] {
            fs::write(shelf.join(name), b"x").unwrap();
        }
        remove_staging_of(dir.path(), &"tenant/ab/abcd".into()).unwrap();
        let mut left: Vec<_> = files_of(&shelf).unwrap().into_iter().map(|(path, _)| path).collect();
        left.sort();
        assert_eq!(left, ["abcd", "abcde#1"].map(|name| shelf.join(name)));
        remove_staging_of(dir.path(), &"absent/ab/abcd".into()).unwrap();
    }
}
