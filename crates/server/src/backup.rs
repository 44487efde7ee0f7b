//! `hygie backup`: copies an installation beside its live process. `hygie restore`: puts a copy in the place of data that
//! were lost.
//!
//! A copy has the layout of the data directory and is encrypted as it is: `verify` walks both alike. The master key is
//! not in it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use hygie_core::{Cx, TenantId};
use hygie_store::embedded;
use hygie_store::keys::{KeyProvider, Keyring};
use uuid::Uuid;

use crate::ambient::{SystemClock, SystemRandom};
use crate::failure::Failure;
use crate::files::create_private_dir;
use crate::place::{self, Place};
use crate::verify;
use crate::wiring::stores;

/// Options of both commands.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    place: place::Options,
    /// Directory of the copy.
    dir: PathBuf,
}

/// Runs `hygie backup`.
pub async fn back_up(options: Options) -> Result<(), Failure> {
    let (place, target) = (Place::find_files(&options.place)?, options.dir);
    let names = verify::instances(&place.data)?;
    if names.is_empty() {
        let message = format!("there is no database in {}", place.data.display());
        return Err(Failure::usage(message));
    }
    if !is_empty(&target)? {
        return Err(Failure::usage(format!("{} is not empty", target.display())));
    }
    create_private_dir(&target.join(stores::HEADS))?;
    let keyring = open(&place.data, &place.master_key)?;
    let (from, to) = (HeadsOf::new(&place.data), HeadsOf::new(&target));
    let clock = Arc::new(SystemClock);
    let cx = Cx::internal(TenantId::from_uuid(Uuid::nil()), clock, Arc::new(SystemRandom));
    for name in &names {
        let copied = embedded::back_up((from.place(), to.place()), name, &keyring, &cx).await;
        let copied = copied.with_context(|| format!("cannot copy {name}"))?;
        let (database, accesses, blobs) = (copied.database >> 10, copied.accesses >> 10, copied.blobs);
        println!("{name}: database {database} KiB, access log {accesses} KiB, {blobs} blobs");
    }
    copy_other_files(&place.data, &target)?;
    // Last: it only grows, and has the keys of all that was copied.
    copy_file(&place.data.join(stores::KEYRING), &target.join(stores::KEYRING))?;
    verified(&target, &place.master_key).await
}

/// Runs `hygie restore`.
pub async fn restore(options: Options) -> Result<(), Failure> {
    let (place, source) = (Place::find_files(&options.place)?, options.dir);
    if !source.join(stores::KEYRING).is_file() {
        return Err(Failure::usage(format!("{} is no backup", source.display())));
    }
    if !is_empty(&place.data)? {
        return Err(Failure::usage(format!(
            "{} is not empty: move away what is there, and stop the program before",
            place.data.display()
        )));
    }
    // Before anything is written: what is damaged in the copy is not put in place.
    verified(&source, &place.master_key).await?;
    let mut name = place.data.file_name().unwrap_or_default().to_owned();
    name.push(".restoring");
    let unfinished = place.data.with_file_name(name);
    if unfinished.exists() {
        let left = fs::remove_dir_all(&unfinished);
        left.with_context(|| format!("cannot remove {}, left by a restore", unfinished.display()))?;
    }
    copy_tree(&source, &unfinished)?;
    verified(&unfinished, &place.master_key).await?;
    // At once, so that a crash leaves the whole or nothing.
    let renamed = fs::rename(&unfinished, &place.data).and_then(|()| sync_parent(&place.data));
    renamed.with_context(|| format!("cannot put the data to {}", place.data.display()))?;
    println!("restored to {}", place.data.display());
    Ok(())
}

/// A data directory and its directory of heads.
struct HeadsOf<'a> {
    data: &'a Path,
    heads: PathBuf,
}

impl<'a> HeadsOf<'a> {
    fn new(data: &'a Path) -> Self {
        Self {
            data,
            heads: data.join(stores::HEADS),
        }
    }

    fn place(&self) -> embedded::Place<'_> {
        embedded::Place {
            directory: self.data,
            heads: &self.heads,
        }
    }
}

fn open(data: &Path, master_key: &Arc<dyn KeyProvider>) -> Result<Keyring> {
    stores::open_keyring(data, master_key.clone(), Arc::new(SystemClock), Arc::new(SystemRandom))
}

/// Walks a copy; what is wrong with it is printed.
async fn verified(data: &Path, master_key: &Arc<dyn KeyProvider>) -> Result<(), Failure> {
    let report = verify::walk(data, &open(data, master_key)?).await?;
    if report.is_ok() {
        println!("{}: verified", data.display());
        return Ok(());
    }
    report.print();
    Err(Failure::Reported)
}

/// Whether there is nothing there.
fn is_empty(directory: &Path) -> Result<bool> {
    match fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", directory.display())),
    }
}

/// Copies what lies beside the databases: the certificates of the local authority.
fn copy_other_files(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_file() && !belongs_to_stores(&path, name) {
            copy_file(&path, &to.join(name))?;
        }
    }
    Ok(())
}

/// A database with what SQLite has beside it, the keyring and its lock: they are copied in another way, or not.
fn belongs_to_stores(path: &Path, name: &OsStr) -> bool {
    let end = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    ["db", "db-wal", "db-shm", "db-journal", "lock", "new"].contains(&end.as_str()) || name == stores::KEYRING
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    create_private_dir(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_tree(&path, &target)?;
        } else {
            copy_file(&path, &target)?;
        }
    }
    Ok(())
}

/// Copies a file with its mode, durably.
fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let copied = fs::copy(from, to)
        .and_then(|_| File::open(to)?.sync_all())
        .and_then(|()| sync_parent(to));
    copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
