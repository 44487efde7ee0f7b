//! By what countries of addresses are known.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Config, Problems};
use crate::geo::CountryDatabase;

/// Countries of addresses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Geo {
    /// A database of countries or cities in the MaxMind format (`.mmdb`). It is read again when it changes.
    pub database: PathBuf,
}

/// Whether the database can be used.
pub fn check(config: &Config, text: &str, problems: &mut Problems) {
    let Some(geo) = &config.geo else { return };
    if let Err(error) = CountryDatabase::open(&geo.get_ref().database) {
        problems.add(text, &geo.span(), &format!("[geo]: {error:#}"));
    }
}
