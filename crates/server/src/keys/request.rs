//! How `hygie keys rotate` asks a live process: a file in the data directory, which the process looks at every second and in
//! which it says how far it is. It holds no secret, and asks for nothing but new keys.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::files;

/// Name of the file.
pub const FILE: &str = "rotation.json";
/// It is far shorter.
const LIMIT: u64 = 64 * 1024;

/// How far a rotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has taken it up yet.
    Requested,
    /// It goes on; after a crash the next start takes it up again.
    Running,
    /// All keys are replaced.
    Done,
    /// It was given up: nothing is half-replaced, keys that were replaced stay so.
    Failed,
}

/// A rotation of the data keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Names it.
    pub id: String,
    /// How far it is.
    pub state: State,
    /// What is being replaced now.
    pub what: String,
    /// Parts of it that are done.
    pub done: u64,
    /// Parts that there are.
    pub total: u64,
    /// Databases that are done, and how long each took no write.
    pub pauses: Vec<Pause>,
    /// Why it failed.
    pub error: Option<String>,
}

/// How long a database took no write.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// The database.
    pub instance: String,
    /// How long.
    pub millis: u64,
}

impl Rotation {
    /// A new one.
    pub fn new(id: String) -> Self {
        Self {
            id,
            state: State::Requested,
            what: String::new(),
            done: 0,
            total: 0,
            pauses: Vec::new(),
            error: None,
        }
    }

    /// Whether somebody has to do something.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Requested | State::Running)
    }

    /// The last one of this data directory.
    pub fn read(data: &Path) -> Result<Option<Self>> {
        let path = data.join(FILE);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        let text = files::read_limited(&path, LIMIT)?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not of this program", path.display()))
    }

    /// Writes it down.
    pub fn write(&self, data: &Path) -> Result<()> {
        files::write_private(&data.join(FILE), &serde_json::to_vec(self)?)
    }
}
