//! `xtask golden`: the tests write their golden files and snapshots anew instead of comparing. Read the difference as code
//! before committing it.

use std::process::Command;

use anyhow::{Context, ensure};

/// Runs the tests of `package`, or of the workspace, in writing mode.
pub fn run(package: Option<&str>) -> anyhow::Result<()> {
    let mut tests = Command::new("cargo");
    tests.args(["test", "--no-fail-fast"]);
    match package {
        Some(package) => tests.args(["--package", package]),
        None => tests.arg("--workspace"),
    };
    // The first is read by tests that write files themselves, the second by insta.
    let status = tests
        .env("UPDATE_GOLDEN", "1")
        .env("INSTA_UPDATE", "always")
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "some tests failed for another reason");
    Ok(())
}
