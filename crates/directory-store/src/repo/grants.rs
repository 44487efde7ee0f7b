//! Permissions: delegated ones (`oauth2PermissionGrants`) and roles (`appRoleAssignments`).

use hygie_core::{ObjectId, Timestamp};
use hygie_store::{Row, StoreError, Tx, Value};
use uuid::Uuid;

use super::global::words;
use crate::logs::{Subject, seen};
use crate::{AppRoleAssignment, PermissionGrant};

/// The permissions of a tenant.
pub struct Grants<'t, 'e>(pub &'t mut Tx<'e>);

/// The subject of a grant that holds for every user (`AllPrincipals`).
const EVERYBODY: [u8; 16] = [0; 16];

impl Grants<'_, '_> {
    /// The scopes of `resource` that `client` was granted for `user`, by everybody's grant or the user's own.
    pub async fn list_scopes(
        &mut self,
        client: ObjectId,
        resource: ObjectId,
        user: ObjectId,
    ) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT scope FROM idp_consent
                   WHERE {i.is}tenant = :tenant AND client = ?1 AND resource = ?2 AND subject IN (?3, ?4)
                   ORDER BY subject";
        let rows = self
            .0
            .query(sql, &[client.into(), resource.into(), user.into(), EVERYBODY.into()])
            .await?;
        let mut scopes: Vec<String> = Vec::new();
        for mut row in rows {
            for word in words(&row.take::<String>(0)?) {
                if !scopes.contains(&word) {
                    scopes.push(word);
                }
            }
        }
        Ok(scopes)
    }

    /// The scopes of `resource` that `client` was granted for whoever it acts for.
    pub async fn list_scopes_of_everybody(
        &mut self,
        client: ObjectId,
        resource: ObjectId,
    ) -> Result<Vec<String>, StoreError> {
        // No person has the id that stands for everybody.
        self.list_scopes(client, resource, ObjectId::from_uuid(Uuid::from_bytes(EVERYBODY)))
            .await
    }

    /// Grants these scopes, replacing an earlier grant of the same parties; `user` is everybody when absent.
    pub async fn set_scopes(
        &mut self,
        (client, resource): (ObjectId, ObjectId),
        user: Option<ObjectId>,
        scopes: &[String],
        (id, at): (Uuid, Timestamp),
    ) -> Result<(), StoreError> {
        seen(self.0, Subject::Grant(client, resource, user)).await?;
        let sql = "INSERT INTO idp_consent ({i.col}tenant, client, resource, subject, id, scope, created_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT ({i.col}tenant, client, resource, subject) DO UPDATE SET scope = ?5";
        let values = [
            client.into(),
            resource.into(),
            subject(user),
            (*id.as_bytes()).into(),
            scopes.join(" ").into(),
            at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// The roles that any of `principals` has in `resource`.
    pub async fn list_roles(
        &mut self,
        resource: ObjectId,
        principals: &[ObjectId],
    ) -> Result<Vec<(ObjectId, Uuid)>, StoreError> {
        let sql = "SELECT principal, role FROM idp_app_role WHERE {i.is}tenant = :tenant AND resource = ?1
                   ORDER BY role, principal";
        let mut found = Vec::new();
        for mut row in self.0.query(sql, &[resource.into()]).await? {
            let principal: ObjectId = row.take(0)?;
            if principals.contains(&principal) {
                found.push((principal, super::uuid(&row.take::<Vec<u8>>(1)?, "idp_app_role.role")?));
            }
        }
        Ok(found)
    }

    /// Gives a role; having it already is no error.
    pub async fn assign_role(
        &mut self,
        resource: ObjectId,
        principal: ObjectId,
        role: Uuid,
        (id, at): (Uuid, Timestamp),
    ) -> Result<(), StoreError> {
        seen(self.0, Subject::AppRole(resource, principal, role)).await?;
        let sql = "INSERT INTO idp_app_role ({i.col}tenant, resource, principal, role, id, created_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT ({i.col}tenant, resource, principal, role) DO NOTHING";
        let values = [
            resource.into(),
            principal.into(),
            (*role.as_bytes()).into(),
            (*id.as_bytes()).into(),
            at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// The assignment with this id.
    pub async fn find_role(&mut self, id: ObjectId) -> Result<Option<AppRoleAssignment>, StoreError> {
        let sql = format!("SELECT {ROLE} FROM idp_app_role WHERE {{i.is}}tenant = :tenant AND id = ?1");
        self.0.query_one(&sql, &[id.into()]).await?.map(assignment).transpose()
    }

    /// The roles that a principal has, or that an application gave, after this id, in order of id; at most `limit`.
    pub async fn page_roles(
        &mut self,
        of: RolesOf,
        (after, limit): (Option<ObjectId>, u32),
    ) -> Result<Vec<AppRoleAssignment>, StoreError> {
        let (column, id) = match of {
            RolesOf::Principal(id) => ("principal", id),
            RolesOf::Resource(id) => ("resource", id),
        };
        let sql = format!(
            "SELECT {ROLE} FROM idp_app_role WHERE {{i.is}}tenant = :tenant AND {column} = ?1 AND id > ?2
             ORDER BY id LIMIT ?3"
        );
        let rows = self
            .0
            .query(&sql, &[id.into(), super::after(after), limit.into()])
            .await?;
        rows.into_iter().map(assignment).collect()
    }

    /// Whether a principal has a role.
    pub async fn has_role(&mut self, resource: ObjectId, principal: ObjectId, role: Uuid) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM idp_app_role
                   WHERE {i.is}tenant = :tenant AND resource = ?1 AND principal = ?2 AND role = ?3";
        let values = [resource.into(), principal.into(), (*role.as_bytes()).into()];
        Ok(self.0.query_one(sql, &values).await?.is_some())
    }

    /// Takes a role. False when there is no such assignment.
    pub async fn remove_role(&mut self, id: ObjectId) -> Result<bool, StoreError> {
        if let Some(found) = self.find_role(id).await? {
            seen(self.0, Subject::AppRole(found.resource, found.principal, found.role)).await?;
        }
        let sql = "DELETE FROM idp_app_role WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into()]).await? > 0)
    }

    /// The grant with this id.
    pub async fn find_grant(&mut self, id: ObjectId) -> Result<Option<PermissionGrant>, StoreError> {
        let sql = format!("SELECT {GRANT} FROM idp_consent WHERE {{i.is}}tenant = :tenant AND id = ?1");
        self.0.query_one(&sql, &[id.into()]).await?.map(grant).transpose()
    }

    /// The grant of these parties.
    pub async fn find_grant_of(
        &mut self,
        (client, resource): (ObjectId, ObjectId),
        user: Option<ObjectId>,
    ) -> Result<Option<PermissionGrant>, StoreError> {
        let sql = format!(
            "SELECT {GRANT} FROM idp_consent
             WHERE {{i.is}}tenant = :tenant AND client = ?1 AND resource = ?2 AND subject = ?3"
        );
        let values = [client.into(), resource.into(), subject(user)];
        self.0.query_one(&sql, &values).await?.map(grant).transpose()
    }

    /// The grants of a client or of a user, or all, after this id, in order of id; at most `limit`.
    pub async fn page_grants(
        &mut self,
        of: GrantsOf,
        (after, limit): (Option<ObjectId>, u32),
    ) -> Result<Vec<PermissionGrant>, StoreError> {
        let mut values = vec![super::after(after), limit.into()];
        let condition = match of {
            GrantsOf::Everything => "",
            GrantsOf::Client(id) => {
                values.push(id.into());
                " AND client = ?3"
            }
            GrantsOf::User(id) => {
                values.push(id.into());
                " AND subject = ?3"
            }
        };
        let sql = format!(
            "SELECT {GRANT} FROM idp_consent WHERE {{i.is}}tenant = :tenant AND id > ?1{condition}
             ORDER BY id LIMIT ?2"
        );
        let rows = self.0.query(&sql, &values).await?;
        rows.into_iter().map(grant).collect()
    }

    /// Takes a grant away. False when there is none with this id.
    pub async fn remove_grant(&mut self, id: ObjectId) -> Result<bool, StoreError> {
        if let Some(found) = self.find_grant(id).await? {
            seen(self.0, Subject::Grant(found.client, found.resource, found.user)).await?;
        }
        let sql = "DELETE FROM idp_consent WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into()]).await? > 0)
    }
}

const ROLE: &str = "id, resource, principal, role, created_at";
const GRANT: &str = "id, client, resource, subject, scope";

/// Whose roles are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolesOf {
    /// Those that somebody has.
    Principal(ObjectId),
    /// Those that were given in an application.
    Resource(ObjectId),
}

/// Which grants are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantsOf {
    /// All of the tenant.
    Everything,
    /// To this service principal.
    Client(ObjectId),
    /// For this user alone.
    User(ObjectId),
}

fn subject(user: Option<ObjectId>) -> Value {
    user.map_or_else(|| EVERYBODY.into(), Into::into)
}

fn assignment(mut row: Row) -> Result<AppRoleAssignment, StoreError> {
    Ok(AppRoleAssignment {
        id: row.take(0)?,
        resource: row.take(1)?,
        principal: row.take(2)?,
        role: super::uuid(&row.take::<Vec<u8>>(3)?, "idp_app_role.role")?,
        created_at: row.take(4)?,
    })
}

fn grant(mut row: Row) -> Result<PermissionGrant, StoreError> {
    let subject: ObjectId = row.take(3)?;
    Ok(PermissionGrant {
        id: row.take(0)?,
        client: row.take(1)?,
        resource: row.take(2)?,
        user: (*subject.uuid().as_bytes() != EVERYBODY).then_some(subject),
        scopes: words(&row.take::<String>(4)?),
    })
}
