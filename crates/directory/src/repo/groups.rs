//! Groups and memberships.

use hygie_core::{GroupId, ObjectId};
use hygie_store::{Row, StoreError, Tx};

use crate::Group;

/// The groups of a tenant.
pub struct Groups<'t, 'e>(pub &'t mut Tx<'e>);

impl Groups<'_, '_> {
    /// The group with this id.
    pub async fn find(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        let sql = "SELECT id, display_name, created_at FROM idp_group WHERE {i.is}tenant = :tenant AND id = ?1";
        self.0.query_one(sql, &[id.into()]).await?.map(group).transpose()
    }

    /// The groups after this id, in order of id; at most `limit`.
    pub async fn page(&mut self, after: Option<ObjectId>, limit: u32) -> Result<Vec<Group>, StoreError> {
        let sql = "SELECT id, display_name, created_at FROM idp_group
                   WHERE {i.is}tenant = :tenant AND id > ?1 ORDER BY id LIMIT ?2";
        let rows = self.0.query(sql, &[super::after(after), limit.into()]).await?;
        rows.into_iter().map(group).collect()
    }

    /// The members of a group after this id, in order of id; at most `limit`.
    pub async fn page_members(
        &mut self,
        group: GroupId,
        after: Option<ObjectId>,
        limit: u32,
    ) -> Result<Vec<ObjectId>, StoreError> {
        let sql = "SELECT member FROM idp_member
                   WHERE {i.is}tenant = :tenant AND group_id = ?1 AND member > ?2 ORDER BY member LIMIT ?3";
        let values = [group.into(), super::after(after), limit.into()];
        let rows = self.0.query(sql, &values).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// Writes a group.
    pub async fn insert(&mut self, group: &Group) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_group ({i.col}tenant, id, display_name, created_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3)";
        let values = [group.id.into(), (&group.display_name).into(), group.created_at.into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Makes `member` (user, group or service principal) a member; being one already is no error.
    pub async fn add_member(&mut self, group: GroupId, member: ObjectId) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_member ({i.col}tenant, group_id, member) VALUES ({i.val}:tenant, ?1, ?2)
                   ON CONFLICT ({i.col}tenant, group_id, member) DO NOTHING";
        self.0.execute(sql, &[group.into(), member.into()]).await.map(drop)
    }

    /// Ends a membership.
    pub async fn remove_member(&mut self, group: GroupId, member: ObjectId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM idp_member WHERE {i.is}tenant = :tenant AND group_id = ?1 AND member = ?2";
        Ok(self.0.execute(sql, &[group.into(), member.into()]).await? > 0)
    }

    /// The groups that `member` itself is in.
    pub async fn list_direct(&mut self, member: ObjectId) -> Result<Vec<GroupId>, StoreError> {
        let sql = "SELECT group_id FROM idp_member WHERE {i.is}tenant = :tenant AND member = ?1 ORDER BY group_id";
        self.0
            .query(sql, &[member.into()])
            .await?
            .into_iter()
            .map(|mut row| row.take(0))
            .collect()
    }

    /// The groups that `member` is in, nested ones included (`transitiveMemberOf`), in order of id; at most `limit`.
    pub async fn list_transitive(&mut self, member: ObjectId, limit: u32) -> Result<Vec<GroupId>, StoreError> {
        // UNION, not UNION ALL: groups may hold each other in a circle.
        let sql = "WITH RECURSIVE within (id) AS (
                     SELECT group_id FROM idp_member WHERE {i.is}tenant = :tenant AND member = ?1
                     UNION
                     SELECT m.group_id FROM within
                     JOIN (SELECT group_id, member FROM idp_member WHERE {i.is}tenant = :tenant) AS m
                       ON m.member = within.id)
                   SELECT id FROM within ORDER BY id LIMIT ?2";
        let rows = self.0.query(sql, &[member.into(), limit.into()]).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }
}

fn group(mut row: Row) -> Result<Group, StoreError> {
    Ok(Group {
        id: row.take(0)?,
        display_name: row.take(1)?,
        created_at: row.take(2)?,
    })
}
