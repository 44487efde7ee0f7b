//! Who has which directory role.

use hygie_core::ObjectId;
use hygie_policy::RoleTemplateId;
use hygie_store::{Row, StoreError, Tx, Value};

use crate::logs::{Subject, seen};
use crate::{GLOBAL_ADMINISTRATOR, RoleAssignment};

/// The role assignments of a tenant.
pub struct Roles<'t, 'e>(pub &'t mut Tx<'e>);

const COLUMNS: &str = "id, principal, role, created_at";

impl Roles<'_, '_> {
    /// The roles of a user or service principal, their own and those of the groups that they are themselves in.
    pub async fn list_of(&mut self, principal: ObjectId) -> Result<Vec<RoleTemplateId>, StoreError> {
        let sql = "SELECT role FROM idp_role_assignment WHERE {i.is}tenant = :tenant AND principal = ?1
                   UNION
                   SELECT role FROM idp_role_assignment WHERE {i.is}tenant = :tenant AND principal IN
                     (SELECT group_id FROM idp_member WHERE {i.is}tenant = :tenant AND member = ?1
                      AND group_id IN (SELECT id FROM idp_group WHERE {i.is}tenant = :tenant))";
        let rows = self.0.query(sql, &[principal.into()]).await?;
        rows.into_iter().map(|mut row| role(&row.take::<Vec<u8>>(0)?)).collect()
    }

    /// The roles that somebody has by themselves, without those of groups.
    pub async fn list_given_to(&mut self, principal: ObjectId) -> Result<Vec<RoleTemplateId>, StoreError> {
        let sql = "SELECT role FROM idp_role_assignment WHERE {i.is}tenant = :tenant AND principal = ?1";
        let rows = self.0.query(sql, &[principal.into()]).await?;
        rows.into_iter().map(|mut row| role(&row.take::<Vec<u8>>(0)?)).collect()
    }

    /// The assignment with this id.
    pub async fn find(&mut self, id: ObjectId) -> Result<Option<RoleAssignment>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_role_assignment WHERE {{i.is}}tenant = :tenant AND id = ?1");
        self.0.query_one(&sql, &[id.into()]).await?.map(assignment).transpose()
    }

    /// The assignment of this role to this principal.
    pub async fn find_of(
        &mut self,
        role: RoleTemplateId,
        principal: ObjectId,
    ) -> Result<Option<RoleAssignment>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_role_assignment WHERE {{i.is}}tenant = :tenant AND role = ?1 AND principal = ?2"
        );
        let row = self.0.query_one(&sql, &[key(role), principal.into()]).await?;
        row.map(assignment).transpose()
    }

    /// The assignments after this id, in order of id; at most `limit`.
    pub async fn page(&mut self, after: Option<ObjectId>, limit: u32) -> Result<Vec<RoleAssignment>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_role_assignment WHERE {{i.is}}tenant = :tenant AND id > ?1 ORDER BY id LIMIT ?2"
        );
        let rows = self.0.query(&sql, &[super::after(after), limit.into()]).await?;
        rows.into_iter().map(assignment).collect()
    }

    /// Who has a role, after this id, in order of id; at most `limit`.
    pub async fn page_members(
        &mut self,
        role: RoleTemplateId,
        after: Option<ObjectId>,
        limit: u32,
    ) -> Result<Vec<ObjectId>, StoreError> {
        let sql = "SELECT principal FROM idp_role_assignment
                   WHERE {i.is}tenant = :tenant AND role = ?1 AND principal > ?2 ORDER BY principal LIMIT ?3";
        let values = [key(role), super::after(after), limit.into()];
        let rows = self.0.query(sql, &values).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// Gives a role; it must not be there yet.
    pub async fn insert(&mut self, assignment: &RoleAssignment) -> Result<(), StoreError> {
        seen(self.0, Subject::Role(assignment.id)).await?;
        let sql = "INSERT INTO idp_role_assignment ({i.col}tenant, id, principal, role, created_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4)";
        let values = [
            assignment.id.into(),
            assignment.principal.into(),
            key(assignment.role),
            assignment.created_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Takes a role. False when there is no such assignment.
    pub async fn remove(&mut self, id: ObjectId) -> Result<bool, StoreError> {
        seen(self.0, Subject::Role(id)).await?;
        let sql = "DELETE FROM idp_role_assignment WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into()]).await? > 0)
    }

    /// Takes every role from somebody.
    pub async fn remove_all_of(&mut self, principal: ObjectId) -> Result<u64, StoreError> {
        let sql = "DELETE FROM idp_role_assignment WHERE {i.is}tenant = :tenant AND principal = ?1";
        self.0.execute(sql, &[principal.into()]).await
    }

    /// Whether this principal is a user who can sign in and administer the tenant, and nobody else is.
    pub async fn is_last_administrator(&mut self, principal: ObjectId) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM idp_user WHERE {i.is}tenant = :tenant AND enabled = 1 AND id IN
                   (SELECT principal FROM idp_role_assignment WHERE {i.is}tenant = :tenant AND role = ?1)
                   ORDER BY id LIMIT 2";
        let rows = self.0.query(sql, &[key(GLOBAL_ADMINISTRATOR)]).await?;
        let ids = rows
            .into_iter()
            .map(|mut row| row.take(0))
            .collect::<Result<Vec<ObjectId>, _>>()?;
        Ok(ids == [principal])
    }
}

fn key(role: RoleTemplateId) -> Value {
    (*role.uuid().as_bytes()).into()
}

fn role(bytes: &[u8]) -> Result<RoleTemplateId, StoreError> {
    super::uuid(bytes, "idp_role_assignment.role").map(RoleTemplateId::from_uuid)
}

fn assignment(mut row: Row) -> Result<RoleAssignment, StoreError> {
    Ok(RoleAssignment {
        id: row.take(0)?,
        principal: row.take(1)?,
        role: role(&row.take::<Vec<u8>>(2)?)?,
        created_at: row.take(3)?,
    })
}
