//! An embedded store in a directory that vanishes with it.

use std::sync::Arc;

use hygie_core::{Cx, Secret, TenantId};
use hygie_store::embedded::{Limits, Options, open};
use hygie_store::keys::{Keyring, MasterKey};
use hygie_store::{Migration, Store};
use tempfile::TempDir;

use crate::{SeededRandom, VirtualClock};

/// A store of one instance. It panics where it cannot be made: a test cannot go on.
pub struct TemporaryStore {
    /// The store.
    pub store: Store,
    directory: TempDir,
}

impl TemporaryStore {
    /// With these tables.
    pub fn new(instance: &str, migrations: &[Migration], clock: &Arc<VirtualClock>) -> Self {
        let directory = tempfile::tempdir().expect("a writable temporary directory");
        let random = Arc::new(SeededRandom::new(0x5eed));
        let text = Secret::new("5e".repeat(32));
        let master = MasterKey::from_text(&text, "the test", random.clone()).expect("64 hexadecimal digits");
        let keys = directory.path().join("keys.json");
        let keyring =
            Keyring::open(keys, Arc::new(master), clock.clone(), random.clone()).expect("an empty keyring opens");
        let cx = Cx::internal(TenantId::from_uuid(uuid::Uuid::nil()), clock.clone(), random);
        let store = open(Options {
            directory: directory.path(),
            heads: directory.path(),
            instance,
            keyring: &keyring,
            migrations,
            replay: None,
            cx: &cx,
            limits: Limits {
                queue: 256,
                readers: 2,
                cache_kib: 2048,
                ..Limits::default()
            },
        })
        .expect("a new store opens");
        Self { store, directory }
    }

    /// Where its files are.
    pub fn path(&self) -> &std::path::Path {
        self.directory.path()
    }
}
