//! `keys.json`: the wrapped data keys, beside the data.
//!
//! A key is replaced in steps, each one durable writing of the file: [`Keyring::begin`] a next key, [`Keyring::promote`]
//! it when what it protects is ready, [`Keyring::forget`] the one before when nothing rests on it any more.

mod lent;
mod shared;

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use hygie_core::{Clock, Random, Secret, random_array};
use parking_lot::Mutex;

use super::list::{self, KeyState, Keys, Loaded, NotSaved, WrappedKey, failed, listed};
use super::{DataKey, KeyError, KeyId, KeyProvider, Purpose};
use crate::files;
pub use lent::Lent;

/// The data keys of one data directory, unwrapped once when it is opened.
pub struct Keyring {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    state: Mutex<Loaded>,
    /// How many use a key for something that is not written yet.
    lent: Mutex<HashMap<KeyId, usize>>,
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
        let loaded = list::load(&path, provider)?;
        // Whoever may not write there can read the key all the same.
        if let Err(error) = loaded.provider.settle() {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the new master key is not put in its place"
            );
        }
        Ok(Self {
            path,
            clock,
            random,
            state: Mutex::new(loaded),
            lent: Mutex::default(),
        })
    }

    /// The current key for this purpose, if there is one.
    pub fn find(&self, purpose: &Purpose) -> Option<DataKey> {
        current(&self.state.lock().keys, purpose)
    }

    /// Every key that may open what is there for this purpose, the current one first: what older ones sealed stays readable,
    /// and what the next one sealed when a power loss took back that it had become the current one.
    pub fn find_all(&self, purpose: &Purpose) -> Vec<DataKey> {
        let state = self.state.lock();
        let mut found: Vec<_> = state
            .keys
            .iter()
            .rev()
            .filter(|(listed, _)| listed.purpose == *purpose)
            .collect();
        found.sort_by_key(|(listed, _)| listed.state != KeyState::Current);
        found.into_iter().map(|(_, key)| key.clone()).collect()
    }

    /// The current key for this purpose, which must be there.
    pub fn get(&self, purpose: &Purpose) -> Result<DataKey, KeyError> {
        self.find(purpose).ok_or_else(|| KeyError::Unknown(purpose.clone()))
    }

    /// The keys for this purpose in this state.
    pub fn in_state(&self, purpose: &Purpose, state: KeyState) -> Vec<(WrappedKey, DataKey)> {
        let keys = &self.state.lock().keys;
        let found = keys
            .iter()
            .filter(|(listed, _)| listed.purpose == *purpose && listed.state == state);
        found.cloned().collect()
    }

    /// The key for this purpose, made and written down durably when there is none.
    pub fn get_or_create(&self, purpose: &Purpose) -> Result<DataKey, KeyError> {
        if let Some(key) = self.find(purpose) {
            return Ok(key);
        }
        self.change(|keys, _| {
            // Another process may have made one meanwhile.
            Ok(current(keys, purpose).unwrap_or_else(|| self.add(keys, purpose, KeyState::Current)))
        })
    }

    /// The key that is to replace the current one for this purpose, made when there is none. Nothing uses it yet.
    pub fn begin(&self, purpose: &Purpose) -> Result<DataKey, KeyError> {
        self.change(|keys, _| {
            let is_next = |listed: &WrappedKey| listed.purpose == *purpose && listed.state == KeyState::Next;
            let begun = keys.iter().find(|(listed, _)| is_next(listed));
            let begun = begun.map(|(_, key)| key.clone());
            Ok(begun.unwrap_or_else(|| self.add(keys, purpose, KeyState::Next)))
        })
    }

    /// Makes the next key the current one; the current one gets the state `outgoing`. Both at once.
    pub fn promote(&self, purpose: &Purpose, outgoing: KeyState) -> Result<DataKey, KeyError> {
        self.change(|keys, _| {
            let mut promoted = None;
            for (listed, key) in keys.iter_mut().filter(|(listed, _)| listed.purpose == *purpose) {
                match listed.state {
                    KeyState::Next => {
                        listed.state = KeyState::Current;
                        promoted = Some(key.clone());
                    }
                    KeyState::Current => listed.state = outgoing,
                    KeyState::Leaving | KeyState::Retired => {}
                }
            }
            promoted.ok_or_else(|| KeyError::Unknown(purpose.clone()))
        })
    }

    /// Removes a key on which nothing rests: a next one that was not used, or one that was replaced.
    pub fn forget(&self, purpose: &Purpose, id: KeyId) -> Result<(), KeyError> {
        self.change(|keys, _| {
            keys.retain(|(listed, _)| {
                let is_it = listed.purpose == *purpose && listed.id == id;
                !is_it || listed.state == KeyState::Current
            });
            Ok(())
        })
    }

    /// The keys as they lie in the file.
    pub fn list(&self) -> Vec<WrappedKey> {
        self.state
            .lock()
            .keys
            .iter()
            .map(|(listed, _)| listed.clone())
            .collect()
    }

    /// Id of the master key that opened it.
    pub fn master(&self) -> String {
        self.state.lock().provider.id().to_owned()
    }

    /// Reads what other processes changed.
    pub fn reload(&self) -> Result<(), KeyError> {
        let mut state = self.state.lock();
        *state = list::load(&self.path, state.provider.clone())?;
        Ok(())
    }

    /// Makes durable what is in the file now.
    pub fn sync(&self) -> Result<(), KeyError> {
        files::sync_directory_of(&self.path).map_err(|source| failed(&self.path, source))
    }

    /// Wraps every key with another master key, in one atomic write: afterwards only the new master key opens the file.
    /// A process that runs on keeps its unwrapped keys; it needs the new master key to change them.
    pub fn rewrap(&self, provider: &Arc<dyn KeyProvider>) -> Result<usize, KeyError> {
        let mut state = self.state.lock();
        let _lock = self.lock_file()?;
        let keys = list::load(&self.path, state.provider.clone())?.keys;
        let provider = provider.clone();
        let (keys, failure) = match list::save(&self.path, &keys, &*provider, &*self.random) {
            Ok(keys) => (keys, None),
            Err(NotSaved::New(error, keys)) => (keys, Some(error)),
            Err(NotSaved::Old(error)) => return Err(error),
        };
        *state = Loaded { provider, keys };
        failure.map_or(Ok(state.keys.len()), Err)
    }

    /// Changes what is in the file now and writes it durably. When that fails nothing is changed, unless the error came
    /// after the new file was put in place: then it counts here, as it does for who reads the file.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Keys, &dyn KeyProvider) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        let mut state = self.state.lock();
        let _lock = self.lock_file()?;
        *state = list::load(&self.path, state.provider.clone())?;
        let mut keys = state.keys.clone();
        let done = change(&mut keys, &*state.provider)?;
        match list::save(&self.path, &keys, &*state.provider, &*self.random) {
            Ok(keys) => {
                state.keys = keys;
                Ok(done)
            }
            Err(NotSaved::New(error, keys)) => {
                state.keys = keys;
                Err(error)
            }
            Err(NotSaved::Old(error)) => Err(error),
        }
    }

    fn add(&self, keys: &mut Keys, purpose: &Purpose, state: KeyState) -> DataKey {
        let (listed, key) = self.make(purpose, state);
        keys.push((listed, key.clone()));
        key
    }

    fn make(&self, purpose: &Purpose, state: KeyState) -> (WrappedKey, DataKey) {
        let key = DataKey {
            id: KeyId::random(&*self.random),
            key: Secret::new(random_array(&*self.random)),
        };
        (listed(purpose, key.id, self.clock.now(), state), key)
    }

    /// Keeps other processes from changing the file until dropped; readers need no lock, since it is replaced whole.
    fn lock_file(&self) -> Result<File, KeyError> {
        let path = self.path.with_extension("lock");
        let open = files::private().create(true).truncate(false).write(true).open(&path);
        let locked = open.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|source| failed(&path, source))
    }
}

fn current(keys: &Keys, purpose: &Purpose) -> Option<DataKey> {
    let is_it = |listed: &WrappedKey| listed.purpose == *purpose && listed.state == KeyState::Current;
    let mut matching = keys.iter().rev().filter(|(listed, _)| is_it(listed));
    matching.next().map(|(_, key)| key.clone())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hygie_core::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::MasterKey;
    use crate::fakes::{FixedClock, SeededRandom};

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

        assert_eq!(ring.rewrap(&world.master('2')).unwrap(), 1);
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
        two.rewrap(&world.master('2')).unwrap();
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

    #[test]
    fn a_list_with_a_key_left_out_put_back_or_changed_is_refused() {
        let world = World::new();
        let ring = world.open('1').unwrap();
        ring.get_or_create(&Purpose::database("one")).unwrap();
        let before: Value = serde_json::from_str(&fs::read_to_string(world.path()).unwrap()).unwrap();
        ring.get_or_create(&Purpose::database("two")).unwrap();
        let good: Value = serde_json::from_str(&fs::read_to_string(world.path()).unwrap()).unwrap();
        let alter = |change: &dyn Fn(&mut Value)| {
            let mut value = good.clone();
            change(&mut value);
            fs::write(world.path(), value.to_string()).unwrap();
            world.open('1').err().map(|error| error.to_string())
        };
        assert_eq!(alter(&|_| {}), None, "another order of spaces is the same list");
        let alterations: [&dyn Fn(&mut Value); 5] = [
            &|value| drop(value["keys"].as_array_mut().unwrap().pop()),
            &|value| value["keys"][0]["state"] = json!("retired"),
            &|value| value["keys"].as_array_mut().unwrap().swap(0, 1),
            &|value| value["seal"] = before["seal"].clone(),
            &|value| {
                value["keys"][1]["created_at"] = value["keys"][1]["created_at"]
                    .as_i64()
                    .map_or(json!("2020-01-01T00:00:00Z"), |at| json!(at + 1));
            },
        ];
        for (at, change) in alterations.iter().enumerate() {
            let refused = alter(change).unwrap_or_else(|| panic!("alteration {at} passes"));
            assert!(refused.contains("was altered"), "{at}: {refused}");
        }
    }

    #[test]
    fn a_key_is_replaced_in_steps_that_each_survive_a_restart() {
        let world = World::new();
        let ring = world.open('1').unwrap();
        let purpose = Purpose::database("fhir");
        let old = ring.get_or_create(&purpose).unwrap();
        let next = ring.begin(&purpose).unwrap();
        let current = || world.open('1').unwrap().find(&purpose).unwrap().id;
        assert_eq!(current(), old.id, "the next one protects nothing yet");
        assert_eq!(
            world.open('1').unwrap().begin(&purpose).unwrap().id,
            next.id,
            "there is one next key"
        );
        assert_eq!(ring.find_all(&purpose)[0].id, old.id);
        ring.promote(&purpose, KeyState::Leaving).unwrap();
        assert_eq!(current(), next.id);
        let all: Vec<_> = ring.find_all(&purpose).iter().map(|key| key.id).collect();
        assert_eq!(all, [next.id, old.id]);
        assert!(
            ring.promote(&purpose, KeyState::Leaving).is_err(),
            "there is no next key"
        );
        ring.forget(&purpose, next.id).unwrap();
        assert_eq!(current(), next.id, "a current key is not forgotten");
        ring.forget(&purpose, old.id).unwrap();
        let left = world.open('1').unwrap().list();
        assert_eq!(
            left.iter().map(|key| (key.id, key.is_successor)).collect::<Vec<_>>(),
            [(next.id, true)]
        );
    }
}
