//! The databases: one for the directory, one for each service instance.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use hygie_core::{Clock, Cx, Random, TenantId};
use hygie_store::embedded::{self, Limits, Options, Replay};
use hygie_store::keys::{KeyProvider, Keyring};
use hygie_store::{Migration, Store, StoreError};
use uuid::Uuid;

use super::Settings;
use crate::files;
use crate::health::Probe;

/// Name of the directory's instance.
pub const DIRECTORY: &str = "directory";
/// File of the wrapped data keys.
pub const KEYRING: &str = "keys.json";
/// Directory of the signed heads of the audit chains.
pub const HEADS: &str = "heads";

/// The open databases.
pub struct Stores {
    data: PathBuf,
    keyring: Keyring,
    directory: Store,
    instances: Vec<(String, Store)>,
}

impl Stores {
    /// Opens the keyring and the directory.
    pub fn open(settings: &Settings, cx: &Cx) -> Result<Self> {
        let data = settings.data.clone();
        files::create_private_dir(&data.join(HEADS))?;
        let keyring = open_keyring(
            &data,
            settings.master_key.clone(),
            settings.clock.clone(),
            settings.random.clone(),
        )?;
        let migrations: Vec<Migration> = [hygie_access::MIGRATIONS, hygie_idp::MIGRATIONS].concat();
        let directory = Opening {
            data: &data,
            keyring: &keyring,
            cx,
        }
        .open(
            DIRECTORY,
            &migrations,
            None,
            Limits {
                cache_kib: 16 * 1024,
                ..Limits::default()
            },
        )?;
        Ok(Self {
            data,
            keyring,
            directory,
            instances: Vec::new(),
        })
    }

    /// The directory.
    pub fn directory(&self) -> &Store {
        &self.directory
    }

    /// Opens the database of a service instance.
    pub fn open_instance(
        &mut self,
        name: &str,
        migrations: &[Migration],
        replay: Option<Arc<dyn Replay>>,
        cx: &Cx,
    ) -> Result<Store> {
        let opening = Opening {
            data: &self.data,
            keyring: &self.keyring,
            cx,
        };
        let store = opening.open(name, migrations, replay, Limits::default())?;
        self.instances.push((name.to_owned(), store.clone()));
        Ok(store)
    }

    /// One probe for the directory, under the name of the service it is for, and one for all FHIR instances.
    pub fn probes(&self, settings: &Settings) -> Vec<(&'static str, Probe)> {
        let cx = super::internal(settings);
        let instances: Vec<Store> = self.instances.iter().map(|(_, store)| store.clone()).collect();
        let mut probes = vec![("login", probe(vec![self.directory.clone()], cx.clone()))];
        if !instances.is_empty() {
            probes.push(("fhir", probe(instances, cx)));
        }
        probes
    }

    /// Closes them, the directory last: the others name its tenants.
    pub async fn close(self) -> Result<(), StoreError> {
        let mut first = Ok(());
        for store in self.instances.iter().map(|(_, store)| store).chain([&self.directory]) {
            first = first.and(store.close().await);
        }
        first
    }
}

/// The keyring of a data directory.
pub fn open_keyring(
    data: &Path,
    master_key: Arc<dyn KeyProvider>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<Keyring> {
    Keyring::open(data.join(KEYRING), master_key, clock, random).context("cannot open the data keys")
}

struct Opening<'a> {
    data: &'a Path,
    keyring: &'a Keyring,
    cx: &'a Cx,
}

impl Opening<'_> {
    fn open(
        &self,
        instance: &str,
        migrations: &[Migration],
        replay: Option<Arc<dyn Replay>>,
        limits: Limits,
    ) -> Result<Store> {
        let options = Options {
            directory: self.data,
            heads: &self.data.join(HEADS),
            instance,
            keyring: self.keyring,
            migrations,
            replay,
            cx: self.cx,
            limits,
        };
        embedded::open(options).with_context(|| format!("cannot open the database {instance}"))
    }
}

fn probe(stores: Vec<Store>, cx: Cx) -> Probe {
    Arc::new(move || {
        let (stores, cx) = (stores.clone(), cx.for_tenant(TenantId::from_uuid(Uuid::nil())));
        Box::pin(async move {
            for store in &stores {
                let asked = store
                    .read(&cx, (), |(), tx| {
                        Box::pin(async move { tx.query_one("SELECT 1", &[]).await })
                    })
                    .await;
                if asked.is_err() {
                    return false;
                }
            }
            true
        })
    })
}
