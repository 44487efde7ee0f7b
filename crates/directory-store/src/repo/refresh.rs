//! Refresh tokens and their families: what descends from one authorization is revoked together.

use hygie_core::{ObjectId, SessionId, Timestamp};
use hygie_store::{StoreError, Tx};
use uuid::Uuid;

use crate::Authorization;

/// The refresh tokens of a tenant.
pub struct Refreshes<'t, 'e>(pub &'t mut Tx<'e>);

/// A refresh token with its family.
#[derive(Clone, Debug)]
pub struct FamilyRow {
    /// Id of the family.
    pub family: Uuid,
    /// Not good from here on.
    pub expires_at: Timestamp,
    /// When it was exchanged for its successor.
    pub rotated_at: Option<Timestamp>,
    /// What was authorized.
    pub authorization: Authorization,
    /// When the first token was issued.
    pub created_at: Timestamp,
    /// When the family was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Refreshes<'_, '_> {
    /// Begins a family. `authorization` is the JSON of what was authorized.
    pub async fn insert_family(
        &mut self,
        family: Uuid,
        (user, session): (ObjectId, SessionId),
        authorization: &str,
        (created_at, expires_at): (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_family ({i.col}tenant, id, user_id, session, authorization_json, created_at,
                   expires_at, revoked_at) VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, NULL)";
        let values = [
            (*family.as_bytes()).into(),
            user.into(),
            session.into(),
            authorization.into(),
            created_at.into(),
            expires_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Lets a family descend from another grant: it is revoked with that. False when that was revoked already.
    pub async fn descend(&mut self, family: Uuid, root: Uuid) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_family SET root = ?2 WHERE {i.is}tenant = :tenant AND id = ?1";
        self.0
            .execute(sql, &[(*family.as_bytes()).into(), (*root.as_bytes()).into()])
            .await?;
        let sql = "SELECT revoked_at FROM idp_revoked_grant WHERE {i.is}tenant = :tenant AND family = ?1";
        Ok(self.0.query_one(sql, &[(*root.as_bytes()).into()]).await?.is_none())
    }

    /// Adds a token to a family, which lives as long as its last token.
    pub async fn insert(&mut self, digest: &[u8; 32], family: Uuid, expires_at: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_refresh ({i.col}tenant, digest, family, expires_at, rotated_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, NULL)";
        self.0
            .execute(sql, &[(*digest).into(), (*family.as_bytes()).into(), expires_at.into()])
            .await?;
        let sql = "UPDATE idp_family SET expires_at = ?2 WHERE {i.is}tenant = :tenant AND id = ?1";
        self.0
            .execute(sql, &[(*family.as_bytes()).into(), expires_at.into()])
            .await
            .map(drop)
    }

    /// The token with this digest.
    pub async fn find(&mut self, digest: &[u8; 32]) -> Result<Option<FamilyRow>, StoreError> {
        let sql = "SELECT family, expires_at, rotated_at FROM idp_refresh WHERE {i.is}tenant = :tenant AND digest = ?1";
        let Some(mut token) = self.0.query_one(sql, &[(*digest).into()]).await? else {
            return Ok(None);
        };
        let family: Vec<u8> = token.take(0)?;
        let sql = "SELECT authorization_json, created_at, revoked_at FROM idp_family
                   WHERE {i.is}tenant = :tenant AND id = ?1";
        let Some(mut row) = self.0.query_one(sql, &[(&family).into()]).await? else {
            return Ok(None);
        };
        Ok(Some(FamilyRow {
            family: super::uuid(&family, "idp_refresh.family")?,
            expires_at: token.take(1)?,
            rotated_at: token.take(2)?,
            authorization: super::json(&row.take::<String>(0)?, "idp_family.authorization_json")?,
            created_at: row.take(1)?,
            revoked_at: row.take(2)?,
        }))
    }

    /// Marks a token as exchanged; the first exchange counts.
    pub async fn rotated(&mut self, digest: &[u8; 32], at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE idp_refresh SET rotated_at = ?2
                   WHERE {i.is}tenant = :tenant AND digest = ?1 AND rotated_at IS NULL";
        self.0.execute(sql, &[(*digest).into(), at.into()]).await.map(drop)
    }

    /// Revokes a family with the access tokens that came of it, and the families that descend from it. False when it has no refresh tokens, or was revoked
    /// before.
    pub async fn revoke(&mut self, family: Uuid, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "INSERT INTO idp_revoked_grant ({i.col}tenant, family, revoked_at)
                   VALUES ({i.val}:tenant, ?1, ?2) ON CONFLICT ({i.col}tenant, family) DO NOTHING";
        self.0.execute(sql, &[(*family.as_bytes()).into(), at.into()]).await?;
        let sql = "UPDATE idp_family SET revoked_at = ?2
                   WHERE {i.is}tenant = :tenant AND root = ?1 AND revoked_at IS NULL";
        self.0.execute(sql, &[(*family.as_bytes()).into(), at.into()]).await?;
        let sql = "UPDATE idp_family SET revoked_at = ?2
                   WHERE {i.is}tenant = :tenant AND id = ?1 AND revoked_at IS NULL";
        Ok(self.0.execute(sql, &[(*family.as_bytes()).into(), at.into()]).await? > 0)
    }

    /// Revokes all families of a user.
    pub async fn revoke_all_of(&mut self, user: ObjectId, at: Timestamp) -> Result<u64, StoreError> {
        let sql = "UPDATE idp_family SET revoked_at = ?2
                   WHERE {i.is}tenant = :tenant AND user_id = ?1 AND revoked_at IS NULL";
        self.0.execute(sql, &[user.into(), at.into()]).await
    }
}
