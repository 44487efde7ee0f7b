//! `hygie keys`: which keys protect an installation, and replacing them (`docs/adr/0011-key-rotation.md`).
//!
//! Data keys are replaced by the process that has the databases open, which the command asks by a file in the data
//! directory ([`request`]); where no process is, by the command itself.

mod list;
mod master;
mod progress;
pub mod request;
mod rotate;
pub mod work;

use clap::Subcommand;

use crate::failure::Failure;

/// What to do with the keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show each key: what it protects, its state and age. Never the key.
    List(list::Options),
    /// Replace the master key and the data keys, beside a live process or without.
    Rotate(rotate::Options),
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List(options) => list::run(&options),
        Command::Rotate(options) => rotate::run(options).await,
    }
}
