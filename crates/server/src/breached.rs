//! The list of published passwords that the operator supplies (`[passwords]`): looked up on the disk at each password that is set. Its
//! file may be replaced at any time.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hygie_directory::breached::{Breached, check_list, is_listed};

/// A list in a file.
pub struct PublishedPasswords {
    path: PathBuf,
}

impl PublishedPasswords {
    /// That of this file, which begins as one.
    pub fn open(path: &Path) -> Result<Self> {
        let look = || check_list(&mut File::open(path)?);
        look().with_context(|| format!("{} cannot be used", path.display()))?;
        Ok(Self { path: path.to_owned() })
    }
}

impl Breached for PublishedPasswords {
    fn holds(&self, digest: &[u8; 20]) -> io::Result<bool> {
        is_listed(&mut File::open(&self.path)?, digest)
    }
}
