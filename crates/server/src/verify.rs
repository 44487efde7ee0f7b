//! `hygie verify`: walks the databases, the blobs and the audit chains of an installation, beside a live process or
//! without.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use hygie_core::{Cx, TenantId};
use hygie_store::audit::{self, Verified};
use hygie_store::blobs::{self, BlobError};
use hygie_store::embedded;
use hygie_store::keys::Keyring;
use serde::Serialize;
use uuid::Uuid;

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
pub struct Report {
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
    /// The large objects, where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    blobs: Option<Blobs>,
    findings: Vec<String>,
}

/// What lies beside a database.
#[derive(Debug, Serialize)]
struct Blobs {
    count: u64,
    bytes: u64,
    /// Blobs to which no row refers, left by writes that were stopped. No damage: they are removed after a day.
    orphans: u64,
    orphaned_bytes: u64,
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
pub async fn run(options: Options) -> Result<(), Failure> {
    let place = Place::find(&options.place)?;
    if instances(&place.data)?.is_empty() {
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
    let report = walk(&place.data, &keyring).await?;
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        report.print();
    }
    if report.ok { Ok(()) } else { Err(Failure::Reported) }
}

/// Walks all that lies in a data directory.
pub async fn walk(data: &Path, keyring: &Keyring) -> Result<Report> {
    let mut names = instances(data)?;
    // A database that was removed has left its key behind.
    let keys = keyring.list();
    names.extend(
        keys.iter()
            .filter_map(|key| key.purpose.database_of().map(str::to_owned)),
    );
    let mut instances = Vec::new();
    for name in &names {
        instances.push(walk_one(data, name, keyring).await);
    }
    Ok(Report {
        ok: instances.iter().all(|instance| instance.ok),
        instances,
    })
}

/// Names of the databases, in order.
pub fn instances(data: &Path) -> Result<BTreeSet<String>> {
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

async fn walk_one(data: &Path, name: &str, keyring: &Keyring) -> Instance {
    let damage = embedded::damage(data, name, keyring);
    let verified = embedded::verify(data, &data.join(stores::HEADS), name, keyring);
    let mut instance = match damage.and_then(|damage| Ok((damage, verified?))) {
        Ok((damage, verified)) => Instance::of(name, &damage, &verified),
        Err(error) => Instance {
            name: name.to_owned(),
            ok: false,
            writes: Trail::default(),
            accesses: Trail::default(),
            blobs: None,
            findings: vec![unreadable(error)],
        },
    };
    // The blobs are the instance's, whatever the tenant.
    let clock = Arc::new(SystemClock);
    let cx = Cx::internal(TenantId::from_uuid(Uuid::nil()), clock, Arc::new(SystemRandom));
    instance.add_blobs(embedded::verify_blobs(data, name, keyring, &cx).await);
    instance
}

fn unreadable(error: impl Into<anyhow::Error>) -> String {
    format!("cannot be read: {:#}", error.into())
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
            blobs: None,
            findings,
        }
    }

    fn add_blobs(&mut self, verified: Result<Option<blobs::Report>, BlobError>) {
        match verified {
            Ok(None) => {}
            Ok(Some(report)) => {
                let findings = report.findings.iter().map(|finding| format!("blobs: {finding}"));
                self.findings.extend(findings);
                if report.more > 0 {
                    self.findings.push(format!("blobs: {} more findings", report.more));
                }
                self.blobs = Some(Blobs {
                    count: report.blobs,
                    bytes: report.bytes,
                    orphans: report.orphans,
                    orphaned_bytes: report.orphaned_bytes,
                });
            }
            Err(error) => self.findings.push(format!("blobs: {}", unreadable(error))),
        }
        self.ok = self.findings.is_empty();
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

impl Blobs {
    fn line(&self) -> String {
        let orphans = match self.orphans {
            0 => String::new(),
            n => format!(" and {n} without reference"),
        };
        format!(", {} blobs{orphans}", self.count)
    }
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.ok
    }

    /// Prints it for people.
    pub fn print(&self) {
        for instance in &self.instances {
            let state = if instance.ok { "clean" } else { "NOT CLEAN" };
            let (writes, accesses) = (instance.writes.entries, instance.accesses.entries);
            let blobs = instance.blobs.as_ref().map(Blobs::line).unwrap_or_default();
            println!(
                "{}: {writes} audited writes, {accesses} accesses{blobs}, {state}",
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
