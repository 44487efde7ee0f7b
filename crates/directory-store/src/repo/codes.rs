//! Authorization codes.

use hygie_core::Timestamp;
use hygie_store::{StoreError, Tx};
use uuid::Uuid;

use crate::Authorization;

/// The codes of a tenant.
pub struct Codes<'t, 'e>(pub &'t mut Tx<'e>);

/// A code.
#[derive(Clone, Debug)]
pub struct CodeRow {
    /// Names everything that is issued from it.
    pub family: Uuid,
    /// What was authorized.
    pub authorization: Authorization,
    /// Not good from here on.
    pub expires_at: Timestamp,
    /// When it was redeemed.
    pub redeemed_at: Option<Timestamp>,
}

impl Codes<'_, '_> {
    /// Writes a code. `authorization` is the JSON of what was authorized.
    pub async fn insert(
        &mut self,
        digest: &[u8; 32],
        family: Uuid,
        authorization: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_code ({i.col}tenant, digest, family, authorization_json, expires_at, redeemed_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, NULL)";
        let values = [
            (*digest).into(),
            (*family.as_bytes()).into(),
            authorization.into(),
            expires_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// The code with this digest.
    pub async fn find(&mut self, digest: &[u8; 32]) -> Result<Option<CodeRow>, StoreError> {
        let sql = "SELECT family, authorization_json, expires_at, redeemed_at FROM idp_code
                   WHERE {i.is}tenant = :tenant AND digest = ?1";
        let Some(mut row) = self.0.query_one(sql, &[(*digest).into()]).await? else {
            return Ok(None);
        };
        Ok(Some(CodeRow {
            family: super::uuid(&row.take::<Vec<u8>>(0)?, "idp_code.family")?,
            authorization: super::json(&row.take::<String>(1)?, "idp_code.authorization_json")?,
            expires_at: row.take(2)?,
            redeemed_at: row.take(3)?,
        }))
    }

    /// What a grant began with: as its refresh tokens have it, or its code, which is kept for a day.
    pub async fn find_authorization(&mut self, family: Uuid) -> Result<Option<Authorization>, StoreError> {
        for sql in [
            "SELECT authorization_json FROM idp_family WHERE {i.is}tenant = :tenant AND id = ?1",
            "SELECT authorization_json FROM idp_code WHERE {i.is}tenant = :tenant AND family = ?1",
        ] {
            if let Some(mut row) = self.0.query_one(sql, &[(*family.as_bytes()).into()]).await? {
                return super::json(&row.take::<String>(0)?, "authorization_json").map(Some);
            }
        }
        Ok(None)
    }

    /// Marks a code as redeemed. False when it was redeemed before: of two transactions at once, one marks it.
    pub async fn redeemed(&mut self, digest: &[u8; 32], at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_code SET redeemed_at = ?2
                   WHERE {i.is}tenant = :tenant AND digest = ?1 AND redeemed_at IS NULL";
        Ok(self.0.execute(sql, &[(*digest).into(), at.into()]).await? > 0)
    }
}
