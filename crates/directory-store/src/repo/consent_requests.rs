//! Requests of people to administrators to consent.

use hygie_core::{AppId, ObjectId, Timestamp};
use hygie_store::{Row, StoreError, Tx};

use crate::{AskedConsent, ConsentRequestStatus};

/// The requests of a tenant's people.
pub struct ConsentRequests<'t, 'e>(pub &'t mut Tx<'e>);

const COLUMNS: &str =
    "id, app, app_name, user_id, permissions_json, reason, status, justification, created_at, ends_at";

impl ConsentRequests<'_, '_> {
    /// Those that have not ended, the oldest first.
    pub async fn list(&mut self, limit: u32) -> Result<Vec<AskedConsent>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_consent_request WHERE {{i.is}}tenant = :tenant AND ends_at > ?1
             ORDER BY created_at, id LIMIT ?2"
        );
        let now = self.0.cx().now;
        let rows = self.0.query(&sql, &[now.into(), limit.into()]).await?;
        rows.into_iter().map(asked).collect()
    }

    /// Those of a person.
    pub async fn list_of(&mut self, user: ObjectId) -> Result<Vec<AskedConsent>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_consent_request WHERE {{i.is}}tenant = :tenant AND user_id = ?1 AND ends_at > ?2
             ORDER BY created_at, id"
        );
        let now = self.0.cx().now;
        let rows = self.0.query(&sql, &[user.into(), now.into()]).await?;
        rows.into_iter().map(asked).collect()
    }

    /// How many are awaited, beside the one of this person for this application.
    pub async fn count_awaited_beside(&mut self, (user, app): (ObjectId, AppId)) -> Result<i64, StoreError> {
        let sql =
            "SELECT count(*) FROM idp_consent_request WHERE {i.is}tenant = :tenant AND status = 0 AND ends_at > ?1
                   AND NOT (user_id = ?2 AND app = ?3)";
        let now = self.0.cx().now;
        let row = self.0.query_one(sql, &[now.into(), user.into(), app.into()]).await?;
        row.map_or(Ok(0), |mut row| row.take(0))
    }

    /// Writes one; the one that the person made for the application before goes.
    pub async fn put(&mut self, asked: &AskedConsent) -> Result<(), StoreError> {
        let sql = "DELETE FROM idp_consent_request WHERE {i.is}tenant = :tenant AND user_id = ?1 AND app = ?2";
        self.0.execute(sql, &[asked.user.into(), asked.app.into()]).await?;
        let sql =
            "INSERT INTO idp_consent_request ({i.col}tenant, id, app, app_name, user_id, permissions_json, reason,
                   status, justification, created_at, ends_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let permissions = serde_json::to_string(&asked.permissions).map_err(|_| {
            StoreError::Inconsistent("idp_consent_request.permissions_json cannot be written".to_owned())
        })?;
        let values = [
            asked.id.into(),
            asked.app.into(),
            asked.app_display_name.clone().into(),
            asked.user.into(),
            permissions.into(),
            asked.reason.clone().into(),
            number(asked.status).into(),
            asked.justification.clone().into(),
            asked.created_at.into(),
            asked.ends_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Decides one that is awaited. False when there is none.
    pub async fn decide(
        &mut self,
        id: ObjectId,
        (status, justification): (ConsentRequestStatus, Option<&str>),
        ends_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_consent_request SET status = ?2, justification = ?3, ends_at = ?4
                   WHERE {i.is}tenant = :tenant AND id = ?1 AND status = 0 AND ends_at > ?5";
        let now = self.0.cx().now;
        let values = [
            id.into(),
            number(status).into(),
            justification.map(str::to_owned).into(),
            ends_at.into(),
            now.into(),
        ];
        Ok(self.0.execute(sql, &values).await? > 0)
    }

    /// Those that are awaited for an application.
    pub async fn list_awaited(&mut self, app: AppId) -> Result<Vec<AskedConsent>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_consent_request
             WHERE {{i.is}}tenant = :tenant AND app = ?1 AND status = 0 AND ends_at > ?2 ORDER BY created_at, id"
        );
        let now = self.0.cx().now;
        let rows = self.0.query(&sql, &[app.into(), now.into()]).await?;
        rows.into_iter().map(asked).collect()
    }
}

const fn number(status: ConsentRequestStatus) -> u32 {
    match status {
        ConsentRequestStatus::Awaited => 0,
        ConsentRequestStatus::Approved => 1,
        ConsentRequestStatus::Denied => 2,
    }
}

fn asked(mut row: Row) -> Result<AskedConsent, StoreError> {
    let permissions: String = row.take(4)?;
    Ok(AskedConsent {
        id: row.take(0)?,
        app: row.take(1)?,
        app_display_name: row.take(2)?,
        user: row.take(3)?,
        permissions: super::json(&permissions, "idp_consent_request.permissions_json")?,
        reason: row.take(5)?,
        status: match row.take::<u32>(6)? {
            0 => ConsentRequestStatus::Awaited,
            1 => ConsentRequestStatus::Approved,
            2 => ConsentRequestStatus::Denied,
            _ => {
                return Err(StoreError::Inconsistent(
                    "idp_consent_request.status is not known".to_owned(),
                ));
            }
        },
        justification: row.take(7)?,
        created_at: row.take(8)?,
        ends_at: row.take(9)?,
    })
}
