//! Chores of the repository: `cargo run -p xtask -- CHORE`.
//!
//! `layers`, `budgets` and `documents` are part of `scripts/check`; `definitions DIR` makes the tables of `fhir-model` from the
//! published FHIR definitions.

mod budgets;
mod definitions;
mod documents;
mod golden;
mod layers;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Chores of the hygie repository")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Refuse a dependency that goes up or sideways
    Layers,
    /// Refuse a file or a crate that has grown too long
    Budgets,
    /// Refuse a document whose link or named test is gone
    Documents,
    /// Write the golden files and snapshots anew; read the difference before committing
    Golden {
        /// Only those of this package
        #[arg(short, long)]
        package: Option<String>,
    },
    /// Make crates/fhir-model/tables from the FHIR R4 definitions: the unpacked npm package hl7.fhir.r4.examples 4.0.1
    Definitions {
        /// The directory `package` of the unpacked package
        dir: PathBuf,
        /// Where the tables are; numbers already given there are kept
        #[arg(long, default_value = "crates/fhir-model/tables")]
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Layers => layers::run(),
        Chore::Budgets => budgets::run(),
        Chore::Documents => documents::run(),
        Chore::Golden { package } => golden::run(package.as_deref()),
        Chore::Definitions { dir, out } => definitions::run(&dir, &out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Its chain, without a backtrace whatever the environment says.
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
