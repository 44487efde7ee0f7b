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

/// When parties were read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// The instant.
    pub read_at: Timestamp,
    /// What this process had changed by then ([`hygie_directory::Directory::changes`]).
    pub changes: u64,
}

impl Mark {
    /// Whether what was read then still holds.
    fn holds(self, now: Self) -> bool {
        self.changes == now.changes && now.read_at.since(self.read_at) < FRESH
    }
}

/// The parties, each with when it was read.
#[derive(Default)]
pub(crate) struct KnownParties(Mutex<HashMap<Key, (Mark, Arc<Parties>)>>);

impl KnownParties {
    /// Fresh parties.
    pub fn find(&self, key: &Key, now: Mark) -> Option<Arc<Parties>> {
        let known = self.0.lock();
        let (at, parties) = known.get(key)?;
        at.holds(now).then(|| parties.clone())
    }

    /// Keeps what was read; `at` is from before it was.
    pub fn keep(&self, key: Key, at: Mark, parties: &Arc<Parties>) {
        let mut known = self.0.lock();
        if known.len() >= MOST {
            known.retain(|_, (then, _)| then.holds(at));
        }
        if known.len() < MOST {
            known.insert(key, (at, parties.clone()));
        }
    }
}
