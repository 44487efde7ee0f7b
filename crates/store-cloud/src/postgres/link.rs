//! A connection on loan from the pool for one transaction.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_postgres::Client;
use futures_util::FutureExt as _;
use futures_util::future::{join, join_all};
use hygie_core::TenantId;
use hygie_store::{Dialect, IndexKeys, IndexRange, Order, Rendered, Row, StoreError, Value};
use parking_lot::RwLock;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, SimpleQueryMessage, Statement};

use super::error::{Remedy, fault, remedy};
use super::value::{Bound, Owned};

/// Statements kept rendered; beyond it the table starts anew.
const MAX_STATEMENTS: usize = 1024;

/// Portable statements in PostgreSQL's words.
#[derive(Default)]
pub struct Catalogue(RwLock<HashMap<String, Arc<Rendered>>>);

impl Catalogue {
    /// The statement in PostgreSQL's words.
    fn rendered(&self, sql: &str) -> Arc<Rendered> {
        if let Some(found) = self.0.read().get(sql) {
            return found.clone();
        }
        let rendered = Arc::new(Dialect::Postgres.render(sql));
        let mut known = self.0.write();
        if known.len() >= MAX_STATEMENTS {
            known.clear();
        }
        known.insert(sql.to_owned(), rendered.clone());
        rendered
    }
}

/// What kind of transaction it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One that is as if no other ran beside it.
    Write,
    /// The same, and no other of the instance does run: those that run end first, those that come wait.
    First,
    /// A snapshot.
    Read,
    /// One that locks what others may not change meanwhile, and sees what they did before.
    Alone,
}

impl Mode {
    /// How it begins. A writing one waits for its turn before it takes its snapshot, and asks for its number, by which one
    /// can learn later what became of it.
    fn begin(self, instance: i64) -> String {
        let turn = turn(instance);
        let write = |lock: &str| {
            format!("BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE {turn} IN {lock} MODE; SELECT pg_current_xact_id()")
        };
        match self {
            Self::Write => write("ROW SHARE"),
            Self::First => write("EXCLUSIVE"),
            Self::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
            Self::Alone => "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned(),
        }
    }

    const fn is_numbered(self) -> bool {
        matches!(self, Self::Write | Self::First)
    }
}

/// A connection in a transaction, which begins with the first statement.
pub struct Link {
    client: Option<Client>,
    catalogue: Arc<Catalogue>,
    instance: i64,
    mode: Mode,
    begun: bool,
    xact: Option<String>,
    remedy: Option<Remedy>,
    savepoint: Savepoint,
    waits: Arc<AtomicBool>,
}

/// To what one work of several is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Savepoint {
    /// There is none: the work is alone in the transaction.
    None,
    /// It is set with the first statement of the work, when there is one; `has_old` tells that there is that of another work.
    Wanted { has_old: bool },
    /// It is set, and the work has sent something since.
    Set,
    /// It is set, and nothing was sent since.
    Unused,
}

/// Tells, while it lives, that it is the server that is waited for.
struct Waits<'a>(&'a AtomicBool);

impl<'a> Waits<'a> {
    fn new(flag: &'a AtomicBool) -> Self {
        flag.store(true, Ordering::Relaxed);
        Self(flag)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Link {
    /// For a transaction of this instance.
    pub fn new(client: Client, catalogue: Arc<Catalogue>, instance: i64, mode: Mode) -> Self {
        Self {
            client: Some(client),
            catalogue,
            instance,
            mode,
            begun: false,
            xact: None,
            remedy: None,
            savepoint: Savepoint::None,
            waits: Arc::default(),
        }
    }

    /// Whether it waits for the server at this moment.
    pub fn waits(&self) -> Arc<AtomicBool> {
        self.waits.clone()
    }

    /// Number of the instance.
    pub fn instance(&self) -> i64 {
        self.instance
    }

    /// What can be done about the first error, if there was one.
    pub fn remedy(&self) -> Option<Remedy> {
        self.remedy
    }

    /// PostgreSQL's number of the transaction, once a writing one has begun.
    pub fn xact(&self) -> Option<&str> {
        self.xact.as_deref()
    }

    /// Whether anything was sent.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether it is certain that what became of it can be asked later: not when its beginning was cut off.
    pub fn is_certain(&self) -> bool {
        !self.begun || self.xact.is_some() || !self.mode.is_numbered()
    }

    /// Begins the transaction before its first statement.
    pub async fn begin(&mut self) -> Result<(), StoreError> {
        let begin = self.before();
        let answers = self
            .send(|client| async move { client.simple_query(&begin).await })
            .await?;
        if self.mode.is_numbered() {
            self.xact = number_of(&answers);
        }
        Ok(())
    }

    /// Another work begins, which may be undone without those before it.
    pub fn guard(&mut self) {
        self.savepoint = match self.savepoint {
            Savepoint::None => Savepoint::Wanted { has_old: false },
            Savepoint::Set => Savepoint::Wanted { has_old: true },
            same @ (Savepoint::Wanted { .. } | Savepoint::Unused) => same,
        };
    }

    /// Whether the present work can be undone without those before it.
    pub fn is_guarded(&self) -> bool {
        self.savepoint != Savepoint::None
    }

    /// Undoes the present work. Without a guard there must be nothing to undo.
    pub async fn undo(&mut self) -> Result<(), StoreError> {
        if self.savepoint != Savepoint::Set {
            return Ok(());
        }
        self.remedy = None;
        self.savepoint = Savepoint::Unused;
        self.send(|client| async move { client.batch_execute("ROLLBACK TO work").await })
            .await
    }

    /// What goes before the next statement.
    fn before(&mut self) -> String {
        let mut before = String::new();
        if !self.begun {
            self.begun = true;
            before = self.mode.begin(self.instance);
        }
        let savepoint = match self.savepoint {
            Savepoint::None | Savepoint::Set => return before,
            Savepoint::Wanted { has_old: true } => "RELEASE work; SAVEPOINT work",
            Savepoint::Wanted { has_old: false } => "SAVEPOINT work",
            Savepoint::Unused => "",
        };
        self.savepoint = Savepoint::Set;
        if !before.is_empty() && !savepoint.is_empty() {
            before.push_str("; ");
        }
        before + savepoint
    }

    /// The connection.
    pub fn client(&self) -> Result<&Client, StoreError> {
        self.client.as_ref().ok_or(StoreError::Unavailable(None))
    }

    /// Runs what sends statements, behind `BEGIN` or a savepoint when it is their place: one round trip for both.
    async fn run<'c, T, F>(&'c mut self, op: impl FnOnce(&'c Client) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let is_first = !self.begun;
        let before = self.before();
        if before.is_empty() {
            return self.send(op).await;
        }
        let (mode, xact) = (self.mode, &mut self.xact);
        let client = self.client.as_ref().ok_or(StoreError::Unavailable(None))?;
        let _waits = Waits::new(&self.waits);
        let (begun, outcome) = join(client.simple_query(&before), op(client)).await;
        let outcome = begun.and_then(|answers| {
            if is_first && mode.is_numbered() {
                *xact = number_of(&answers);
            }
            outcome
        });
        outcome.map_err(|error| noted(&mut self.remedy, error))
    }

    /// Runs what sends statements, in the place where the transaction is.
    async fn send<'c, T, F>(&'c mut self, op: impl FnOnce(&'c Client) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let client = self.client.as_ref().ok_or(StoreError::Unavailable(None))?;
        let _waits = Waits::new(&self.waits);
        let outcome = op(client).await;
        outcome.map_err(|error| noted(&mut self.remedy, error))
    }

    /// Runs a portable query.
    pub async fn query(&mut self, sql: &str, tenant: TenantId, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let rendered = self.catalogue.rendered(sql);
        let own = own_values(&rendered, tenant, self.instance);
        let name: Arc<str> = Arc::from(sql);
        let found = self.run(|client| async move {
            let statement = client.prepare_cached(&rendered.sql).await?;
            let bound: Vec<Bound<'_>> = values.iter().chain(&own).map(Bound).collect();
            client.query(&statement, &params(&bound)).await
        });
        found.await?.iter().map(|row| owned(&name, row)).collect()
    }

    /// Runs a portable statement; the number of rows it changed.
    pub async fn execute(&mut self, sql: &str, tenant: TenantId, values: &[Value]) -> Result<u64, StoreError> {
        let rendered = self.catalogue.rendered(sql);
        let own = own_values(&rendered, tenant, self.instance);
        let changed = self.run(|client| async move {
            let statement = client.prepare_cached(&rendered.sql).await?;
            let bound: Vec<Bound<'_>> = values.iter().chain(&own).map(Bound).collect();
            client.execute(&statement, &params(&bound)).await
        });
        changed.await
    }

    /// Appends up to `limit` keys of `range` to `keys`; how many.
    pub async fn scan(
        &mut self,
        range: &IndexRange,
        order: Order,
        limit: usize,
        keys: &mut IndexKeys,
    ) -> Result<usize, StoreError> {
        if limit == 0 || range.from >= range.to {
            return Ok(0);
        }
        let sql = match order {
            Order::Ascending => "SELECT k FROM idx WHERE instance = $1 AND k >= $2 AND k < $3 ORDER BY k LIMIT $4",
            Order::Descending => {
                "SELECT k FROM idx WHERE instance = $1 AND k >= $2 AND k < $3 ORDER BY k DESC LIMIT $4"
            }
        };
        let instance = self.instance;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = self.run(|client| async move {
            let statement = client.prepare_cached(sql).await?;
            client
                .query(&statement, &[&instance, &range.from, &range.to, &limit])
                .await
        });
        let rows = found.await?;
        for row in &rows {
            keys.push(row.try_get(0).map_err(fault)?);
        }
        Ok(rows.len())
    }

    /// The journal record with this number.
    pub async fn journal(&mut self, seq: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let instance = self.instance;
        let found = self.run(|client| async move {
            let sql = "SELECT record FROM journal WHERE instance = $1 AND seq = $2";
            let statement = client.prepare_cached(sql).await?;
            client.query_opt(&statement, &[&instance, &seq]).await
        });
        found.await?.map(|row| row.try_get(0).map_err(fault)).transpose()
    }

    /// Numbers of the instance's sequence, ascending.
    pub async fn numbers(&mut self, count: i32) -> Result<Vec<i64>, StoreError> {
        let sequence = sequence(self.instance);
        let found = self.run(|client| async move {
            let sql = "SELECT nextval($1::text::regclass) FROM generate_series(1, $2)";
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, &[&sequence, &count]).await
        });
        let rows = found.await?;
        let mut numbers = rows
            .iter()
            .map(|row| row.try_get(0).map_err(fault))
            .collect::<Result<Vec<i64>, _>>()?;
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Sends all these statements before it waits for their answers; then `COMMIT`, when wanted, in the same flight: it
    /// rolls back after a failure.
    pub async fn flush(&mut self, batches: &[Batch<'_>], commit: Commit) -> Result<(), StoreError> {
        self.run(|client| async move {
            let mut statements = Vec::with_capacity(batches.len());
            for batch in batches {
                statements.push(client.prepare_cached(batch.sql).await?);
            }
            let sent = statements
                .iter()
                .zip(batches)
                .map(|(statement, batch)| sent(client, statement, batch));
            let sent = join_all(sent);
            let end = async {
                match commit {
                    Commit::Now => client.batch_execute("COMMIT").await,
                    Commit::Later => Ok(()),
                }
            };
            let (sent, ended) = join(sent, end).await;
            sent.into_iter().collect::<Result<Vec<u64>, _>>()?;
            ended
        })
        .await
    }

    /// Gives the connection back: what it has done is committed, or there is nothing to keep.
    pub fn give_back(mut self) {
        self.client = None;
    }

    /// Ends a snapshot and gives the connection back, without waiting: what uses it next is sent behind.
    pub fn end(mut self) {
        if let Some(client) = self.client.take_if(|_| self.begun) {
            let _sent = client.batch_execute("COMMIT").now_or_never();
        }
        self.client = None;
    }

    /// Undoes everything and gives the connection back.
    pub async fn roll_back(mut self) {
        if !self.begun {
            self.client = None;
        } else if let Some(client) = &self.client
            && client.batch_execute("ROLLBACK").await.is_ok()
        {
            self.client = None;
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // In the middle of a transaction: the server ends it with the connection.
        if let Some(client) = self.client.take() {
            drop(Client::take(client));
        }
    }
}

/// Whether a flush ends the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// Commits what was done.
    Now,
    /// More comes.
    Later,
}

/// A statement over many rows.
pub struct Batch<'a> {
    /// In PostgreSQL's words.
    pub sql: &'static str,
    /// Its values.
    pub params: Vec<&'a (dyn ToSql + Sync)>,
}

async fn sent(client: &Client, statement: &Statement, batch: &Batch<'_>) -> Result<u64, Error> {
    client.execute(statement, &batch.params).await
}

/// The store's error for one of PostgreSQL, whose remedy is that of the first.
fn noted(first: &mut Option<Remedy>, error: Error) -> StoreError {
    first.get_or_insert(remedy(&error));
    fault(error)
}

/// Name of the table that the writes of an instance lock: it holds nothing.
pub fn turn(instance: i64) -> String {
    format!("turn_{instance}")
}

/// Name of the sequence of an instance.
pub fn sequence(instance: i64) -> String {
    format!("number_{instance}")
}

/// The values that the store binds itself, in the order of their placeholders.
fn own_values(rendered: &Rendered, tenant: TenantId, instance: i64) -> Vec<Value> {
    let tenant = rendered.tenant.map(|_| Value::from(tenant));
    let instance = rendered.instance.map(|_| Value::Int(instance));
    tenant.into_iter().chain(instance).collect()
}

fn params<'a>(bound: &'a [Bound<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    bound.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// A row in the store's values.
pub fn owned(statement: &Arc<str>, row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let values = (0..row.len()).map(|at| row.try_get::<_, Owned>(at).map(|owned| owned.0).map_err(fault));
    Ok(Row::new(statement.clone(), values.collect::<Result<_, _>>()?))
}

/// The one number that a simple query answers with.
fn number_of(answers: &[SimpleQueryMessage]) -> Option<String> {
    answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}
