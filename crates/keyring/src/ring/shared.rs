//! Keys of processes that share a database: each is kept there as a line of text, wrapped as it lies in the file, so that
//! whoever starts next takes it in instead of making another one.

use super::Keyring;
use crate::list::{KeyState, Keys, WrappedKey, open, wrap};
use crate::{DataKey, KeyError, KeyId, KeyProvider, Purpose};

impl Keyring {
    /// The keys for this purpose, oldest first: each with its name, as a line of text.
    pub fn export(&self, purpose: &Purpose) -> Vec<(KeyId, String)> {
        let state = self.state.lock();
        let keys = state.keys.iter().map(|(wrapped, _)| wrapped);
        let keys = keys.filter(|wrapped| wrapped.purpose == *purpose);
        keys.map(|wrapped| (wrapped.id, line(wrapped))).collect()
    }

    /// A new key for this purpose as a line of text, which is not kept here: [`Keyring::import`] it once it is where other
    /// processes find it. A process that ends before has not got a key that nobody else has.
    pub fn propose(&self, purpose: &Purpose) -> Result<(KeyId, String), KeyError> {
        let (listed, key) = self.make(purpose, KeyState::Current);
        let wrapped = wrap(&*self.state.lock().provider, &listed, &key)?;
        Ok((key.id, line(&wrapped)))
    }

    /// Takes in keys that other processes made, oldest first, and writes them down durably. Those that are here already
    /// need not open: the master key may have been changed here and not yet there.
    pub fn import(&self, lines: &[String]) -> Result<(), KeyError> {
        let parse = |line: &String| serde_json::from_str::<WrappedKey>(line).map_err(KeyError::NotAnEntry);
        let offered = lines.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        if offered.iter().all(|wrapped| knows(&self.state.lock().keys, wrapped)) {
            return Ok(());
        }
        self.change(|keys, provider| {
            for wrapped in offered {
                if !knows(keys, &wrapped) {
                    let key = open_shared(provider, &wrapped)?;
                    keys.push((wrapped, key));
                }
            }
            Ok(())
        })
    }

    /// The same for a purpose whose keys others replace: what is in these lines counts, and nothing else, unless there is none. Where none of them is
    /// the current one, whoever replaced it was stopped before saying so: the last one is.
    pub fn adopt(&self, purpose: &Purpose, lines: &[String]) -> Result<(), KeyError> {
        let parse = |line: &String| serde_json::from_str::<WrappedKey>(line).map_err(KeyError::NotAnEntry);
        let mut offered = lines.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        offered.retain(|wrapped| wrapped.purpose == *purpose);
        if !offered.iter().any(|wrapped| wrapped.state == KeyState::Current)
            && let Some(last) = offered.last_mut()
        {
            last.state = KeyState::Current;
        }
        if offered.is_empty() || self.has_exactly(purpose, &offered) {
            return Ok(());
        }
        self.change(|keys, provider| {
            let (own, others): (Keys, Keys) = keys.drain(..).partition(|(known, _)| known.purpose == *purpose);
            *keys = others;
            for wrapped in offered {
                let known = own.iter().find(|(known, _)| known.id == wrapped.id).cloned();
                let (mut listed, key) = match known {
                    Some(known) => known,
                    None => (wrapped.clone(), open_shared(provider, &wrapped)?),
                };
                listed.state = wrapped.state;
                keys.push((listed, key));
            }
            Ok(())
        })
    }

    fn has_exactly(&self, purpose: &Purpose, wanted: &[WrappedKey]) -> bool {
        let state = self.state.lock();
        let own = state.keys.iter().map(|(known, _)| known);
        let own = own
            .filter(|known| known.purpose == *purpose)
            .map(|known| (known.id, known.state));
        own.eq(wanted.iter().map(|wanted| (wanted.id, wanted.state)))
    }
}

/// Another process may have replaced the master key, which then lies beside the one of this process.
fn open_shared(provider: &dyn KeyProvider, wrapped: &WrappedKey) -> Result<DataKey, KeyError> {
    let other = if wrapped.master == provider.id() {
        None
    } else {
        provider.other(&wrapped.master)
    };
    other.map_or_else(|| open(provider, wrapped), |other| open(&*other, wrapped))
}

fn knows(keys: &Keys, key: &WrappedKey) -> bool {
    let is_same = |known: &WrappedKey| known.purpose == key.purpose && known.id == key.id;
    keys.iter().any(|(known, _)| is_same(known))
}

fn line(wrapped: &WrappedKey) -> String {
    serde_json::to_string(wrapped).expect("text and numbers become JSON")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use hygie_core::{Random, Timestamp};

    use super::*;
    use crate::MasterKey;
    use crate::fakes::{FixedClock, SeededRandom};

    fn ring(dir: &Path, name: &str, digit: &str) -> Keyring {
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(5));
        let master = MasterKey::from_text(&digit.repeat(64).into(), "test", random.clone()).unwrap();
        let clock = Arc::new(FixedClock::new(Timestamp::from_secs(1_795_249_800)));
        Keyring::open(dir.join(name), Arc::new(master), clock, random).unwrap()
    }

    fn lines(ring: &Keyring, purpose: &Purpose) -> Vec<String> {
        ring.export(purpose).into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn what_one_process_made_another_takes_in() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (ring(dir.path(), "one.json", "1"), ring(dir.path(), "two.json", "1"));
        let made = one.get_or_create(&Purpose::heads()).unwrap();
        one.get_or_create(&Purpose::database("directory")).unwrap();
        let shared = lines(&one, &Purpose::heads());
        assert_eq!(shared.len(), 1, "the keys of the purpose alone");
        for _ in 0..2 {
            two.import(&shared).unwrap();
        }
        assert_eq!(two.get_or_create(&Purpose::heads()).unwrap().id, made.id);
        let again = ring(dir.path(), "two.json", "1");
        assert_eq!(again.list().len(), 1);
        assert_eq!(again.find(&Purpose::heads()).unwrap().key.expose(), made.key.expose());
    }

    #[test]
    fn a_proposed_key_is_kept_when_it_is_taken_in() {
        let dir = tempfile::tempdir().unwrap();
        let one = ring(dir.path(), "one.json", "1");
        let (id, line) = one.propose(&Purpose::heads()).unwrap();
        assert!(one.list().is_empty() && ring(dir.path(), "one.json", "1").list().is_empty());
        one.import(&[line]).unwrap();
        let again = ring(dir.path(), "one.json", "1");
        assert_eq!(again.get(&Purpose::heads()).unwrap().id, id);
        assert_eq!(lines(&again, &Purpose::heads()).len(), 1);
    }

    #[test]
    fn keys_of_another_master_key_and_no_keys_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (ring(dir.path(), "one.json", "1"), ring(dir.path(), "two.json", "2"));
        one.get_or_create(&Purpose::heads()).unwrap();
        let shared = lines(&one, &Purpose::heads());
        assert!(matches!(other.import(&shared), Err(KeyError::UnknownMaster { .. })));
        assert!(other.list().is_empty());
        assert!(matches!(one.import(&["{}".to_owned()]), Err(KeyError::NotAnEntry(_))));
        let altered = shared[0].replace("\"heads\"", "\"audit:x\"");
        let fresh = ring(dir.path(), "three.json", "1");
        assert!(matches!(fresh.import(&[altered]), Err(KeyError::Altered(_))));
    }

    #[test]
    fn what_others_replaced_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (ring(dir.path(), "one.json", "1"), ring(dir.path(), "two.json", "1"));
        let purpose = Purpose::columns("directory");
        let first = one.get_or_create(&purpose).unwrap().id;
        let heads = two.get_or_create(&Purpose::heads()).unwrap().id;
        two.adopt(&purpose, &lines(&one, &purpose)).unwrap();
        let second = one.begin(&purpose).unwrap().id;
        let both = lines(&one, &purpose);
        two.adopt(&purpose, &both).unwrap();
        assert_eq!(
            two.get(&purpose).unwrap().id,
            first,
            "the next one protects nothing yet"
        );
        assert_eq!(
            two.begin(&purpose).unwrap().id,
            second,
            "it goes on with what the other began"
        );
        // Stopped before it said that the second is the current one.
        two.adopt(&purpose, &both[1..]).unwrap();
        two.adopt(&purpose, &[]).unwrap();
        let again = ring(dir.path(), "two.json", "1");
        assert_eq!(again.get(&purpose).unwrap().id, second);
        assert_eq!(again.find_all(&purpose).len(), 1);
        assert_eq!(again.get(&Purpose::heads()).unwrap().id, heads, "other purposes stay");
        assert_ne!(again.begin(&purpose).unwrap().id, second);
    }
}
