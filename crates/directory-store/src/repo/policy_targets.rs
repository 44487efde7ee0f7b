//! Which policy an application or a service principal was given, beside those for everybody: one of a kind each.

use hygie_core::ObjectId;
use hygie_store::{Row, StoreError, Tx};
use uuid::Uuid;

use crate::logs::{Subject, seen};

/// The policies that the objects of a tenant were given.
pub struct PolicyTargets<'t, 'e>(pub &'t mut Tx<'e>);

impl PolicyTargets<'_, '_> {
    /// Of those of these objects that have one, which.
    pub async fn list_of(&mut self, objects: &[ObjectId]) -> Result<Vec<(ObjectId, Uuid)>, StoreError> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let list = super::placeholders(objects.len());
        let sql = format!(
            "SELECT object, policy FROM idp_policy_target WHERE {{i.is}}tenant = :tenant AND object IN ({list})"
        );
        let rows = self.0.query(&sql, &super::ids(objects)).await?;
        let of = |mut row: Row| {
            let policy = super::uuid(&row.take::<Vec<u8>>(1)?, "idp_policy_target.policy")?;
            Ok((row.take(0)?, policy))
        };
        rows.into_iter().map(of).collect()
    }

    /// The objects that are there and were given a policy, after this id, in order of id; at most `limit`.
    pub async fn page(
        &mut self,
        policy: Uuid,
        after: Option<ObjectId>,
        limit: u32,
    ) -> Result<Vec<ObjectId>, StoreError> {
        let sql = format!(
            "SELECT object FROM idp_policy_target WHERE {{i.is}}tenant = :tenant AND policy = ?1 AND object > ?2
             AND ({} OR object IN (SELECT id FROM idp_application WHERE {{i.is}}tenant = :tenant))
             ORDER BY object LIMIT ?3",
            super::is_there("idp_policy_target.object")
        );
        let values = [(*policy.as_bytes()).into(), super::after(after), limit.into()];
        let rows = self.0.query(&sql, &values).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// Gives a policy to an object, which must have none.
    pub async fn insert(&mut self, object: ObjectId, policy: Uuid) -> Result<(), StoreError> {
        seen(self.0, Subject::PolicyTarget(object, policy)).await?;
        let sql = "INSERT INTO idp_policy_target ({i.col}tenant, object, policy) VALUES ({i.val}:tenant, ?1, ?2)";
        let values = [object.into(), (*policy.as_bytes()).into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Takes a policy from an object. False when it did not have it.
    pub async fn remove(&mut self, object: ObjectId, policy: Uuid) -> Result<bool, StoreError> {
        seen(self.0, Subject::PolicyTarget(object, policy)).await?;
        let sql = "DELETE FROM idp_policy_target WHERE {i.is}tenant = :tenant AND object = ?1 AND policy = ?2";
        let values = [object.into(), (*policy.as_bytes()).into()];
        Ok(self.0.execute(sql, &values).await? > 0)
    }

    /// Takes a policy that is removed from all that have it.
    pub async fn remove_policy(&mut self, policy: Uuid) -> Result<(), StoreError> {
        let sql = "DELETE FROM idp_policy_target WHERE {i.is}tenant = :tenant AND policy = ?1";
        self.0.execute(sql, &[(*policy.as_bytes()).into()]).await.map(drop)
    }
}
