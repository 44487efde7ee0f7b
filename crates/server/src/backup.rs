//! `hygie backup`: copies an installation beside its live process. `hygie restore`: puts a copy in the place of data that
//! were lost.
//!
//! A copy has the layout of the data directory and is encrypted as it is: `verify` walks both alike. The master key is
//! not in it, but for a demo world, whose other files lie in the copy's directory `world`, its key among them.
//!
//! A copy is made beside the one that is to be replaced, as `DIR.new`, verified, and put in its place: there is a whole one
//! at any time. Large objects that the earlier one has are not copied again.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use hygie_core::{Cx, TenantId};
use hygie_store::embedded::{self, Route};
use hygie_store::keys::{KeyProvider, Keyring, MasterKey};
use uuid::Uuid;

use crate::ambient::{SystemClock, SystemRandom};
use crate::demo::folder;
use crate::failure::Failure;
use crate::files::{copy_file, copy_tree, create_private_dir, sync_parent};
use crate::keys::request;
use crate::place::{self, Place};
use crate::verify;
use crate::wiring::objects::Buckets;
use crate::wiring::stores;

/// Where a copy has the files of a demo world that are not its data.
const WORLD: &str = "world";

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
    if stores::instances(&place.data)?.is_empty() {
        let message = format!("there is no database in {}", place.data.display());
        return Err(Failure::usage(message));
    }
    let lock = beside(&target, "lock");
    if let Some(parent) = lock.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_private_dir(parent)?;
    }
    let Some(_alone) = stores::lock(&lock)? else {
        return Err(Failure::usage(format!(
            "another backup to {} goes on",
            target.display()
        )));
    };
    let earlier = earlier(&target)?;
    // No key is removed meanwhile, and no file that was replaced.
    let _reading = stores::lock_for_reading(&place.data)?;
    let new = beside(&target, "new");
    remove_tree(&new)?;
    copy_installation(&place, (&new, earlier)).await?;
    if verified(&new, &place.master_key, &place.buckets).await.is_err() {
        let left = match earlier {
            Some(_) => {
                "the earlier copy is left; large objects were taken from it: if one of them is damaged, copy to another directory"
            }
            None => "what was copied is left beside it",
        };
        eprintln!("hygie: the copy is not put in place ({left})");
        return Err(Failure::Reported);
    }
    put_in_place(&new, &target)?;
    println!("{}: complete", target.display());
    Ok(())
}

/// The copy that is there, if there is one; anything else must not be replaced.
fn earlier(target: &Path) -> Result<Option<&Path>, Failure> {
    let old = beside(target, "old");
    if old.exists() && !target.exists() {
        // A crash came when the earlier copy was put away.
        fs::rename(&old, target).with_context(|| format!("cannot put {} back", target.display()))?;
    }
    if is_empty(target)? {
        return Ok(None);
    }
    if !target.join(stores::KEYRING).is_file() {
        let message = format!("{} is not empty, and no backup that could be renewed", target.display());
        return Err(Failure::usage(message));
    }
    Ok(Some(target))
}

async fn copy_installation(place: &Place, (target, earlier): (&Path, Option<&Path>)) -> Result<(), Failure> {
    create_private_dir(&target.join(stores::HEADS))?;
    let keyring = open(&place.data, &place.master_key)?;
    let (from, to) = (HeadsOf::new(&place.data), HeadsOf::new(target));
    let clock = Arc::new(SystemClock);
    let cx = Cx::internal(TenantId::from_uuid(Uuid::nil()), clock, Arc::new(SystemRandom));
    for name in &stores::instances(&place.data)? {
        let route = Route {
            from: from.place(),
            to: to.place(),
            earlier,
        };
        let copied = embedded::back_up(route, name, &keyring, &cx).await;
        let copied = copied.with_context(|| format!("cannot copy {name}"))?;
        let (database, accesses, blobs) = (copied.database >> 10, copied.accesses >> 10, copied.blobs);
        println!("{name}: database {database} KiB, access log {accesses} KiB, {blobs} blobs");
    }
    copy_other_files(&place.data, target)?;
    if let Some(world) = &place.world {
        folder::copy_world(world, &target.join(WORLD))?;
    }
    // Last: it only grows, and has the keys of all that was copied.
    Ok(copy_file(
        &place.data.join(stores::KEYRING),
        &target.join(stores::KEYRING),
    )?)
}

/// Puts a whole copy in the place of the earlier one. A crash in between leaves both beside it, whole.
fn put_in_place(new: &Path, target: &Path) -> Result<()> {
    let old = beside(target, "old");
    remove_tree(&old)?;
    if target.exists() {
        fs::rename(target, &old).with_context(|| {
            format!(
                "cannot replace {}: is it a volume of its own? name a directory in it",
                target.display()
            )
        })?;
    }
    fs::rename(new, target)
        .and_then(|()| sync_parent(target))
        .with_context(|| format!("cannot put the copy to {}", target.display()))?;
    remove_tree(&old)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.components().as_path().as_os_str().to_owned();
    name.push(".");
    name.push(end);
    PathBuf::from(name)
}

fn remove_tree(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Runs `hygie restore`.
pub async fn restore(options: Options) -> Result<(), Failure> {
    let source = options.dir;
    let (target, master_key, buckets) = if let Some(world) = options.place.world() {
        (world, key_of_world(&source)?, Buckets::default())
    } else {
        let place = Place::find_files(&options.place)?;
        (place.data, place.master_key, place.buckets)
    };
    if !source.join(stores::KEYRING).is_file() {
        return Err(Failure::usage(format!("{} is no backup", source.display())));
    }
    if !is_empty(&target)? {
        return Err(Failure::usage(format!(
            "{} is not empty: move away what is there, and stop the program before",
            target.display()
        )));
    }
    // Before anything is written: what is damaged in the copy is not put in place.
    verified(&source, &master_key, &buckets).await?;
    let unfinished = beside(&target, "restoring");
    remove_tree(&unfinished)?;
    let data = match options.place.world() {
        Some(_) => {
            copy_tree(&source.join(WORLD), &unfinished)?;
            folder::data_of(&unfinished)
        }
        None => unfinished.clone(),
    };
    copy_data(&source, &data)?;
    verified(&data, &master_key, &buckets).await?;
    // At once, so that a crash leaves the whole or nothing.
    let renamed = fs::rename(&unfinished, &target).and_then(|()| sync_parent(&target));
    renamed.with_context(|| format!("cannot put the data to {}", target.display()))?;
    println!("restored to {}", target.display());
    Ok(())
}

fn key_of_world(source: &Path) -> Result<Arc<dyn KeyProvider>, Failure> {
    let world = source.join(WORLD);
    if !folder::is_world(&world) {
        let message = format!(
            "{} is no backup of a demo world: name its configuration with --config",
            source.display()
        );
        return Err(Failure::usage(message));
    }
    let key = MasterKey::from_file(&folder::master_key_of(&world), Arc::new(SystemRandom))?;
    Ok(Arc::new(key))
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

fn open(data: &Path, master_key: &Arc<dyn KeyProvider>) -> Result<Arc<Keyring>> {
    stores::open_keyring(data, master_key.clone(), Arc::new(SystemClock), Arc::new(SystemRandom))
}

/// Walks a copy; what is wrong with it is printed.
async fn verified(data: &Path, master_key: &Arc<dyn KeyProvider>, buckets: &Buckets) -> Result<(), Failure> {
    let report = verify::walk(data, &open(data, master_key)?, buckets).await?;
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

/// A database with what SQLite has beside it, the keyring and its lock, the reserve: copied in another way, or not.
fn belongs_to_stores(path: &Path, name: &OsStr) -> bool {
    let end = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    ["db", "db-wal", "db-shm", "db-journal", "lock", "new"].contains(&end.as_str())
        || [stores::KEYRING, stores::RESERVE, request::FILE]
            .iter()
            .any(|file| name == *file)
}

/// What a copy has of the data directory.
fn copy_data(from: &Path, to: &Path) -> Result<()> {
    create_private_dir(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != WORLD {
            copy_tree(&path, &to.join(name))?;
        } else if path.is_file() {
            copy_file(&path, &to.join(name))?;
        }
    }
    Ok(())
}
