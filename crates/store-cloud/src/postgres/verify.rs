//! Verifying the audit chains of an instance, beside the processes that write them or without.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deadpool_postgres::Client;
use hygie_store::StoreError;
use hygie_store::audit::{Entry, Finding, Head, HeadFile, Report, Trail, Verification};
use hygie_store::keys::{Keyring, Purpose};

use super::chain::{ChainKeys, head_name};
use super::connect::Database;
use super::error::fault;
use super::keys;
use super::link::owned;

/// What was found in one chain.
#[derive(Clone, Debug)]
pub struct VerifiedChain {
    /// Name of the chain: the writer's, and for writes a number.
    pub chain: String,
    /// Which trail it belongs to.
    pub trail: Trail,
    /// Whether the heads of its process were given. Without them its entries are verified, and what was removed from its
    /// end is not missed.
    pub is_signed: bool,
    /// What was found.
    pub report: Report,
}

/// The signed heads at hand.
#[derive(Clone, Copy, Debug)]
pub struct Heads<'a> {
    /// Directories of the heads of processes; each exists.
    pub directories: &'a [PathBuf],
    /// The process whose heads must be among them, whatever is found.
    pub writer: &'a str,
}

/// Up to a thousand entries after a number.
const fn page(trail: Trail) -> &'static str {
    match trail {
        Trail::Writes => {
            "SELECT seq, link, entry FROM audit WHERE instance = $1 AND chain = $2 AND seq > $3 ORDER BY seq LIMIT 1000"
        }
        Trail::Accesses => {
            "SELECT seq, link, entry FROM access WHERE instance = $1 AND chain = $2 AND seq > $3 ORDER BY seq LIMIT 1000"
        }
    }
}

/// Every chain of a trail that has entries, known or not.
const fn chains(trail: Trail) -> &'static str {
    match trail {
        Trail::Writes => {
            "SELECT name FROM chain WHERE instance = $1 AND trail = 'writes'
             UNION SELECT chain FROM audit WHERE instance = $1"
        }
        Trail::Accesses => {
            "SELECT name FROM chain WHERE instance = $1 AND trail = 'accesses'
             UNION SELECT chain FROM access WHERE instance = $1"
        }
    }
}

/// Names of the instances of a database, in order.
pub async fn instances(database: &Database) -> Result<BTreeSet<String>, StoreError> {
    let client = database.client().await?;
    let rows = client.query("SELECT name FROM instance", &[]).await.map_err(fault)?;
    rows.iter().map(|row| row.try_get(0).map_err(fault)).collect()
}

/// Verifies every chain that the database or a directory of heads knows of. Gather the heads of all processes to verify
/// all chains whole.
pub async fn verify(
    database: &Database,
    heads: Heads<'_>,
    instance: &str,
    keyring: &Keyring,
) -> Result<Vec<VerifiedChain>, StoreError> {
    let client = database.client().await?;
    for purpose in [Purpose::heads(), Purpose::audit(instance)] {
        keys::learn(&client, keyring, &purpose).await?;
    }
    let keys = ChainKeys::get(keyring, instance)?;
    let sql = "SELECT number FROM instance WHERE name = $1";
    let row = client.query_opt(sql, &[&instance]).await.map_err(fault)?;
    let row = row.ok_or_else(|| StoreError::Inconsistent(format!("the database has no instance `{instance}`")))?;
    let number: i64 = row.try_get(0).map_err(fault)?;
    let signed = Signed::read(heads)?;
    let mut verified = Vec::new();
    for trail in [Trail::Writes, Trail::Accesses] {
        let found = client.query(chains(trail), &[&number]).await.map_err(fault)?;
        let known = found.iter().map(|row| row.try_get(0).map_err(fault));
        let mut names = known.collect::<Result<BTreeSet<String>, _>>()?;
        names.extend(signed.chains(instance, trail));
        for chain in names {
            // The head first: what is written meanwhile is after it.
            let head = newest(heads.directories, &keys, (instance, &chain, trail))?;
            let walk = Verification::new(keys.links(trail), head);
            let mut report = entries(&client, (number, &chain, trail), walk).await?;
            let is_signed = signed.writers.contains(writer_of(&chain));
            if !is_signed {
                report.findings.retain(|finding| *finding != Finding::HeadDamaged);
            }
            verified.push(VerifiedChain {
                chain,
                trail,
                is_signed,
                report,
            });
        }
    }
    Ok(verified)
}

async fn entries(
    client: &Client,
    (instance, chain, trail): (i64, &str, Trail),
    mut walk: Verification,
) -> Result<Report, StoreError> {
    let sql = page(trail);
    let name: Arc<str> = Arc::from(sql);
    let statement = client.prepare_cached(sql).await.map_err(fault)?;
    let mut after = i64::MIN;
    loop {
        let rows = client
            .query(&statement, &[&instance, &chain, &after])
            .await
            .map_err(fault)?;
        let Some(last) = rows.last() else {
            return Ok(walk.finish());
        };
        after = last.try_get(0).map_err(fault)?;
        for row in &rows {
            walk.push(Entry::from_row(owned(&name, row)?));
        }
    }
}

/// The process that writes a chain: `a` for `a` and for `a.0`.
fn writer_of(chain: &str) -> &str {
    chain.split('.').next().unwrap_or(chain)
}

/// The head that knows most, where a process has moved and left older ones behind.
fn newest(
    directories: &[PathBuf],
    keys: &ChainKeys,
    (instance, chain, trail): (&str, &str, Trail),
) -> Result<Option<Head>, StoreError> {
    let name = head_name(instance, chain, trail);
    let mut found: Option<Head> = None;
    for directory in directories {
        let head = HeadFile::read(directory, keys.heads(), &name).map_err(io)?;
        if head.is_some_and(|head| found.is_none_or(|found| head.tip.seq > found.tip.seq)) {
            found = head;
        }
    }
    Ok(found)
}

/// What the names of the files of heads tell.
struct Signed {
    files: Vec<String>,
    /// The processes whose heads are here.
    writers: BTreeSet<String>,
}

impl Signed {
    fn read(heads: Heads<'_>) -> Result<Self, StoreError> {
        let mut signed = Self {
            files: Vec::new(),
            writers: BTreeSet::from([heads.writer.to_owned()]),
        };
        for directory in heads.directories {
            signed.add(directory)?;
        }
        Ok(signed)
    }

    fn add(&mut self, directory: &Path) -> Result<(), StoreError> {
        for entry in std::fs::read_dir(directory).map_err(io)? {
            let name = entry.map_err(io)?.file_name().to_string_lossy().into_owned();
            let chain = name.strip_suffix(".head").and_then(|name| name.rsplit_once('@'));
            if let Some((_, chain)) = chain {
                self.writers.insert(writer_of(chain).to_owned());
                self.files.push(name);
            }
        }
        Ok(())
    }

    /// The chains of an instance whose heads are here.
    fn chains<'s>(&'s self, instance: &str, trail: Trail) -> impl Iterator<Item = String> + use<'s> {
        let (before, after) = (format!("{instance}@"), format!(".{}.head", trail.as_str()));
        let chain = move |name: &String| name.strip_prefix(&before)?.strip_suffix(&after).map(str::to_owned);
        self.files.iter().filter_map(chain)
    }
}

fn io(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(Some(Box::new(error)))
}
