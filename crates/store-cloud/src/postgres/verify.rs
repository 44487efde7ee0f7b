//! Verifying the audit chains of an instance, beside the processes that write them or without.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use deadpool_postgres::Client;
use hygie_store::StoreError;
use hygie_store::audit::{Entry, HeadFile, Report, Trail, Verification};
use hygie_store::keys::Keyring;

use super::chain::{ChainKeys, head_name};
use super::connect::Database;
use super::error::fault;
use super::link::owned;

/// What was found in one chain.
#[derive(Clone, Debug)]
pub struct VerifiedChain {
    /// Name of the chain: the writer's, and for writes a number.
    pub chain: String,
    /// Which trail it belongs to.
    pub trail: Trail,
    /// What was found.
    pub report: Report,
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

/// Verifies every chain that the database or the directory of heads knows of. A chain whose head is not in this directory
/// is reported as one that lost it: gather the heads of all processes to verify all chains.
pub async fn verify(
    database: &Database,
    heads: &Path,
    instance: &str,
    keyring: &Keyring,
) -> Result<Vec<VerifiedChain>, StoreError> {
    let keys = ChainKeys::get(keyring, instance)?;
    let client = database.client().await?;
    let sql = "SELECT number FROM instance WHERE name = $1";
    let row = client.query_opt(sql, &[&instance]).await.map_err(fault)?;
    let row = row.ok_or_else(|| StoreError::Inconsistent(format!("the database has no instance `{instance}`")))?;
    let number: i64 = row.try_get(0).map_err(fault)?;
    let mut verified = Vec::new();
    for trail in [Trail::Writes, Trail::Accesses] {
        let found = client.query(chains(trail), &[&number]).await.map_err(fault)?;
        let known = found.iter().map(|row| row.try_get(0).map_err(fault));
        let mut names = known.collect::<Result<BTreeSet<String>, _>>()?;
        names.extend(signed(heads, instance, trail)?);
        for chain in names {
            // The head first: what is written meanwhile is after it.
            let name = head_name(instance, &chain, trail);
            let head = HeadFile::read(heads, keys.heads(), &name).map_err(io)?;
            let walk = Verification::new(keys.links(trail), head);
            let report = entries(&client, (number, &chain, trail), walk).await?;
            verified.push(VerifiedChain { chain, trail, report });
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

/// The chains of an instance whose heads are in this directory.
fn signed(heads: &Path, instance: &str, trail: Trail) -> Result<Vec<String>, StoreError> {
    let (before, after) = (format!("{instance}@"), format!(".{}.head", trail.as_str()));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(heads).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let name = name.to_string_lossy();
        let chain = name.strip_prefix(&before).and_then(|rest| rest.strip_suffix(&after));
        names.extend(chain.map(str::to_owned));
    }
    Ok(names)
}

fn io(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(Some(Box::new(error)))
}
