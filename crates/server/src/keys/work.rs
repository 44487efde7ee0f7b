//! Replacing the data keys of an installation: of the instances that this process has open, and of those that nobody has.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hygie_core::{Clock, Cx, TenantId, Timestamp};
use hygie_directory::SEALED_COLUMNS;
use hygie_store::embedded::{self, Control, Observer, Step};
use hygie_store::keys::{Keyring, Purpose};
use hygie_store::{Store, StoreError, blobs};
use parking_lot::Mutex;
use uuid::Uuid;

use super::request::{Pause, Rotation, State};
use crate::ambient::{SystemClock, SystemRandom};
use crate::wiring::objects::{Places, Reach};
use crate::wiring::stores;

/// How often the state is written for whoever watches.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// Told how far a rotation is.
pub type Told = Arc<dyn Fn(&Rotation) + Send + Sync>;

/// What of an installation is open in this process.
pub struct Open<'a> {
    /// The instances in files.
    pub controls: &'a [Control],
    /// The places for large objects.
    pub places: &'a Places,
    /// The directory.
    pub directory: Option<&'a Store>,
}

/// Replaces the keys of the databases, of the access logs and of the sealed columns, one instance after the other.
pub async fn replace_data_keys(
    data: &Path,
    keyring: &Arc<Keyring>,
    open: Open<'_>,
    (rotation, told): (Rotation, Told),
) -> Rotation {
    let watch = Arc::new(Watch {
        state: Mutex::new((rotation, Timestamp::from_millis(0))),
        told,
        readers: data.join(stores::READERS),
        lock: Mutex::new(None),
    });
    watch.change(|rotation| rotation.state = State::Running);
    let outcome = replace_all(data, keyring, &open, &watch).await;
    watch.change(|rotation| match outcome {
        Ok(()) => rotation.state = State::Done,
        Err(error) => {
            rotation.state = State::Failed;
            rotation.error = Some(format!("{error:#}"));
        }
    });
    watch.state.lock().0.clone()
}

async fn replace_all(data: &Path, keyring: &Arc<Keyring>, open: &Open<'_>, watch: &Arc<Watch>) -> Result<()> {
    let keys = keyring.list();
    let names: BTreeSet<String> = keys
        .iter()
        .filter_map(|key| key.purpose.database_of().or_else(|| key.purpose.columns_of()))
        .map(str::to_owned)
        .collect();
    let mut failures = Vec::new();
    for name in names {
        // Done before the process was stopped.
        if watch.is_done(&name) {
            continue;
        }
        watch.change(|rotation| {
            rotation.what.clone_from(&name);
            (rotation.done, rotation.total) = (0, 0);
        });
        match replace_one(data, &name, (keyring, open), watch).await {
            Ok(pause) => {
                let millis = pause.as_millis() as u64;
                tracing::info!(instance = name, pause_ms = millis, "the keys are replaced");
                watch.change(|rotation| rotation.pauses.push(Pause { instance: name, millis }));
            }
            // The keys of the others may be those that somebody has seen.
            Err(error) => failures.push(format!("{name}: {error:#}")),
        }
        // Readers may come in again, whatever happened.
        watch.lock.lock().take();
    }
    anyhow::ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}

async fn replace_one(
    data: &Path,
    name: &str,
    (keyring, open): (&Arc<Keyring>, &Open<'_>),
    watch: &Arc<Watch>,
) -> Result<Duration> {
    // In a database that processes share nothing but the columns is under a key of ours.
    if keyring.find(&Purpose::database(name)).is_none() {
        replace_columns(data, name, (keyring, open), watch).await?;
        return Ok(Duration::ZERO);
    }
    let pause = match open.controls.iter().find(|control| control.instance() == name) {
        Some(control) => replace_open(control, keyring, watch).await?,
        None => replace_still(data, name, keyring, watch).await?,
    };
    watch.lock.lock().take();
    replace_blobs((data, open.places), name, keyring, watch).await?;
    replace_columns(data, name, (keyring, open), watch).await?;
    Ok(pause)
}

async fn replace_open(control: &Control, keyring: &Arc<Keyring>, watch: &Arc<Watch>) -> Result<Duration> {
    control.replace_access_key(keyring).await?;
    Ok(control.replace_database_key(keyring, watch.clone()).await?)
}

async fn replace_still(data: &Path, name: &str, keyring: &Arc<Keyring>, watch: &Arc<Watch>) -> Result<Duration> {
    let (data, name, keyring, watch) = (data.to_owned(), name.to_owned(), keyring.clone(), watch.clone());
    let replaced = tokio::task::spawn_blocking(move || {
        while !watch.may_switch() {
            std::thread::sleep(TELL_EVERY);
        }
        embedded::replace_database_key(&data, &name, &keyring, &*watch)?;
        embedded::replace_access_key(&name, &keyring)?;
        Ok::<_, StoreError>(())
    });
    replaced.await??;
    Ok(Duration::ZERO)
}

/// The large objects are sealed again, one by one.
async fn replace_blobs(
    (data, places): (&Path, &Places),
    name: &str,
    keyring: &Arc<Keyring>,
    watch: &Arc<Watch>,
) -> Result<()> {
    if keyring.find(&Purpose::blobs(name)).is_none() {
        return Ok(());
    }
    watch.change(|rotation| {
        rotation.what = format!("large objects of {name}");
        (rotation.done, rotation.total) = (0, 0);
    });
    let blobs = match places.find(name) {
        Some(Reach::Open(blobs)) => blobs.clone(),
        Some(Reach::ByIdentity) => {
            anyhow::bail!("its large objects are reached by the running program alone: start it")
        }
        None => blobs::open_existing_on_disk(data, name, keyring)?,
    };
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let cx = Cx::internal(TenantId::from_uuid(Uuid::nil()), clock, random);
    let resealed = blobs.replace_key(&cx, &**watch).await?;
    tracing::info!(instance = name, resealed, "the large objects are under a new key");
    Ok(())
}

/// The secrets in the tables of the directory are sealed again, a page in a transaction.
async fn replace_columns(
    data: &Path,
    name: &str,
    (keyring, open): (&Arc<Keyring>, &Open<'_>),
    watch: &Arc<Watch>,
) -> Result<()> {
    if name != stores::DIRECTORY || keyring.find(&Purpose::columns(name)).is_none() {
        return Ok(());
    }
    watch.change(|rotation| {
        rotation.what = format!("sealed columns of {name}");
        (rotation.done, rotation.total) = (0, 0);
    });
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let cx = Cx::internal(TenantId::from_uuid(Uuid::nil()), clock, random);
    let store = match open.directory {
        Some(store) => store.clone(),
        None => tokio::task::block_in_place(|| stores::open_still_directory(data, keyring, &cx))?,
    };
    let vault = store.vault().context("the directory has no sealed columns")?;
    let resealed = vault.replace_key(&store, (&cx, SEALED_COLUMNS), &**watch).await;
    if open.directory.is_none() {
        store.close().await?;
    }
    let resealed = resealed?;
    tracing::info!(instance = name, resealed, "the sealed columns are under a new key");
    Ok(())
}

/// What watches a rotation: it tells others, and waits for those who read the files.
struct Watch {
    state: Mutex<(Rotation, Timestamp)>,
    told: Told,
    readers: PathBuf,
    lock: Mutex<Option<File>>,
}

impl Watch {
    fn is_done(&self, name: &str) -> bool {
        let state = self.state.lock();
        state.0.pauses.iter().any(|pause| pause.instance == name)
    }

    fn change(&self, change: impl FnOnce(&mut Rotation)) {
        let mut state = self.state.lock();
        change(&mut state.0);
        state.1 = SystemClock.now();
        (self.told)(&state.0);
    }
}

impl Observer for Watch {
    fn copied(&self, done: u64, total: u64) {
        let mut state = self.state.lock();
        (state.0.done, state.0.total) = (done, total);
        let now = SystemClock.now();
        if now.since(state.1) >= TELL_EVERY {
            state.1 = now;
            (self.told)(&state.0);
        }
    }

    fn reached(&self, step: Step) {
        tracing::debug!(?step, "rotation");
    }

    fn may_switch(&self) -> bool {
        let mut lock = self.lock.lock();
        if lock.is_none() {
            *lock = stores::lock(&self.readers).ok().flatten();
        }
        lock.is_some()
    }
}
