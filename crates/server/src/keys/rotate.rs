//! `hygie keys rotate`.

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
use super::{master, work};
use crate::ambient::{SystemClock, SystemRandom};
use crate::failure::Failure;
use crate::place::{self, Place};
use crate::wiring::stores;

/// How often is looked how far the live process is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Which keys to replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// The master key: all data keys are wrapped anew at once, no data are touched.
    Master,
    /// The keys of databases and access logs: the databases are encrypted anew.
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
    if place.postgres.is_some() && options.only == Some(Which::Data) {
        return Err(Failure::usage(
            "the data are in PostgreSQL, which encrypts them by its volume: only the master key is replaced here",
        ));
    }
    if !place.data.join(stores::KEYRING).exists() {
        return Err(Failure::usage(format!("there are no keys in {}", place.data.display())));
    }
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
    if options.only != Some(Which::Data) {
        master::replace(&place, &keyring, &options.given, &random).await?;
    }
    if options.only != Some(Which::Master) && place.postgres.is_none() {
        replace_data(&place.data, &keyring, &*random).await?;
    }
    Ok(())
}

/// By the process that has the data open, or here when there is none.
async fn replace_data(data: &Path, keyring: &Arc<Keyring>, random: &dyn Random) -> Result<(), Failure> {
    let shown = Arc::new(Shown::new());
    let id = format!("{:032x}", u128::from_be_bytes(random_array(random)));
    let mut rotation = Rotation::new(id.clone());
    let mut is_asked = false;
    while rotation.is_open() {
        if let Some(_alone) = stores::lock(&data.join(stores::LOCK))? {
            rotation = here(data, keyring, rotation, &shown).await?;
            rotation.write(data)?;
            break;
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
    data: &Path,
    keyring: &Arc<Keyring>,
    rotation: Rotation,
    shown: &Arc<Shown>,
) -> Result<Rotation, Failure> {
    keyring.reload()?;
    for instance in stores::instances(data)? {
        embedded::settle(data, &instance, keyring)?;
    }
    let told = {
        let shown = shown.clone();
        Arc::new(move |rotation: &Rotation| shown.show(rotation))
    };
    Ok(work::replace_data_keys(data, keyring, &[], (rotation, told)).await)
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
