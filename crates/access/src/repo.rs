//! The table of role assignments, in the directory database.

use hygie_core::{ObjectId, TenantId};
use hygie_store::{Migration, Row, StoreError, Tx, Value};

use crate::assignment::{Assignee, AssigneeKind, AssignmentId, Holder, RoleAssignment};
use crate::{Profile, Role, derived_id};

/// Migrations of this crate in the directory database: 100 to 199.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
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
    },
    Migration {
        number: 101,
        title: "roles of professional profiles",
        // The terms of a profile, whose digest is the assignee.
        sql: "ALTER TABLE role_assignment ADD COLUMN profile TEXT;",
    },
    Migration {
        number: 102,
        title: "role assignments of a person and a group of one id",
        // A provider may call them the same, and the id is made of what it calls them.
        sql: "DROP INDEX role_assignment_once;
          CREATE UNIQUE INDEX role_assignment_once
            ON role_assignment ({i.col}tenant, assignee_tenant, assignee, assignee_kind, role, scope);",
    },
];

const COLUMNS: &str = "id, assignee_tenant, assignee, assignee_kind, profile, role, scope, created_at";
/// The kind of a profile, which is no object of a directory.
const PROFILE: &str = "Profile";

/// The role assignments of the workspaces of the tenant of the context.
pub struct RoleAssignments<'t, 'e>(pub &'t mut Tx<'e>);

impl RoleAssignments<'_, '_> {
    /// Adds one; [`StoreError::Duplicate`] when the same assignee has the same role at the same scope.
    pub async fn insert(&mut self, assignment: &RoleAssignment) -> Result<(), StoreError> {
        let (tenant, assignee, kind, profile): (_, _, _, Option<String>) = match &assignment.holder {
            Holder::Object(Assignee { tenant, id, kind }) => (*tenant, *id, kind.name(), None),
            Holder::Profile(profile) => {
                let terms = profile.to_json();
                let id = ObjectId::from_uuid(derived_id(PROFILE, &terms));
                (profile.tenant(), id, PROFILE, Some(terms))
            }
        };
        let values: [Value; 8] = [
            assignment.id.into(),
            tenant.into(),
            assignee.into(),
            kind.into(),
            profile.into(),
            assignment.role.id().into(),
            assignment.scope.to_string().into(),
            assignment.created_at.into(),
        ];
        self.0
            .execute(
                &format!(
                    "INSERT INTO role_assignment ({{i.col}}tenant, {COLUMNS})
                     VALUES ({{i.val}}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
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
    let (tenant, kind): (TenantId, String) = (row.take(1)?, row.take(3)?);
    let profile: Option<String> = row.take(4)?;
    let holder = match profile {
        Some(terms) => Profile::from_json(tenant, &terms).map(Holder::Profile),
        None => AssigneeKind::find(&kind)
            .map(|kind| {
                Ok::<_, StoreError>(Assignee {
                    tenant,
                    id: row.take(2)?,
                    kind,
                })
            })
            .transpose()?
            .map(Holder::Object),
    };
    let (role, scope): (ObjectId, String) = (row.take(5)?, row.take(6)?);
    Ok(RoleAssignment {
        id: row.take(0)?,
        holder: holder.ok_or_else(|| unknown("assignee_kind"))?,
        role: Role::find_id(role).ok_or_else(|| unknown("role"))?,
        scope: scope.parse().map_err(|_| unknown("scope"))?,
        created_at: row.take(7)?,
    })
}
