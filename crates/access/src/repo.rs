//! The table of role assignments, in the directory database.

use hygie_core::{ObjectId, TenantId};
use hygie_store::{Migration, Row, StoreError, Tx, Value};

use crate::Role;
use crate::assignment::{Assignee, AssigneeKind, AssignmentId, RoleAssignment};

/// Migrations of this crate in the directory database: 100 to 199.
pub const MIGRATIONS: &[Migration] = &[Migration {
    number: 100,
    title: "role assignments",
    // `tenant` is the one whose workspace it is about; the assignee has its own.
    sql: "CREATE TABLE role_assignment (
            {i.def}tenant {blob} NOT NULL,
            id {blob} NOT NULL,
            assignee_tenant {blob} NOT NULL,
            assignee {blob} NOT NULL,
            assignee_kind TEXT NOT NULL,
            role {blob} NOT NULL,
            scope TEXT NOT NULL,
            created_at {int} NOT NULL,
            PRIMARY KEY ({i.col}tenant, id)
          ){clustered};
          CREATE UNIQUE INDEX role_assignment_once
            ON role_assignment ({i.col}tenant, assignee_tenant, assignee, role, scope);",
}];

const COLUMNS: &str = "id, assignee_tenant, assignee, assignee_kind, role, scope, created_at";

/// The role assignments of the workspaces of the tenant of the context.
pub struct RoleAssignments<'t, 'e>(pub &'t mut Tx<'e>);

impl RoleAssignments<'_, '_> {
    /// Adds one; [`StoreError::Duplicate`] when the same assignee has the same role at the same scope.
    pub async fn insert(&mut self, assignment: &RoleAssignment) -> Result<(), StoreError> {
        let values: [Value; 7] = [
            assignment.id.into(),
            assignment.assignee.tenant.into(),
            assignment.assignee.id.into(),
            assignment.assignee.kind.name().into(),
            assignment.role.id().into(),
            assignment.scope.to_string().into(),
            assignment.created_at.into(),
        ];
        self.0
            .execute(
                &format!(
                    "INSERT INTO role_assignment ({{i.col}}tenant, {COLUMNS})
                     VALUES ({{i.val}}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                ),
                &values,
            )
            .await?;
        Ok(())
    }

    /// The one of this id.
    pub async fn find(&mut self, id: AssignmentId) -> Result<Option<RoleAssignment>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM role_assignment WHERE {{i.is}}tenant = :tenant AND id = ?1");
        self.0.query_one(&sql, &[id.into()]).await?.map(read).transpose()
    }

    /// All of them, oldest first.
    pub async fn list(&mut self) -> Result<Vec<RoleAssignment>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM role_assignment WHERE {{i.is}}tenant = :tenant ORDER BY created_at, id");
        self.0.query(&sql, &[]).await?.into_iter().map(read).collect()
    }

    /// Removes the one of this id, and tells whether it was there.
    pub async fn delete(&mut self, id: AssignmentId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM role_assignment WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into()]).await? > 0)
    }
}

fn read(mut row: Row) -> Result<RoleAssignment, StoreError> {
    let unknown = |column: &str| StoreError::Inconsistent(format!("role_assignment.{column} has an unknown value"));
    let (kind, role): (String, ObjectId) = (row.take(3)?, row.take(4)?);
    let scope: String = row.take(5)?;
    Ok(RoleAssignment {
        id: row.take(0)?,
        assignee: Assignee {
            tenant: row.take::<TenantId>(1)?,
            id: row.take(2)?,
            kind: AssigneeKind::find(&kind).ok_or_else(|| unknown("assignee_kind"))?,
        },
        role: Role::find_id(role).ok_or_else(|| unknown("role"))?,
        scope: scope.parse().map_err(|_| unknown("scope"))?,
        created_at: row.take(6)?,
    })
}
