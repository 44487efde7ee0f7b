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

    /// The digests of those for a person that have not ended, answered ones among them; at most `limit`.
    pub async fn digests(&mut self, user: ObjectId, now: Timestamp, limit: u32) -> Result<Vec<[u8; 32]>, StoreError> {
        let sql = "SELECT digest FROM idp_backchannel
                   WHERE {i.is}tenant = :tenant AND user_id = ?1 AND expires_at > ?2 ORDER BY expires_at, digest LIMIT ?3";
        let rows = self.0.query(sql, &[user.into(), now.into(), limit.into()]).await?;
        rows.into_iter()
            .map(|mut row| super::key(row.take(0)?, "idp_backchannel.digest"))
            .collect()
    }

    /// Keeps what a person refused until an instant: as long, its client does not ask them again.
    pub async fn keep_refused(&mut self, digest: &[u8; 32], until: Timestamp) -> Result<(), StoreError> {
        let values = [(*digest).into(), until.into()];
        let sql = "UPDATE idp_backchannel SET expires_at = ?2 WHERE {i.is}tenant = :tenant AND digest = ?1";
        self.0.execute(sql, &values).await?;
        let sql = "UPDATE idp_device SET expires_at = ?2 WHERE {i.is}digest = ?1";
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
