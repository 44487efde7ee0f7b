//! Which passwords nobody may set, beside those that are refused everywhere.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Config, Problems};
use crate::breached::PublishedPasswords;

/// Passwords.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passwords {
    /// A list of published passwords: their SHA-1 in hexadecimal, one a line, sorted.
    pub breached: PathBuf,
}

/// Whether the list can be used.
pub fn check(config: &Config, text: &str, problems: &mut Problems) {
    let Some(passwords) = &config.passwords else { return };
    if let Err(error) = PublishedPasswords::open(&passwords.get_ref().breached) {
        problems.add(text, &passwords.span(), &format!("[passwords]: {error:#}"));
    }
}
