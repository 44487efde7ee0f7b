//! Where the data of an installation is and which master key opens it: a demo world or a configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use hygie_core::Secret;
use hygie_store::keys::{KeyProvider, MasterKey, lies_beside};

use crate::ambient::{SystemRandom, environment};
use crate::config::{self, Config, Postgres};
use crate::demo::{document, folder};
use crate::failure::Failure;
use crate::wiring::objects::Buckets;

/// Options of the commands that work on an installation.
#[derive(Debug, Args)]
#[group(id = "place")]
pub struct Options {
    /// Directory of a demo world (default ./hygie-demo).
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data: Option<PathBuf>,
    /// Configuration file of an installation.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Options {
    /// The directory of the demo world, where no configuration is named.
    pub fn world(&self) -> Option<PathBuf> {
        let named = self
            .data
            .clone()
            .unwrap_or_else(|| PathBuf::from(document::DEFAULT_DIR));
        self.config.is_none().then_some(named)
    }
}

/// An installation's data and key.
pub struct Place {
    /// Directory of databases, logs and wrapped keys.
    pub data: PathBuf,
    /// The database, where data lie in one that processes share; in the data directory otherwise.
    pub postgres: Option<Postgres>,
    /// Where large objects lie that are not beside their databases.
    pub buckets: Buckets,
    /// Holds the master key.
    pub master_key: Arc<dyn KeyProvider>,
    /// The file of the master key, when it is in one.
    pub master_file: Option<PathBuf>,
    /// The demo world, when it is one.
    pub world: Option<PathBuf>,
}

impl Place {
    /// The one that the options name.
    pub fn find(options: &Options) -> Result<Self, Failure> {
        if let Some(file) = &options.config {
            let config = Config::read(file)?;
            return Self::of_config(&config);
        }
        let dir = options.world().unwrap_or_default();
        if !folder::is_world(&dir) {
            return Err(Failure::usage(format!(
                "{} is not a demo world (name one with --data)",
                dir.display()
            )));
        }
        let key = folder::master_key_of(&dir);
        Ok(Self {
            data: folder::data_of(&dir),
            postgres: None,
            buckets: Buckets::default(),
            master_key: Arc::new(MasterKey::from_file(&key, Arc::new(SystemRandom))?),
            master_file: Some(key),
            world: Some(dir),
        })
    }

    /// The one that the options name, for a command that copies files; a database is copied by its own tools.
    pub fn find_files(options: &Options) -> Result<Self, Failure> {
        let place = Self::find(options)?;
        if place.postgres.is_some() {
            return Err(Failure::usage(
                "the data are in PostgreSQL: copy and restore them by its own tools (docs/operations.md, Backup of PostgreSQL)",
            ));
        }
        Ok(place)
    }

    /// The one of a configuration. A master key beside the data it protects is refused: who takes the disk takes both.
    pub fn of_config(config: &Config) -> Result<Self, Failure> {
        let key = config.master_key.get_ref();
        let provider = match (&key.file, &key.env) {
            (Some(file), _) => key_of_file(file, &config.data)?,
            (None, Some(name)) => key_of_environment(name)?,
            (None, None) => return Err(Failure::usage("master_key needs `file` or `env`")),
        };
        Ok(Self {
            data: config.data.clone(),
            postgres: config
                .storage
                .postgres
                .as_ref()
                .map(|postgres| postgres.get_ref().clone()),
            buckets: Buckets::of(config),
            master_key: Arc::new(provider),
            master_file: key.file.clone(),
            world: None,
        })
    }
}

/// The key in a file that does not lie beside the data.
pub fn key_of_file(file: &Path, data: &Path) -> Result<MasterKey, Failure> {
    if lies_beside(file, data)? {
        return Err(Failure::usage(format!(
            "the master key {} lies beside the data it protects: keep it in another directory, on another disk if possible",
            file.display()
        )));
    }
    Ok(MasterKey::from_file(file, Arc::new(SystemRandom))?)
}

/// The key in a variable of the environment.
pub fn key_of_environment(name: &str) -> Result<MasterKey, Failure> {
    let text = environment(name)
        .ok_or_else(|| Failure::usage(format!("the environment has no variable {name} with the master key")))?;
    Ok(MasterKey::from_text(
        &Secret::new(text),
        &config::env_origin(name),
        Arc::new(SystemRandom),
    )?)
}
