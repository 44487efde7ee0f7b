//! The logs of a tenant: entries in the order of their instants, and what they are found by.
//!
//! The id of an entry begins with its instant, so that a range of instants is a range of ids. What an entry is found by
//! ([`LogEntry::marks`]) is kept beside it in one table, by which a filter walks over the entries that it can find alone.

use std::time::Duration;

use hygie_core::Timestamp;
use hygie_store::outbox::Outbox;
use hygie_store::{Row, StoreError, Tx, Value};
use uuid::Uuid;

use super::Letters;
use crate::Matter;
use crate::logs::{Alert, Log, LogEntry, LogQuery, event};

/// Entries that one purge of a log removes at most.
const PURGED: u32 = 500;

/// Letters about alerts of one kind that leave within this time.
const LETTERS: u32 = 5;
const LETTERS_IN: Duration = Duration::from_mins(10);

/// The logs of a tenant.
pub struct Logs<'t, 'e>(pub &'t mut Tx<'e>);

impl Logs<'_, '_> {
    /// Writes an entry, and tells those who follow the log.
    pub async fn insert<E: LogEntry>(&mut self, entry: &E) -> Result<(), StoreError> {
        let unwritable = |error| StoreError::Inconsistent(format!("idp_log.entry_json: {error}"));
        let json = serde_json::to_string(entry).map_err(unwritable)?;
        let marks = entry.marks();
        let id = key(entry.id());
        let kept = serde_json::to_string(&marks).map_err(unwritable)?;
        let sql = "INSERT INTO idp_log ({i.col}tenant, log, id, entry_json, marks)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4)";
        let values = [E::LOG.number().into(), id.clone(), json.into(), kept.into()];
        self.0.execute(sql, &values).await?;
        self.mark(E::LOG, &id, &marks).await?;
        let (kind, key, body) = event(self.0.cx().tenant, entry);
        Outbox(self.0).emit(&kind, key, &body).await
    }

    /// Writes an alert, and sends it to where the establishment wants to be told. Who tries an emergency account again and
    /// again from outside must not fill mailboxes: of one kind some letters leave in a while, and the log has all.
    pub async fn alert(&mut self, alert: &Alert) -> Result<(), StoreError> {
        self.insert(alert).await?;
        let matter = Matter::of_alert(alert);
        if !Letters(self.0).is_awaited(&matter).await? {
            return Ok(());
        }
        let same = LogQuery {
            from: Some(alert.created_date_time - LETTERS_IN),
            mark: alert.marks().pop(),
            limit: LETTERS + 1,
            ..LogQuery::default()
        };
        let recent: Vec<Alert> = self.list(&same).await?;
        if recent.len() > LETTERS as usize {
            return Ok(());
        }
        Letters(self.0).to_security(matter).await
    }

    async fn mark(&mut self, log: Log, id: &Value, marks: &[String]) -> Result<(), StoreError> {
        if marks.is_empty() {
            return Ok(());
        }
        let rows: Vec<String> = (0..marks.len())
            .map(|n| format!("({{i.val}}:tenant, ?1, ?{}, ?2)", n + 3))
            .collect();
        let sql = format!(
            "INSERT INTO idp_log_mark ({{i.col}}tenant, log, mark, id) VALUES {}",
            rows.join(", ")
        );
        let mut values = vec![log.number().into(), id.clone()];
        values.extend(marks.iter().map(Value::from));
        self.0.execute(&sql, &values).await.map(drop)
    }

    /// Entries, in the order of their instants or against it.
    pub async fn list<E: LogEntry>(&mut self, query: &LogQuery) -> Result<Vec<E>, StoreError> {
        let (from, to) = query.range();
        let order = if query.is_oldest_first { "ASC" } else { "DESC" };
        let values = [
            E::LOG.number().into(),
            from.to_vec().into(),
            to.to_vec().into(),
            query.limit.into(),
        ];
        let rows = if let Some(mark) = &query.mark {
            let sql = format!(
                "SELECT id FROM idp_log_mark WHERE {{i.is}}tenant = :tenant AND log = ?1 AND mark = ?5
                 AND id >= ?2 AND id < ?3 ORDER BY id {order} LIMIT ?4"
            );
            let values = [&values[..], &[mark.into()]].concat();
            let found = self.0.query(&sql, &values).await?;
            let ids: Vec<Value> = found
                .into_iter()
                .map(|mut row| Ok(row.take::<Vec<u8>>(0)?.into()))
                .collect::<Result<_, StoreError>>()?;
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let sql = format!(
                "SELECT entry_json FROM idp_log WHERE {{i.is}}tenant = :tenant AND id IN ({}) AND log = ?{}
                 ORDER BY id {order}",
                super::placeholders(ids.len()),
                ids.len() + 1
            );
            let values = [ids, vec![E::LOG.number().into()]].concat();
            self.0.query(&sql, &values).await?
        } else {
            let sql = format!(
                "SELECT entry_json FROM idp_log WHERE {{i.is}}tenant = :tenant AND log = ?1 AND id >= ?2 AND id < ?3
                 ORDER BY id {order} LIMIT ?4"
            );
            self.0.query(&sql, &values).await?
        };
        rows.into_iter().map(entry).collect()
    }

    /// The entry with this id.
    pub async fn find<E: LogEntry>(&mut self, id: Uuid) -> Result<Option<E>, StoreError> {
        let sql = "SELECT entry_json FROM idp_log WHERE {i.is}tenant = :tenant AND log = ?1 AND id = ?2";
        let row = self.0.query_one(sql, &[E::LOG.number().into(), key(id)]).await?;
        row.map(entry).transpose()
    }

    /// Whether there is an entry from before an instant.
    pub async fn has_before(&mut self, log: Log, before: Timestamp) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM idp_log WHERE {i.is}tenant = :tenant AND log = ?1 AND id < ?2 LIMIT 1";
        let values = [log.number().into(), first_id(before).to_vec().into()];
        Ok(self.0.query_one(sql, &values).await?.is_some())
    }

    /// Removes some entries from before an instant, the oldest; tells how many, none when there are no more.
    pub async fn purge(&mut self, log: Log, before: Timestamp) -> Result<u64, StoreError> {
        let sql = "SELECT id, marks FROM idp_log WHERE {i.is}tenant = :tenant AND log = ?1 AND id < ?2
                   ORDER BY id LIMIT ?3";
        let values = [log.number().into(), first_id(before).to_vec().into(), PURGED.into()];
        let mut last = None;
        let rows = self.0.query(sql, &values).await?;
        let count = rows.len() as u64;
        for mut row in rows {
            let id: Vec<u8> = row.take(0)?;
            let marks: Vec<String> = super::json(&row.take::<String>(1)?, "idp_log.marks")?;
            if !marks.is_empty() {
                let list = super::placeholders(marks.len());
                let next = marks.len();
                let sql = format!(
                    "DELETE FROM idp_log_mark WHERE {{i.is}}tenant = :tenant AND mark IN ({list}) AND log = ?{}
                     AND id = ?{}",
                    next + 1,
                    next + 2
                );
                let mut values: Vec<Value> = marks.iter().map(Value::from).collect();
                values.extend([log.number().into(), id.clone().into()]);
                self.0.execute(&sql, &values).await?;
            }
            last = Some(id);
        }
        if let Some(last) = last {
            let sql = "DELETE FROM idp_log WHERE {i.is}tenant = :tenant AND log = ?1 AND id <= ?2";
            self.0.execute(sql, &[log.number().into(), last.into()]).await?;
        }
        Ok(count)
    }

    /// For how many days the tenant keeps its logs, where it says so.
    pub async fn retention(&mut self) -> Result<Option<u32>, StoreError> {
        let sql = "SELECT days FROM idp_log_retention WHERE {i.is}tenant = :tenant";
        let row = self.0.query_one(sql, &[]).await?;
        row.map(|mut row| row.take(0)).transpose()
    }

    /// Says so, or that what everybody does is enough.
    pub async fn set_retention(&mut self, days: Option<u32>) -> Result<(), StoreError> {
        let sql = "DELETE FROM idp_log_retention WHERE {i.is}tenant = :tenant";
        self.0.execute(sql, &[]).await?;
        if let Some(days) = days {
            let sql = "INSERT INTO idp_log_retention ({i.col}tenant, days) VALUES ({i.val}:tenant, ?1)";
            self.0.execute(sql, &[days.into()]).await?;
        }
        Ok(())
    }
}

/// No id of an entry from this instant on is less.
pub(crate) fn first_id(at: Timestamp) -> [u8; 16] {
    let millis = u64::try_from(at.millis()).unwrap_or_default().min((1 << 48) - 1);
    let mut id = [0; 16];
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    id
}

fn key(id: Uuid) -> Value {
    id.as_bytes().to_vec().into()
}

fn entry<E: LogEntry>(mut row: Row) -> Result<E, StoreError> {
    super::json(&row.take::<String>(0)?, "idp_log.entry_json")
}
