//! Risk that others told: of people, of service principals, and of sign-ins.

use hygie_core::{ObjectId, Timestamp};
use hygie_policy::json::Member;
use hygie_policy::policy::RiskLevel;
use hygie_policy::risk::{RiskDetail, RiskState, SuppliedRisk, UserRisk};
use hygie_store::{Row, StoreError, Tx};

/// The risks of a tenant.
pub struct Risks<'t, 'e>(pub &'t mut Tx<'e>);

/// Of whom risk is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtRisk {
    /// A person.
    User,
    /// An application in the tenant.
    ServicePrincipal,
}

impl AtRisk {
    /// The tables of what stands and of what was told, and the column of whose it is.
    pub(super) const fn tables(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::User => ("idp_user_risk", "idp_risk_event", "user_id"),
            Self::ServicePrincipal => ("idp_principal_risk", "idp_principal_risk_event", "principal"),
        }
    }
}

impl Risks<'_, '_> {
    /// The risk of somebody, of whom anything was ever told.
    pub async fn find(&mut self, kind: AtRisk, user: ObjectId) -> Result<Option<UserRisk>, StoreError> {
        let (table, _, of) = kind.tables();
        let sql = format!(
            "SELECT level, state, detail, updated_at FROM {table} WHERE {{i.is}}tenant = :tenant AND {of} = ?1"
        );
        let row = self.0.query_one(&sql, &[user.into()]).await?;
        row.map(|mut row| risk(&mut row, 0)).transpose()
    }

    /// Those of whom anything was ever told, after this one in the order of their ids.
    pub async fn list(
        &mut self,
        kind: AtRisk,
        after: Option<ObjectId>,
        limit: u32,
    ) -> Result<Vec<(ObjectId, UserRisk)>, StoreError> {
        let (table, _, of) = kind.tables();
        let sql = format!(
            "SELECT {of}, level, state, detail, updated_at FROM {table}
             WHERE {{i.is}}tenant = :tenant AND {of} > ?1 ORDER BY {of} LIMIT ?2"
        );
        let rows = self.0.query(&sql, &[super::after(after), limit.into()]).await?;
        rows.into_iter()
            .map(|mut row| Ok((row.take(0)?, risk(&mut row, 1)?)))
            .collect()
    }

    /// Says how it stands with somebody.
    pub async fn put(&mut self, kind: AtRisk, user: ObjectId, risk: &UserRisk) -> Result<(), StoreError> {
        let (table, _, of) = kind.tables();
        let sql = format!(
            "INSERT INTO {table} ({{i.col}}tenant, {of}, level, state, detail, updated_at)
             VALUES ({{i.val}}:tenant, ?1, ?2, ?3, ?4, ?5)
             ON CONFLICT ({{i.col}}tenant, {of}) DO UPDATE SET level = excluded.level, state = excluded.state,
             detail = excluded.detail, updated_at = excluded.updated_at"
        );
        let values = [
            user.into(),
            risk.level.as_str().into(),
            risk.state.as_str().into(),
            risk.detail.as_str().into(),
            risk.updated_at.into(),
        ];
        self.0.execute(&sql, &values).await.map(drop)
    }

    /// Forgets somebody.
    pub async fn forget(&mut self, kind: AtRisk, user: ObjectId) -> Result<(), StoreError> {
        let (table, _, of) = kind.tables();
        let sql = format!("DELETE FROM {table} WHERE {{i.is}}tenant = :tenant AND {of} = ?1");
        self.0.execute(&sql, &[user.into()]).await.map(drop)
    }

    /// The risks of sign-ins that have not ended, in the order of their ids.
    pub async fn list_supplied(&mut self, now: Timestamp) -> Result<Vec<(ObjectId, SuppliedRisk)>, StoreError> {
        let sql = "SELECT id, document FROM idp_supplied_risk
                   WHERE {i.is}tenant = :tenant AND ends_at > ?1 ORDER BY id";
        let rows = self.0.query(sql, &[now.into()]).await?;
        rows.into_iter()
            .map(|mut row| Ok((row.take(0)?, supplied(&row.take::<String>(1)?)?)))
            .collect()
    }

    /// Keeps one.
    pub async fn insert_supplied(&mut self, id: ObjectId, risk: &SuppliedRisk) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_supplied_risk ({i.col}tenant, id, document, ends_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3)";
        let values = [id.into(), risk.write().to_string().into(), risk.ends_at.into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Takes one back. False when it is not there.
    pub async fn remove_supplied(&mut self, id: ObjectId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM idp_supplied_risk WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into()]).await? > 0)
    }
}

fn risk(row: &mut Row, first: usize) -> Result<UserRisk, StoreError> {
    let unreadable = || StoreError::Inconsistent("a risk cannot be read".to_owned());
    let (level, state, detail): (String, String, String) =
        (row.take(first)?, row.take(first + 1)?, row.take(first + 2)?);
    Ok(UserRisk {
        level: RiskLevel::parse(&level).ok_or_else(unreadable)?,
        state: RiskState::parse(&state).ok_or_else(unreadable)?,
        detail: RiskDetail::parse(&detail).ok_or_else(unreadable)?,
        updated_at: row.take(first + 3)?,
    })
}

fn supplied(text: &str) -> Result<SuppliedRisk, StoreError> {
    let unreadable = || StoreError::Inconsistent("idp_supplied_risk.document cannot be read".to_owned());
    let value = serde_json::from_str(text).map_err(|_| unreadable())?;
    hygie_policy::json::read(&value).map_err(|_| unreadable())
}
