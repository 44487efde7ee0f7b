//! `keys.json`: the wrapped data keys, beside the data.

mod shared;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hygie_core::{Clock, Random, Secret, Timestamp, random_array};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{DataKey, KeyError, KeyId, KeyProvider, Purpose};
use crate::files;

const VERSION: u32 = 1;

/// A keyring of thousands of instances is smaller.
const MAX_FILE: u64 = 4 << 20;

/// A data key as it lies in `keys.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrappedKey {
    /// What it is for.
    pub purpose: Purpose,
    /// Its name.
    pub id: KeyId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Id of the master key that wraps it.
    pub master: String,
    /// The wrapped key, base64.
    wrapped: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    keys: Vec<WrappedKey>,
}

/// The data keys of one data directory, unwrapped once when it is opened.
pub struct Keyring {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    state: Mutex<State>,
}

struct State {
    provider: Arc<dyn KeyProvider>,
    keys: Vec<(WrappedKey, DataKey)>,
}

impl Keyring {
    /// Opens the keyring; a file that does not exist is an empty one. Every key must open, so that a wrong master key
    /// is found here and named.
    pub fn open(
        path: impl Into<PathBuf>,
        provider: Arc<dyn KeyProvider>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, KeyError> {
        let path = path.into();
        let keys = load(&path, &*provider)?;
        Ok(Self {
            path,
            clock,
            random,
            state: Mutex::new(State { provider, keys }),
        })
    }

    /// The key for this purpose, if there is one.
    pub fn find(&self, purpose: &Purpose) -> Option<DataKey> {
        newest(&self.state.lock().keys, purpose)
    }

    /// Every key for this purpose, newest first: what older ones sealed stays readable.
    pub fn find_all(&self, purpose: &Purpose) -> Vec<DataKey> {
        let state = self.state.lock();
        let matching = state
            .keys
            .iter()
            .rev()
            .filter(|(wrapped, _)| wrapped.purpose == *purpose);
        matching.map(|(_, key)| key.clone()).collect()
    }

    /// The key for this purpose, which must be there.
    pub fn get(&self, purpose: &Purpose) -> Result<DataKey, KeyError> {
        self.find(purpose).ok_or_else(|| KeyError::Unknown(purpose.clone()))
    }

    /// The key for this purpose, made and written down durably when there is none.
    pub fn get_or_create(&self, purpose: &Purpose) -> Result<DataKey, KeyError> {
        let mut state = self.state.lock();
        if let Some(key) = newest(&state.keys, purpose) {
            return Ok(key);
        }
        let _lock = self.lock_file()?;
        // Another process may have added keys, or changed the master key, since this one read the file.
        state.keys = load(&self.path, &*state.provider)?;
        if let Some(key) = newest(&state.keys, purpose) {
            return Ok(key);
        }
        let key = DataKey {
            id: KeyId::random(&*self.random),
            key: Secret::new(random_array(&*self.random)),
        };
        let wrapped = wrap(&*state.provider, purpose, &key, self.clock.now())?;
        state.keys.push((wrapped, key.clone()));
        self.save(&state.keys).inspect_err(|_| {
            state.keys.pop();
        })?;
        Ok(key)
    }

    /// The keys as they lie in the file.
    pub fn list(&self) -> Vec<WrappedKey> {
        self.state
            .lock()
            .keys
            .iter()
            .map(|(wrapped, _)| wrapped.clone())
            .collect()
    }

    /// Wraps every key with another master key, in one atomic write: afterwards only the new master key opens the file.
    /// A process that runs on keeps its unwrapped keys; it needs the new master key at its next start.
    pub fn rewrap(&self, provider: Arc<dyn KeyProvider>) -> Result<usize, KeyError> {
        let mut state = self.state.lock();
        let _lock = self.lock_file()?;
        let mut keys = load(&self.path, &*state.provider)?;
        for (wrapped, key) in &mut keys {
            *wrapped = wrap(&*provider, &wrapped.purpose, key, wrapped.created_at)?;
        }
        self.save(&keys)?;
        *state = State { provider, keys };
        Ok(state.keys.len())
    }

    fn save(&self, keys: &[(WrappedKey, DataKey)]) -> Result<(), KeyError> {
        let contents = Contents {
            version: VERSION,
            keys: keys.iter().map(|(wrapped, _)| wrapped.clone()).collect(),
        };
        let mut text = serde_json::to_vec_pretty(&contents).expect("text and numbers become JSON");
        text.push(b'\n');
        files::replace(&self.path, &text).map_err(|source| failed(&self.path, source))
    }

    /// Keeps other processes from changing the file until dropped; readers need no lock, since it is replaced whole.
    fn lock_file(&self) -> Result<File, KeyError> {
        let path = self.path.with_extension("lock");
        let open = files::private().create(true).truncate(false).write(true).open(&path);
        let locked = open.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|source| failed(&path, source))
    }
}

fn newest(keys: &[(WrappedKey, DataKey)], purpose: &Purpose) -> Option<DataKey> {
    let mut matching = keys.iter().rev().filter(|(wrapped, _)| wrapped.purpose == *purpose);
    matching.next().map(|(_, key)| key.clone())
}

fn wrap(provider: &dyn KeyProvider, purpose: &Purpose, key: &DataKey, at: Timestamp) -> Result<WrappedKey, KeyError> {
    Ok(WrappedKey {
        purpose: purpose.clone(),
        id: key.id,
        created_at: at,
        master: provider.id().to_owned(),
        wrapped: STANDARD.encode(provider.wrap_key(purpose, &key.key)?),
    })
}

fn load(path: &Path, provider: &dyn KeyProvider) -> Result<Vec<(WrappedKey, DataKey)>, KeyError> {
    let not_ours = |source| KeyError::NotAKeyring {
        path: path.to_owned(),
        source,
    };
    let text = match fs::metadata(path).and_then(|file| Ok((file.len(), fs::read(path)?))) {
        Ok((size, text)) if size <= MAX_FILE => text,
        Ok(_) => return Err(not_ours(None)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(path, source)),
    };
    let contents: Contents = serde_json::from_slice(&text).map_err(|error| not_ours(Some(error)))?;
    if contents.version != VERSION {
        return Err(not_ours(None));
    }
    let opened = contents.keys.into_iter().map(|wrapped| {
        let key = open(provider, &wrapped)?;
        Ok((wrapped, key))
    });
    opened.collect()
}

fn open(provider: &dyn KeyProvider, wrapped: &WrappedKey) -> Result<DataKey, KeyError> {
    if wrapped.master != provider.id() {
        return Err(KeyError::UnknownMaster {
            purpose: wrapped.purpose.clone(),
            wanted: wrapped.master.clone(),
            offered: provider.id().to_owned(),
        });
    }
    let bytes = STANDARD.decode(&wrapped.wrapped);
    let bytes = bytes.map_err(|_| KeyError::Altered(wrapped.purpose.clone()))?;
    Ok(DataKey {
        id: wrapped.id,
        key: provider.unwrap_key(&wrapped.purpose, &bytes)?,
    })
}

fn failed(path: &Path, source: io::Error) -> KeyError {
    KeyError::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{FixedClock, SeededRandom};
    use crate::keys::MasterKey;

    struct World {
        dir: tempfile::TempDir,
        random: Arc<dyn Random>,
    }

    impl World {
        fn new() -> Self {
            Self {
                dir: tempfile::tempdir().unwrap(),
                random: Arc::new(SeededRandom::new(5)),
            }
        }

        fn path(&self) -> PathBuf {
            self.dir.path().join("keys.json")
        }

        fn master(&self, digit: char) -> Arc<dyn KeyProvider> {
            let text = digit.to_string().repeat(64).into();
            Arc::new(MasterKey::from_text(&text, "test", self.random.clone()).unwrap())
        }

        fn open(&self, digit: char) -> Result<Keyring, KeyError> {
            let clock = Arc::new(FixedClock::new(Timestamp::from_secs(1_795_249_800)));
            Keyring::open(self.path(), self.master(digit), clock, self.random.clone())
        }
    }

    #[test]
    fn keys_are_made_once_and_found_again() {
        let world = World::new();
        let ring = world.open('1').unwrap();
        let (database, audit) = (Purpose::database("directory"), Purpose::audit("directory"));
        assert!(ring.find(&database).is_none());
        let key = ring.get_or_create(&database).unwrap();
        let other = ring.get_or_create(&audit).unwrap();
        assert_ne!(key.key.expose(), other.key.expose());
        assert_eq!(ring.get_or_create(&database).unwrap().key.expose(), key.key.expose());

        let again = world.open('1').unwrap();
        assert_eq!(again.find(&database).unwrap().key.expose(), key.key.expose());
        assert_eq!(again.find(&database).unwrap().id, key.id);
        let listed = again.list();
        let purposes: Vec<_> = listed.iter().map(|key| key.purpose.as_str()).collect();
        assert_eq!(purposes, ["database:directory", "audit:directory"]);
        assert_eq!(listed[0].created_at, Timestamp::from_secs(1_795_249_800));
    }

    #[test]
    fn no_key_lies_in_clear() {
        let world = World::new();
        let key = world.open('1').unwrap().get_or_create(&Purpose::heads()).unwrap();
        let file = fs::read_to_string(world.path()).unwrap();
        assert!(!file.contains(&STANDARD.encode(key.key.expose())));
        assert!(!file.contains(&"1".repeat(64)));
    }

    #[test]
    fn another_master_key_is_refused_by_name_until_rewrapped() {
        let world = World::new();
        let ring = world.open('1').unwrap();
        let key = ring.get_or_create(&Purpose::heads()).unwrap();
        let (old, new) = (world.master('1').id().to_owned(), world.master('2').id().to_owned());
        let refused = world.open('2').err().expect("the wrong key").to_string();
        assert!(refused.contains(&old) && refused.contains(&new), "{refused}");

        assert_eq!(ring.rewrap(world.master('2')).unwrap(), 1);
        assert!(world.open('1').is_err());
        let opened = world.open('2').unwrap();
        assert_eq!(opened.find(&Purpose::heads()).unwrap().key.expose(), key.key.expose());
        assert_eq!(opened.list()[0].master, new);
    }

    #[test]
    fn two_processes_do_not_overwrite_each_other() {
        let world = World::new();
        let (one, two) = (world.open('1').unwrap(), world.open('1').unwrap());
        let made = one.get_or_create(&Purpose::heads()).unwrap();
        assert_eq!(
            two.get_or_create(&Purpose::heads()).unwrap().key.expose(),
            made.key.expose()
        );
        two.get_or_create(&Purpose::database("fhir")).unwrap();
        assert_eq!(world.open('1').unwrap().list().len(), 2);
        // The master key is changed beside a live process: it still serves, but makes no key under the old one.
        two.rewrap(world.master('2')).unwrap();
        assert!(one.find(&Purpose::heads()).is_some());
        let refused = one.get_or_create(&Purpose::database("dicom"));
        assert!(matches!(refused, Err(KeyError::UnknownMaster { .. })));
        assert_eq!(world.open('2').unwrap().list().len(), 2);
    }

    #[test]
    fn altered_and_foreign_files_are_refused() {
        let world = World::new();
        world.open('1').unwrap().get_or_create(&Purpose::heads()).unwrap();
        let good = fs::read_to_string(world.path()).unwrap();
        fs::write(world.path(), good.replace("\"heads\"", "\"database:fhir\"")).unwrap();
        assert!(
            matches!(world.open('1'), Err(KeyError::Altered(_))),
            "a purpose is bound"
        );
        for text in [
            "",
            "{}",
            "[]",
            &good.replace("\"version\": 1", "\"version\": 2"),
            &good[..good.len() - 3],
        ] {
            fs::write(world.path(), text).unwrap();
            assert!(matches!(world.open('1'), Err(KeyError::NotAKeyring { .. })), "{text:?}");
        }
    }
}
