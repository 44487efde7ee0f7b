//! Who put off to register what a campaign asks for.

use hygie_core::ObjectId;
use hygie_policy::methods::PutOff;
use hygie_store::{StoreError, Tx};

/// What the people of a tenant did about a campaign.
pub struct Campaigns<'t, 'e>(pub &'t mut Tx<'e>);

impl Campaigns<'_, '_> {
    /// What somebody did so far.
    pub async fn find(&mut self, user: ObjectId) -> Result<Option<PutOff>, StoreError> {
        let sql = "SELECT times, at, session FROM idp_campaign WHERE {i.is}tenant = :tenant AND user_id = ?1";
        let Some(mut row) = self.0.query_one(sql, &[user.into()]).await? else {
            return Ok(None);
        };
        let times: i64 = row.take(0)?;
        Ok(Some(PutOff {
            times: u32::try_from(times).unwrap_or(u32::MAX),
            at: row.take(1)?,
            session: row.take(2)?,
        }))
    }

    /// Somebody put it off.
    pub async fn put_off(&mut self, user: ObjectId, now: &PutOff) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_campaign ({i.col}tenant, user_id, times, at, session)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4)
                   ON CONFLICT ({i.col}tenant, user_id) DO UPDATE SET times = excluded.times, at = excluded.at,
                     session = excluded.session";
        let values = [user.into(), now.times.into(), now.at.into(), now.session.into()];
        self.0.execute(sql, &values).await.map(drop)
    }
}
