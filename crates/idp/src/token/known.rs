//! The parties of recent requests of applications for themselves.
//!
//! A service asks for the same token of the same resource again and again; reading its parties each time would cost a
//! third of the signature. They are kept for a second: what another process changes is seen then, what this one
//! changes at once. Secrets are compared at each request, and so is their end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hygie_core::{AppId, TenantId, Timestamp};
use parking_lot::Mutex;

use super::party::Parties;

/// How long parties are taken to be unchanged.
const FRESH: Duration = Duration::from_secs(1);
/// Most parties kept.
const MOST: usize = 1024;

/// Tenant, client, name of the resource.
type Key = (TenantId, AppId, String);

/// The parties, each with when it was read.
#[derive(Default)]
pub(crate) struct KnownParties(Mutex<Known>);

#[derive(Default)]
struct Known {
    parties: HashMap<Key, (Timestamp, Arc<Parties>)>,
    /// Counts the changes: what was read before the last one is not kept.
    changes: u64,
}

impl KnownParties {
    /// Fresh parties; else the number to give to [`KnownParties::keep`] with what is read now.
    pub fn find(&self, key: &Key, now: Timestamp) -> Result<Arc<Parties>, u64> {
        let known = self.0.lock();
        match known.parties.get(key) {
            Some((read_at, parties)) if now.since(*read_at) < FRESH => Ok(parties.clone()),
            _ => Err(known.changes),
        }
    }

    /// Keeps what was read, unless something changed since.
    pub fn keep(&self, key: Key, now: Timestamp, changes: u64, parties: &Arc<Parties>) {
        let mut known = self.0.lock();
        if known.changes != changes {
            return;
        }
        if known.parties.len() >= MOST {
            known.parties.retain(|_, (read_at, _)| now.since(*read_at) < FRESH);
        }
        if known.parties.len() < MOST {
            known.parties.insert(key, (now, parties.clone()));
        }
    }

    /// Something changed.
    pub fn forget(&self) {
        let mut known = self.0.lock();
        known.parties.clear();
        known.changes += 1;
    }
}
