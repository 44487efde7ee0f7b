//! By what countries of addresses are known.

use std::path::PathBuf;

use serde::Deserialize;

/// Countries of addresses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Geo {
    /// A database of countries or cities in the MaxMind format (`.mmdb`). It is read again when it changes.
    pub database: PathBuf,
}
