//! What the host that asks for certificates tells the login host about a person: good once, in one browser, for one request.

use hygie_core::{ObjectId, Timestamp};
use hygie_store::{StoreError, Tx};

use crate::Authentications;

/// The hand-overs of a tenant.
pub struct Handovers<'t, 'e>(pub &'t mut Tx<'e>);

/// A hand-over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoverRow {
    /// Digest of what the browser carries over.
    pub digest: [u8; 32],
    /// Digest of the browser and the request that began it.
    pub binding: [u8; 32],
    /// Who it is.
    pub user: ObjectId,
    /// By what.
    pub used: Authentications,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Handovers<'_, '_> {
    /// Writes one.
    pub async fn insert(&mut self, row: &HandoverRow) -> Result<(), StoreError> {
        let used = serde_json::to_string(&row.used)
            .map_err(|_| StoreError::Inconsistent("idp_handover.used_json cannot be written".to_owned()))?;
        let sql = "INSERT INTO idp_handover ({i.col}tenant, digest, binding, user_id, used_json, expires_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5)";
        let values = [
            row.digest.to_vec().into(),
            row.binding.to_vec().into(),
            row.user.into(),
            used.into(),
            row.expires_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Takes one away, whoever asks for it: nobody has a second try.
    pub async fn take(&mut self, digest: &[u8; 32]) -> Result<Option<HandoverRow>, StoreError> {
        let sql = "DELETE FROM idp_handover WHERE {i.is}tenant = :tenant AND digest = ?1
                   RETURNING binding, user_id, used_json, expires_at";
        let Some(mut row) = self.0.query_one(sql, &[digest.to_vec().into()]).await? else {
            return Ok(None);
        };
        let used: String = row.take(2)?;
        Ok(Some(HandoverRow {
            digest: *digest,
            binding: super::key(row.take(0)?, "idp_handover.binding")?,
            user: row.take(1)?,
            used: super::json(&used, "idp_handover.used_json")?,
            expires_at: row.take(3)?,
        }))
    }
}
