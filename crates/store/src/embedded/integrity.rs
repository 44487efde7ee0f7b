//! Checks the database file of an instance, beside the process that writes it or without.

use std::path::Path;

use hygie_core::TenantId;

use super::connection::{Access, Db};
use super::rotation::database;
use crate::StoreError;
use crate::keys::Keyring;

/// Pages kept in memory: each is looked at once.
const CACHE_KIB: u32 = 2048;
/// What is told of a damaged file, at most.
const MAX_DAMAGE: u32 = 100;

/// Reads every page of the database of an instance and tells what is wrong with it: pages that do not open under the
/// key, tables and indexes that do not fit each other. It blocks.
pub fn damage(directory: &Path, instance: &str, keyring: &Keyring) -> Result<Vec<String>, StoreError> {
    let (path, key) = database(directory, instance, keyring)?;
    // Opening would make one.
    path.metadata()
        .map_err(|error| StoreError::Unavailable(Some(Box::new(error))))?;
    let mut db = Db::open(&path, &key, Access::Read, CACHE_KIB)?;
    let pragma = format!("PRAGMA integrity_check({MAX_DAMAGE})");
    // The file is the instance's, whatever the tenant.
    match db.query(&pragma, TenantId::from_uuid(uuid::Uuid::nil()), &[]) {
        Ok(rows) => {
            let mut lines = rows
                .into_iter()
                .map(|mut row| row.take::<String>(0))
                .collect::<Result<Vec<_>, _>>()?;
            lines.retain(|line| line != "ok");
            Ok(lines)
        }
        Err(StoreError::Engine(error)) => Ok(vec![error.to_string()]),
        Err(other) => Err(other),
    }
}
