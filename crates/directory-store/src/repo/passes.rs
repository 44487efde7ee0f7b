//! Temporary access passes.

use hygie_core::{ObjectId, Secret, Timestamp};
use hygie_store::{Row, StoreError, Tx};
use uuid::Uuid;

use super::hashes;
use crate::logs::{Subject, seen};
use crate::sealed::PASS;

/// The temporary access passes of a tenant's people.
pub struct Passes<'t, 'e>(pub &'t mut Tx<'e>);

/// A temporary access pass; a person has one at most.
#[derive(Clone, Debug)]
pub struct PassRow {
    /// Its id.
    pub id: Uuid,
    /// Its hash, as that of a password.
    pub hash: Secret<String>,
    /// Whether it is good once only.
    pub is_usable_once: bool,
    /// Not good before this instant.
    pub start_at: Timestamp,
    /// Not good from this instant on.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was used last.
    pub used_at: Option<Timestamp>,
}

impl Passes<'_, '_> {
    /// That of a person.
    pub async fn find(&mut self, user: ObjectId) -> Result<Option<PassRow>, StoreError> {
        let sql = "SELECT id, sealed_hash, once, start_at, expires_at, created_at, used_at FROM idp_pass
                   WHERE {i.is}tenant = :tenant AND user_id = ?1";
        let Some(mut row) = self.0.query_one(sql, &[user.into()]).await? else {
            return Ok(None);
        };
        let sealed = row.take(1)?;
        match hashes::open(self.0, &PASS, user, sealed).await? {
            Some(hash) => pass(row, hash).map(Some),
            None => Ok(None),
        }
    }

    /// Gives a person a pass, in the place of the one before.
    pub async fn set(&mut self, user: ObjectId, pass: &PassRow) -> Result<(), StoreError> {
        seen(self.0, Subject::Means(user)).await?;
        let sql = "INSERT INTO idp_pass ({i.col}tenant, user_id, id, sealed_hash, once, start_at, expires_at, created_at, used_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT ({i.col}tenant, user_id)
                   DO UPDATE SET id = ?2, sealed_hash = ?3, once = ?4, start_at = ?5, expires_at = ?6, created_at = ?7, used_at = ?8";
        let sealed = hashes::seal(self.0, &PASS, user, Some(&pass.hash)).await?;
        let values = [
            user.into(),
            pass.id.into_bytes().into(),
            sealed.into(),
            pass.is_usable_once.into(),
            pass.start_at.into(),
            pass.expires_at.into(),
            pass.created_at.into(),
            pass.used_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Uses a pass. False when it is another one meanwhile, or was used and is good once only.
    pub async fn take(&mut self, user: ObjectId, id: Uuid, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_pass SET used_at = ?3
                   WHERE {i.is}tenant = :tenant AND user_id = ?1 AND id = ?2 AND (once = 0 OR used_at IS NULL)";
        Ok(self
            .0
            .execute(sql, &[user.into(), id.into_bytes().into(), at.into()])
            .await?
            > 0)
    }

    /// Takes a pass away. False when the person has none with this id.
    pub async fn remove(&mut self, user: ObjectId, id: Uuid) -> Result<bool, StoreError> {
        seen(self.0, Subject::Means(user)).await?;
        let sql = "DELETE FROM idp_pass WHERE {i.is}tenant = :tenant AND user_id = ?1 AND id = ?2";
        Ok(self.0.execute(sql, &[user.into(), id.into_bytes().into()]).await? > 0)
    }
}

fn pass(mut row: Row, hash: Secret<String>) -> Result<PassRow, StoreError> {
    let id: Vec<u8> = row.take(0)?;
    Ok(PassRow {
        id: super::uuid(&id, "idp_pass.id")?,
        hash,
        is_usable_once: row.take(2)?,
        start_at: row.take(3)?,
        expires_at: row.take(4)?,
        created_at: row.take(5)?,
        used_at: row.take(6)?,
    })
}
