//! Who answers for whom.

use hygie_core::ObjectId;
use hygie_store::{StoreError, Tx};

use crate::logs::{Subject, seen};

/// The managers of the people of a tenant.
pub struct Managers<'t, 'e>(pub &'t mut Tx<'e>);

impl Managers<'_, '_> {
    /// The manager of a user.
    pub async fn find(&mut self, user: ObjectId) -> Result<Option<ObjectId>, StoreError> {
        let sql = "SELECT manager FROM idp_manager WHERE {i.is}tenant = :tenant AND user_id = ?1";
        let row = self.0.query_one(sql, &[user.into()]).await?;
        row.map(|mut row| row.take(0)).transpose()
    }

    /// Those who are there and have this manager, after this id, in order of id; at most `limit`.
    pub async fn page_reports(
        &mut self,
        manager: ObjectId,
        after: Option<ObjectId>,
        limit: u32,
    ) -> Result<Vec<ObjectId>, StoreError> {
        let sql = "SELECT user_id FROM idp_manager WHERE {i.is}tenant = :tenant AND manager = ?1 AND user_id > ?2
                   AND user_id IN (SELECT id FROM idp_user WHERE {i.is}tenant = :tenant)
                   ORDER BY user_id LIMIT ?3";
        let values = [manager.into(), super::after(after), limit.into()];
        let rows = self.0.query(sql, &values).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// Gives a user this manager, in the place of another.
    pub async fn put(&mut self, user: ObjectId, manager: ObjectId) -> Result<(), StoreError> {
        seen(self.0, Subject::User(user)).await?;
        let sql = "INSERT INTO idp_manager ({i.col}tenant, user_id, manager) VALUES ({i.val}:tenant, ?1, ?2)
                   ON CONFLICT ({i.col}tenant, user_id) DO UPDATE SET manager = excluded.manager";
        self.0.execute(sql, &[user.into(), manager.into()]).await.map(drop)
    }

    /// Takes the manager of a user away. False when there was none.
    pub async fn remove(&mut self, user: ObjectId) -> Result<bool, StoreError> {
        seen(self.0, Subject::User(user)).await?;
        let sql = "DELETE FROM idp_manager WHERE {i.is}tenant = :tenant AND user_id = ?1";
        Ok(self.0.execute(sql, &[user.into()]).await? > 0)
    }
}
