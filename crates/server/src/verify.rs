//! `hygie verify`: walks the databases and the audit chains of an installation, beside a live process or without.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use hygie_store::audit::{self, Verified};
use hygie_store::embedded;
use hygie_store::keys::Keyring;
use serde::Serialize;

use crate::ambient::{SystemClock, SystemRandom};
use crate::failure::Failure;
use crate::place::{self, Place};
use crate::wiring::stores;

/// Options of the command.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    place: place::Options,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// What was found in the whole installation.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    instances: Vec<Instance>,
}

/// What was found in one instance.
#[derive(Debug, Serialize)]
struct Instance {
    name: String,
    ok: bool,
    /// The trail of writes.
    writes: Trail,
    /// The trail of reads, sign-ins and refusals.
    accesses: Trail,
    findings: Vec<String>,
}

/// How long a trail is.
#[derive(Debug, Default, Serialize)]
struct Trail {
    entries: u64,
    /// Number and link of the last one: kept elsewhere, they show later that the trail still contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
}

/// Runs the command.
pub fn run(options: &Options) -> Result<(), Failure> {
    let place = Place::find(&options.place)?;
    let mut names = instances(&place.data)?;
    if names.is_empty() {
        return Err(Failure::usage(format!(
            "there is no database in {}",
            place.data.display()
        )));
    }
    let keyring = stores::open_keyring(
        &place.data,
        place.master_key,
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    )?;
    // A database that was removed has left its key behind.
    let keys = keyring.list();
    names.extend(
        keys.iter()
            .filter_map(|key| key.purpose.database_of().map(str::to_owned)),
    );
    let instances: Vec<Instance> = names.iter().map(|name| walk(&place.data, name, &keyring)).collect();
    let report = Report {
        ok: instances.iter().all(|instance| instance.ok),
        instances,
    };
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        report.print();
    }
    if report.ok { Ok(()) } else { Err(Failure::Reported) }
}

/// Names of the databases, in order.
fn instances(data: &Path) -> Result<BTreeSet<String>> {
    let unreadable = || format!("cannot read {}", data.display());
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(data).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "db") {
            names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    Ok(names)
}

fn walk(data: &Path, name: &str, keyring: &Keyring) -> Instance {
    let damage = embedded::damage(data, name, keyring);
    let verified = embedded::verify(data, &data.join(stores::HEADS), name, keyring);
    match damage.and_then(|damage| Ok((damage, verified?))) {
        Ok((damage, verified)) => Instance::of(name, &damage, &verified),
        Err(error) => Instance {
            name: name.to_owned(),
            ok: false,
            writes: Trail::default(),
            accesses: Trail::default(),
            findings: vec![format!("cannot be read: {:#}", anyhow::Error::from(error))],
        },
    }
}

impl Instance {
    fn of(name: &str, damage: &[String], verified: &Verified) -> Self {
        let mut findings: Vec<String> = damage.iter().map(|line| format!("storage: {line}")).collect();
        for (trail, report) in [("writes", &verified.writes), ("accesses", &verified.accesses)] {
            findings.extend(
                report
                    .findings
                    .iter()
                    .map(|finding| format!("audit of {trail}: {finding}")),
            );
            if report.more > 0 {
                findings.push(format!("audit of {trail}: {} more findings", report.more));
            }
        }
        Self {
            name: name.to_owned(),
            ok: findings.is_empty(),
            writes: Trail::of(&verified.writes),
            accesses: Trail::of(&verified.accesses),
            findings,
        }
    }
}

impl Trail {
    fn of(report: &audit::Report) -> Self {
        Self {
            entries: report.entries,
            last: report.tip.map(|tip| format!("{}:{}", tip.seq, hex(&tip.link))),
        }
    }
}

impl Report {
    fn print(&self) {
        for instance in &self.instances {
            let state = if instance.ok { "clean" } else { "NOT CLEAN" };
            let (writes, accesses) = (instance.writes.entries, instance.accesses.entries);
            println!(
                "{}: {writes} audited writes, {accesses} accesses, {state}",
                instance.name
            );
            for finding in &instance.findings {
                println!("  {finding}");
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}
