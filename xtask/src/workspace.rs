//! The workspace as cargo sees it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

/// What `cargo metadata --no-deps` tells.
#[derive(Deserialize)]
pub struct Workspace {
    /// Our own packages.
    pub packages: Vec<Package>,
    /// Where the repository is.
    pub workspace_root: PathBuf,
}

/// A package of the workspace.
#[derive(Deserialize)]
pub struct Package {
    /// As in its manifest.
    pub name: String,
    /// What it asks for.
    pub dependencies: Vec<Dependency>,
    /// Its manifest.
    pub manifest_path: PathBuf,
}

/// A line of `[dependencies]`, `[dev-dependencies]` or `[build-dependencies]`.
#[derive(Deserialize)]
pub struct Dependency {
    /// The package that is asked for.
    pub name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    pub kind: Option<String>,
}

impl Workspace {
    /// Asks cargo.
    pub fn read() -> anyhow::Result<Self> {
        let asked = Command::new("cargo")
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .output()
            .context("cannot start cargo")?;
        ensure!(
            asked.status.success(),
            "cargo metadata: {}",
            String::from_utf8_lossy(&asked.stderr)
        );
        serde_json::from_slice(&asked.stdout).context("cannot read what cargo metadata tells")
    }
}

impl Package {
    /// Its name in ARCHITECTURE.md: `core` for `hygie-core`, `server` for the binary `hygie`.
    pub fn short(&self) -> &str {
        short(&self.name)
    }
}

/// The name of a part for the name of its package.
pub fn short(package: &str) -> &str {
    match package {
        "hygie" => "server",
        other => other.strip_prefix("hygie-").unwrap_or(other),
    }
}
