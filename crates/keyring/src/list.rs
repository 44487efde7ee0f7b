//! The form of `keys.json`: the wrapped data keys, and a seal over the whole list.
//!
//! Each key is wrapped for its purpose and its id, so none can be passed off as another. The list is authenticated under a
//! key of its own, wrapped by the master key and made anew with each writing: a key cannot be left out, put back or given
//! another state by who does not hold the master key.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hygie_core::{Random, Secret, Timestamp, random_array};
use serde::{Deserialize, Serialize};

use super::{DataKey, KEY_LEN, KeyError, KeyId, KeyProvider, Purpose};
use crate::files::{self, NotReplaced};

const VERSION: u32 = 1;

/// A keyring of thousands of instances is smaller.
const MAX_FILE: u64 = 4 << 20;

/// What a key is used for now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It takes over when what it protects is re-encrypted; until then nothing rests on it.
    Next,
    /// It protects what is written.
    #[default]
    Current,
    /// Being replaced: what it protected is re-encrypted or removed, then the key is.
    Leaving,
    /// It opens what is never written again: full segments of the access log.
    Retired,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

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
    /// What it is used for now.
    #[serde(default, skip_serializing_if = "is_default")]
    pub state: KeyState,
    /// Whether it was made to replace another: then the file of a database is named after it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_successor: bool,
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
    seal: Seal,
}

/// What authenticates the list.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    /// Id of the master key that wraps its key.
    master: String,
    /// The wrapped key, base64.
    wrapped: String,
    /// HMAC-SHA-256 over the list, base64.
    mac: String,
}

/// Keys, each as it lies in the file and unwrapped.
pub type Keys = Vec<(WrappedKey, DataKey)>;

/// The keys of a file.
pub struct Loaded {
    /// The one that opened them: the one given, or another from its place.
    pub provider: Arc<dyn KeyProvider>,
    /// The keys in the order of the file.
    pub keys: Keys,
}

/// Reads a file; one that does not exist is empty. Every key must open.
pub fn load(path: &Path, provider: Arc<dyn KeyProvider>) -> Result<Loaded, KeyError> {
    let Some(contents) = read(path)? else {
        return Ok(Loaded {
            provider,
            keys: Vec::new(),
        });
    };
    let provider = opener(&contents, provider);
    let list = list_bytes(&contents.keys);
    let opened = contents.keys.into_iter().map(|wrapped| {
        let key = open(&*provider, &wrapped)?;
        Ok((wrapped, key))
    });
    let keys = opened.collect::<Result<Keys, KeyError>>()?;
    check(&*provider, &contents.seal, &list, path)?;
    Ok(Loaded { provider, keys })
}

fn read(path: &Path) -> Result<Option<Contents>, KeyError> {
    let not_ours = |source| KeyError::NotAKeyring {
        path: path.to_owned(),
        source,
    };
    let text = match fs::metadata(path).and_then(|file| Ok((file.len(), fs::read(path)?))) {
        Ok((size, text)) if size <= MAX_FILE => text,
        Ok(_) => return Err(not_ours(None)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(path, source)),
    };
    let contents: Contents = serde_json::from_slice(&text).map_err(|error| not_ours(Some(error)))?;
    if contents.version != VERSION {
        return Err(not_ours(None));
    }
    Ok(Some(contents))
}

/// The master key was changed beside us, its change was cut short, or the list is from before it: its place may hold the
/// one that is wanted.
fn opener(contents: &Contents, provider: Arc<dyn KeyProvider>) -> Arc<dyn KeyProvider> {
    let masters = contents.keys.iter().map(|key| &key.master);
    let other = masters
        .chain([&contents.seal.master])
        .find(|master| *master != provider.id());
    other.and_then(|master| provider.other(master)).unwrap_or(provider)
}

/// Why a list is not written, and what counts now.
pub enum NotSaved {
    /// The list as it was.
    Old(KeyError),
    /// This new one, which a power loss may take back.
    New(KeyError, Keys),
}

/// Replaces the file, and gives the list as it lies there: durable when it returns, and a crash leaves the old list or the
/// new.
pub fn save(
    path: &Path,
    keys: &[(WrappedKey, DataKey)],
    provider: &dyn KeyProvider,
    random: &dyn Random,
) -> Result<Keys, NotSaved> {
    let (text, keys) = written(keys, provider, random).map_err(NotSaved::Old)?;
    match files::replace(path, &text) {
        Ok(()) => Ok(keys),
        Err(NotReplaced::Old(source)) => Err(NotSaved::Old(failed(path, source))),
        Err(NotReplaced::New(source)) => Err(NotSaved::New(failed(path, source), keys)),
    }
}

/// The text of a list, and the list with its keys as they are wrapped there.
fn written(
    keys: &[(WrappedKey, DataKey)],
    provider: &dyn KeyProvider,
    random: &dyn Random,
) -> Result<(Vec<u8>, Keys), KeyError> {
    let wrapped = |(listed, key): &(WrappedKey, DataKey)| Ok((wrap(provider, listed, key)?, key.clone()));
    let keys = keys.iter().map(wrapped).collect::<Result<Keys, KeyError>>()?;
    let list: Vec<WrappedKey> = keys.iter().map(|(listed, _)| listed.clone()).collect();
    let key = Secret::new(random_array::<KEY_LEN>(random));
    let seal = Seal {
        master: provider.id().to_owned(),
        wrapped: STANDARD.encode(provider.wrap_key(&Purpose::keyring(), &key)?),
        mac: STANDARD.encode(mac(&key, &list_bytes(&list))),
    };
    let contents = Contents {
        version: VERSION,
        keys: list,
        seal,
    };
    let mut text = serde_json::to_vec_pretty(&contents).expect("text and numbers become JSON");
    text.push(b'\n');
    Ok((text, keys))
}

/// A new key as it is to be listed; it is wrapped when the list is saved.
pub fn listed(purpose: &Purpose, id: KeyId, at: Timestamp, state: KeyState) -> WrappedKey {
    WrappedKey {
        purpose: purpose.clone(),
        id,
        created_at: at,
        state,
        is_successor: state == KeyState::Next,
        master: String::new(),
        wrapped: String::new(),
    }
}

/// Wraps a key under the master key, bound to its purpose and its id.
pub fn wrap(provider: &dyn KeyProvider, listed: &WrappedKey, key: &DataKey) -> Result<WrappedKey, KeyError> {
    let wrapped = provider.wrap_key(&listed.purpose.of_key(listed.id), &key.key)?;
    Ok(WrappedKey {
        master: provider.id().to_owned(),
        wrapped: STANDARD.encode(wrapped),
        ..listed.clone()
    })
}

/// Unwraps a key. It is bound to its purpose and its id.
pub fn open(provider: &dyn KeyProvider, wrapped: &WrappedKey) -> Result<DataKey, KeyError> {
    if wrapped.master != provider.id() {
        return Err(KeyError::UnknownMaster {
            purpose: wrapped.purpose.clone(),
            wanted: wrapped.master.clone(),
            offered: provider.id().to_owned(),
        });
    }
    let altered = || KeyError::Altered(wrapped.purpose.clone());
    let bytes = STANDARD.decode(&wrapped.wrapped).map_err(|_| altered())?;
    let bound = wrapped.purpose.of_key(wrapped.id);
    let key = provider.unwrap_key(&bound, &bytes).map_err(|error| match error {
        KeyError::Altered(_) => altered(),
        other => other,
    })?;
    Ok(DataKey { id: wrapped.id, key })
}

fn check(provider: &dyn KeyProvider, seal: &Seal, list: &[u8], path: &Path) -> Result<(), KeyError> {
    let altered = || KeyError::ListAltered(path.to_owned());
    if seal.master != provider.id() {
        return Err(altered());
    }
    let wrapped = STANDARD.decode(&seal.wrapped).map_err(|_| altered())?;
    let found = STANDARD.decode(&seal.mac).map_err(|_| altered())?;
    let key = provider
        .unwrap_key(&Purpose::keyring(), &wrapped)
        .map_err(|_| altered())?;
    constant_time::verify_slices_are_equal(&mac(&key, list), &found).map_err(|_| altered())
}

fn list_bytes(keys: &[WrappedKey]) -> Vec<u8> {
    serde_json::to_vec(keys).expect("text and numbers become JSON")
}

fn mac(key: &Secret<[u8; KEY_LEN]>, list: &[u8]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()));
    context.update(b"hygie keyring 1");
    context.update(list);
    context.sign().as_ref().to_vec()
}

pub fn failed(path: &Path, source: io::Error) -> KeyError {
    KeyError::File {
        path: path.to_owned(),
        source,
    }
}
