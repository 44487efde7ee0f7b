//! Where structured data lie: in files of the data directory, or in a PostgreSQL database that several processes share.

use std::path::{Path, PathBuf};

use hygie_core::Secret;
use serde::Deserialize;
use toml::Spanned;

use super::env_origin;
use crate::ambient::environment;
use crate::files;

/// A password or a list of authorities is smaller.
pub const SIZE_LIMIT: u64 = 256 * 1024;

/// Files of the data directory, unless a database is named.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// The database.
    pub postgres: Option<Spanned<Postgres>>,
}

/// A database that several processes may share.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// `postgresql://USER@HOST:PORT/DATABASE` or `host=… user=… dbname=…`, without a password. Of several hosts, with
    /// commas between them, the one that takes writes is used.
    pub address: String,
    /// The password, if the server wants one.
    pub password: Option<SecretPlace>,
    /// Certificates, in PEM form, of who signs for the server. Without them only sockets and loopback addresses are
    /// reached.
    pub authorities: Option<PathBuf>,
    /// The schema of all tables.
    #[serde(default = "Postgres::default_schema")]
    pub schema: String,
    /// Connections of this process at most.
    #[serde(default = "Postgres::default_connections")]
    pub connections: usize,
    /// What protects the data at rest: `volume`. It must be stated, because PostgreSQL holds clear values.
    pub at_rest: Option<AtRest>,
    /// Name of this process among those that share the database; made up at its first start when absent.
    pub process: Option<String>,
}

/// What protects data at rest.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AtRest {
    /// The volume of the database and of its backups is encrypted.
    Volume,
}

/// Where a secret is: exactly one of the two.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretPlace {
    /// A file of mode 0600.
    pub file: Option<PathBuf>,
    /// The name of a variable of the environment.
    pub env: Option<String>,
}

impl Postgres {
    /// Fewer would wait for each other.
    pub const LEAST_CONNECTIONS: usize = 4;

    fn default_schema() -> String {
        "hygie".to_owned()
    }

    const fn default_connections() -> usize {
        16
    }

    /// Takes relative paths as relative to `base`.
    pub fn make_absolute(&mut self, base: &Path) {
        let password = self.password.as_mut().and_then(|password| password.file.as_mut());
        for path in [password, self.authorities.as_mut()].into_iter().flatten() {
            *path = base.join(&*path);
        }
    }

    /// The text of the authorities' certificates; empty when none are named.
    pub fn read_authorities(&self) -> anyhow::Result<Vec<u8>> {
        let read = |file: &PathBuf| files::read_limited(file, SIZE_LIMIT);
        self.authorities.as_ref().map_or(Ok(Vec::new()), read)
    }
}

impl SecretPlace {
    /// The secret.
    pub fn read(&self) -> anyhow::Result<Secret<String>> {
        match (&self.file, &self.env) {
            (Some(file), None) => read_file(file),
            (None, Some(name)) => environment(name)
                .map(Secret::new)
                .ok_or_else(|| anyhow::anyhow!("{} is not set", env_origin(name))),
            _ => anyhow::bail!("exactly one of `file` and `env` says where it is"),
        }
    }
}

/// Editors end a file with a line break that is no part of a password.
fn read_file(file: &Path) -> anyhow::Result<Secret<String>> {
    let bytes = files::read_limited(file, SIZE_LIMIT)?;
    if files::is_open_to_others(file)? {
        anyhow::bail!("{} may be read by others than its owner (chmod 600)", file.display());
    }
    let text = String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{} is not UTF-8 text", file.display()))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}
