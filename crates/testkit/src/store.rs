//! Stores in directories that vanish, on the engine that the tests run on: embedded, or PostgreSQL with
//! `HYGIE_TEST_ENGINE=postgres`.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use hygie_core::{Cx, Secret, TenantId};
use hygie_store::audit::{AccessKeys, AccessPlace, AccessRecords, Record};
use hygie_store::embedded::{self, Replay};
use hygie_store::keys::{Keyring, MasterKey};
use hygie_store::{IndexKeys, IndexRange, Migration, Order, Store, StoreError, Vault};
use hygie_store_cloud::postgres::{self, AtRest, Database, Settings};
use tempfile::TempDir;

use crate::{PostgresServer, SeededRandom, VirtualClock};

/// Keeps the address of the database of a directory.
const ADDRESS: &str = "postgres-address";

/// What the stores of the tests are built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestEngine {
    /// Files in the directory of the test.
    Embedded,
    /// A database of the test on a server of the test binary.
    Postgres,
}

impl TestEngine {
    /// The one that this run is about.
    #[expect(
        clippy::disallowed_methods,
        reason = "how the tests are run is told by their environment"
    )]
    pub fn of_this_run() -> Self {
        match std::env::var("HYGIE_TEST_ENGINE").as_deref() {
            Err(_) | Ok("embedded") => Self::Embedded,
            Ok("postgres") => Self::Postgres,
            Ok(other) => panic!("HYGIE_TEST_ENGINE is `{other}`: embedded or postgres are engines"),
        }
    }
}

/// An instance in a directory.
pub struct Place<'a> {
    /// Keeps all files of it; what is opened there again is the same instance.
    pub directory: &'a Path,
    /// Its name.
    pub name: &'a str,
    /// Its keys.
    pub keyring: &'a Keyring,
    /// Its tables.
    pub migrations: &'a [Migration],
    /// What its index is made by, if it has one.
    pub replay: Option<Arc<dyn Replay>>,
    /// Context of the start.
    pub cx: &'a Cx,
}

impl Place<'_> {
    /// Opens or makes it, on the engine of this run.
    pub async fn open(self) -> Result<Store, StoreError> {
        match TestEngine::of_this_run() {
            TestEngine::Embedded => self.open_embedded(),
            TestEngine::Postgres => self.open_postgres().await,
        }
    }

    fn open_embedded(self) -> Result<Store, StoreError> {
        embedded::open(embedded::Options {
            directory: self.directory,
            heads: self.directory,
            instance: self.name,
            keyring: self.keyring,
            migrations: self.migrations,
            replay: self.replay,
            cx: self.cx,
            limits: embedded::Limits {
                queue: 256,
                readers: 2,
                cache_kib: 2048,
                ..embedded::Limits::default()
            },
        })
    }

    async fn open_postgres(self) -> Result<Store, StoreError> {
        let settings = Settings {
            at_rest: Some(AtRest::Volume),
            connections: 6,
            ..Settings::new(Secret::new(address_of(self.directory)))
        };
        let database = Database::connect(settings)
            .await
            .expect("the database of the test is reached");
        postgres::open(postgres::Options {
            database: &Arc::new(database),
            instance: self.name,
            writer: "test",
            heads: self.directory,
            keyring: self.keyring,
            migrations: self.migrations,
            replay: self.replay.as_deref(),
            cx: self.cx,
            limits: postgres::Limits {
                writers: 4,
                ..postgres::Limits::default()
            },
        })
        .await
    }
}

/// The database of a directory, made when it has none.
fn address_of(directory: &Path) -> String {
    let file = directory.join(ADDRESS);
    if let Ok(address) = fs::read_to_string(&file) {
        return address;
    }
    let address = PostgresServer::shared().create_database();
    fs::write(file, &address).expect("a file in the directory of the test");
    address
}

/// What a power cut at this moment would leave of what is in the directory, elsewhere.
pub fn crashed(directory: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a writable temporary directory");
    for entry in fs::read_dir(directory).expect("the directory") {
        let entry = entry.expect("an entry");
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let outcome = fs::copy(entry.path(), copy.path().join(entry.file_name()));
        // A file that is being replaced goes by another name for a moment; then it is not part of what is left.
        let is_gone = matches!(&outcome, Err(error) if error.kind() == io::ErrorKind::NotFound);
        if !is_gone {
            outcome.expect("a copy");
        }
    }
    if TestEngine::of_this_run() == TestEngine::Postgres {
        let address = PostgresServer::shared().copy_database(&address_of(directory));
        fs::write(copy.path().join(ADDRESS), address).expect("a file in the copy");
    }
    copy
}

/// The accesses that were recorded in an instance.
pub fn accesses(directory: &Path, instance: &str, keyring: &Keyring) -> Vec<Record> {
    match TestEngine::of_this_run() {
        TestEngine::Embedded => {
            let keys = AccessKeys::get_or_create(keyring, instance).expect("keys");
            let place = AccessPlace {
                directory: directory.join(format!("{instance}.access")),
                heads: directory.to_owned(),
                instance: instance.to_owned(),
            };
            let records = AccessRecords::open(place, &keys).expect("the log");
            records.map(|record| record.expect("a record").1).collect()
        }
        TestEngine::Postgres => {
            let sql = "SELECT convert_from(entry, 'UTF8') FROM hygie.access JOIN hygie.instance ON instance = number
                       WHERE name = '@' ORDER BY seq";
            let sql = sql.replace('@', instance);
            let lines = PostgresServer::shared().psql(&address_of(directory), &sql);
            let read = |line: &str| Record::from_json(line.as_bytes()).expect("a record");
            lines.lines().map(read).collect()
        }
    }
}

/// Every key of the index of a store, in order.
pub async fn index_keys(store: &Store, cx: &Cx) -> Vec<Vec<u8>> {
    let whole = IndexRange {
        from: Vec::new(),
        to: vec![0xff; 2],
    };
    let keys = store.read(cx, whole, |whole, tx| {
        Box::pin(async move {
            let mut keys = IndexKeys::default();
            tx.index_scan(whole, Order::Ascending, usize::MAX / 2, &mut keys)
                .await?;
            Ok::<_, StoreError>(keys)
        })
    });
    let keys = keys.await.expect("a scan");
    keys.iter().map(<[u8]>::to_vec).collect()
}

/// A store of one instance. It panics where it cannot be made: a test cannot go on.
pub struct TemporaryStore {
    /// The store.
    pub store: Store,
    instance: String,
    keyring: Arc<Keyring>,
    directory: TempDir,
}

impl TemporaryStore {
    /// With these tables.
    pub async fn new(instance: &str, migrations: &[Migration], clock: &Arc<VirtualClock>) -> Self {
        let directory = tempfile::tempdir().expect("a writable temporary directory");
        let random = Arc::new(SeededRandom::new(0x5eed));
        let text = Secret::new("5e".repeat(32));
        let master = MasterKey::from_text(&text, "the test", random.clone()).expect("64 hexadecimal digits");
        let keys = directory.path().join("keys.json");
        let keyring =
            Keyring::open(keys, Arc::new(master), clock.clone(), random.clone()).expect("an empty keyring opens");
        let keyring = Arc::new(keyring);
        let place = Place {
            directory: directory.path(),
            name: instance,
            keyring: &keyring,
            migrations,
            replay: None,
            cx: &Cx::internal(TenantId::from_uuid(uuid::Uuid::nil()), clock.clone(), random),
        };
        let store = place.open().await.expect("a new store opens");
        let vault = Vault::open(keyring.clone(), instance).expect("a key for its columns");
        let store = store.with_vault(vault);
        Self {
            store,
            instance: instance.to_owned(),
            keyring,
            directory,
        }
    }

    /// The accesses that were recorded.
    pub fn accesses(&self) -> Vec<Record> {
        accesses(self.path(), &self.instance, &self.keyring)
    }

    /// Its keys.
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// What a plain statement finds in the tables below what this program reads them by, on either engine: the answers of
    /// PostgreSQL as text, with bytes as hexadecimal digits.
    pub fn psql(&self, sql: &str) -> String {
        PostgresServer::shared().psql(&address_of(self.path()), sql)
    }

    /// Where its files are.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}
