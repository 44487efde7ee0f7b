//! People who are in no directory: professionals whose tokens of another issuer are exchanged.

use hygie_core::{ObjectId, Timestamp};
use hygie_store::{StoreError, Tx};

/// The outsiders of a tenant, as far as something is kept of them.
pub struct Outsiders<'t, 'e>(pub &'t mut Tx<'e>);

impl Outsiders<'_, '_> {
    /// Revokes what was authenticated before `at`.
    pub async fn revoke(&mut self, id: ObjectId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_revoked_outsider ({i.col}tenant, id, revoked_at) VALUES ({i.val}:tenant, ?1, ?2)
                   ON CONFLICT ({i.col}tenant, id) DO UPDATE SET revoked_at = ?2";
        self.0.execute(sql, &[id.into(), at.into()]).await.map(drop)
    }

    /// When what they had was revoked last.
    pub async fn find_revocation(&mut self, id: ObjectId) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT revoked_at FROM idp_revoked_outsider WHERE {i.is}tenant = :tenant AND id = ?1";
        let row = self.0.query_one(sql, &[id.into()]).await?;
        row.map(|mut row| row.take(0)).transpose()
    }
}
