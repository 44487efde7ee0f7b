//! The browsers that an account signed in from: wrong passwords from there are counted apart, so that nobody who guesses from
//! elsewhere keeps its owner out.

use std::time::Duration;

use hygie_core::{ObjectId, Timestamp};
use hygie_store::{StoreError, Tx};

use super::Lockout;

/// The familiar browsers of a tenant's people.
pub struct Familiar<'t, 'e>(pub &'t mut Tx<'e>);

/// Browsers of one person that are remembered; a workstation of a ward is one of many people.
const MOST: u32 = 20;

impl Familiar<'_, '_> {
    /// How long one is remembered without a sign-in.
    pub const KEPT: Duration = Duration::from_hours(24 * 90);

    /// The failures of somebody from this browser; none where it is not familiar.
    pub async fn find(&mut self, user: ObjectId, browser: &[u8; 32]) -> Result<Option<Lockout>, StoreError> {
        let sql = "SELECT failures, locks, locked_until, recent, seen_at FROM idp_familiar
                   WHERE {i.is}tenant = :tenant AND user_id = ?1 AND browser = ?2";
        let Some(mut row) = self.0.query_one(sql, &[user.into(), (*browser).into()]).await? else {
            return Ok(None);
        };
        let (until, seen_at): (Timestamp, Timestamp) = (row.take(2)?, row.take(4)?);
        if seen_at + Self::KEPT <= self.0.cx().now {
            return Ok(None);
        }
        Ok(Some(Lockout {
            failures: row.take(0)?,
            locks: row.take(1)?,
            locked_until: (until.millis() > 0).then_some(until),
            recent: row.take(3)?,
        }))
    }

    /// Keeps the failures from a browser that is familiar. False where it is not, or not any more.
    pub async fn failed(&mut self, user: ObjectId, browser: &[u8; 32], lockout: &Lockout) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_familiar SET failures = ?3, locks = ?4, locked_until = ?5, recent = ?6
                   WHERE {i.is}tenant = :tenant AND user_id = ?1 AND browser = ?2";
        let values = [
            user.into(),
            (*browser).into(),
            lockout.failures.into(),
            lockout.locks.into(),
            lockout.locked_until.unwrap_or(Timestamp::from_millis(0)).into(),
            (&lockout.recent).into(),
        ];
        Ok(self.0.execute(sql, &values).await? > 0)
    }

    /// Somebody signed in from this browser: it is familiar from now on. Of too many the one that was not used for the longest is
    /// forgotten.
    pub async fn signed_in(&mut self, user: ObjectId, browser: &[u8; 32], now: Timestamp) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO idp_familiar ({i.col}tenant, user_id, browser, seen_at, failures, locks, locked_until, recent)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, 0, 0, 0, ?4) ON CONFLICT ({i.col}tenant, user_id, browser)
                   DO UPDATE SET seen_at = ?3";
        let values = [user.into(), (*browser).into(), now.into(), Vec::new().into()];
        self.0.execute(sql, &values).await?;
        let sql = "DELETE FROM idp_familiar WHERE {i.is}tenant = :tenant AND user_id = ?1 AND browser NOT IN
                   (SELECT browser FROM idp_familiar WHERE {i.is}tenant = :tenant AND user_id = ?1
                    ORDER BY seen_at DESC, browser LIMIT ?2)";
        self.0.execute(sql, &[user.into(), MOST.into()]).await.map(drop)
    }

    /// Forgets the browsers of a person but this one.
    pub async fn forget_others(&mut self, user: ObjectId, browser: &[u8; 32]) -> Result<(), StoreError> {
        let sql = "DELETE FROM idp_familiar WHERE {i.is}tenant = :tenant AND user_id = ?1 AND browser <> ?2";
        self.0.execute(sql, &[user.into(), (*browser).into()]).await.map(drop)
    }

    /// Forgets the browsers of a person.
    pub async fn forget(&mut self, user: ObjectId) -> Result<(), StoreError> {
        let sql = "DELETE FROM idp_familiar WHERE {i.is}tenant = :tenant AND user_id = ?1";
        self.0.execute(sql, &[user.into()]).await.map(drop)
    }
}
