//! Groups and memberships.

use hygie_core::{GroupId, ObjectId};
use hygie_store::{Row, StoreError, Tx};

use super::{ByName, Place};
use crate::Group;
use crate::logs::{Subject, seen};
use crate::profile::stored;
use crate::user::name_key;

/// The groups of a tenant.
pub struct Groups<'t, 'e>(pub &'t mut Tx<'e>);

const COLUMNS: &str = "id, display_name, created_at, profile";

impl Groups<'_, '_> {
    /// The group with this id.
    pub async fn find(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_group WHERE {{i.is}}tenant = :tenant AND id = ?1");
        self.0.query_one(&sql, &[id.into()]).await?.map(group).transpose()
    }

    /// The groups after this id, in order of id; at most `limit`.
    pub async fn page(&mut self, after: Option<ObjectId>, limit: u32) -> Result<Vec<Group>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM idp_group WHERE {{i.is}}tenant = :tenant AND id > ?1 ORDER BY id LIMIT ?2");
        let rows = self.0.query(&sql, &[super::after(after), limit.into()]).await?;
        rows.into_iter().map(group).collect()
    }

    /// The members of a group that are there, after this id, in order of id; at most `limit`.
    pub async fn page_members(
        &mut self,
        group: GroupId,
        after: Option<ObjectId>,
        limit: u32,
    ) -> Result<Vec<ObjectId>, StoreError> {
        let sql = format!(
            "SELECT member FROM idp_member WHERE {{i.is}}tenant = :tenant AND group_id = ?1 AND member > ?2 AND {}
             ORDER BY member LIMIT ?3",
            super::is_there("idp_member.member")
        );
        let values = [group.into(), super::after(after), limit.into()];
        let rows = self.0.query(&sql, &values).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// Those of these groups that are there, in order of id.
    pub async fn list_by_ids(&mut self, ids: &[ObjectId]) -> Result<Vec<Group>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let list = super::placeholders(ids.len());
        let sql =
            format!("SELECT {COLUMNS} FROM idp_group WHERE {{i.is}}tenant = :tenant AND id IN ({list}) ORDER BY id");
        let rows = self.0.query(&sql, &super::ids(ids)).await?;
        rows.into_iter().map(group).collect()
    }

    /// The groups of a stretch of the order by name, each with its place in it.
    pub async fn page_by_name(&mut self, at: &ByName) -> Result<Vec<(Place, Group)>, StoreError> {
        let (condition, values) = at.condition();
        let sql = format!("SELECT {COLUMNS}, name_key FROM idp_group WHERE {{i.is}}tenant = :tenant{condition}");
        let rows = self.0.query(&sql, &values).await?;
        let placed = |mut row: Row| {
            let key = row.take(4)?;
            let group = group(row)?;
            let id = ObjectId::from_uuid(group.id.uuid());
            Ok((Place { key, id }, group))
        };
        rows.into_iter().map(placed).collect()
    }

    /// How many there are.
    pub async fn count(&mut self) -> Result<i64, StoreError> {
        super::count(self.0, "idp_group").await
    }

    /// Writes a group.
    pub async fn insert(&mut self, group: &Group) -> Result<(), StoreError> {
        seen(self.0, Subject::Group(group.id)).await?;
        let sql = "INSERT INTO idp_group ({i.col}tenant, id, display_name, created_at, name_key, profile)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5)";
        let values = [
            group.id.into(),
            (&group.display_name).into(),
            group.created_at.into(),
            name_key(&group.display_name).into(),
            stored(&group.profile).into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Writes what may change of a group. False when there is no such group.
    pub async fn update(&mut self, group: &Group) -> Result<bool, StoreError> {
        seen(self.0, Subject::Group(group.id)).await?;
        let sql = "UPDATE idp_group SET display_name = ?2, name_key = ?3, profile = ?4
                   WHERE {i.is}tenant = :tenant AND id = ?1";
        let values = [
            group.id.into(),
            (&group.display_name).into(),
            name_key(&group.display_name).into(),
            stored(&group.profile).into(),
        ];
        Ok(self.0.execute(sql, &values).await? > 0)
    }

    /// Takes a group away; its members and what it is a member of stay written. False when there is no such group.
    pub async fn remove(&mut self, id: GroupId) -> Result<bool, StoreError> {
        seen(self.0, Subject::Group(id)).await?;
        let sql = "DELETE FROM idp_group WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into()]).await? > 0)
    }

    /// Whether `member` itself is in a group.
    pub async fn has_member(&mut self, group: GroupId, member: ObjectId) -> Result<bool, StoreError> {
        let sql = "SELECT member FROM idp_member WHERE {i.is}tenant = :tenant AND group_id = ?1 AND member = ?2";
        Ok(self.0.query_one(sql, &[group.into(), member.into()]).await?.is_some())
    }

    /// Makes `member` (user, group or service principal) a member; being one already is no error.
    pub async fn add_member(&mut self, group: GroupId, member: ObjectId) -> Result<(), StoreError> {
        seen(self.0, Subject::Member(group, member)).await?;
        let sql = "INSERT INTO idp_member ({i.col}tenant, group_id, member) VALUES ({i.val}:tenant, ?1, ?2)
                   ON CONFLICT ({i.col}tenant, group_id, member) DO NOTHING";
        self.0.execute(sql, &[group.into(), member.into()]).await.map(drop)
    }

    /// Ends a membership.
    pub async fn remove_member(&mut self, group: GroupId, member: ObjectId) -> Result<bool, StoreError> {
        seen(self.0, Subject::Member(group, member)).await?;
        let sql = "DELETE FROM idp_member WHERE {i.is}tenant = :tenant AND group_id = ?1 AND member = ?2";
        Ok(self.0.execute(sql, &[group.into(), member.into()]).await? > 0)
    }

    /// Who is in a group, by the groups within it as well (`transitiveMembers`), after this id, in order of id; at most `limit`.
    pub async fn page_transitive_members(
        &mut self,
        group: GroupId,
        after: Option<ObjectId>,
        limit: u32,
    ) -> Result<Vec<ObjectId>, StoreError> {
        let sql = format!(
            "WITH RECURSIVE within (id) AS (
               SELECT member FROM idp_member WHERE {{i.is}}tenant = :tenant AND group_id = ?1
               UNION
               SELECT m.member FROM within
               JOIN (SELECT group_id, member FROM idp_member WHERE {{i.is}}tenant = :tenant
                     AND group_id IN (SELECT id FROM idp_group WHERE {{i.is}}tenant = :tenant)) AS m
                 ON m.group_id = within.id)
             SELECT id FROM within WHERE id > ?2 AND {} ORDER BY id LIMIT ?3",
            super::is_there("within.id")
        );
        let values = [group.into(), super::after(after), limit.into()];
        let rows = self.0.query(&sql, &values).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// The groups made for roles that somebody is in or owns.
    pub async fn list_for_roles(&mut self, of: ObjectId) -> Result<Vec<Group>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_group WHERE {{i.is}}tenant = :tenant AND id IN
               (SELECT group_id FROM idp_member WHERE {{i.is}}tenant = :tenant AND member = ?1
                UNION
                SELECT object FROM idp_owner WHERE {{i.is}}tenant = :tenant AND owner = ?1)"
        );
        let rows = self.0.query(&sql, &[of.into()]).await?;
        let mut all = rows.into_iter().map(group).collect::<Result<Vec<_>, _>>()?;
        all.retain(|group| group.profile.is_assignable_to_role);
        Ok(all)
    }

    /// The groups that `member` itself is in.
    pub async fn list_direct(&mut self, member: ObjectId) -> Result<Vec<GroupId>, StoreError> {
        let sql = "SELECT group_id FROM idp_member WHERE {i.is}tenant = :tenant AND member = ?1
                   AND group_id IN (SELECT id FROM idp_group WHERE {i.is}tenant = :tenant) ORDER BY group_id";
        self.0
            .query(sql, &[member.into()])
            .await?
            .into_iter()
            .map(|mut row| row.take(0))
            .collect()
    }

    /// The groups that `member` is in, nested ones included (`transitiveMemberOf`), in order of id; at most `limit`.
    pub async fn list_transitive(&mut self, member: ObjectId, limit: u32) -> Result<Vec<GroupId>, StoreError> {
        // UNION, not UNION ALL: groups may hold each other in a circle. A group that was deleted leads nowhere.
        let sql = "WITH RECURSIVE within (id) AS (
                     SELECT group_id FROM idp_member WHERE {i.is}tenant = :tenant AND member = ?1
                       AND group_id IN (SELECT id FROM idp_group WHERE {i.is}tenant = :tenant)
                     UNION
                     SELECT m.group_id FROM within
                     JOIN (SELECT group_id, member FROM idp_member WHERE {i.is}tenant = :tenant
                           AND group_id IN (SELECT id FROM idp_group WHERE {i.is}tenant = :tenant)) AS m
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
        profile: super::profile(row.take(3)?, "idp_group.profile")?,
    })
}
