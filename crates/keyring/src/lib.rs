//! Data keys, wrapped by a master key from a key provider.
//!
//! Every database, log and chain has a data key of its own. The data keys lie beside the data in `keys.json`
//! ([`Keyring`]), each wrapped by the master key, which a [`KeyProvider`] holds elsewhere: a file of mode 0600 or a value
//! of the environment ([`MasterKey`]). Changing the master key wraps the same data keys anew and touches no data.

#![warn(missing_docs)]

#[cfg(test)]
mod fakes;
pub mod files;
mod list;
mod master;
mod ring;
mod seal;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use hygie_core::{ErrorKind, Fault, Random, Secret, random_array};
use serde::{Deserialize, Serialize};

pub use list::{KeyState, WrappedKey};
pub use master::{MasterKey, lies_beside, replace_master_file, settle_master_file};
pub use ring::{Keyring, Lent};
pub use seal::{NONCE_LEN, Sealer, TAG_LEN};

/// Bytes of a key.
pub const KEY_LEN: usize = 32;

/// Holds a master key and wraps data keys with it. The master key itself never leaves the provider.
pub trait KeyProvider: Send + Sync {
    /// Names the master key: the same key has the same id everywhere, and the id tells nothing about it.
    fn id(&self) -> &str;

    /// Wraps a data key, bound to its purpose.
    fn wrap_key(&self, purpose: &Purpose, key: &Secret<[u8; KEY_LEN]>) -> Result<Vec<u8>, KeyError>;

    /// Unwraps what [`KeyProvider::wrap_key`] made for the same purpose.
    fn unwrap_key(&self, purpose: &Purpose, wrapped: &[u8]) -> Result<Secret<[u8; KEY_LEN]>, KeyError>;

    /// Completes, in the place from which it came, the change that made this key the one in force.
    fn settle(&self) -> Result<(), KeyError> {
        Ok(())
    }

    /// The master key of this id, when the place from which this one came holds it, too: the next one by now, or one that
    /// was replaced and kept.
    fn other(&self, _id: &str) -> Option<Arc<dyn KeyProvider>> {
        None
    }
}

/// What a data key is for. It is bound to the wrapped key, so that one cannot be passed off as another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Purpose(String);

impl Purpose {
    /// Encrypts the database of an instance.
    pub fn database(instance: &str) -> Self {
        Self(format!("database:{instance}"))
    }

    /// Links the audit chains of an instance.
    pub fn audit(instance: &str) -> Self {
        Self(format!("audit:{instance}"))
    }

    /// Encrypts the access log of an instance.
    pub fn access_log(instance: &str) -> Self {
        Self(format!("access-log:{instance}"))
    }

    /// Encrypts the blobs of an instance.
    pub fn blobs(instance: &str) -> Self {
        Self(format!("blobs:{instance}"))
    }

    /// Seals the columns of an instance that hold secrets.
    pub fn columns(instance: &str) -> Self {
        Self(format!("columns:{instance}"))
    }

    /// Signs the heads of all audit chains.
    pub fn heads() -> Self {
        Self("heads".to_owned())
    }

    /// Authenticates the list of keys.
    fn keyring() -> Self {
        Self("keyring".to_owned())
    }

    /// This purpose for one key alone.
    fn of_key(&self, id: KeyId) -> Self {
        Self(format!("{self}#{id}"))
    }

    /// The instance whose database it encrypts.
    pub fn database_of(&self) -> Option<&str> {
        self.0.strip_prefix("database:")
    }

    /// The instance whose access log it encrypts.
    pub fn access_log_of(&self) -> Option<&str> {
        self.0.strip_prefix("access-log:")
    }

    /// The instance whose audit chains it links.
    pub fn audit_of(&self) -> Option<&str> {
        self.0.strip_prefix("audit:")
    }

    /// The instance whose blobs it encrypts.
    pub fn blobs_of(&self) -> Option<&str> {
        self.0.strip_prefix("blobs:")
    }

    /// The instance whose columns it seals.
    pub fn columns_of(&self) -> Option<&str> {
        self.0.strip_prefix("columns:")
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a data key; random, 16 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(pub [u8; 8]);

impl KeyId {
    fn random(random: &dyn Random) -> Self {
        Self(random_array(random))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| digits);
        number
            .map(|n| Self(n.to_be_bytes()))
            .ok_or("a key id is 16 hexadecimal digits")
    }
}

impl TryFrom<String> for KeyId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

/// A data key, unwrapped.
#[derive(Clone, Debug)]
pub struct DataKey {
    /// Its name.
    pub id: KeyId,
    /// The key.
    pub key: Secret<[u8; KEY_LEN]>,
}

/// What can be wrong with keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("{path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others than the owner may read a master key.
    #[error("{path} has mode {mode:03o}: a master key must be readable by its owner only (chmod 600)")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The text is not a key.
    #[error("{0} is not a key: 32 bytes as 64 hexadecimal digits or as base64 are wanted")]
    NotAKey(String),
    /// The keyring is not what this program writes.
    #[error("{path} is not a keyring of this program")]
    NotAKeyring {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// A key that processes share is not what this program writes.
    #[error("a wrapped key in the database cannot be read")]
    NotAnEntry(#[source] serde_json::Error),
    /// A data key was wrapped by another master key.
    #[error("the key `{purpose}` was wrapped by the master key {wanted}, and {offered} is given")]
    UnknownMaster {
        /// Purpose of the data key.
        purpose: Purpose,
        /// Id of the master key that opens it.
        wanted: String,
        /// Id of the master key at hand.
        offered: String,
    },
    /// The keyring has no key for this.
    #[error("the keyring has no key `{0}`")]
    Unknown(Purpose),
    /// The list of keys is not the one that was written: a key was left out, put back or changed.
    #[error("the list of keys in {0} was altered")]
    ListAltered(PathBuf),
    /// The keys are wrapped with a new master key, which is not in its place.
    #[error("the keys are wrapped with the master key {wanted}, and {path} holds another: it is beside it")]
    Misplaced {
        /// The file.
        path: PathBuf,
        /// Id of the master key in force.
        wanted: String,
    },
    /// A wrapped key does not open although its master key is the right one: it was altered.
    #[error("the wrapped key `{0}` was altered")]
    Altered(Purpose),
}

impl Fault for KeyError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }

    fn code(&self) -> &'static str {
        "internal"
    }

    fn public(&self) -> String {
        "an internal error occurred".to_owned()
    }
}
