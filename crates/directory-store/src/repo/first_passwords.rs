//! When an administrator gave somebody a password to be changed: it ends after a while.

use hygie_core::{ObjectId, Timestamp};
use hygie_store::{StoreError, Tx};

/// The first passwords of a tenant's people.
pub struct FirstPasswords<'t, 'e>(pub &'t mut Tx<'e>);

impl FirstPasswords<'_, '_> {
    /// When the present password of somebody was given, where it was given to be changed.
    pub async fn find(&mut self, user: ObjectId) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT set_at FROM idp_first_password WHERE {i.is}tenant = :tenant AND user_id = ?1";
        let row = self.0.query_one(sql, &[user.into()]).await?;
        row.map(|mut row| row.take(0)).transpose()
    }

    /// Somebody was given one.
    pub async fn given(&mut self, user: ObjectId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_first_password ({i.col}tenant, user_id, set_at) VALUES ({i.val}:tenant, ?1, ?2)
                   ON CONFLICT ({i.col}tenant, user_id) DO UPDATE SET set_at = ?2";
        self.0.execute(sql, &[user.into(), at.into()]).await.map(drop)
    }

    /// The present password of somebody is one that lasts.
    pub async fn remove(&mut self, user: ObjectId) -> Result<(), StoreError> {
        let sql = "DELETE FROM idp_first_password WHERE {i.is}tenant = :tenant AND user_id = ?1";
        self.0.execute(sql, &[user.into()]).await.map(drop)
    }
}
