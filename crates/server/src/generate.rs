//! `hygie generate fhir`: synthetic records in files that `hygie load` takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use hygie_core::Clock;
use hygie_synthetic::{Format, Kind, NIR_NUMBERS, Request, Way, Written, write};
use time::format_description::well_known::Iso8601;
use time::macros::date;
use time::{Date, OffsetDateTime};

use crate::ambient::SystemClock;
use crate::failure::Failure;
use hygie_load::progress::{Counted, Progress};

/// What can be made.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make patients with about 300 resources each, which `hygie load` takes.
    Fhir(Options),
}

/// Options of `generate fhir`.
#[derive(Debug, Args)]
pub struct Options {
    /// How many patients.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(NIR_NUMBERS)))]
    patients: u32,
    /// The same seed and last day make the same data; more patients change none of the earlier ones.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// A file for each type, or transactions: one for each patient and one for each area's professionals.
    #[arg(long, value_enum, default_value_t = Files::Ndjson)]
    format: Files,
    /// Directory to write to; it must be empty or absent.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The last day on which anything happens, such as 2026-06-30 (default: today).
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    until: Option<Date>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// What the files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Files {
    /// A file for each type, one resource a line.
    Ndjson,
    /// A transaction for each patient, and one for the professionals of each area.
    Bundle,
}

impl From<Files> for Format {
    fn from(files: Files) -> Self {
        match files {
            Files::Ndjson => Self::Ndjson,
            Files::Bundle => Self::Bundle,
        }
    }
}

/// Runs the command.
pub fn run(Command::Fhir(options): Command) -> Result<(), Failure> {
    prepare(&options.out)?;
    let began = SystemClock.now();
    let today = || OffsetDateTime::from_unix_timestamp(began.millis() / 1000).map(OffsetDateTime::date);
    let request = Request {
        seed: options.seed,
        patients: options.patients,
        until: options.until.map_or_else(today, Ok)?,
    };
    let way = Way {
        format: options.format.into(),
        threads: available_parallelism().map_or(1, |count| count.get() as u32),
    };
    let progress = Progress::start(Counted::Patients, u64::from(request.patients), options.json);
    let written = write((request, way), &options.out, |patients, resources| {
        progress.advance(patients, resources);
    });
    progress.finish();
    let written = written.map_err(anyhow::Error::from)?;
    let seconds = SystemClock.now().since(began).as_secs_f64();
    print(request, &written, seconds, options.json);
    Ok(())
}

/// Other files beside ours would be loaded with them.
fn prepare(dir: &Path) -> Result<(), Failure> {
    fs::create_dir_all(dir).map_err(|error| Failure::usage(format!("cannot make {}: {error}", dir.display())))?;
    let mut entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(Failure::usage(format!("{} is not empty", dir.display()))),
    }
}

fn print(request: Request, written: &Written, seconds: f64, json: bool) {
    let (patients, resources, bytes) = (request.patients, written.resources(), written.bytes);
    if json {
        let types = Kind::ALL.into_iter().zip(written.counts);
        let types: serde_json::Map<String, serde_json::Value> = types
            .map(|(kind, count)| (kind.name().to_owned(), count.into()))
            .collect();
        let summary = serde_json::json!({ "patients": patients, "resources": resources, "files": written.files,
            "bytes": bytes, "seconds": seconds, "until": request.until.to_string(), "types": types });
        println!("{summary}");
        return;
    }
    let megabytes = bytes as f64 / 1e6;
    println!(
        "{patients} patients, {resources} resources, {} files, {megabytes:.1} MB in {seconds:.1} s",
        written.files
    );
}

/// A day of our time: earlier records would need other rules for summer time and other vaccines.
fn parse_day(text: &str) -> Result<Date, String> {
    let day = Date::parse(text, &Iso8601::DATE).map_err(|_| "a day is written as 2026-06-30".to_owned())?;
    if (date!(2010 - 01 - 01)..=date!(2099 - 12 - 31)).contains(&day) {
        Ok(day)
    } else {
        Err("the last day lies between 2010 and 2099".to_owned())
    }
}
