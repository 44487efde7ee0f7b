//! The data keys that all processes of a database have in common.
//!
//! They lie in the table `data_key`, wrapped by the master key, which is never in the database. Each process has a copy
//! of those it uses in a `keys.json` of its own, so that a removed table is missed.

use std::collections::{BTreeSet, HashSet};

use deadpool_postgres::Client;
use hygie_store::StoreError;
use hygie_store::keys::{Keyring, Purpose};
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use super::connect::Database;
use super::error::fault;
use super::schema;

const KEYS: &str = "SELECT id, entry FROM data_key WHERE purpose = $1 ORDER BY number";

/// Takes in the keys for these purposes, and leaves in the database what it lacks: keys of this process, or new ones. The
/// caller's transaction holds the lock of the schema, so that of two processes that start at once one makes them.
///
/// Gives the new ones, to be imported once the transaction is committed: whoever ends before has not got keys that nobody
/// else has.
pub async fn share(
    transaction: &Transaction<'_>,
    keyring: &Keyring,
    purposes: &[Purpose],
) -> Result<Vec<String>, StoreError> {
    let mut new = Vec::new();
    for purpose in purposes {
        let rows = transaction.query(KEYS, &[&purpose.as_str()]).await.map_err(fault)?;
        let (mut shared, mut lines) = (BTreeSet::new(), Vec::new());
        for row in &rows {
            shared.insert(row.try_get::<_, String>(0).map_err(fault)?);
            lines.push(row.try_get(1).map_err(fault)?);
        }
        // What other processes replaced since is what counts, also for one that was not there.
        if purpose.columns_of().is_some() && !lines.is_empty() {
            keyring.adopt(purpose, &lines)?;
            continue;
        }
        check_same(keyring, purpose, &shared)?;
        keyring.import(&lines)?;
        let mut lacking = keyring.export(purpose);
        if keyring.find(purpose).is_none() {
            let (id, line) = keyring.propose(purpose)?;
            new.push(line.clone());
            lacking.push((id, line));
        }
        for (id, line) in lacking {
            let id = id.to_string();
            if shared.contains(&id) {
                continue;
            }
            let insert = "INSERT INTO data_key (purpose, id, entry) VALUES ($1, $2, $3)";
            let values: [&(dyn ToSql + Sync); 3] = [&purpose.as_str(), &id, &line];
            transaction.execute(insert, &values).await.map_err(fault)?;
        }
    }
    Ok(new)
}

/// Has the processes of a database use the same keys for these purposes, which are made when there are none.
pub async fn share_keys(database: &Database, keyring: &Keyring, purposes: &[Purpose]) -> Result<(), StoreError> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await.map_err(fault)?;
    schema::lock(&transaction).await?;
    let made = share(&transaction, keyring, purposes).await?;
    transaction.commit().await.map_err(fault)?;
    Ok(keyring.import(&made)?)
}

/// A process that has other keys, and none of these, belongs to another database.
fn check_same(keyring: &Keyring, purpose: &Purpose, shared: &BTreeSet<String>) -> Result<(), StoreError> {
    let own = keyring.export(purpose);
    let is_same = own.is_empty() || shared.is_empty() || own.iter().any(|(id, _)| shared.contains(&id.to_string()));
    is_same.then_some(()).ok_or_else(|| {
        StoreError::Inconsistent(format!(
            "the key `{purpose}` of this process is not that of the database: keys.json comes from another installation"
        ))
    })
}

/// Takes in the keys for a purpose beside the processes that use them, changing nothing in the database.
pub async fn learn(client: &Client, keyring: &Keyring, purpose: &Purpose) -> Result<(), StoreError> {
    let rows = client.query(KEYS, &[&purpose.as_str()]).await.map_err(fault)?;
    let shared: Result<BTreeSet<String>, _> = rows.iter().map(|row| row.try_get(0).map_err(fault)).collect();
    check_same(keyring, purpose, &shared?)?;
    let lines = rows.iter().map(|row| row.try_get(1).map_err(fault));
    keyring.import(&lines.collect::<Result<Vec<String>, _>>()?)?;
    Ok(())
}

/// Takes in every key in the database, those of instances that this process never opened, too.
pub async fn take_in(database: &Database, keyring: &Keyring) -> Result<(), StoreError> {
    let client = database.client().await?;
    let rows = client.query("SELECT entry FROM data_key ORDER BY number", &[]).await;
    let lines = rows
        .map_err(fault)?
        .into_iter()
        .map(|row| row.try_get(0).map_err(fault));
    keyring.import(&lines.collect::<Result<Vec<String>, _>>()?)?;
    Ok(())
}

/// Wraps the keys in the database with the master key of this keyring; how many there are.
///
/// The other processes know these keys already and go on with what they have; who knows none needs the new master key.
pub async fn rewrap(database: &Database, keyring: &Keyring) -> Result<u64, StoreError> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await.map_err(fault)?;
    let mut rewrapped = 0;
    let purposes: HashSet<Purpose> = keyring.list().into_iter().map(|key| key.purpose).collect();
    for purpose in purposes {
        for (id, line) in keyring.export(&purpose) {
            let update = "UPDATE data_key SET entry = $3 WHERE purpose = $1 AND id = $2";
            let values: [&(dyn ToSql + Sync); 3] = [&purpose.as_str(), &id.to_string(), &line];
            rewrapped += transaction.execute(update, &values).await.map_err(fault)?;
        }
    }
    transaction.commit().await.map_err(fault)?;
    Ok(rewrapped)
}
