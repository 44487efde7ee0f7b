//! Hashes of passwords and passes, as the tables hold them: sealed.

use hygie_core::{ObjectId, Secret};
use hygie_store::{SealedColumn, StoreError, Tx, Value};

use crate::sealed::{DELETED_PASSWORD, PASS, PASSWORD};

/// Rows that are sealed at once.
const CHUNK: u32 = 500;

/// Where a release before this one wrote a hash, and where it belongs.
const CLEAR: [(&str, SealedColumn); 3] = [
    ("password", PASSWORD),
    ("password", DELETED_PASSWORD),
    ("clear_hash", PASS),
];

fn key(tx: &Tx<'_>, of: ObjectId) -> [Value; 2] {
    [tx.cx().tenant.into(), of.into()]
}

/// Seals the hash of somebody.
pub(super) async fn seal(
    tx: &mut Tx<'_>,
    column: &SealedColumn,
    of: ObjectId,
    hash: Option<&Secret<String>>,
) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(hash) = hash else {
        return Ok(None);
    };
    let key = key(tx, of);
    tx.seal(column, &key, hash.expose().as_bytes()).await.map(Some)
}

/// Opens it.
pub(super) async fn open(
    tx: &mut Tx<'_>,
    column: &SealedColumn,
    of: ObjectId,
    sealed: Option<Vec<u8>>,
) -> Result<Option<Secret<String>>, StoreError> {
    let Some(sealed) = sealed else {
        return Ok(None);
    };
    let key = key(tx, of);
    let plain = tx.unseal(column, &key, &sealed).await?;
    let text = std::str::from_utf8(plain.expose());
    let text = text.map_err(|_| StoreError::Inconsistent(format!("{}.{} is no text", column.table, column.column)))?;
    Ok(Some(Secret::new(text.to_owned())))
}

/// Seals the hashes that a release before this one wrote in clear, a part of them. False when there was nothing to do.
pub async fn complete(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let mut is_more = false;
    for (clear, column) in CLEAR {
        let (table, sealed_in, id) = (column.table, column.column, column.key[1]);
        let sql = format!(
            "SELECT {id}, {clear} FROM {table} WHERE {{i.is}}tenant = :tenant AND {clear} IS NOT NULL LIMIT ?1"
        );
        let update =
            format!("UPDATE {table} SET {sealed_in} = ?2, {clear} = NULL WHERE {{i.is}}tenant = :tenant AND {id} = ?1");
        for mut row in tx.query(&sql, &[CHUNK.into()]).await? {
            let (of, hash): (ObjectId, String) = (row.take(0)?, row.take(1)?);
            let sealed = seal(tx, &column, of, Some(&Secret::new(hash))).await?;
            tx.execute(&update, &[of.into(), sealed.into()]).await?;
            is_more = true;
        }
    }
    Ok(is_more)
}
