//! What a tenant says about consent, and what was issued by the consent of a person.

use hygie_core::{AppId, ObjectId};
use hygie_policy::consent::AuthorizationPolicy;
use hygie_store::{Row, StoreError, Tx};
use serde_json::Value;
use uuid::Uuid;

use crate::Authorization;

/// What a tenant says about consent.
pub struct Consents<'t, 'e>(pub &'t mut Tx<'e>);

/// A delegated permission that the tenant classified as of low impact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LowImpactRow {
    /// Id of the classification.
    pub id: ObjectId,
    /// The service principal of the application that offers it.
    pub resource: ObjectId,
    /// Its id there.
    pub permission: Uuid,
}

impl Consents<'_, '_> {
    /// The authorization policy; that of a new tenant where none was written.
    pub async fn policy(&mut self) -> Result<AuthorizationPolicy, StoreError> {
        let sql = "SELECT document FROM idp_authorization_policy WHERE {i.is}tenant = :tenant";
        let Some(mut row) = self.0.query_one(sql, &[]).await? else {
            return Ok(AuthorizationPolicy::default());
        };
        let column = "idp_authorization_policy.document";
        let document: Value = super::json(&row.take::<String>(0)?, column)?;
        AuthorizationPolicy::from_json(&document)
            .map_err(|_| StoreError::Inconsistent(format!("{column} cannot be read")))
    }

    /// Writes it.
    pub async fn set_policy(&mut self, policy: &AuthorizationPolicy) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_authorization_policy ({i.col}tenant, document) VALUES ({i.val}:tenant, ?1)
                   ON CONFLICT ({i.col}tenant) DO UPDATE SET document = excluded.document";
        let document = policy.to_json().to_string();
        self.0.execute(sql, &[document.into()]).await.map(drop)
    }

    /// The permissions of a resource that are of low impact.
    pub async fn list_low(&mut self, resource: ObjectId) -> Result<Vec<LowImpactRow>, StoreError> {
        let sql = "SELECT id, resource, permission FROM idp_low_impact
                   WHERE {i.is}tenant = :tenant AND resource = ?1 ORDER BY permission";
        let rows = self.0.query(sql, &[resource.into()]).await?;
        rows.into_iter().map(low).collect()
    }

    /// Classifies a permission; one that is classified already is refused.
    pub async fn insert_low(&mut self, row: &LowImpactRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_low_impact ({i.col}tenant, resource, permission, id)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3)";
        let values = [row.resource.into(), (*row.permission.as_bytes()).into(), row.id.into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Takes a classification away. False when there is none with this id.
    pub async fn remove_low(&mut self, resource: ObjectId, id: ObjectId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM idp_low_impact WHERE {i.is}tenant = :tenant AND resource = ?1 AND id = ?2";
        Ok(self.0.execute(sql, &[resource.into(), id.into()]).await? > 0)
    }

    /// The live families of refresh tokens that an application has for a person.
    pub async fn list_families(&mut self, user: ObjectId, app: AppId) -> Result<Vec<Uuid>, StoreError> {
        let sql = "SELECT id, authorization_json FROM idp_family
                   WHERE {i.is}tenant = :tenant AND user_id = ?1 AND revoked_at IS NULL";
        let mut families = Vec::new();
        for mut row in self.0.query(sql, &[user.into()]).await? {
            let column = "idp_family.authorization_json";
            let authorization: Authorization = super::json(&row.take::<String>(1)?, column)?;
            if authorization.client == app {
                families.push(super::uuid(&row.take::<Vec<u8>>(0)?, "idp_family.id")?);
            }
        }
        Ok(families)
    }
}

fn low(mut row: Row) -> Result<LowImpactRow, StoreError> {
    Ok(LowImpactRow {
        id: row.take(0)?,
        resource: row.take(1)?,
        permission: super::uuid(&row.take::<Vec<u8>>(2)?, "idp_low_impact.permission")?,
    })
}
