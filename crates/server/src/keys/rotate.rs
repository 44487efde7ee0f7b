//! `hygie keys rotate`.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use hygie_core::{Random, random_array};
use hygie_store::embedded;
use hygie_store::keys::Keyring;

use super::progress::Shown;
use super::request::{Rotation, State};
use super::work::Open;
use super::{master, work};
use crate::ambient::{SystemClock, SystemRandom};
use crate::failure::Failure;
use crate::place::{self, Place};
use crate::wiring::stores;

/// How often is looked how far the live process is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Looks (half a minute) for a process that was asked and is not there: longer than a restart takes.
const LOOKS_WITHOUT: u32 = 120;

/// Which keys to replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// The master key: all data keys are wrapped anew at once, no data are touched.
    Master,
    /// The keys of databases, access logs, large objects and sealed columns: they are encrypted anew.
    Data,
}

/// Options of the command.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    place: place::Options,
    /// Replace these only.
    #[arg(long, value_enum)]
    only: Option<Which>,
    #[command(flatten)]
    given: master::Given,
}

/// Runs the command.
pub async fn run(options: Options) -> Result<(), Failure> {
    let place = Place::find(&options.place)?;
    if !place.data.join(stores::KEYRING).exists() {
        return Err(Failure::usage(format!("there are no keys in {}", place.data.display())));
    }
    check_owner(&place.data)?;
    let Some(_alone) = stores::lock(&place.data.join("rotate.lock"))? else {
        return Err(Failure::usage("the keys are being replaced by another command"));
    };
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let keyring = stores::open_keyring(
        &place.data,
        place.master_key.clone(),
        Arc::new(SystemClock),
        random.clone(),
    )?;
    // One that goes on, or that was cut short, is followed to its end.
    let open = Rotation::read(&place.data)?.filter(Rotation::is_open);
    if options.only == Some(Which::Master) || (options.only.is_none() && open.is_none()) {
        // A copy that is being made has keys and master key of one moment.
        let _nobody_reads = wait_for_readers(&place.data).await?;
        master::replace(&place, &keyring, &options.given, &random).await?;
    }
    // PostgreSQL encrypts its data by its volume: nothing but the sealed columns is under a key of ours, where it is asked for.
    if options.only == Some(Which::Data) || (options.only.is_none() && place.postgres.is_none()) {
        replace_data(&place, &keyring, (open, &*random)).await?;
    }
    Ok(())
}

/// What somebody else writes the program may not be able to read.
fn check_owner(data: &Path) -> Result<(), Failure> {
    let (owner, own) = (fs::metadata(data)?.uid(), fs::metadata("/proc/self")?.uid());
    if owner == own {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{} belongs to the user {owner}, whose program could not read what the user {own} writes: run it as {owner}",
        data.display()
    )))
}

async fn wait_for_readers(data: &Path) -> Result<File, Failure> {
    let mut is_told = false;
    loop {
        if let Some(lock) = stores::lock(&data.join(stores::READERS))? {
            return Ok(lock);
        }
        if !is_told {
            eprintln!("waiting for a backup or verify to end");
            is_told = true;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// By the process that has the data open, or here when there is none.
async fn replace_data(
    place: &Place,
    keyring: &Arc<Keyring>,
    (open, random): (Option<Rotation>, &dyn Random),
) -> Result<(), Failure> {
    let (data, shown) = (place.data.as_path(), Arc::new(Shown::new()));
    let mut is_asked = open.is_some();
    let new = || Rotation::new(format!("{:032x}", u128::from_be_bytes(random_array(random))));
    let mut rotation = open.unwrap_or_else(new);
    let id = rotation.id.clone();
    let mut looks_without = 0;
    while rotation.is_open() {
        match stores::lock(&data.join(stores::LOCK))? {
            Some(_alone) if !is_asked || looks_without >= LOOKS_WITHOUT => {
                rotation = here(place, keyring, rotation, &shown).await?;
                rotation.write(data)?;
                break;
            }
            // It may be about to start again.
            Some(_nobody) => looks_without += 1,
            None => looks_without = 0,
        }
        if !is_asked {
            rotation.write(data)?;
            is_asked = true;
        }
        shown.show(&rotation);
        tokio::time::sleep(LOOK_EVERY).await;
        rotation = Rotation::read(data)?
            .filter(|found| found.id == id)
            .context("the request is gone")?;
    }
    shown.finish();
    keyring.reload()?;
    tell(&rotation)
}

async fn here(
    place: &Place,
    keyring: &Arc<Keyring>,
    rotation: Rotation,
    shown: &Arc<Shown>,
) -> Result<Rotation, Failure> {
    let data = place.data.as_path();
    if place.postgres.is_some() {
        return Err(Failure::usage(
            "the data are in PostgreSQL, where the running program replaces the key of the sealed columns: start it",
        ));
    }
    keyring.reload()?;
    let places = place.buckets.open(keyring)?;
    for instance in stores::instances(data)? {
        embedded::settle(data, &instance, keyring)?;
    }
    let told = {
        let (shown, data) = (shown.clone(), data.to_owned());
        Arc::new(move |rotation: &Rotation| {
            shown.show(rotation);
            // Killed, it is taken up by the next start.
            if let Err(error) = rotation.write(&data) {
                tracing::warn!(error = format!("{error:#}"), "telling how far the rotation is");
            }
        })
    };
    let open = Open {
        controls: &[],
        places: &places,
        directory: None,
    };
    Ok(work::replace_data_keys(data, keyring, open, (rotation, told)).await)
}

fn tell(rotation: &Rotation) -> Result<(), Failure> {
    for pause in &rotation.pauses {
        println!(
            "{}: new keys, no write was taken for {} ms",
            pause.instance, pause.millis
        );
    }
    match (rotation.state, &rotation.error) {
        (State::Done, _) => Ok(()),
        (_, error) => {
            let reason = error.as_deref().unwrap_or("it was given up");
            Err(Failure::Failed(anyhow::anyhow!("not all keys are replaced: {reason}")))
        }
    }
}
