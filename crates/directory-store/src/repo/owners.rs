//! Who owns groups, applications and service principals.

use hygie_core::ObjectId;
use hygie_store::{StoreError, Tx};

use crate::logs::{Subject, seen};

/// The owners of the objects of a tenant.
pub struct Owners<'t, 'e>(pub &'t mut Tx<'e>);

impl Owners<'_, '_> {
    /// The owners of an object that are there, after this id, in order of id; at most `limit`.
    pub async fn page(
        &mut self,
        object: ObjectId,
        after: Option<ObjectId>,
        limit: u32,
    ) -> Result<Vec<ObjectId>, StoreError> {
        let sql = format!(
            "SELECT owner FROM idp_owner WHERE {{i.is}}tenant = :tenant AND object = ?1 AND owner > ?2 AND {}
             ORDER BY owner LIMIT ?3",
            super::is_there("idp_owner.owner")
        );
        let values = [object.into(), super::after(after), limit.into()];
        let rows = self.0.query(&sql, &values).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// What somebody owns that is there, after this id, in order of id; at most `limit`.
    pub async fn page_owned(
        &mut self,
        owner: ObjectId,
        after: Option<ObjectId>,
        limit: u32,
    ) -> Result<Vec<ObjectId>, StoreError> {
        let sql = format!(
            "SELECT object FROM idp_owner WHERE {{i.is}}tenant = :tenant AND owner = ?1 AND object > ?2
             AND ({} OR object IN (SELECT id FROM idp_application WHERE {{i.is}}tenant = :tenant))
             ORDER BY object LIMIT ?3",
            super::is_there("idp_owner.object")
        );
        let values = [owner.into(), super::after(after), limit.into()];
        let rows = self.0.query(&sql, &values).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// Whether `owner` owns an object.
    pub async fn has(&mut self, object: ObjectId, owner: ObjectId) -> Result<bool, StoreError> {
        let sql = "SELECT owner FROM idp_owner WHERE {i.is}tenant = :tenant AND object = ?1 AND owner = ?2";
        Ok(self.0.query_one(sql, &[object.into(), owner.into()]).await?.is_some())
    }

    /// Makes `owner` an owner; it must be none yet.
    pub async fn insert(&mut self, object: ObjectId, owner: ObjectId) -> Result<(), StoreError> {
        seen(self.0, Subject::Owner(object, owner)).await?;
        let sql = "INSERT INTO idp_owner ({i.col}tenant, object, owner) VALUES ({i.val}:tenant, ?1, ?2)";
        self.0.execute(sql, &[object.into(), owner.into()]).await.map(drop)
    }

    /// Ends an ownership. False when there was none.
    pub async fn remove(&mut self, object: ObjectId, owner: ObjectId) -> Result<bool, StoreError> {
        seen(self.0, Subject::Owner(object, owner)).await?;
        let sql = "DELETE FROM idp_owner WHERE {i.is}tenant = :tenant AND object = ?1 AND owner = ?2";
        Ok(self.0.execute(sql, &[object.into(), owner.into()]).await? > 0)
    }
}
