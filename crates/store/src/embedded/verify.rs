//! Verifying the audit chains of an instance, beside the process that writes them or without.

use std::path::Path;

use hygie_core::TenantId;

use super::access_place;
use super::connection::{Access, Db};
use super::rotation::database;
use crate::audit::{
    AccessKeys, Entry, HeadFile, HeadName, LinkKey, PAGE, Report, Trail, Verification, Verified, verify_accesses,
};
use crate::keys::Keyring;
use crate::{StoreError, Value};

/// Pages kept in memory: each is looked at once.
const CACHE_KIB: u32 = 2048;

/// Verifies the instance in these directories of [`Options`](super::Options). It blocks.
pub fn verify(directory: &Path, heads: &Path, instance: &str, keyring: &Keyring) -> Result<Verified, StoreError> {
    let keys = AccessKeys::get(keyring, instance)?;
    Ok(Verified {
        writes: verify_writes(directory, heads, instance, (keyring, &keys))?,
        accesses: verify_accesses(&access_place(directory, heads, instance), &keys)?,
    })
}

fn verify_writes(
    directory: &Path,
    heads: &Path,
    instance: &str,
    (keyring, keys): (&Keyring, &AccessKeys),
) -> Result<Report, StoreError> {
    let (path, key) = database(directory, instance, keyring)?;
    // Opening would make one.
    path.metadata().map_err(io)?;
    let name = HeadName {
        instance: instance.to_owned(),
        trail: Trail::Writes,
    };
    // The head first: what is written meanwhile is after it.
    let head = HeadFile::read(heads, &keys.heads, &name).map_err(io)?;
    let mut db = Db::open(&path, &key, Access::Read, CACHE_KIB)?;
    let mut verification = Verification::new(LinkKey::new(&keys.audit, Trail::Writes), head);
    let mut after = Value::Int(i64::MIN);
    loop {
        // The chain is the instance's, whatever the tenant.
        let rows = db.query(PAGE, TenantId::from_uuid(uuid::Uuid::nil()), &[after])?;
        let Some(last) = rows.last() else {
            return Ok(verification.finish());
        };
        let seq: i64 = last.clone().take(0)?;
        for row in rows {
            verification.push(Entry::from_row(row));
        }
        after = Value::Int(seq);
    }
}

fn io(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(Some(Box::new(error)))
}
