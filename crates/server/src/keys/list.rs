//! `hygie keys list`.

use std::sync::Arc;

use clap::Args;
use hygie_core::{Clock, Timestamp};
use hygie_store::keys::{KeyState, Purpose, WrappedKey};
use serde::Serialize;

use crate::ambient::{SystemClock, SystemRandom};
use crate::failure::Failure;
use crate::place::{self, Place};
use crate::wiring::stores;

const DAY: u64 = 24 * 60 * 60;

/// Options of the command.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    place: place::Options,
    /// Print the list as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct List {
    /// Id of the key that wraps the others.
    master: String,
    keys: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    protects: String,
    purpose: Purpose,
    id: String,
    state: &'static str,
    algorithm: &'static str,
    created_at: Timestamp,
    age_days: u64,
}

/// Runs the command.
pub fn run(options: &Options) -> Result<(), Failure> {
    let place = Place::find(&options.place)?;
    let path = place.data.join(stores::KEYRING);
    if !path.exists() {
        return Err(Failure::usage(format!("there are no keys in {}", place.data.display())));
    }
    let keyring = stores::open_keyring(
        &place.data,
        place.master_key,
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    )?;
    let now = SystemClock.now();
    let list = List {
        master: keyring.master(),
        keys: keyring.list().iter().map(|key| shown(key, now)).collect(),
    };
    if options.json {
        println!("{}", serde_json::to_string(&list)?);
    } else {
        print(&list);
    }
    Ok(())
}

fn shown(key: &WrappedKey, now: Timestamp) -> Shown {
    let (protects, algorithm) = kind(&key.purpose);
    Shown {
        protects,
        purpose: key.purpose.clone(),
        id: key.id.to_string(),
        state: state(key.state),
        algorithm,
        created_at: key.created_at,
        age_days: now.since(key.created_at).as_secs() / DAY,
    }
}

fn kind(purpose: &Purpose) -> (String, &'static str) {
    const SEALED: &str = "AES-256-GCM";
    const SIGNED: &str = "HMAC-SHA-256";
    if let Some(instance) = purpose.database_of() {
        (
            format!("database of {instance}"),
            "AES-256-CBC with HMAC-SHA-512 (SQLCipher)",
        )
    } else if let Some(instance) = purpose.access_log_of() {
        (format!("access log of {instance}"), SEALED)
    } else if let Some(instance) = purpose.blobs_of() {
        (format!("large objects of {instance}"), SEALED)
    } else if let Some(instance) = purpose.columns_of() {
        (format!("sealed columns of {instance}"), SEALED)
    } else if let Some(instance) = purpose.audit_of() {
        (format!("links of the audit chains of {instance}"), SIGNED)
    } else if *purpose == Purpose::heads() {
        ("heads of all audit chains".to_owned(), SIGNED)
    } else {
        (purpose.to_string(), SEALED)
    }
}

const fn state(state: KeyState) -> &'static str {
    match state {
        KeyState::Next => "next",
        KeyState::Current => "current",
        KeyState::Leaving => "being replaced",
        KeyState::Retired => "retired",
    }
}

fn print(list: &List) {
    println!("master key {} wraps each of these with AES-256-GCM:", list.master);
    let width = list.keys.iter().map(|key| key.protects.len()).max().unwrap_or(0);
    for key in &list.keys {
        println!(
            "{:<width$}  {}  {:<14}  {:>5} days  {}",
            key.protects, key.id, key.state, key.age_days, key.algorithm
        );
    }
}
