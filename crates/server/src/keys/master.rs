//! Replacing the master key: all data keys are wrapped anew at once, no data are touched.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use hygie_core::{Random, Secret};
use hygie_store::keys::{KeyProvider, Keyring, MasterKey, replace_master_file};

use crate::ambient::environment;
use crate::config::env_origin;
use crate::failure::Failure;
use crate::place::Place;
use crate::wiring::postgres::Shared;

/// Where the new master key is; without both, one is made.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Given {
    /// File with the new master key: one that you made, or that another process of the same database has already.
    #[arg(long, value_name = "FILE")]
    new_master_file: Option<PathBuf>,
    /// Variable of the environment with the new master key, where the present one comes from the environment.
    #[arg(long, value_name = "NAME")]
    new_master_env: Option<String>,
}

/// Replaces it here, and in the database where one is shared.
pub async fn replace(place: &Place, keyring: &Keyring, given: &Given, random: &Arc<dyn Random>) -> Result<(), Failure> {
    // First of all: without the database nothing is replaced, and what others left there is wrapped anew, too.
    let shared = match &place.postgres {
        Some(postgres) => Some(Shared::visit(postgres, &place.data).await?),
        None => None,
    };
    if let Some(shared) = &shared {
        shared.take_in_keys(keyring).await?;
    }
    match (&place.master_file, &given.new_master_env) {
        (Some(file), None) => in_file(keyring, file, given.new_master_file.as_deref(), random)?,
        (None, Some(name)) => of_environment(keyring, name, random)?,
        (Some(file), Some(_)) => {
            return Err(Failure::usage(format!(
                "the master key is in {}: a new one is made there, without --new-master-env",
                file.display()
            )));
        }
        (None, None) => {
            return Err(Failure::usage(
                "the master key comes from the environment: name the variable of the new one with --new-master-env, or \
                 replace the data keys alone with --only data",
            ));
        }
    }
    if let Some(shared) = shared {
        let rewrapped = shared.rewrap_keys(keyring).await?;
        println!("{rewrapped} keys in the database are wrapped with it, too.");
        println!(
            "Give the new master key to each other process of the database, and there run this command with it \
             (--new-master-file or --new-master-env)."
        );
    }
    Ok(())
}

fn in_file(keyring: &Keyring, file: &Path, given: Option<&Path>, random: &Arc<dyn Random>) -> Result<(), Failure> {
    let old = keyring.master();
    replace_master_file(keyring, file, given, random).context("the master key is not replaced")?;
    println!("master key {} in {} (was {old})", keyring.master(), file.display());
    println!(
        "The old one is kept as {}.{old}: backups made before open with nothing else. Move it to where they are.",
        file.display()
    );
    Ok(())
}

fn of_environment(keyring: &Keyring, name: &str, random: &Arc<dyn Random>) -> Result<(), Failure> {
    let old = keyring.master();
    let text = environment(name).ok_or_else(|| {
        Failure::usage(format!(
            "the environment has no variable {name} with the new master key"
        ))
    })?;
    let master = MasterKey::from_text(&Secret::new(text), &env_origin(name), random.clone())?;
    keyring
        .rewrap(&(Arc::new(master) as Arc<dyn KeyProvider>))
        .context("the master key is not replaced")?;
    println!("master key {} (was {old})", keyring.master());
    println!("Give it to the program at its next start; backups made before open with the old one only.");
    Ok(())
}
