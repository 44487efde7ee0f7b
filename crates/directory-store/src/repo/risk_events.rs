//! What was told of the risk of people and service principals, in order.

use hygie_core::{ObjectId, Timestamp};
use hygie_policy::policy::RiskLevel;
use hygie_policy::risk::{RiskDetail, RiskState, UserRisk};
use hygie_store::{Row, StoreError, Tx};

use super::AtRisk;

/// Events that are kept of each.
const KEPT: u32 = 100;

/// The history of risk in a tenant, of accounts of a kind.
pub struct RiskEvents<'t, 'e>(pub &'t mut Tx<'e>, pub AtRisk);

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

impl RiskEvents<'_, '_> {
    /// The table, the column of whose it is, and all columns.
    fn names(&self) -> (&'static str, &'static str, String) {
        let (_, table, of) = self.1.tables();
        (table, of, format!("id, {of}, level, state, detail, event, told_by, at"))
    }

    /// Keeps one, and the last hundred of its person.
    pub async fn insert(&mut self, event: &RiskEvent) -> Result<(), StoreError> {
        let (table, of, columns) = self.names();
        let sql = format!(
            "INSERT INTO {table} ({{i.col}}tenant, {columns})
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
        let sql = format!(
            "DELETE FROM {table} WHERE {{i.is}}tenant = :tenant AND {of} = ?1 AND id <=
             (SELECT id FROM {table} WHERE {{i.is}}tenant = :tenant AND {of} = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)"
        );
        self.0.execute(&sql, &[event.user.into(), KEPT.into()]).await.map(drop)
    }

    /// Those of somebody, the first ones first.
    pub async fn list_of(&mut self, user: ObjectId) -> Result<Vec<RiskEvent>, StoreError> {
        let (table, of, columns) = self.names();
        let sql = format!("SELECT {columns} FROM {table} WHERE {{i.is}}tenant = :tenant AND {of} = ?1 ORDER BY id");
        let rows = self.0.query(&sql, &[user.into()]).await?;
        rows.into_iter().map(event).collect()
    }

    /// Those by which risk was told, after this id, in order of id; at most `limit`.
    pub async fn page_detections(&mut self, after: Option<ObjectId>, limit: u32) -> Result<Vec<RiskEvent>, StoreError> {
        let (table, _, columns) = self.names();
        let sql = format!(
            "SELECT {columns} FROM {table} WHERE {{i.is}}tenant = :tenant AND id > ?1 AND event IS NOT NULL
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
        let (table, of, columns) = self.names();
        let sql = format!(
            "SELECT {columns} FROM {table}
             WHERE {{i.is}}tenant = :tenant AND {of} IN ({list}) AND event IS NULL ORDER BY id"
        );
        let rows = self.0.query(&sql, &super::ids(users)).await?;
        rows.into_iter().map(event).collect()
    }

    /// The one with this id.
    pub async fn find(&mut self, id: ObjectId) -> Result<Option<RiskEvent>, StoreError> {
        let (table, _, columns) = self.names();
        let sql = format!("SELECT {columns} FROM {table} WHERE {{i.is}}tenant = :tenant AND id = ?1");
        self.0.query_one(&sql, &[id.into()]).await?.map(event).transpose()
    }

    /// Forgets those of somebody.
    pub async fn forget(&mut self, user: ObjectId) -> Result<(), StoreError> {
        let (table, of, _) = self.names();
        let sql = format!("DELETE FROM {table} WHERE {{i.is}}tenant = :tenant AND {of} = ?1");
        self.0.execute(&sql, &[user.into()]).await.map(drop)
    }
}

fn event(mut row: Row) -> Result<RiskEvent, StoreError> {
    let unreadable = || StoreError::Inconsistent("what was told of a risk cannot be read".to_owned());
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
