//! Replacing the keys of an instance: its steps, beside the process that uses it or without, and what a crash left of one.
//!
//! The file of a database is named after its key when that key has replaced another: `INSTANCE.KEY.db`. So `keys.json`
//! alone says which file is the database, and replacing it is the one step that counts. Whatever stops a rotation before it
//! leaves the old file in force, and after it the new one; [`settle`] removes the other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hygie_core::{Clock, Secret};
use tokio::sync::oneshot;

use super::succession::{Succession, Switched};
use super::writer::Command;
use super::{Embedded, Limits, Options, backup};
use crate::audit::AccessKeys;
use crate::files::sync_directory_of;
use crate::keys::{DataKey, KeyError, KeyState, Keyring, Purpose, WrappedKey};
use crate::{Reserve, Space, StoreError};

/// The steps of replacing the key of a database, in their order. A crash after each leaves one of the two in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The next key is written down.
    Begun,
    /// All but the last page is copied; the pause begins.
    Copied,
    /// The copy is complete, durable and open.
    Ready,
    /// The next key is the current one.
    Switched,
    /// The old file is removed.
    Removed,
    /// The old key is removed.
    Forgotten,
}

/// Watches a rotation, and lets it wait.
pub trait Observer: Send + Sync {
    /// Pages or objects done, of so many.
    fn copied(&self, _done: u64, _total: u64) {}

    /// A step is done, durably.
    fn reached(&self, _step: Step) {}

    /// Whether the key may be replaced and what it protected removed: not while another process reads it.
    fn may_switch(&self) -> bool {
        true
    }
}

/// What an operator does with an instance that is open.
#[derive(Clone)]
pub struct Control {
    engine: Arc<Embedded>,
    directory: PathBuf,
    instance: String,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl Control {
    pub(super) fn new(engine: Arc<Embedded>, options: &Options<'_>) -> Self {
        Self {
            engine,
            directory: options.directory.to_owned(),
            instance: options.instance.to_owned(),
            limits: options.limits,
            clock: options.cx.clock.clone(),
        }
    }

    /// The instance.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// What it takes and may take.
    pub fn space(&self) -> &Space {
        &self.engine.space
    }

    /// Keeps space for its access log, which several instances may share.
    pub fn set_reserve(&self, reserve: Arc<Reserve>) -> Result<(), StoreError> {
        self.engine.space.set_reserve(reserve.clone());
        self.engine.accesses.set_reserve(reserve)
    }

    /// Puts the database under a new key while it serves; how long no write was taken.
    pub async fn replace_database_key(
        &self,
        keyring: &Arc<Keyring>,
        observer: Arc<dyn Observer>,
    ) -> Result<Duration, StoreError> {
        let purpose = Purpose::database(&self.instance);
        settle(&self.directory, &self.instance, keyring)?;
        let (old, _) = database(&self.directory, &self.instance, keyring)?;
        let key = keyring.begin(&purpose)?;
        observer.reached(Step::Begun);
        let (done, switched) = oneshot::channel();
        let succession = Succession {
            to: successor_path(&self.directory, &self.instance, &key),
            key,
            readers: self.engine.readers.clone(),
            limits: self.limits,
            keyring: keyring.clone(),
            purpose,
            observer: observer.clone(),
            clock: self.clock.clone(),
            done,
        };
        self.engine.send(Command::Succeed(Box::new(succession)))?;
        let switched: Switched = switched.await.map_err(|_| StoreError::Unavailable(None))??;
        let pause = switched.pause;
        let (keyring, directory, instance) = (keyring.clone(), self.directory.clone(), self.instance.clone());
        let removed = tokio::task::spawn_blocking(move || {
            // Closing copies the log into the file that is removed then: it may take a while, and matters to nobody.
            drop(switched);
            remove_database(&old).map_err(|error| crate::audit::fault(&error))?;
            observer.reached(Step::Removed);
            settle(&directory, &instance, &keyring)?;
            observer.reached(Step::Forgotten);
            Ok::<_, StoreError>(())
        });
        removed.await.map_err(|panic| StoreError::Engine(Box::new(panic)))??;
        Ok(pause)
    }

    /// Writes the access log under a new key from now on. Full segments stay as they are: their key is retired and opens
    /// them.
    pub async fn replace_access_key(&self, keyring: &Keyring) -> Result<(), StoreError> {
        replace_access_key(&self.instance, keyring)?;
        self.engine
            .accesses
            .renew(AccessKeys::get(keyring, &self.instance)?)
            .await
    }
}

/// Gives the access log of an instance that is not open a new key.
pub fn replace_access_key(instance: &str, keyring: &Keyring) -> Result<(), KeyError> {
    let purpose = Purpose::access_log(instance);
    keyring.begin(&purpose)?;
    keyring.promote(&purpose, KeyState::Retired).map(drop)
}

/// Puts the database of an instance that nobody has open under a new key. It blocks.
pub fn replace_database_key(
    directory: &Path,
    instance: &str,
    keyring: &Keyring,
    observer: &dyn Observer,
) -> Result<(), StoreError> {
    let purpose = Purpose::database(instance);
    settle(directory, instance, keyring)?;
    let (old, old_key) = database(directory, instance, keyring)?;
    // Opening would make one.
    old.metadata().map_err(|error| crate::audit::fault(&error))?;
    let key = keyring.begin(&purpose)?;
    observer.reached(Step::Begun);
    let new = successor_path(directory, instance, &key);
    backup::copy_database_now((&old, &old_key), (&new, &key.key))?;
    observer.reached(Step::Ready);
    keyring.promote(&purpose, KeyState::Leaving)?;
    observer.reached(Step::Switched);
    remove_database(&old).map_err(|error| crate::audit::fault(&error))?;
    observer.reached(Step::Removed);
    settle(directory, instance, keyring)?;
    observer.reached(Step::Forgotten);
    Ok(())
}

/// Completes or takes back what a crash left of replacing the key of a database: the file that does not count is removed
/// with its key. For the one process that writes the instance, while it does not replace the key.
pub fn settle(directory: &Path, instance: &str, keyring: &Keyring) -> Result<(), StoreError> {
    let purpose = Purpose::database(instance);
    for state in [KeyState::Next, KeyState::Leaving] {
        for (listed, key) in keyring.in_state(&purpose, state) {
            if state == KeyState::Leaving {
                check_there(&database(directory, instance, keyring)?.0)?;
            }
            remove_database(&path(directory, instance, &listed)).map_err(|error| crate::audit::fault(&error))?;
            keyring.forget(&purpose, key.id)?;
        }
    }
    Ok(())
}

/// Refuses to go on without this database: the one before is removed only beside it, and none is made in its place.
fn check_there(path: &Path) -> Result<(), StoreError> {
    let is_there = path.metadata().is_ok_and(|file| file.len() > 0);
    is_there.then_some(()).ok_or_else(|| {
        StoreError::Inconsistent(format!(
            "the database {} is not there, and keys.json says that it is the one that counts",
            path.display()
        ))
    })
}

/// The same as [`database`], for the one process that writes it and makes it at the first start.
pub fn database_to_write(
    directory: &Path,
    instance: &str,
    keyring: &Keyring,
) -> Result<(PathBuf, Secret<[u8; 32]>), StoreError> {
    let found = database(directory, instance, keyring)?;
    let current = keyring.in_state(&Purpose::database(instance), KeyState::Current);
    if current.last().is_some_and(|(listed, _)| listed.is_successor) {
        check_there(&found.0)?;
    }
    Ok(found)
}

/// File and key of the database of an instance, as the keyring says.
pub fn database(directory: &Path, instance: &str, keyring: &Keyring) -> Result<(PathBuf, Secret<[u8; 32]>), KeyError> {
    let purpose = Purpose::database(instance);
    let current = keyring.in_state(&purpose, KeyState::Current);
    let (listed, key) = current.last().ok_or(KeyError::Unknown(purpose))?;
    Ok((path(directory, instance, listed), key.key.clone()))
}

/// The instance whose database a file of this name would be.
pub fn instance_of(file: &str) -> Option<&str> {
    let stem = file.strip_suffix(".db")?;
    let successor = stem
        .rsplit_once('.')
        .filter(|(_, end)| end.parse::<crate::keys::KeyId>().is_ok());
    Some(successor.map_or(stem, |(instance, _)| instance))
}

fn path(directory: &Path, instance: &str, listed: &WrappedKey) -> PathBuf {
    if listed.is_successor {
        directory.join(format!("{instance}.{}.db", listed.id))
    } else {
        directory.join(format!("{instance}.db"))
    }
}

fn successor_path(directory: &Path, instance: &str, key: &DataKey) -> PathBuf {
    directory.join(format!("{instance}.{}.db", key.id))
}

/// Removes a database and what SQLite has beside it, durably: the database first, since a log without one is nothing.
pub fn remove_database(database: &Path) -> io::Result<()> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut path = database.as_os_str().to_owned();
        path.push(end);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync_directory_of(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_tells_its_instance() {
        for (file, instance) in [
            ("fhir-a.b.db", Some("fhir-a.b")),
            ("directory.db", Some("directory")),
            ("directory.00112233aabbccdd.db", Some("directory")),
            ("directory.00112233aabbccd.db", Some("directory.00112233aabbccd")),
            ("directory.db-wal", None),
            ("keys.json", None),
        ] {
            assert_eq!(instance_of(file), instance, "{file}");
        }
    }
}
