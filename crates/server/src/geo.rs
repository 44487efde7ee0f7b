//! The database of countries that the operator supplies (`[geo]`): its file is read whole, and again when it changes. One that
//! cannot be used leaves the last one in its place.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use hygie_directory::{Countries, CountryTable};
use hygie_policy::location::Country;
use parking_lot::Mutex;

use crate::files;
use crate::listen::Stop;

/// Octets of a database: the largest ones of cities have a quarter of it.
const LIMIT: u64 = 512 << 20;
/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// When a file was written, and its length: what tells that it changed.
type Mark = (SystemTime, u64);

/// A database that is read again when its file changes.
pub struct CountryDatabase {
    path: PathBuf,
    table: ArcSwap<CountryTable>,
    /// Of the file that was looked at last, whether it could be used or not.
    seen: Mutex<Mark>,
}

impl CountryDatabase {
    /// Reads a file.
    pub fn open(path: &Path) -> Result<Self> {
        // Before it is read: what changes meanwhile is read again.
        let seen = mark(path)?;
        Ok(Self {
            table: ArcSwap::from_pointee(read(path)?),
            path: path.to_owned(),
            seen: Mutex::new(seen),
        })
    }

    /// Reads the file again where it changed. Whether it did.
    pub fn refresh(&self) -> Result<bool> {
        let now = mark(&self.path)?;
        if std::mem::replace(&mut *self.seen.lock(), now) == now {
            return Ok(false);
        }
        self.table.store(Arc::new(read(&self.path)?));
        Ok(true)
    }

    /// Looks at the file from time to time.
    pub fn follow(self: &Arc<Self>, stop: &Stop) {
        let (database, token) = (self.clone(), stop.token());
        stop.spawn(async move {
            loop {
                tokio::select! {
                    () = token.cancelled() => return,
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
                let looked = database.clone();
                let refreshed = tokio::task::spawn_blocking(move || looked.refresh()).await;
                match refreshed.map_err(anyhow::Error::from).flatten() {
                    Ok(true) => tracing::info!("the database of countries was read again"),
                    Ok(false) => {}
                    Err(error) => tracing::error!(error = format!("{error:#}"), "the last database of countries stays"),
                }
            }
        });
    }
}

impl Countries for CountryDatabase {
    fn country_of(&self, address: IpAddr) -> Option<Country> {
        self.table.load().country_of(address)
    }
}

fn mark(path: &Path) -> Result<Mark> {
    let cannot = || format!("cannot read {}", path.display());
    let file = fs::metadata(path).with_context(cannot)?;
    Ok((file.modified().with_context(cannot)?, file.len()))
}

fn read(path: &Path) -> Result<CountryTable> {
    let file = files::read_limited(path, LIMIT)?;
    CountryTable::read(file).with_context(|| format!("{} is no database of countries", path.display()))
}
