//! Wrong codes and passes, challenges that were answered, and all that a person has of means when it goes.

use hygie_core::{ObjectId, Timestamp};
use hygie_store::{StoreError, Tx};

use super::Lockout;

/// The attempts of a tenant's people to prove themselves by something else than their password.
pub struct Attempts<'t, 'e>(pub &'t mut Tx<'e>);

/// What is guessed at. Each locks by itself: who guesses at one means of somebody does not lock the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guessed {
    /// One-time codes.
    Code,
    /// A temporary access pass.
    Pass,
}

impl Guessed {
    const fn number(self) -> u32 {
        match self {
            Self::Code => 1,
            Self::Pass => 2,
        }
    }
}

impl Attempts<'_, '_> {
    /// The failures of a person with one kind of means.
    pub async fn find(&mut self, user: ObjectId, guessed: Guessed) -> Result<Lockout, StoreError> {
        let sql = "SELECT failures, locks, locked_until, recent FROM idp_attempt
                   WHERE {i.is}tenant = :tenant AND user_id = ?1 AND kind = ?2";
        let Some(mut row) = self.0.query_one(sql, &[user.into(), guessed.number().into()]).await? else {
            return Ok(Lockout::default());
        };
        Ok(Lockout {
            failures: row.take(0)?,
            locks: row.take(1)?,
            locked_until: row.take(2)?,
            recent: row.take(3)?,
        })
    }

    /// Keeps the failures.
    pub async fn set(&mut self, user: ObjectId, guessed: Guessed, lockout: &Lockout) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_attempt ({i.col}tenant, user_id, kind, failures, locks, locked_until, recent)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT ({i.col}tenant, user_id, kind)
                   DO UPDATE SET failures = ?3, locks = ?4, locked_until = ?5, recent = ?6";
        let values = [
            user.into(),
            guessed.number().into(),
            lockout.failures.into(),
            lockout.locks.into(),
            lockout.locked_until.into(),
            (&lockout.recent).into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Forgets the failures.
    pub async fn clear(&mut self, user: ObjectId, guessed: Guessed) -> Result<(), StoreError> {
        let sql = "DELETE FROM idp_attempt WHERE {i.is}tenant = :tenant AND user_id = ?1 AND kind = ?2";
        self.0
            .execute(sql, &[user.into(), guessed.number().into()])
            .await
            .map(drop)
    }

    /// Takes the answer of a challenge. False when it was answered before.
    pub async fn take_challenge(&mut self, digest: &[u8; 32], expires_at: Timestamp) -> Result<bool, StoreError> {
        let sql = "INSERT INTO idp_challenge ({i.col}tenant, digest, expires_at) VALUES ({i.val}:tenant, ?1, ?2)
                   ON CONFLICT ({i.col}tenant, digest) DO NOTHING";
        Ok(self.0.execute(sql, &[(*digest).into(), expires_at.into()]).await? > 0)
    }

    /// Removes all means of a person but the password: for whoever removes the person.
    pub async fn forget(&mut self, user: ObjectId) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM idp_oath WHERE {i.is}tenant = :tenant AND user_id = ?1",
            "DELETE FROM idp_passkey WHERE {i.is}tenant = :tenant AND user_id = ?1",
            "DELETE FROM idp_pass WHERE {i.is}tenant = :tenant AND user_id = ?1",
            "DELETE FROM idp_attempt WHERE {i.is}tenant = :tenant AND user_id = ?1",
            "DELETE FROM idp_notice WHERE {i.is}tenant = :tenant AND user_id = ?1",
            "DELETE FROM idp_consent_request WHERE {i.is}tenant = :tenant AND user_id = ?1",
            "DELETE FROM idp_familiar WHERE {i.is}tenant = :tenant AND user_id = ?1",
            "DELETE FROM idp_first_password WHERE {i.is}tenant = :tenant AND user_id = ?1",
        ] {
            self.0.execute(sql, &[user.into()]).await?;
        }
        Ok(())
    }
}
