//! What a transaction does on PostgreSQL.
//!
//! Statements of repositories are sent as they come. What the journal, the index and the audit chain get is kept and sent
//! together with `COMMIT` in one flight, so that a write costs the round trips of its reads and one more. A scan of keys
//! that the transaction has changed sends these changes before itself.
//!
//! A transaction is that of several works, one after another. What a work does is kept apart until it is settled: one that
//! is refused is undone alone, by a savepoint when it has sent anything.

use std::collections::VecDeque;
use std::future::ready;

use futures_util::future::BoxFuture;
use hygie_core::TenantId;
use hygie_store::audit::Record;
use hygie_store::{IndexKeys, IndexRange, Order, Row, Session, StoreError, Value};

use super::chain::Addition;
use super::link::{Commit, Link};
use super::pending::{Change, Pending};

/// Longest key of the ordered index, in bytes.
const MAX_KEY: usize = 1024;

/// Rows that one write may look at: as on the embedded engine. What it looked at stays watched for conflicts until its
/// transaction ends.
const WRITER_BUDGET: usize = 500_000;

/// What reading a version costs beside a row: it is unpacked, and often parsed.
const VERSION_ROWS: usize = 20;

/// Numbers asked for at once, for each work that is expected, and at least when more than these are needed. What is not
/// used is a gap.
const NUMBERS: (usize, usize) = (4, 64);

/// Works that numbers are asked for before they are there.
const MAX_EXPECTED: usize = 32;

/// What was last taken from the sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Taken {
    #[default]
    Nothing,
    Number,
    Record,
}

/// A transaction that writes.
pub struct WriteSession {
    /// Its connection.
    pub link: Link,
    numbers: VecDeque<i64>,
    has_numbers: bool,
    /// Works that may come, the present one included.
    expected: usize,
    /// What the settled works did and was not sent.
    settled: Pending,
    /// What they recorded.
    audited: Vec<Record>,
    /// The present work.
    own: Own,
}

/// What the present work did.
struct Own {
    pending: Pending,
    audited: Vec<Record>,
    taken: Taken,
    has_changed_index: bool,
    has_appended: bool,
    /// Rows that it may still look at.
    budget: usize,
    /// What the settled works did and was sent after its savepoint: undone with it.
    carried: Pending,
}

impl Default for Own {
    fn default() -> Self {
        Self {
            pending: Pending::default(),
            audited: Vec::new(),
            taken: Taken::Nothing,
            has_changed_index: false,
            has_appended: false,
            budget: WRITER_BUDGET,
            carried: Pending::default(),
        }
    }
}

impl WriteSession {
    /// On this connection, for about so many works.
    pub fn new(link: Link, expected: usize) -> Self {
        Self {
            link,
            numbers: VecDeque::new(),
            has_numbers: false,
            expected: expected.clamp(1, MAX_EXPECTED),
            settled: Pending::default(),
            audited: Vec::new(),
            own: Own::default(),
        }
    }

    /// Whether what was done by the present work keeps the rules of [`hygie_store::Tx::append`].
    pub fn check_rules(&self) -> Result<(), StoreError> {
        if self.own.taken == Taken::Number || (self.own.has_changed_index && !self.own.has_appended) {
            return Err(StoreError::Inconsistent(
                "a transaction took numbers or changed the index without a journal record after it".to_owned(),
            ));
        }
        Ok(())
    }

    /// Keeps what the present work did; the next one begins.
    pub fn settle(&mut self) {
        let own = std::mem::take(&mut self.own);
        self.settled.absorb(own.pending);
        self.audited.extend(own.audited);
    }

    /// Undoes what the present work did, and nothing else; the next one begins.
    pub async fn undo(&mut self) -> Result<(), StoreError> {
        let mut settled = std::mem::take(&mut self.own).carried;
        settled.absorb(std::mem::take(&mut self.settled));
        self.settled = settled;
        self.link.undo().await
    }

    /// What the settled works recorded, to be linked into a chain.
    pub fn audited(&self) -> &[Record] {
        &self.audited
    }

    /// Whether the settled works did nothing that the server knows or is to know.
    pub fn is_untouched(&self) -> bool {
        !self.link.has_begun() && self.settled.is_empty() && self.audited.is_empty()
    }

    /// Whether so much is settled that it should be committed.
    pub fn is_full(&self) -> bool {
        self.settled.is_large()
    }

    /// Sends what is settled, with what the chain adds to it, and commits.
    pub async fn commit(&mut self, addition: &Addition) -> Result<(), StoreError> {
        let instance = self.link.instance();
        let settled = std::mem::take(&mut self.settled);
        let columns = addition.columns();
        settled
            .send(&mut self.link, Some(columns.batch(&instance)), Commit::Now)
            .await
    }

    /// Sends what waits, without a chain.
    pub async fn send_waiting(&mut self, commit: Commit) -> Result<(), StoreError> {
        let mut all = std::mem::take(&mut self.settled);
        if self.link.is_guarded() {
            self.own.carried.absorb(all.clone());
        }
        all.absorb(std::mem::take(&mut self.own.pending));
        all.send(&mut self.link, None, commit).await
    }

    fn spend(&mut self, rows: usize) -> Result<(), StoreError> {
        self.own.budget = self.own.budget.checked_sub(rows).ok_or(StoreError::TooCostly)?;
        Ok(())
    }

    async fn next(&mut self) -> Result<i64, StoreError> {
        if self.numbers.is_empty() {
            let (each, more) = NUMBERS;
            let count = if self.has_numbers { more } else { each * self.expected };
            self.has_numbers = true;
            self.numbers = self.link.numbers(count as i32).await?.into();
        }
        self.numbers
            .pop_front()
            .ok_or_else(|| StoreError::Inconsistent("a sequence gave no number".to_owned()))
    }

    async fn change(&mut self, key: &[u8], change: Change) -> Result<(), StoreError> {
        if key.is_empty() || key.len() > MAX_KEY {
            return Err(StoreError::Inconsistent(format!("an index key of {} bytes", key.len())));
        }
        self.own.has_changed_index = true;
        self.own.pending.change(key, change);
        self.send_overflow().await
    }

    async fn append_record(&mut self, record: &[u8]) -> Result<i64, StoreError> {
        let seq = self.next().await?;
        self.own.taken = Taken::Record;
        self.own.has_appended = true;
        self.own.pending.append(seq, record);
        self.send_overflow().await?;
        Ok(seq)
    }

    async fn send_overflow(&mut self) -> Result<(), StoreError> {
        if self.own.pending.is_large() {
            self.send_waiting(Commit::Later).await?;
        }
        Ok(())
    }

    async fn find_record(&mut self, seq: i64) -> Result<Option<Vec<u8>>, StoreError> {
        self.spend(VERSION_ROWS)?;
        let waiting = self.own.pending.find(seq).or_else(|| self.settled.find(seq));
        if let Some(record) = waiting {
            return Ok(Some(record.to_vec()));
        }
        self.link.journal(seq).await
    }

    async fn scan(
        &mut self,
        range: &IndexRange,
        order: Order,
        limit: usize,
        keys: &mut IndexKeys,
    ) -> Result<(), StoreError> {
        if self.own.pending.touches(range) || self.settled.touches(range) {
            self.send_waiting(Commit::Later).await?;
        }
        let found = self.link.scan(range, order, limit, keys).await?;
        self.spend(found + 1)
    }
}

impl Session for WriteSession {
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        tenant: TenantId,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(self.link.query(sql, tenant, values))
    }

    fn execute<'a>(
        &'a mut self,
        sql: &'a str,
        tenant: TenantId,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(self.link.execute(sql, tenant, values))
    }

    fn number(&mut self) -> BoxFuture<'_, Result<i64, StoreError>> {
        Box::pin(async move {
            let number = self.next().await?;
            self.own.taken = Taken::Number;
            Ok(number)
        })
    }

    fn append<'a>(&'a mut self, record: &'a [u8]) -> BoxFuture<'a, Result<i64, StoreError>> {
        Box::pin(self.append_record(record))
    }

    fn journal(&mut self, seq: i64) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(self.find_record(seq))
    }

    fn index_add<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.change(key, Change::Add))
    }

    fn index_remove<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.change(key, Change::Remove))
    }

    fn index_scan<'a>(
        &'a mut self,
        range: &'a IndexRange,
        order: Order,
        limit: usize,
        keys: &'a mut IndexKeys,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.scan(range, order, limit, keys))
    }

    fn audit<'a>(&'a mut self, record: &'a Record) -> BoxFuture<'a, Result<(), StoreError>> {
        self.own.audited.push(record.clone());
        Box::pin(ready(Ok(())))
    }
}

/// A read.
pub struct ReadSession {
    /// Its connection.
    pub link: Link,
}

fn read_only<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, StoreError>> {
    let refused = StoreError::Inconsistent("a write in a read transaction".to_owned());
    Box::pin(ready(Err(refused)))
}

impl Session for ReadSession {
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        tenant: TenantId,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(self.link.query(sql, tenant, values))
    }

    fn execute<'a>(
        &'a mut self,
        _sql: &'a str,
        _tenant: TenantId,
        _values: &'a [Value],
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        read_only()
    }

    fn number(&mut self) -> BoxFuture<'_, Result<i64, StoreError>> {
        read_only()
    }

    fn append<'a>(&'a mut self, _record: &'a [u8]) -> BoxFuture<'a, Result<i64, StoreError>> {
        read_only()
    }

    fn journal(&mut self, seq: i64) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(self.link.journal(seq))
    }

    fn index_add<'a>(&'a mut self, _key: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>> {
        read_only()
    }

    fn index_remove<'a>(&'a mut self, _key: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>> {
        read_only()
    }

    fn index_scan<'a>(
        &'a mut self,
        range: &'a IndexRange,
        order: Order,
        limit: usize,
        keys: &'a mut IndexKeys,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.link.scan(range, order, limit, keys).await.map(drop) })
    }

    fn audit<'a>(&'a mut self, _record: &'a Record) -> BoxFuture<'a, Result<(), StoreError>> {
        read_only()
    }
}
