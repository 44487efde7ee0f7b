//! What the tests stand on: a directory of their own, a clock that stands still, seeded randomness.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hygie_core::{Clock, Cx, Secret, SeededRandom, TenantId, Timestamp};
use hygie_store::embedded::{Limits, Options, Replay, open};
use hygie_store::keys::{KeyError, Keyring, MasterKey};
use hygie_store::{Migration, Store, StoreError, Tx};

pub struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000)
    }
}

pub fn cx(tenant: u128) -> Cx {
    let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(tenant));
    Cx::internal(tenant, Arc::new(Still), Arc::new(SeededRandom::new(7)))
}

/// A directory that is removed at the end.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hygie-store-{name}-{}", std::process::id()));
        let _absent = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a writable temporary directory");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// A record of the tests' journal is a list of changes: `+key` or `-key`, separated by newlines.
pub struct Lines;

pub async fn apply(tx: &mut Tx<'_>, record: &[u8]) -> Result<(), StoreError> {
    for line in record.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match line.split_first() {
            Some((b'+', key)) => tx.index_add(key).await?,
            Some((b'-', key)) => tx.index_remove(key).await?,
            _ => panic!("a line without sign"),
        }
    }
    Ok(())
}

impl Replay for Lines {
    fn scatters(&self, first: u8) -> bool {
        first != b'n'
    }

    fn replay<'t>(
        &'t self,
        tx: &'t mut Tx<'_>,
        _seq: i64,
        record: &'t [u8],
    ) -> futures_util::future::BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(apply(tx, record))
    }
}

pub const TABLES: [Migration; 1] = [Migration {
    number: 900,
    title: "names of the tests",
    sql: "CREATE TABLE name ({i.def}tenant {blob} NOT NULL, id {int} NOT NULL, name TEXT NOT NULL, \
          PRIMARY KEY ({i.col}tenant, id)) {clustered}",
}];

pub fn open_with(dir: &Path, limits: Limits) -> Result<Store, StoreError> {
    open_keyed(dir, limits, 1)
}

/// Opens the store in `dir` with a master key made of one byte.
pub fn open_keyed(dir: &Path, limits: Limits, master: u8) -> Result<Store, StoreError> {
    let keyring = keyring(dir, master)?;
    open(Options {
        directory: dir,
        heads: dir,
        instance: "test",
        keyring: &keyring,
        migrations: &TABLES,
        replay: Some(Arc::new(Lines)),
        cx: &cx(1),
        limits,
    })
}

/// The keyring in `dir`, with a master key made of one byte.
pub fn keyring(dir: &Path, master: u8) -> Result<Arc<Keyring>, KeyError> {
    let random = Arc::new(SeededRandom::new(u64::from(master)));
    let text = Secret::new(format!("{master:02x}").repeat(32));
    let provider = Arc::new(MasterKey::from_text(&text, "the test", random.clone())?);
    Keyring::open(dir.join("keys.json"), provider, Arc::new(Still), random).map(Arc::new)
}

pub fn small() -> Limits {
    Limits {
        queue: 256,
        readers: 2,
        cache_kib: 2048,
        tail: 300,
    }
}
