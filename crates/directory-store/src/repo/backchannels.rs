//! Requests of clients that wait for a person whom they named (CIBA): which of the waiting ones are whose. What waits is
//! with the devices; this says for whom.

use hygie_core::{ObjectId, Timestamp};
use hygie_store::{StoreError, Tx};

/// The requests for people of a tenant.
pub struct Backchannels<'t, 'e>(pub &'t mut Tx<'e>);

impl Backchannels<'_, '_> {
    /// Notes a request, by the digest of its id and the code by which its page is found.
    pub async fn insert(
        &mut self,
        user: ObjectId,
        (digest, code): (&[u8; 32], &str),
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_backchannel ({i.col}tenant, user_id, digest, code, expires_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4)";
        let values = [user.into(), (*digest).into(), code.into(), expires_at.into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// The codes of those for a person that have not ended, the next to end first; at most `limit`.
    pub async fn list(&mut self, user: ObjectId, now: Timestamp, limit: u32) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT code FROM idp_backchannel
                   WHERE {i.is}tenant = :tenant AND user_id = ?1 AND expires_at > ?2 ORDER BY expires_at, digest LIMIT ?3";
        let rows = self.0.query(sql, &[user.into(), now.into(), limit.into()]).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }
}
