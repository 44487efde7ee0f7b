//! Devices that wait for a person to sign in. A code made at an endpoint for all tenants belongs to none until somebody
//! answers, so these rows are bound by the codes, not by a tenant; the answer names it.

use std::time::Duration;

use hygie_core::{AppId, TenantId, Timestamp};
use hygie_oidc::device::{Answer, Waiting};
use hygie_store::{Row, StoreError, Tx};

use crate::DeviceAsk;

/// The waiting devices.
pub struct Devices<'t, 'e>(pub &'t mut Tx<'e>);

/// One of them.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    /// Digest of the device code.
    pub digest: [u8; 32],
    /// What the protocol decides by.
    pub waiting: Waiting,
    /// What was asked.
    pub ask: DeviceAsk,
    /// When.
    pub created_at: Timestamp,
}

/// What was answered.
const DECLINED: i64 = 1;
const APPROVED: i64 = 2;

const COLUMNS: &str = "digest, app, ask_json, created_at, expires_at, wait_ms, polled_at, answer, answered_by";

impl Devices<'_, '_> {
    /// Writes a device. `ask` is the JSON of what was asked.
    pub async fn insert(&mut self, row: &DeviceRow, user_code: &[u8; 32], ask: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_device ({i.col}digest, user_code, app, ask_json, created_at, expires_at, wait_ms,
                   polled_at, answer, answered_by) VALUES ({i.val}?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, 0, NULL)";
        let values = [
            row.digest.into(),
            (*user_code).into(),
            row.waiting.client.into(),
            ask.into(),
            row.created_at.into(),
            row.waiting.expires_at.into(),
            millis(row.waiting.interval).into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// The device with this digest of its code.
    pub async fn find(&mut self, digest: &[u8; 32]) -> Result<Option<DeviceRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_device WHERE {{i.is}}digest = ?1");
        self.0
            .query_one(&sql, &[(*digest).into()])
            .await?
            .map(device)
            .transpose()
    }

    /// The device that shows the code with this digest.
    pub async fn find_by_user_code(&mut self, digest: &[u8; 32]) -> Result<Option<DeviceRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_device WHERE {{i.is}}user_code = ?1");
        self.0
            .query_one(&sql, &[(*digest).into()])
            .await?
            .map(device)
            .transpose()
    }

    /// Notes that the device asked, and how long it waits from now on.
    pub async fn polled(&mut self, digest: &[u8; 32], at: Timestamp, interval: Duration) -> Result<(), StoreError> {
        let sql = "UPDATE idp_device SET polled_at = ?2, wait_ms = ?3 WHERE {i.is}digest = ?1";
        let values = [(*digest).into(), at.into(), millis(interval).into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Keeps the answer of a person of the transaction's tenant. False when it was answered before, or has ended.
    pub async fn answered(&mut self, digest: &[u8; 32], answer: Answer, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_device SET answer = ?2, answered_by = :tenant
                   WHERE {i.is}digest = ?1 AND answer = 0 AND expires_at > ?3";
        let answer = match answer {
            Answer::Approved(_) => APPROVED,
            Answer::Declined | Answer::Awaited => DECLINED,
        };
        let values = [(*digest).into(), answer.into(), now.into()];
        Ok(self.0.execute(sql, &values).await? > 0)
    }
}

fn millis(interval: Duration) -> i64 {
    i64::try_from(interval.as_millis()).unwrap_or(i64::MAX)
}

fn device(mut row: Row) -> Result<DeviceRow, StoreError> {
    let digest = super::key(row.take(0)?, "idp_device.digest")?;
    let client: AppId = row.take(1)?;
    let ask = super::json(&row.take::<String>(2)?, "idp_device.ask_json")?;
    let created_at = row.take(3)?;
    let expires_at = row.take(4)?;
    let interval = Duration::from_millis(u64::try_from(row.take::<i64>(5)?).unwrap_or_default());
    let polled_at = row.take(6)?;
    let answer = match (row.take::<i64>(7)?, row.take::<Option<Vec<u8>>>(8)?) {
        (0, _) => Answer::Awaited,
        (DECLINED, _) => Answer::Declined,
        (APPROVED, Some(tenant)) => {
            Answer::Approved(TenantId::from_uuid(super::uuid(&tenant, "idp_device.answered_by")?))
        }
        _ => return Err(StoreError::Inconsistent("idp_device.answer is none".to_owned())),
    };
    Ok(DeviceRow {
        digest,
        waiting: Waiting {
            client,
            answer,
            interval,
            polled_at,
            expires_at,
        },
        ask,
        created_at,
    })
}
