//! What a transaction does on the embedded engine: the writer's side and the readers' side.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use hygie_core::TenantId;
use rusqlite::OptionalExtension;

use super::connection::{Db, fault};
use super::idle::Snapshot;
use super::index::{Sight, scan};
use super::key::Key;
use super::tail::{Change, Pending, Tail};
use crate::audit::{Chain, INSERT, Record, Tip};
use crate::{IndexKeys, IndexRange, Order, Row, Session, StoreError, Value};

/// Longest key of the ordered index, in bytes.
const MAX_KEY: usize = 1024;

/// Rows that one unit of work may look at on the writer, while all others wait. A condition that finds one resource by its
/// identifier costs some thirty of them.
const WRITER_BUDGET: usize = 500_000;

/// What reading a version costs beside a row: it is unpacked, and often parsed. Twenty rows, and one for so many bytes.
const VERSION_ROWS: usize = 20;
const BYTES_OF_ROW: usize = 16;

/// The writer's transaction state: one group of savepoints over one SQLite transaction.
pub struct WriteSession {
    /// The writer's connection.
    pub db: Db,
    /// The tail that its commits publish to.
    pub tail: Arc<Tail>,
    /// Changes of the group to the index.
    pub pending: Pending,
    /// The chain of the audit table.
    pub chain: Chain,
    undo: Vec<(Key, Option<Change>)>,
    next: i64,
    appended: i64,
    /// Rows that the unit of work may still look at.
    budget: usize,
}

/// A point to which the session can return.
#[derive(Clone, Copy)]
pub struct Savepoint {
    undo: usize,
    next: i64,
    appended: i64,
    tip: Tip,
}

impl WriteSession {
    /// Over this connection, with journal numbers after `last`.
    pub fn new(db: Db, tail: Arc<Tail>, chain: Chain, last: i64) -> Self {
        Self {
            db,
            tail,
            pending: Pending::new(),
            chain,
            undo: Vec::new(),
            next: last + 1,
            appended: last,
            budget: usize::MAX,
        }
    }

    /// The last journal number appended, which is the tag of the group.
    pub fn appended(&self) -> i64 {
        self.appended
    }

    /// Begins a transaction.
    pub fn begin(&self) -> Result<(), StoreError> {
        if !self.is_lost() {
            // One could not be ended: nothing of it was answered.
            self.abandon();
        }
        self.db.batch("BEGIN IMMEDIATE")
    }

    /// Begins a savepoint for one unit of work.
    pub fn savepoint(&mut self) -> Result<Savepoint, StoreError> {
        self.budget = WRITER_BUDGET;
        self.db.batch("SAVEPOINT work")?;
        Ok(self.here())
    }

    /// The present state, without a savepoint of SQLite.
    pub fn here(&self) -> Savepoint {
        Savepoint {
            undo: self.undo.len(),
            next: self.next,
            appended: self.appended,
            tip: self.chain.tip(),
        }
    }

    /// Whether what was done since keeps the rules of [`crate::Tx::append`].
    pub fn check_rules(&self, since: &Savepoint) -> Result<(), StoreError> {
        let numbered = self.next != since.next && self.appended + 1 != self.next;
        let unjournaled = self.undo.len() != since.undo && self.appended == since.appended;
        if numbered || unjournaled {
            return Err(StoreError::Inconsistent(
                "a transaction took numbers or changed the index without a journal record after it".to_owned(),
            ));
        }
        Ok(())
    }

    /// Whether the engine has given the whole transaction up, as SQLite does when the disk fails or is full in the middle
    /// of a statement. What follows would be committed statement by statement.
    pub fn is_lost(&self) -> bool {
        self.db.raw().is_autocommit()
    }

    /// Gives the whole transaction up.
    pub fn abandon(&self) {
        let _already = self.db.batch("ROLLBACK");
    }

    /// Keeps what was done since.
    pub fn release(&self) -> Result<(), StoreError> {
        self.db.batch("RELEASE work")
    }

    /// Undoes what was done since, in SQLite and in memory.
    pub fn roll_back(&mut self, to: Savepoint) -> Result<(), StoreError> {
        self.forget(to);
        self.db.batch("ROLLBACK TO work; RELEASE work")
    }

    /// Undoes what was done since, in memory only.
    pub fn forget(&mut self, to: Savepoint) {
        while self.undo.len() > to.undo {
            if let Some((key, before)) = self.undo.pop() {
                match before {
                    Some(change) => self.pending.insert(key, change),
                    None => self.pending.remove(&key),
                };
            }
        }
        self.next = to.next;
        self.appended = to.appended;
        self.chain.restore(to.tip);
    }

    /// Forgets the group's changes: they are committed and published, or given up.
    pub fn clear(&mut self) {
        self.pending.clear();
        self.undo.clear();
    }

    fn change(&mut self, key: &[u8], change: Change) -> Result<(), StoreError> {
        if key.is_empty() || key.len() > MAX_KEY {
            return Err(StoreError::Inconsistent(format!("an index key of {} bytes", key.len())));
        }
        let key = Key::from(key);
        let before = self.pending.insert(key.clone(), change);
        self.undo.push((key, before));
        Ok(())
    }

    fn spend(&mut self, rows: usize) -> Result<(), StoreError> {
        self.budget = self.budget.checked_sub(rows).ok_or(StoreError::TooCostly)?;
        Ok(())
    }

    fn append_now(&mut self, record: &[u8]) -> Result<i64, StoreError> {
        let seq = self.next;
        let raw = self.db.raw();
        let mut insert = raw
            .prepare_cached("INSERT INTO journal (seq, record) VALUES (?1, ?2)")
            .map_err(fault)?;
        insert.execute((seq, record)).map_err(fault)?;
        self.next = seq + 1;
        self.appended = seq;
        Ok(seq)
    }

    /// Adds an entry to the audit chain.
    fn audit_now(&mut self, record: &Record) -> Result<(), StoreError> {
        let before = self.chain.tip();
        let entry = self.chain.next(record);
        let values = [
            Value::Int(entry.seq.cast_signed()),
            Value::from(entry.link),
            Value::Blob(entry.bytes),
        ];
        let inserted = self.db.execute(INSERT, record.tenant, &values);
        if inserted.is_err() {
            self.chain.restore(before);
        }
        inserted.map(drop)
    }
}

fn journal_record(db: &Db, seq: i64) -> Result<Option<Vec<u8>>, StoreError> {
    let raw = db.raw();
    let mut select = raw
        .prepare_cached("SELECT record FROM journal WHERE seq = ?1")
        .map_err(fault)?;
    select.query_row([seq], |row| row.get(0)).optional().map_err(fault)
}

fn now<'a, T: Send + 'a>(outcome: Result<T, StoreError>) -> BoxFuture<'a, Result<T, StoreError>> {
    Box::pin(ready(outcome))
}

impl Session for WriteSession {
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        tenant: TenantId,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        now(self.db.query(sql, tenant, values))
    }

    fn execute<'a>(
        &'a mut self,
        sql: &'a str,
        tenant: TenantId,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        now(self.db.execute(sql, tenant, values))
    }

    fn number(&mut self) -> BoxFuture<'_, Result<i64, StoreError>> {
        let number = self.next;
        self.next += 1;
        now(Ok(number))
    }

    fn append<'a>(&'a mut self, record: &'a [u8]) -> BoxFuture<'a, Result<i64, StoreError>> {
        now(self.append_now(record))
    }

    fn journal(&mut self, seq: i64) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let outcome = journal_record(&self.db, seq).and_then(|record| {
            let bytes = record.as_ref().map_or(0, Vec::len);
            self.spend(VERSION_ROWS + bytes / BYTES_OF_ROW).map(|()| record)
        });
        now(outcome)
    }

    fn index_add<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>> {
        now(self.change(key, Change::Add))
    }

    fn index_remove<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>> {
        now(self.change(key, Change::Remove))
    }

    fn index_scan<'a>(
        &'a mut self,
        range: &'a IndexRange,
        order: Order,
        limit: usize,
        keys: &'a mut IndexKeys,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let view = self.tail.view();
        let sight = Sight {
            view: &view,
            tag: i64::MAX,
            pending: Some(&self.pending),
        };
        let rows = scan(&self.db, &sight, (range, order), limit, keys);
        now(rows.and_then(|rows| self.spend(rows)))
    }

    fn audit<'a>(&'a mut self, record: &'a Record) -> BoxFuture<'a, Result<(), StoreError>> {
        now(self.audit_now(record))
    }
}

/// A reader's snapshot.
pub struct ReadSession {
    /// The reader's connection, in a read transaction.
    pub db: Db,
    /// What it sees.
    pub snapshot: Snapshot,
    /// How far the work may go.
    pub budget: Budget,
    /// Whether the budget ended the work.
    pub exceeded: bool,
}

/// How far the work of a reader may go.
pub enum Budget {
    /// So many more rows, on the thread of the caller.
    Rows(usize),
    /// Until this is set: the caller went away.
    Caller(Arc<AtomicBool>),
}

/// Marks the end of a budget inside of an engine error; never leaves the engine.
#[derive(Debug, thiserror::Error)]
#[error("more rows than may be read on this thread")]
struct BudgetExceeded;

impl ReadSession {
    fn spend(&mut self, rows: usize) -> Result<(), StoreError> {
        match &mut self.budget {
            Budget::Rows(left) if *left < rows => {
                self.exceeded = true;
                Err(StoreError::Engine(Box::new(BudgetExceeded)))
            }
            Budget::Rows(left) => {
                *left -= rows;
                Ok(())
            }
            Budget::Caller(is_gone) if is_gone.load(Ordering::Relaxed) => Err(StoreError::Unavailable(None)),
            Budget::Caller(_) => Ok(()),
        }
    }

    fn scan_now(
        &mut self,
        (range, order): (&IndexRange, Order),
        limit: usize,
        keys: &mut IndexKeys,
    ) -> Result<(), StoreError> {
        let sight = Sight {
            view: &self.snapshot.view,
            tag: self.snapshot.tag,
            pending: None,
        };
        let rows = scan(&self.db, &sight, (range, order), limit, keys)?;
        self.spend(rows)
    }
}

fn read_only<T>() -> Result<T, StoreError> {
    Err(StoreError::Inconsistent("a write in a read transaction".to_owned()))
}

impl Session for ReadSession {
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        tenant: TenantId,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        let outcome = self.db.query(sql, tenant, values);
        now(outcome.and_then(|rows| self.spend(rows.len() + 1).map(|()| rows)))
    }

    fn execute<'a>(
        &'a mut self,
        _sql: &'a str,
        _tenant: TenantId,
        _values: &'a [Value],
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        now(read_only())
    }

    fn number(&mut self) -> BoxFuture<'_, Result<i64, StoreError>> {
        now(read_only())
    }

    fn append<'a>(&'a mut self, _record: &'a [u8]) -> BoxFuture<'a, Result<i64, StoreError>> {
        now(read_only())
    }

    fn journal(&mut self, seq: i64) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let outcome = self.spend(1).and_then(|()| journal_record(&self.db, seq));
        now(outcome)
    }

    fn index_add<'a>(&'a mut self, _key: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>> {
        now(read_only())
    }

    fn index_remove<'a>(&'a mut self, _key: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>> {
        now(read_only())
    }

    fn index_scan<'a>(
        &'a mut self,
        range: &'a IndexRange,
        order: Order,
        limit: usize,
        keys: &'a mut IndexKeys,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        now(self.scan_now((range, order), limit, keys))
    }

    fn audit<'a>(&'a mut self, _record: &'a Record) -> BoxFuture<'a, Result<(), StoreError>> {
        now(read_only())
    }
}
