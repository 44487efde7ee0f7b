//! Sessions of browsers.

use std::time::Duration;

use hygie_core::{AppId, ObjectId, SessionId, Timestamp};
use hygie_oidc::Platform;
use hygie_store::{StoreError, Tx};

use crate::{Arrival, Authentications};

/// The sessions of a tenant.
pub struct Sessions<'t, 'e>(pub &'t mut Tx<'e>);

/// A session to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id (`sid`).
    pub id: SessionId,
    /// Digest of the cookie.
    pub browser: [u8; 32],
    /// Whose it is.
    pub user: ObjectId,
    /// How the person authenticated, each method with its instant.
    pub used: Authentications,
    /// When the last time.
    pub auth_time: Timestamp,
    /// When it began.
    pub began_at: Timestamp,
    /// Not good from here on, unless used.
    pub expires_at: Timestamp,
}

/// Whether a session stays when the browser closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nobody has said.
    Unasked,
    /// It stays.
    Yes,
    /// It ends with the browser.
    No,
}

impl Kept {
    pub(super) const fn of(number: i64) -> Self {
        match number {
            0 => Self::Unasked,
            1 => Self::Yes,
            _ => Self::No,
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Unasked => 0,
            Self::Yes => 1,
            Self::No => 2,
        }
    }
}

impl Sessions<'_, '_> {
    /// Whether a session stays when the browser closes.
    pub async fn kept(&mut self, id: SessionId) -> Result<Kept, StoreError> {
        let sql = "SELECT kept FROM idp_session WHERE {i.is}tenant = :tenant AND id = ?1";
        let row = self.0.query_one(sql, &[id.into()]).await?;
        row.map_or(Ok(Kept::No), |mut row| Ok(Kept::of(row.take(0)?)))
    }

    /// How the person of a session last came for tokens that pass the browser, which no code and no refresh token tells of.
    pub async fn came(&mut self, id: SessionId, arrival: &Arrival, platform: Platform) -> Result<(), StoreError> {
        let json = serde_json::to_string(&(arrival, platform))
            .map_err(|error| StoreError::Inconsistent(format!("idp_session.arrival_json: {error}")))?;
        let sql = "UPDATE idp_session SET arrival_json = ?2 WHERE {i.is}tenant = :tenant AND id = ?1";
        self.0.execute(sql, &[id.into(), json.into()]).await.map(drop)
    }

    /// The same as it was told last.
    pub async fn find_arrival(&mut self, id: SessionId) -> Result<Option<(Arrival, Platform)>, StoreError> {
        let sql = "SELECT arrival_json FROM idp_session WHERE {i.is}tenant = :tenant AND id = ?1";
        let Some(mut row) = self.0.query_one(sql, &[id.into()]).await? else {
            return Ok(None);
        };
        let text: Option<String> = row.take(0)?;
        text.map(|text| super::json(&text, "idp_session.arrival_json"))
            .transpose()
    }

    /// Notes that the person of a session, by a proof of that instant, let something elsewhere sign in: the proof is worth nothing
    /// for the next. False when it is worth nothing already.
    pub async fn confirmed(&mut self, id: SessionId, (proof, at): (Timestamp, Timestamp)) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_session SET confirmed_at = ?3 WHERE {i.is}tenant = :tenant AND id = ?1
                   AND (confirmed_at IS NULL OR confirmed_at < ?2)";
        let values = [id.into(), proof.into(), at.into()];
        Ok(self.0.execute(sql, &values).await? > 0)
    }

    /// When that was last.
    pub async fn find_confirmed(&mut self, id: SessionId) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT confirmed_at FROM idp_session WHERE {i.is}tenant = :tenant AND id = ?1";
        let row = self.0.query_one(sql, &[id.into()]).await?;
        row.map_or(Ok(None), |mut row| row.take(0))
    }

    /// Says so.
    pub async fn keep(&mut self, id: SessionId, kept: Kept) -> Result<(), StoreError> {
        let sql = "UPDATE idp_session SET kept = ?2 WHERE {i.is}tenant = :tenant AND id = ?1";
        let values = [id.into(), kept.number().into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Begins a session; it replaces an earlier one of the same user in the same browser.
    pub async fn insert(&mut self, session: &SessionRow) -> Result<(), StoreError> {
        let end = "UPDATE idp_session SET ended_at = ?3
                   WHERE {i.is}tenant = :tenant AND browser = ?1 AND user_id = ?2 AND ended_at IS NULL";
        self.0
            .execute(
                end,
                &[session.browser.into(), session.user.into(), session.auth_time.into()],
            )
            .await?;
        let sql = "INSERT INTO idp_session ({i.col}tenant, id, browser, user_id, methods_json, auth_time,
                   used_at, began_at, expires_at, ended_at, revoked_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, NULL, NULL)";
        let values = [
            session.id.into(),
            session.browser.into(),
            session.user.into(),
            to_json(&session.used)?.into(),
            session.auth_time.into(),
            session.began_at.into(),
            session.expires_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Notes that the person authenticated anew within a live session; `auth_time` is that of the first factor. False when it
    /// has ended.
    pub async fn authenticated(
        &mut self,
        id: SessionId,
        used: &Authentications,
        (auth_time, at): (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_session SET methods_json = ?2, auth_time = ?3, used_at = ?4
                   WHERE {i.is}tenant = :tenant AND id = ?1 AND ended_at IS NULL AND expires_at > ?4";
        let values = [id.into(), to_json(used)?.into(), auth_time.into(), at.into()];
        Ok(self.0.execute(sql, &values).await? > 0)
    }

    /// Prolongs a session by `idle`, until it is as old as `longest`, and notes the application that it was used for.
    pub async fn used(
        &mut self,
        id: SessionId,
        app: AppId,
        now: Timestamp,
        (idle, longest): (Duration, Duration),
    ) -> Result<(), StoreError> {
        let sql = "UPDATE idp_session SET used_at = ?2,
                   expires_at = CASE WHEN began_at < ?4 THEN began_at + ?5 ELSE ?3 END
                   WHERE {i.is}tenant = :tenant AND id = ?1 AND ended_at IS NULL";
        let values = [
            id.into(),
            now.into(),
            (now + idle).into(),
            // Began so long ago that its end comes before the next half hour of silence.
            (now + idle - longest).into(),
            i64::try_from(longest.as_millis()).unwrap_or(i64::MAX).into(),
        ];
        self.0.execute(sql, &values).await?;
        let sql = "INSERT INTO idp_session_app ({i.col}tenant, session, app) VALUES ({i.val}:tenant, ?1, ?2)
                   ON CONFLICT ({i.col}tenant, session, app) DO NOTHING";
        self.0.execute(sql, &[id.into(), app.into()]).await.map(drop)
    }

    /// The applications that a session was used for.
    pub async fn list_apps(&mut self, id: SessionId) -> Result<Vec<AppId>, StoreError> {
        let sql = "SELECT app FROM idp_session_app WHERE {i.is}tenant = :tenant AND session = ?1 ORDER BY app LIMIT 50";
        self.0
            .query(sql, &[id.into()])
            .await?
            .into_iter()
            .map(|mut row| row.take(0))
            .collect()
    }

    /// Ends a session. False when it had ended, or is none of this tenant.
    pub async fn end(&mut self, id: SessionId, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_session SET ended_at = ?2
                   WHERE {i.is}tenant = :tenant AND id = ?1 AND ended_at IS NULL";
        Ok(self.0.execute(sql, &[id.into(), at.into()]).await? > 0)
    }

    /// Revokes a session: it ends, and what it was issued with it; its refresh tokens too. False when it was revoked
    /// before, or is none of this tenant.
    pub async fn revoke(&mut self, id: SessionId, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_session SET ended_at = ?2, revoked_at = ?2
                   WHERE {i.is}tenant = :tenant AND id = ?1 AND revoked_at IS NULL";
        if self.0.execute(sql, &[id.into(), at.into()]).await? == 0 {
            return Ok(false);
        }
        let sql = "UPDATE idp_family SET revoked_at = ?2
                   WHERE {i.is}tenant = :tenant AND session = ?1 AND revoked_at IS NULL";
        self.0.execute(sql, &[id.into(), at.into()]).await?;
        Ok(true)
    }

    /// A session that was not revoked, ended or not.
    pub async fn find_unrevoked(&mut self, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        let sql = "SELECT browser, user_id, methods_json, auth_time, began_at, expires_at FROM idp_session
                   WHERE {i.is}tenant = :tenant AND id = ?1 AND revoked_at IS NULL";
        let Some(mut row) = self.0.query_one(sql, &[id.into()]).await? else {
            return Ok(None);
        };
        let browser: Vec<u8> = row.take(0)?;
        let unreadable = |_| StoreError::Inconsistent("idp_session.browser".to_owned());
        Ok(Some(SessionRow {
            id,
            browser: browser.try_into().map_err(unreadable)?,
            user: row.take(1)?,
            used: from_json(&row.take::<String>(2)?)?,
            auth_time: row.take(3)?,
            began_at: row.take(4)?,
            expires_at: row.take(5)?,
        }))
    }

    /// Whether a session was revoked. Ended is not revoked: its applications keep what they have.
    pub async fn is_revoked(&mut self, id: SessionId) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM idp_session WHERE {i.is}tenant = :tenant AND id = ?1 AND revoked_at IS NOT NULL";
        Ok(self.0.query_one(sql, &[id.into()]).await?.is_some())
    }

    /// Revokes all sessions of a user, ended ones too: tokens of them may be alive.
    pub async fn revoke_all_of(&mut self, user: ObjectId, at: Timestamp) -> Result<u64, StoreError> {
        let sql = "UPDATE idp_session SET ended_at = COALESCE(ended_at, ?2), revoked_at = ?2
                   WHERE {i.is}tenant = :tenant AND user_id = ?1 AND revoked_at IS NULL";
        self.0.execute(sql, &[user.into(), at.into()]).await
    }
}

pub(super) fn from_json(text: &str) -> Result<Authentications, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Inconsistent(format!("idp_session.methods_json: {error}")))
}

fn to_json(used: &Authentications) -> Result<String, StoreError> {
    serde_json::to_string(used).map_err(|error| StoreError::Inconsistent(format!("idp_session.methods_json: {error}")))
}
