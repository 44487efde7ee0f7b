//! The directory of a demo world: made with mode 0700, used by one process at a time, cleared only when it is one.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{certificate, document};
use crate::failure::Failure;
use crate::files;

/// The file that makes a directory a demo world.
const STATE: &str = "world.json";
const LOCK: &str = "lock";
const DATA: &str = "data";
const MASTER_KEY: &str = "master.key";
/// What a world consists of; `--fresh` removes these and nothing else.
const PARTS: &[&str] = &[
    document::FILE,
    DATA,
    MASTER_KEY,
    "ca.pem",
    "ca.key",
    "cards",
    certificate::DIR,
    STATE,
];

/// Whether an existing world is thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Go on with it.
    Continue,
    /// Make a new one.
    Fresh,
}

/// The directory, locked by this process.
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens or makes it.
    pub fn open(path: &Path, start: Start) -> Result<Self, Failure> {
        if !is_world(path) && is_occupied(path)? {
            let what = if start == Start::Fresh {
                " and is left alone"
            } else {
                ""
            };
            return Err(Failure::usage(format!(
                "{} is not empty and not a demo world{what}: choose another with --data",
                path.display()
            )));
        }
        files::create_private_dir(path)?;
        let lock = lock(path)?;
        if start == Start::Fresh {
            clear(path)?;
        }
        let path = fs::canonicalize(path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Removes everything in it that is of a world.
    pub fn clear(&self) -> anyhow::Result<()> {
        clear(&self.path)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Databases, logs and keys.
    pub fn data(&self) -> PathBuf {
        data_of(&self.path)
    }

    /// The master key.
    pub fn master_key(&self) -> PathBuf {
        master_key_of(&self.path)
    }

    /// The state of the world.
    pub fn state(&self) -> PathBuf {
        self.path.join(STATE)
    }
}

/// Whether a directory is a demo world.
pub fn is_world(dir: &Path) -> bool {
    dir.join(STATE).exists()
}

/// Databases, logs and wrapped keys of the world in `dir`.
pub fn data_of(dir: &Path) -> PathBuf {
    dir.join(DATA)
}

/// The master key of the world in `dir`.
pub fn master_key_of(dir: &Path) -> PathBuf {
    dir.join(MASTER_KEY)
}

/// Copies what a world consists of beside its data: the documents, the certificates, the master key.
pub fn copy_world(world: &Path, to: &Path) -> anyhow::Result<()> {
    files::create_private_dir(to)?;
    for part in PARTS.iter().filter(|part| **part != DATA) {
        let from = world.join(part);
        if from.exists() {
            files::copy_tree(&from, &to.join(part))?;
        }
    }
    Ok(())
}

/// Whether there is something in it besides a lock that a first start may have left.
fn is_occupied(path: &Path) -> Result<bool, Failure> {
    let unreadable = |error: io::Error| Failure::usage(format!("cannot use {}: {error}", path.display()));
    match fs::read_dir(path) {
        Ok(entries) => {
            for entry in entries {
                if entry.map_err(unreadable)?.file_name() != LOCK {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unreadable(error)),
    }
}

fn lock(path: &Path) -> Result<File, Failure> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join(LOCK))
        .with_context(|| format!("cannot write in {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::Failed(anyhow::anyhow!(
            "{} is in use by another hygie: stop it, or choose another with --data",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Removes the parts of a world, the mark that it is one last: cut short, it can be begun again.
fn clear(path: &Path) -> anyhow::Result<()> {
    for part in replaced_keys(path)?
        .into_iter()
        .chain(PARTS.iter().map(|part| path.join(part)))
    {
        let removed = if part.is_dir() {
            fs::remove_dir_all(&part)
        } else {
            fs::remove_file(&part)
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", part.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Master keys that were replaced.
fn replaced_keys(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.file_stem().is_some_and(|stem| stem == MASTER_KEY) {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path, start: Start) -> String {
        Folder::open(path, start).err().expect("refused").to_string()
    }

    #[test]
    fn a_directory_of_somebody_else_is_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("thesis.odt"), "years of work").expect("written");
        for start in [Start::Continue, Start::Fresh] {
            assert!(refusal(dir.path(), start).contains("not a demo world"));
        }
        assert!(dir.path().join("thesis.odt").exists());
    }

    #[test]
    fn one_process_at_a_time() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("deep/world");
        let folder = Folder::open(&path, Start::Continue).expect("made");
        assert!(!files::is_open_to_others(&path).expect("metadata"));
        assert!(refusal(&path, Start::Fresh).contains("in use by another hygie"));
        drop(folder);
        Folder::open(&path, Start::Continue).expect("free again");
    }

    #[test]
    fn fresh_removes_a_world_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let folder = Folder::open(dir.path(), Start::Continue).expect("made");
        fs::create_dir(folder.data()).expect("made");
        for path in [
            folder.state(),
            folder.master_key(),
            folder.data().join("a.db"),
            dir.path().join("master.key.00ff"),
            dir.path().join("notes"),
        ] {
            fs::write(path, "x").expect("written");
        }
        drop(folder);
        let folder = Folder::open(dir.path(), Start::Fresh).expect("a new one");
        assert!(!folder.state().exists() && !folder.master_key().exists() && !folder.data().join("a.db").exists());
        assert!(!dir.path().join("master.key.00ff").exists() && dir.path().join("notes").exists());
    }
}
