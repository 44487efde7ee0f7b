//! The instances in a PostgreSQL database that several processes share.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use hygie_core::{Random, random_array};
use hygie_store::Store;
use hygie_store::keys::{Keyring, Purpose};
pub use hygie_store_cloud::postgres::VerifiedChain;
use hygie_store_cloud::postgres::{self, AtRest, Database, Exclusive, Heads, Limits, Options, Settings};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::stores::Opening;
use crate::config::{self, Postgres};
use crate::files;

/// Keeps the name of a process over its restarts.
const PROCESS: &str = "process";
/// A name is shorter.
const NAME_LIMIT: u64 = 64;
/// What one process at a time does: bringing the directory to what its configuration says.
const PREPARE: i32 = 1;

/// A database that was reached, and who this process is among those that share it.
pub struct Shared {
    database: Arc<Database>,
    process: String,
}

/// Keeps other processes from preparing the directory.
pub type Alone = Exclusive;

/// Everything that is wrong with these settings, as far as is known without reaching the database.
pub fn problems(config: &Postgres) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(name) = &config.process
        && !is_name(name)
    {
        problems.push(format!(
            "`{name}` is no name of a process: 1 to 32 letters, digits and - are"
        ));
    }
    if config.connections < Postgres::LEAST_CONNECTIONS {
        let least = Postgres::LEAST_CONNECTIONS;
        problems.push(format!(
            "connections = {} is too few: {least} at least",
            config.connections
        ));
    }
    match settings(config) {
        Ok(settings) if settings.has_password_in_address() => problems.push(
            "the address of the database holds a password: name its place by password = { file = … } or { env = … }"
                .to_owned(),
        ),
        Ok(settings) => problems.extend(
            settings
                .check()
                .err()
                .map(|error| format!("{:#}", anyhow::Error::from(error))),
        ),
        Err(error) => problems.push(format!("{error:#}")),
    }
    problems
}

fn settings(config: &Postgres) -> Result<Settings> {
    let password = config.password.as_ref().map(config::SecretPlace::read);
    let authorities = config.read_authorities().context("the authorities of the database")?;
    let roots = CertificateDer::pem_slice_iter(&authorities).collect::<Result<Vec<_>, _>>();
    let roots = roots
        .ok()
        .filter(|roots| config.authorities.is_none() || !roots.is_empty());
    Ok(Settings {
        password: password.transpose().context("the password of the database")?,
        roots: roots.context("the authorities of the database hold no certificate in PEM form")?,
        schema: config.schema.clone(),
        at_rest: config.at_rest.map(|config::AtRest::Volume| AtRest::Volume),
        connections: config.connections,
        ..Settings::new(config.address.clone().into())
    })
}

impl Shared {
    /// Reaches the database, for the process whose directory this is: it gets a name at its first start.
    pub async fn connect(config: &Postgres, data: &Path, random: &dyn Random) -> Result<Self> {
        let process = match &config.process {
            Some(name) => name.clone(),
            None => kept_name(data, random)?,
        };
        Ok(Self {
            database: Arc::new(reach(config).await?),
            process,
        })
    }

    /// Reaches the database beside the process whose directory this is.
    pub async fn visit(config: &Postgres, data: &Path) -> Result<Self> {
        let kept = data.join(PROCESS);
        let process = match &config.process {
            Some(name) => name.clone(),
            None => read_name(&kept).with_context(|| format!("{}: was it ever started here?", data.display()))?,
        };
        Ok(Self {
            database: Arc::new(reach(config).await?),
            process,
        })
    }

    /// Who this process is.
    pub fn process(&self) -> &str {
        &self.process
    }

    /// Opens or makes an instance.
    pub async fn open(&self, opening: Opening<'_>) -> Result<Store> {
        let options = Options {
            database: &self.database,
            instance: opening.instance,
            writer: &self.process,
            heads: opening.heads,
            keyring: opening.keyring,
            migrations: opening.migrations,
            replay: opening.replay.as_deref(),
            cx: opening.cx,
            limits: Limits::default(),
        };
        let opened = postgres::open(options).await;
        opened.with_context(|| {
            let (instance, process) = (opening.instance, &self.process);
            format!("cannot open {instance} in the database, as the process {process}")
        })
    }

    /// Waits until no other process does, and prepares the directory alone.
    pub async fn prepare_alone(&self) -> Result<Alone> {
        let alone = self.database.exclusively(PREPARE).await;
        alone.context("cannot wait for the other processes")
    }

    /// Has all processes use one key for this purpose.
    pub async fn share_key(&self, keyring: &Keyring, purpose: Purpose) -> Result<()> {
        Ok(postgres::share_keys(&self.database, keyring, &[purpose]).await?)
    }

    /// An instance, to be read beside the processes that use it.
    pub async fn read(&self, instance: &str) -> Result<Store> {
        Ok(postgres::open_for_reading(&self.database, instance).await?)
    }

    /// Names of the instances, in order.
    pub async fn instances(&self) -> Result<BTreeSet<String>> {
        Ok(postgres::instances(&self.database).await?)
    }

    /// Takes in all keys that are in the database.
    pub async fn take_in_keys(&self, keyring: &Keyring) -> Result<()> {
        Ok(postgres::take_in(&self.database, keyring).await?)
    }

    /// Wraps the keys in the database with the master key of this keyring; how many there are.
    pub async fn rewrap_keys(&self, keyring: &Keyring) -> Result<u64> {
        let rewrapped = postgres::rewrap(&self.database, keyring).await;
        rewrapped.context("the keys in the database are still wrapped with the old master key: run the command again")
    }

    /// Verifies the audit chains of an instance, those of this process in any case.
    pub async fn verify(&self, heads: &[PathBuf], instance: &str, keyring: &Keyring) -> Result<Vec<VerifiedChain>> {
        let heads = Heads {
            directories: heads,
            writer: &self.process,
        };
        Ok(postgres::verify(&self.database, heads, instance, keyring).await?)
    }
}

/// Reaches the database of a configuration.
pub async fn reach(config: &Postgres) -> Result<Database> {
    Ok(Database::connect(settings(config)?).await?)
}

fn kept_name(data: &Path, random: &dyn Random) -> Result<String> {
    let kept = data.join(PROCESS);
    if kept.exists() {
        return read_name(&kept);
    }
    let name = format!("p{:012x}", u64::from_be_bytes(random_array(random)) >> 16);
    files::write_private(&kept, format!("{name}\n").as_bytes())?;
    Ok(name)
}

fn read_name(kept: &Path) -> Result<String> {
    let name = String::from_utf8_lossy(&files::read_limited(kept, NAME_LIMIT)?)
        .trim()
        .to_owned();
    anyhow::ensure!(is_name(&name), "{} holds no name of a process", kept.display());
    Ok(name)
}

fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
