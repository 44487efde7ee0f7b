//! The databases: one for the directory, one for each service instance.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hygie_core::{Clock, Cx, Random, TenantId};
use hygie_store::embedded::{self, Control, Limits, Options, Replay};
use hygie_store::keys::{KeyProvider, Keyring, Purpose};
use hygie_store::{Migration, Store, StoreError, Vault};
use uuid::Uuid;

use super::Settings;
use super::postgres::{Alone, Shared};
use crate::files;
use crate::health::Probe;

/// Name of the directory's instance.
pub const DIRECTORY: &str = "directory";
/// File of the wrapped data keys.
pub const KEYRING: &str = "keys.json";
/// Directory of the signed heads of the audit chains.
pub const HEADS: &str = "heads";

/// The directory is read more than it is large.
const DIRECTORY_CACHE_KIB: u32 = 16 * 1024;

/// Where the databases lie.
pub enum Storage {
    /// In files of the data directory, of this process alone.
    Files,
    /// In a database that other processes may share.
    Shared(Shared),
}

/// Locked by the one process that has the databases open.
pub const LOCK: &str = "process.lock";
/// Locked together by those who read the files beside it; alone, while keys and files that were replaced are removed.
pub const READERS: &str = "readers.lock";

/// Space kept for the audit trail.
pub const RESERVE: &str = "reserve";

/// A process that ends needs a while to close.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The open databases.
pub struct Stores {
    data: PathBuf,
    heads: PathBuf,
    keyring: Arc<Keyring>,
    storage: Arc<Storage>,
    directory: Store,
    instances: Vec<(String, Store)>,
    controls: Vec<Control>,
    // Last, so that it is given back when all are closed.
    _lock: File,
}

impl Stores {
    /// Opens the keyring and the directory.
    pub async fn open(settings: &Settings, cx: &Cx) -> Result<Self> {
        let data = settings.data.clone();
        let heads = data.join(HEADS);
        files::create_private_dir(&heads)?;
        let lock = lock_alone(&data)?;
        let keyring = open_keyring(
            &data,
            settings.master_key.clone(),
            settings.clock.clone(),
            settings.random.clone(),
        )?;
        if keyring.master() != settings.master_key.id() {
            tracing::warn!(
                "the data keys are still wrapped with the master key {}, which was replaced and kept: run `hygie keys rotate \
                 --only master --new-master-file FILE` with the new one",
                keyring.master()
            );
        }
        // What a crash left of a rotation.
        for instance in instances(&data)? {
            embedded::settle(&data, &instance, &keyring)
                .with_context(|| format!("cannot settle the keys of {instance}"))?;
        }
        let migrations = directory_tables();
        let opening = Opening {
            data: &data,
            heads: &heads,
            keyring: &keyring,
            cx,
            instance: DIRECTORY,
            migrations: &migrations,
            replay: None,
            cache_kib: DIRECTORY_CACHE_KIB,
        };
        let (directory, control) = settings.storage.open(opening).await?;
        let directory = directory.with_vault(settings.storage.vault(&keyring, DIRECTORY).await?);
        Ok(Self {
            data,
            heads,
            keyring,
            storage: settings.storage.clone(),
            directory,
            instances: Vec::new(),
            controls: control.into_iter().collect(),
            _lock: lock,
        })
    }

    /// Whether other processes may change what is in memory here.
    pub fn are_shared(&self) -> bool {
        matches!(*self.storage, Storage::Shared(_))
    }

    /// Keeps other processes from preparing the directory while this one does.
    pub async fn prepare_alone(&self) -> Result<Option<Alone>> {
        match &*self.storage {
            Storage::Files => Ok(None),
            Storage::Shared(shared) => shared.prepare_alone().await.map(Some),
        }
    }

    /// Gives processes that share the database one key for the large objects of an instance.
    pub async fn share_blobs_key(&self, instance: &str) -> Result<()> {
        match &*self.storage {
            Storage::Files => Ok(()),
            Storage::Shared(shared) => shared.share_key(&self.keyring, Purpose::blobs(instance)).await,
        }
    }

    /// The directory.
    pub fn directory(&self) -> &Store {
        &self.directory
    }

    /// Opens the database of a service instance.
    pub async fn open_instance(
        &mut self,
        name: &str,
        migrations: &[Migration],
        replay: Option<Arc<dyn Replay>>,
        cx: &Cx,
    ) -> Result<Store> {
        let opening = Opening {
            data: &self.data,
            heads: &self.heads,
            keyring: &self.keyring,
            cx,
            instance: name,
            migrations,
            replay,
            cache_kib: Limits::default().cache_kib,
        };
        let (store, control) = self.storage.open(opening).await?;
        self.controls.extend(control);
        self.instances.push((name.to_owned(), store.clone()));
        Ok(store)
    }

    /// What an operator does with each instance in files.
    pub fn controls(&self) -> &[Control] {
        &self.controls
    }

    /// The data keys.
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
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
) -> Result<Arc<Keyring>> {
    let keyring = Keyring::open(data.join(KEYRING), master_key, clock, random);
    keyring.map(Arc::new).context("cannot open the data keys")
}

/// What is opened, with what.
pub struct Opening<'a> {
    /// Directory of this process.
    pub data: &'a Path,
    /// Directory of its signed heads.
    pub heads: &'a Path,
    /// The data keys.
    pub keyring: &'a Keyring,
    /// Context of the start.
    pub cx: &'a Cx,
    /// Name of the instance.
    pub instance: &'a str,
    /// Its tables.
    pub migrations: &'a [Migration],
    /// Whose keys its index holds.
    pub replay: Option<Arc<dyn Replay>>,
    /// Memory for pages of files.
    pub cache_kib: u32,
}

impl Storage {
    /// Opens or makes an instance. It blocks a worker while files are opened.
    async fn open(&self, opening: Opening<'_>) -> Result<(Store, Option<Control>)> {
        match self {
            Self::Files => tokio::task::block_in_place(|| open_files(opening)),
            Self::Shared(shared) => Ok((shared.open(opening).await?, None)),
        }
    }
}

impl Storage {
    /// What seals the columns of an instance that is open.
    async fn vault(&self, keyring: &Arc<Keyring>, instance: &str) -> Result<Vault> {
        let vault = match self {
            Self::Files => Vault::open(keyring.clone(), instance),
            Self::Shared(shared) => {
                shared.share_key(keyring, Purpose::columns(instance)).await?;
                Vault::shared(keyring.clone(), instance)
            }
        };
        vault.with_context(|| format!("cannot open the sealed columns of {instance}"))
    }
}

/// The tables of the directory.
fn directory_tables() -> Vec<Migration> {
    [hygie_access::MIGRATIONS, hygie_directory::MIGRATIONS].concat()
}

/// Opens the directory in files that no process has open, to change it and to be closed.
pub fn open_still_directory(data: &Path, keyring: &Arc<Keyring>, cx: &Cx) -> Result<Store> {
    let (store, _) = open_files(Opening {
        data,
        heads: &data.join(HEADS),
        keyring,
        cx,
        instance: DIRECTORY,
        migrations: &directory_tables(),
        replay: None,
        cache_kib: DIRECTORY_CACHE_KIB,
    })?;
    Ok(store.with_vault(Vault::open(keyring.clone(), DIRECTORY)?))
}

/// Names of the instances whose databases lie in a data directory, in order.
pub fn instances(data: &Path) -> Result<BTreeSet<String>> {
    let unreadable = || format!("cannot read {}", data.display());
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(data).with_context(unreadable)? {
        let file = entry.with_context(unreadable)?.file_name();
        names.extend(file.to_str().and_then(embedded::instance_of).map(str::to_owned));
    }
    Ok(names)
}

/// Locks a file until it is dropped; `None` while somebody else has it.
pub fn lock(path: &Path) -> Result<Option<File>> {
    let file = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Keeps others from removing what is read, until it is dropped. It waits while they do.
pub fn lock_for_reading(data: &Path) -> Result<File> {
    let path = data.join(READERS);
    let file = lock_file(&path)?;
    file.lock_shared()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

fn lock_file(path: &Path) -> Result<File> {
    let options = File::options().create(true).truncate(false).write(true).open(path);
    options.with_context(|| format!("cannot open {}", path.display()))
}

fn lock_alone(data: &Path) -> Result<File> {
    for _ in 0..LOCK_TRIES {
        if let Some(file) = lock(&data.join(LOCK))? {
            return Ok(file);
        }
        std::thread::sleep(LOCK_PAUSE);
    }
    anyhow::bail!("{} is in use by another process of hygie", data.display())
}

fn open_files(opening: Opening<'_>) -> Result<(Store, Option<Control>)> {
    let options = Options {
        directory: opening.data,
        heads: opening.heads,
        instance: opening.instance,
        keyring: opening.keyring,
        migrations: opening.migrations,
        replay: opening.replay,
        cx: opening.cx,
        limits: Limits {
            cache_kib: opening.cache_kib,
            ..Limits::default()
        },
    };
    let opened = embedded::open_with_control(&options);
    let (store, control) = opened.with_context(|| format!("cannot open the database {}", opening.instance))?;
    Ok((store, Some(control)))
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
