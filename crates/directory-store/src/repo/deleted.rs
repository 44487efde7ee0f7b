//! What was deleted and can still be brought back.

use hygie_core::{ObjectId, Secret, Timestamp};
use hygie_store::{Row, StoreError, Tx};

use super::hashes;
use crate::sealed::DELETED_PASSWORD;

/// The deleted objects of a tenant.
pub struct Deleted<'t, 'e>(pub &'t mut Tx<'e>);

/// A deleted object.
#[derive(Clone, Debug)]
pub struct DeletedRow {
    /// Its id.
    pub id: ObjectId,
    /// Of which kind it is.
    pub kind: String,
    /// What it was, as JSON.
    pub content: String,
    /// The hash of its password.
    pub password: Option<Secret<String>>,
    /// When it was deleted.
    pub deleted_at: Timestamp,
}

const COLUMNS: &str = "id, kind, content, sealed_password, deleted_at";

impl Deleted<'_, '_> {
    /// The object with this id, unless it was deleted before `since`.
    pub async fn find(&mut self, id: ObjectId, since: Timestamp) -> Result<Option<DeletedRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_deleted WHERE {{i.is}}tenant = :tenant AND id = ?1 AND deleted_at >= ?2"
        );
        match self.0.query_one(&sql, &[id.into(), since.into()]).await? {
            Some(row) => deleted(self.0, row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The objects of a kind after this id, in order of id, that were not deleted before `since`; at most `limit`.
    pub async fn page(
        &mut self,
        kind: &str,
        since: Timestamp,
        (after, limit): (Option<ObjectId>, u32),
    ) -> Result<Vec<DeletedRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_deleted WHERE {{i.is}}tenant = :tenant AND kind = ?1 AND id > ?2
             AND deleted_at >= ?3 ORDER BY id LIMIT ?4"
        );
        let values = [kind.into(), super::after(after), since.into(), limit.into()];
        let rows = self.0.query(&sql, &values).await?;
        self.all(rows).await
    }

    /// Some of those that were deleted before `until`.
    pub async fn list_before(&mut self, until: Timestamp, limit: u32) -> Result<Vec<DeletedRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_deleted WHERE {{i.is}}tenant = :tenant AND deleted_at < ?1
             ORDER BY deleted_at LIMIT ?2"
        );
        let rows = self.0.query(&sql, &[until.into(), limit.into()]).await?;
        self.all(rows).await
    }

    /// Some of a kind beyond the `most` that were deleted last, the oldest last.
    pub async fn list_beyond(&mut self, kind: &str, most: u32, limit: u32) -> Result<Vec<DeletedRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_deleted WHERE {{i.is}}tenant = :tenant AND kind = ?1
             ORDER BY deleted_at DESC, id DESC LIMIT ?2 OFFSET ?3"
        );
        let rows = self.0.query(&sql, &[kind.into(), limit.into(), most.into()]).await?;
        self.all(rows).await
    }

    async fn all(&mut self, rows: Vec<Row>) -> Result<Vec<DeletedRow>, StoreError> {
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            all.push(deleted(self.0, row).await?);
        }
        Ok(all)
    }

    /// Keeps a deleted object.
    pub async fn insert(&mut self, row: &DeletedRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_deleted ({i.col}tenant, id, kind, content, sealed_password, deleted_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5)";
        let sealed = hashes::seal(self.0, &DELETED_PASSWORD, row.id, row.password.as_ref()).await?;
        let values = [
            row.id.into(),
            (&row.kind).into(),
            (&row.content).into(),
            sealed.into(),
            row.deleted_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Forgets a deleted object. False when there is none.
    pub async fn remove(&mut self, id: ObjectId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM idp_deleted WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into()]).await? > 0)
    }

    /// Removes whatever refers to an object that will not come back.
    pub async fn unlink(&mut self, id: ObjectId) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM idp_member WHERE {i.is}tenant = :tenant AND member = ?1",
            "DELETE FROM idp_member WHERE {i.is}tenant = :tenant AND group_id = ?1",
            "DELETE FROM idp_owner WHERE {i.is}tenant = :tenant AND owner = ?1",
            "DELETE FROM idp_owner WHERE {i.is}tenant = :tenant AND object = ?1",
            "DELETE FROM idp_app_role WHERE {i.is}tenant = :tenant AND principal = ?1",
            "DELETE FROM idp_app_role WHERE {i.is}tenant = :tenant AND resource = ?1",
            "DELETE FROM idp_consent WHERE {i.is}tenant = :tenant AND subject = ?1",
            "DELETE FROM idp_consent WHERE {i.is}tenant = :tenant AND client = ?1",
            "DELETE FROM idp_consent WHERE {i.is}tenant = :tenant AND resource = ?1",
            "DELETE FROM idp_low_impact WHERE {i.is}tenant = :tenant AND resource = ?1",
            "DELETE FROM idp_manager WHERE {i.is}tenant = :tenant AND user_id = ?1",
            "DELETE FROM idp_manager WHERE {i.is}tenant = :tenant AND manager = ?1",
            "DELETE FROM idp_guest WHERE {i.is}tenant = :tenant AND user_id = ?1",
            "DELETE FROM idp_campaign WHERE {i.is}tenant = :tenant AND user_id = ?1",
            "DELETE FROM idp_policy_target WHERE {i.is}tenant = :tenant AND object = ?1",
        ] {
            self.0.execute(sql, &[id.into()]).await?;
        }
        Ok(())
    }
}

async fn deleted(tx: &mut Tx<'_>, mut row: Row) -> Result<DeletedRow, StoreError> {
    let (id, sealed) = (row.take(0)?, row.take(3)?);
    Ok(DeletedRow {
        id,
        kind: row.take(1)?,
        content: row.take(2)?,
        password: hashes::open(tx, &DELETED_PASSWORD, id, sealed).await?,
        deleted_at: row.take(4)?,
    })
}
