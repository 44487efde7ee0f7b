//! `hygie verify`: walks the databases, the blobs and the audit chains of an installation, beside a live process or
//! without.

mod columns;
mod shared;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use hygie_core::{Cx, TenantId};
use hygie_store::Vault;
use hygie_store::audit::{self, Verified};
use hygie_store::blobs::{self, BlobError};
use hygie_store::embedded;
use hygie_store::keys::Keyring;
use serde::Serialize;
use uuid::Uuid;

use crate::ambient::{SystemClock, SystemRandom};
use crate::failure::Failure;
use crate::place::{self, Place};
use crate::wiring::objects::{Buckets, Places, Reach};
use crate::wiring::postgres::Shared;
use crate::wiring::stores;

/// Options of the command.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    place: place::Options,
    /// Directory of the heads of another process on the same database (`heads` of its data); may be repeated.
    #[arg(long, value_name = "DIR")]
    heads: Vec<PathBuf>,
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
    /// Whether there are some that the running program alone can reach: they were not read.
    #[serde(rename = "blobs_not_read", skip_serializing_if = "is_false")]
    has_unread_blobs: bool,
    /// The values in sealed columns that open, where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<u64>,
    /// The chains, where each process has its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chains: Vec<Chain>,
    findings: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_false(is: &bool) -> bool {
    !*is
}

/// A chain of one process.
#[derive(Debug, Serialize)]
struct Chain {
    name: String,
    trail: &'static str,
    /// Whether its head was at hand: without it, what is missing at its end is not found.
    #[serde(rename = "signed")]
    is_signed: bool,
    #[serde(flatten)]
    end: Trail,
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
    let report = match &place.postgres {
        None => walk_files(&place, &options).await?,
        Some(postgres) => {
            let mut heads = vec![place.data.join(stores::HEADS)];
            heads.extend(options.heads.iter().cloned());
            check_directories(&heads)?;
            let shared = Shared::visit(postgres, &place.data).await?;
            let keyring = open_keyring(&place)?;
            shared::walk(&shared, &heads, (&keyring, &place.buckets)).await?
        }
    };
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        report.print();
    }
    if report.ok { Ok(()) } else { Err(Failure::Reported) }
}

async fn walk_files(place: &Place, options: &Options) -> Result<Report, Failure> {
    if !options.heads.is_empty() {
        return Err(Failure::usage(
            "--heads is for a database that processes share; the data of this one have their heads beside them",
        ));
    }
    if stores::instances(&place.data)?.is_empty() {
        return Err(Failure::usage(format!(
            "there is no database in {}",
            place.data.display()
        )));
    }
    let _reading = stores::lock_for_reading(&place.data)?;
    Ok(walk(&place.data, &open_keyring(place)?, &place.buckets).await?)
}

fn open_keyring(place: &Place) -> Result<Arc<Keyring>> {
    stores::open_keyring(
        &place.data,
        place.master_key.clone(),
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    )
}

fn check_directories(heads: &[PathBuf]) -> Result<(), Failure> {
    match heads.iter().find(|directory| !directory.is_dir()) {
        Some(missing) => Err(Failure::usage(format!(
            "{} is no directory of heads",
            missing.display()
        ))),
        None => Ok(()),
    }
}

/// Walks all that lies in a data directory.
pub async fn walk(data: &Path, keyring: &Arc<Keyring>, buckets: &Buckets) -> Result<Report> {
    let mut names = stores::instances(data)?;
    // A database that was removed has left its key behind.
    let keys = keyring.list();
    names.extend(
        keys.iter()
            .filter_map(|key| key.purpose.database_of().map(str::to_owned)),
    );
    let places = buckets.open(keyring)?;
    let mut instances = Vec::new();
    for name in &names {
        let mut walked = walk_one(data, name, (keyring, &places)).await;
        // What is under a key that came meanwhile does not open with those that were there.
        while !walked.ok && has_new_keys(keyring)? {
            walked = walk_one(data, name, (keyring, &places)).await;
        }
        instances.push(walked);
    }
    Ok(Report::of(instances))
}

fn has_new_keys(keyring: &Keyring) -> Result<bool> {
    let ids = || keyring.list().into_iter().map(|key| key.id).collect::<Vec<_>>();
    let before = ids();
    keyring.reload()?;
    Ok(ids() != before)
}

async fn walk_one(data: &Path, name: &str, (keyring, places): (&Arc<Keyring>, &Places)) -> Instance {
    let damage = embedded::damage(data, name, keyring);
    let verified = embedded::verify(data, &data.join(stores::HEADS), name, keyring);
    let mut instance = match damage.and_then(|damage| Ok((damage, verified?))) {
        Ok((damage, verified)) => Instance::of(name, &damage, &verified),
        Err(error) => Instance::unread(name, unreadable(error)),
    };
    if name == stores::DIRECTORY && instance.ok {
        let store = embedded::open_for_reading(data, name, keyring);
        let vault = Vault::for_reading(keyring.clone(), name);
        instance.add_columns(store.map_err(Into::into), vault).await;
    }
    // The blobs are the instance's, whatever the tenant.
    let clock = Arc::new(SystemClock);
    let cx = Cx::internal(TenantId::from_uuid(Uuid::nil()), clock, Arc::new(SystemRandom));
    match places.find(name) {
        None => instance.add_blobs(embedded::verify_blobs(data, name, keyring, &cx).await),
        Some(Reach::Open(blobs)) => {
            let verified = embedded::verify_blobs_in(blobs, (data, name), keyring, &cx).await;
            instance.add_blobs(verified.map(Some));
        }
        Some(Reach::ByIdentity) => instance.has_unread_blobs = true,
    }
    instance
}

fn unreadable(error: impl Into<anyhow::Error>) -> String {
    format!("cannot be read: {:#}", error.into())
}

impl Instance {
    /// One of which nothing but this is known.
    fn unread(name: &str, finding: String) -> Self {
        Self {
            name: name.to_owned(),
            ok: false,
            writes: Trail::default(),
            accesses: Trail::default(),
            blobs: None,
            has_unread_blobs: false,
            sealed: None,
            chains: Vec::new(),
            findings: vec![finding],
        }
    }

    fn of(name: &str, damage: &[String], verified: &Verified) -> Self {
        let mut instance = Self {
            writes: Trail::of(&verified.writes),
            accesses: Trail::of(&verified.accesses),
            findings: damage.iter().map(|line| format!("storage: {line}")).collect(),
            ..Self::unread(name, String::new())
        };
        instance.add_findings("audit of writes", &verified.writes);
        instance.add_findings("audit of accesses", &verified.accesses);
        instance.ok = instance.findings.is_empty();
        instance
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

impl Instance {
    /// The chains whose heads were not at hand.
    fn unsigned(&self) -> impl Iterator<Item = &str> {
        let unsigned = self.chains.iter().filter(|chain| !chain.is_signed);
        unsigned.map(|chain| chain.name.as_str())
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
    fn of(instances: Vec<Instance>) -> Self {
        Self {
            ok: instances.iter().all(|instance| instance.ok),
            instances,
        }
    }

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
            if instance.has_unread_blobs {
                println!(
                    "  its large objects were not read: the running program alone reaches them, by its managed identity"
                );
            }
            let unsigned: Vec<&str> = instance.unsigned().collect();
            if !unsigned.is_empty() {
                println!(
                    "  without the heads of their process (--heads), so that nothing missing at their end is found: {}",
                    unsigned.join(", ")
                );
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
