//! Permissions: delegated ones (`oauth2PermissionGrants`) and roles (`appRoleAssignments`).

use hygie_core::{ObjectId, Timestamp};
use hygie_store::{StoreError, Tx, Value};
use uuid::Uuid;

use super::global::words;

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
        let sql = "INSERT INTO idp_consent ({i.col}tenant, client, resource, subject, id, scope, created_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT ({i.col}tenant, client, resource, subject) DO UPDATE SET scope = ?5";
        let subject: Value = user.map_or_else(|| EVERYBODY.into(), Into::into);
        let values = [
            client.into(),
            resource.into(),
            subject,
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
}
