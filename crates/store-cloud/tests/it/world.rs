//! What the tests stand on: a database of their own, keys and heads in a directory that vanishes.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use hygie_core::{Cx, Secret, TenantId};
use hygie_store::keys::{Keyring, MasterKey};
use hygie_store::{Migration, Store, StoreError};
use hygie_store_cloud::postgres::{self, AtRest, Database, Limits, Options, Settings};
use hygie_store_conformance::ReplayChanges;
use hygie_testkit::{PostgresServer, SeededRandom, VirtualClock};
use tempfile::TempDir;

/// Name of the instance.
pub const INSTANCE: &str = "test";

pub fn cx() -> &'static Cx {
    static CX: OnceLock<Cx> = OnceLock::new();
    CX.get_or_init(|| {
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(1));
        Cx::internal(
            tenant,
            Arc::new(VirtualClock::default()),
            Arc::new(SeededRandom::new(7)),
        )
    })
}

pub fn settings(address: &str) -> Settings {
    Settings {
        at_rest: Some(AtRest::Volume),
        ..Settings::new(Secret::new(address.to_owned()))
    }
}

/// A database and what a process keeps beside it.
pub struct World {
    pub server: &'static PostgresServer,
    pub address: String,
    pub files: TempDir,
}

impl World {
    pub fn new() -> Self {
        Self::on(PostgresServer::shared())
    }

    pub fn on(server: &'static PostgresServer) -> Self {
        Self {
            server,
            address: server.create_database(),
            files: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    pub fn heads(&self) -> &Path {
        self.files.path()
    }

    pub fn keyring(&self) -> Keyring {
        let random = Arc::new(SeededRandom::new(1));
        let text = Secret::new("07".repeat(32));
        let master = MasterKey::from_text(&text, "the test", random.clone()).expect("a key");
        let path = self.files.path().join("keys.json");
        Keyring::open(path, Arc::new(master), Arc::new(VirtualClock::default()), random).expect("a keyring")
    }

    pub async fn database(&self) -> Arc<Database> {
        Arc::new(
            Database::connect(settings(&self.address))
                .await
                .expect("the database is reached"),
        )
    }

    /// The instance as a process of this name opens it.
    pub async fn open(&self, writer: &str, migrations: &[Migration]) -> Result<Store, StoreError> {
        self.open_instance(INSTANCE, writer, migrations).await
    }

    pub async fn open_instance(
        &self,
        instance: &str,
        writer: &str,
        migrations: &[Migration],
    ) -> Result<Store, StoreError> {
        let limits = Limits {
            queue: 512,
            ..Limits::default()
        };
        self.open_limited((instance, writer), migrations, &self.database().await, limits)
            .await
    }

    pub async fn open_limited(
        &self,
        (instance, writer): (&str, &str),
        migrations: &[Migration],
        database: &Arc<Database>,
        limits: Limits,
    ) -> Result<Store, StoreError> {
        postgres::open(Options {
            database,
            instance,
            writer,
            heads: self.heads(),
            keyring: &self.keyring(),
            migrations,
            replay: Some(&ReplayChanges),
            cx: cx(),
            limits,
        })
        .await
    }
}
