//! Keys in use: one that is replaced is removed only when nobody writes under it any more.

use std::sync::Arc;

use super::Keyring;
use crate::{DataKey, KeyError, KeyId, Purpose};

/// A key that somebody writes under, until it is dropped.
pub struct Lent {
    keyring: Arc<Keyring>,
    key: DataKey,
}

impl Lent {
    /// The key.
    pub fn key(&self) -> &DataKey {
        &self.key
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut lent = self.keyring.lent.lock();
        if let Some(count) = lent.get_mut(&self.key.id) {
            *count -= 1;
            if *count == 0 {
                lent.remove(&self.key.id);
            }
        }
    }
}

impl Keyring {
    /// The current key for this purpose, to write under.
    pub fn lend(self: &Arc<Self>, purpose: &Purpose) -> Result<Lent, KeyError> {
        // Who looks after a key was replaced sees everybody who has the one before.
        let mut lent = self.lent.lock();
        let key = self.get(purpose)?;
        *lent.entry(key.id).or_default() += 1;
        drop(lent);
        Ok(Lent {
            keyring: self.clone(),
            key,
        })
    }

    /// Whether somebody writes under this key.
    pub fn is_lent(&self, id: KeyId) -> bool {
        self.lent.lock().contains_key(&id)
    }
}
