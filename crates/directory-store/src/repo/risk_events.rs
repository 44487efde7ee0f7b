//! What was told of the risk of people, in order.

use hygie_core::{ObjectId, Timestamp};
use hygie_policy::policy::RiskLevel;
use hygie_policy::risk::{RiskDetail, RiskState, UserRisk};
use hygie_store::{Row, StoreError, Tx};

/// Events that are kept of a person.
const KEPT: u32 = 100;

/// The history of the risk of the people of a tenant.
pub struct RiskEvents<'t, 'e>(pub &'t mut Tx<'e>);

/// Something that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskEvent {
    /// Its id; younger ones have greater ones.
    pub id: ObjectId,
    /// Of whom.
    pub user: ObjectId,
    /// How it stood then.
    pub risk: UserRisk,
    /// What was seen, where risk was told (`riskEventType`).
    pub event: Option<String>,
    /// Who told it.
    pub told_by: Option<ObjectId>,
}

const COLUMNS: &str = "id, user_id, level, state, detail, event, told_by, at";

impl RiskEvents<'_, '_> {
    /// Keeps one, and the last hundred of its person.
    pub async fn insert(&mut self, event: &RiskEvent) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO idp_risk_event ({{i.col}}tenant, {COLUMNS})
             VALUES ({{i.val}}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        );
        let values = [
            event.id.into(),
            event.user.into(),
            event.risk.level.as_str().into(),
            event.risk.state.as_str().into(),
            event.risk.detail.as_str().into(),
            event.event.clone().into(),
            event.told_by.into(),
            event.risk.updated_at.into(),
        ];
        self.0.execute(&sql, &values).await?;
        let sql = "DELETE FROM idp_risk_event WHERE {i.is}tenant = :tenant AND user_id = ?1 AND id <=
                   (SELECT id FROM idp_risk_event WHERE {i.is}tenant = :tenant AND user_id = ?1
                    ORDER BY id DESC LIMIT 1 OFFSET ?2)";
        self.0.execute(sql, &[event.user.into(), KEPT.into()]).await.map(drop)
    }

    /// Those of somebody, the first ones first.
    pub async fn list_of(&mut self, user: ObjectId) -> Result<Vec<RiskEvent>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM idp_risk_event WHERE {{i.is}}tenant = :tenant AND user_id = ?1 ORDER BY id");
        let rows = self.0.query(&sql, &[user.into()]).await?;
        rows.into_iter().map(event).collect()
    }

    /// Those by which risk was told, after this id, in order of id; at most `limit`.
    pub async fn page_detections(&mut self, after: Option<ObjectId>, limit: u32) -> Result<Vec<RiskEvent>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_risk_event WHERE {{i.is}}tenant = :tenant AND id > ?1 AND event IS NOT NULL
             ORDER BY id LIMIT ?2"
        );
        let rows = self.0.query(&sql, &[super::after(after), limit.into()]).await?;
        rows.into_iter().map(event).collect()
    }

    /// What was told of these people that ended their risk, the first first; as many people as one statement looks for.
    pub async fn list_ends(&mut self, users: &[ObjectId]) -> Result<Vec<RiskEvent>, StoreError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let list = super::placeholders(users.len());
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_risk_event
             WHERE {{i.is}}tenant = :tenant AND user_id IN ({list}) AND event IS NULL ORDER BY id"
        );
        let rows = self.0.query(&sql, &super::ids(users)).await?;
        rows.into_iter().map(event).collect()
    }

    /// The one with this id.
    pub async fn find(&mut self, id: ObjectId) -> Result<Option<RiskEvent>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_risk_event WHERE {{i.is}}tenant = :tenant AND id = ?1");
        self.0.query_one(&sql, &[id.into()]).await?.map(event).transpose()
    }

    /// Forgets those of somebody.
    pub async fn forget(&mut self, user: ObjectId) -> Result<(), StoreError> {
        let sql = "DELETE FROM idp_risk_event WHERE {i.is}tenant = :tenant AND user_id = ?1";
        self.0.execute(sql, &[user.into()]).await.map(drop)
    }
}

fn event(mut row: Row) -> Result<RiskEvent, StoreError> {
    let unreadable = || StoreError::Inconsistent("idp_risk_event cannot be read".to_owned());
    let (level, state, detail): (String, String, String) = (row.take(2)?, row.take(3)?, row.take(4)?);
    let updated_at: Timestamp = row.take(7)?;
    Ok(RiskEvent {
        id: row.take(0)?,
        user: row.take(1)?,
        risk: UserRisk {
            level: RiskLevel::parse(&level).ok_or_else(unreadable)?,
            state: RiskState::parse(&state).ok_or_else(unreadable)?,
            detail: RiskDetail::parse(&detail).ok_or_else(unreadable)?,
            updated_at,
        },
        event: row.take(5)?,
        told_by: row.take(6)?,
    })
}
