//! What the tests stand on: a database of their own, keys and heads in a directory that vanishes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use hygie_core::{Cx, Secret, TenantId};
use hygie_store::keys::{Keyring, MasterKey};
use hygie_store::{Migration, Store, StoreError};
use hygie_store_cloud::postgres::{self, AtRest, Database, Heads, Limits, Options, Settings, VerifiedChain};
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
    /// Of the keys that are made here.
    pub seed: u64,
}

/// Another one for each world.
pub fn seed() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
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
            seed: seed(),
        }
    }

    /// Another machine on the same database, with files of its own.
    pub fn beside(&self) -> Self {
        Self {
            server: self.server,
            address: self.address.clone(),
            files: tempfile::tempdir().expect("a temporary directory"),
            seed: seed(),
        }
    }

    pub fn heads(&self) -> &Path {
        self.files.path()
    }

    pub fn keyring(&self) -> Arc<Keyring> {
        let random = Arc::new(SeededRandom::new(self.seed));
        let text = Secret::new("07".repeat(32));
        let master = MasterKey::from_text(&text, "the test", random.clone()).expect("a key");
        let path = self.files.path().join("keys.json");
        Arc::new(Keyring::open(path, Arc::new(master), Arc::new(VirtualClock::default()), random).expect("a keyring"))
    }

    /// Verifies the instance with the heads of all processes that lie here, and with those of this one in any case.
    pub async fn verified(&self, writer: &str) -> Vec<VerifiedChain> {
        self.verified_with(&[self.heads().to_owned()], writer).await
    }

    /// Verifies the instance with the heads of these directories.
    pub async fn verified_with(&self, directories: &[PathBuf], writer: &str) -> Vec<VerifiedChain> {
        let heads = Heads { directories, writer };
        postgres::verify(&*self.database().await, heads, INSTANCE, &self.keyring())
            .await
            .expect("verified")
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
