//! In the place of `postgres`, in a program that was built without the feature `cloud`: a database is named as what it
//! cannot reach.

#![expect(clippy::unused_async, reason = "of the same shape as what waits for a database")]

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use anyhow::Result;
use hygie_core::Random;
use hygie_store::Store;
use hygie_store::audit::{Report, Trail};
use hygie_store::keys::{Keyring, Purpose};

use super::stores::Opening;
use crate::config::Postgres;

const WITHOUT: &str = "this program was built without PostgreSQL (the feature `cloud`)";

/// None is reached.
pub enum Shared {}

/// Nobody is.
pub type Alone = Infallible;

/// None is there.
pub struct VerifiedChain {
    pub chain: String,
    pub trail: Trail,
    pub is_signed: bool,
    pub report: Report,
}

pub fn problems(_config: &Postgres) -> Vec<String> {
    vec![WITHOUT.to_owned()]
}

impl Shared {
    pub async fn connect(_config: &Postgres, _data: &Path, _random: &dyn Random) -> Result<Self> {
        anyhow::bail!(WITHOUT)
    }

    pub async fn visit(_config: &Postgres, _data: &Path) -> Result<Self> {
        anyhow::bail!(WITHOUT)
    }

    pub fn process(&self) -> &str {
        match *self {}
    }

    pub async fn open(&self, _opening: Opening<'_>) -> Result<Store> {
        match *self {}
    }

    pub async fn prepare_alone(&self) -> Result<Alone> {
        match *self {}
    }

    pub async fn share_key(&self, _keyring: &Keyring, _purpose: Purpose) -> Result<()> {
        match *self {}
    }

    pub async fn read(&self, _instance: &str) -> Result<Store> {
        match *self {}
    }

    pub async fn instances(&self) -> Result<BTreeSet<String>> {
        match *self {}
    }

    pub async fn take_in_keys(&self, _keyring: &Keyring) -> Result<()> {
        match *self {}
    }

    pub async fn rewrap_keys(&self, _keyring: &Keyring) -> Result<u64> {
        match *self {}
    }

    pub async fn verify(&self, _heads: &[PathBuf], _instance: &str, _keyring: &Keyring) -> Result<Vec<VerifiedChain>> {
        match *self {}
    }
}

pub async fn reach(_config: &Postgres) -> Result<Infallible> {
    anyhow::bail!(WITHOUT)
}
