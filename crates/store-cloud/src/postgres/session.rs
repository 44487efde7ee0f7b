//! What a transaction does on PostgreSQL.
//!
//! Statements of repositories are sent as they come. What the journal, the index and the audit chain get is kept and sent
//! together with `COMMIT` in one flight, so that a write costs the round trips of its reads and one more. A scan of keys
//! that the transaction has changed sends these changes before itself.

use std::collections::{BTreeMap, VecDeque};
use std::future::ready;

use futures_util::future::BoxFuture;
use hygie_core::TenantId;
use hygie_store::audit::{Entry, Record};
use hygie_store::{IndexKeys, IndexRange, Order, Row, Session, StoreError, Value};

use super::chain::{AUDIT, insert_entries};
use super::link::{Batch, Commit, Link};

/// Longest key of the ordered index, in bytes.
const MAX_KEY: usize = 1024;

/// Rows that one write may look at: as on the embedded engine. Here nobody waits for it, but what it looked at stays
/// watched for conflicts until it ends.
const WRITER_BUDGET: usize = 500_000;

/// What reading a version costs beside a row: it is unpacked, and often parsed.
const VERSION_ROWS: usize = 20;

/// Numbers asked for at first, and when more than these are needed. What is not used is a gap.
const NUMBERS: (i32, i32) = (4, 64);

/// Waiting changes to the index, and bytes of waiting records, that are sent before the commit.
const MAX_WAITING: (usize, usize) = (20_000, 16 << 20);

const APPEND: &str = "INSERT INTO journal (instance, seq, record)
    SELECT $1, seq, record FROM unnest($2::bigint[], $3::bytea[]) AS new (seq, record)";
const ADD: &str = "INSERT INTO idx (instance, k) SELECT $1, k FROM unnest($2::bytea[]) AS new (k)
    ON CONFLICT DO NOTHING";
const REMOVE: &str = "DELETE FROM idx WHERE instance = $1 AND k = ANY ($2::bytea[])";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
}

/// What was last taken from the sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Nothing,
    Number,
    Record,
}

/// A write.
pub struct WriteSession {
    /// Its connection.
    pub link: Link,
    numbers: VecDeque<i64>,
    taken: Taken,
    has_changed_index: bool,
    has_appended: bool,
    records: Vec<(i64, Vec<u8>)>,
    record_bytes: usize,
    changes: BTreeMap<Vec<u8>, Change>,
    audited: Vec<Record>,
    /// Rows that it may still look at.
    budget: usize,
}

/// Columns of the statements that send what waits.
#[derive(Default)]
struct Columns<'a> {
    seqs: Vec<i64>,
    records: Vec<&'a [u8]>,
    added: Vec<&'a [u8]>,
    removed: Vec<&'a [u8]>,
}

impl WriteSession {
    /// On this connection.
    pub fn new(link: Link) -> Self {
        Self {
            link,
            numbers: VecDeque::new(),
            taken: Taken::Nothing,
            has_changed_index: false,
            has_appended: false,
            records: Vec::new(),
            record_bytes: 0,
            changes: BTreeMap::new(),
            audited: Vec::new(),
            budget: WRITER_BUDGET,
        }
    }

    /// Whether what was done keeps the rules of [`hygie_store::Tx::append`].
    pub fn check_rules(&self) -> Result<(), StoreError> {
        if self.taken == Taken::Number || (self.has_changed_index && !self.has_appended) {
            return Err(StoreError::Inconsistent(
                "a transaction took numbers or changed the index without a journal record after it".to_owned(),
            ));
        }
        Ok(())
    }

    /// What it recorded, to be linked into a chain.
    pub fn audited(&self) -> &[Record] {
        &self.audited
    }

    /// Sends what waits, with these entries of the chain, and commits.
    pub async fn commit(&mut self, chain: &str, entries: &[Entry]) -> Result<(), StoreError> {
        self.send(Some((chain, entries)), Commit::Now).await
    }

    /// Sends what waits, without a chain.
    pub async fn send_waiting(&mut self, commit: Commit) -> Result<(), StoreError> {
        self.send(None, commit).await
    }

    async fn send(&mut self, audited: Option<(&str, &[Entry])>, commit: Commit) -> Result<(), StoreError> {
        let instance = self.link.instance();
        let mut columns = Columns::default();
        for (seq, record) in &self.records {
            columns.seqs.push(*seq);
            columns.records.push(record);
        }
        for (key, change) in &self.changes {
            match change {
                Change::Add => columns.added.push(key),
                Change::Remove => columns.removed.push(key),
            }
        }
        let entries = audited.map(|(chain, entries)| insert_entries(chain, entries));
        let mut batches = Vec::new();
        if !columns.seqs.is_empty() {
            batches.push(Batch {
                sql: APPEND,
                params: vec![&instance, &columns.seqs, &columns.records],
            });
        }
        if !columns.removed.is_empty() {
            batches.push(Batch {
                sql: REMOVE,
                params: vec![&instance, &columns.removed],
            });
        }
        if !columns.added.is_empty() {
            batches.push(Batch {
                sql: ADD,
                params: vec![&instance, &columns.added],
            });
        }
        if let Some(entries) = entries.as_ref().filter(|entries| !entries.seqs.is_empty()) {
            batches.push(Batch {
                sql: AUDIT,
                params: entries.params(&instance),
            });
        }
        self.link.flush(&batches, commit).await?;
        drop(batches);
        self.records.clear();
        self.record_bytes = 0;
        self.changes.clear();
        Ok(())
    }

    fn spend(&mut self, rows: usize) -> Result<(), StoreError> {
        self.budget = self.budget.checked_sub(rows).ok_or(StoreError::TooCostly)?;
        Ok(())
    }

    async fn next(&mut self) -> Result<i64, StoreError> {
        if self.numbers.is_empty() {
            let (first, more) = NUMBERS;
            let count = if self.taken == Taken::Nothing { first } else { more };
            self.numbers = self.link.numbers(count).await?.into();
        }
        self.numbers
            .pop_front()
            .ok_or_else(|| StoreError::Inconsistent("a sequence gave no number".to_owned()))
    }

    async fn change(&mut self, key: &[u8], change: Change) -> Result<(), StoreError> {
        if key.is_empty() || key.len() > MAX_KEY {
            return Err(StoreError::Inconsistent(format!("an index key of {} bytes", key.len())));
        }
        self.has_changed_index = true;
        self.changes.insert(key.to_vec(), change);
        self.send_overflow().await
    }

    async fn append_record(&mut self, record: &[u8]) -> Result<i64, StoreError> {
        let seq = self.next().await?;
        self.taken = Taken::Record;
        self.has_appended = true;
        self.record_bytes += record.len();
        self.records.push((seq, record.to_vec()));
        self.send_overflow().await?;
        Ok(seq)
    }

    async fn send_overflow(&mut self) -> Result<(), StoreError> {
        let (changes, bytes) = MAX_WAITING;
        if self.changes.len() >= changes || self.record_bytes >= bytes {
            self.send(None, Commit::Later).await?;
        }
        Ok(())
    }

    async fn find_record(&mut self, seq: i64) -> Result<Option<Vec<u8>>, StoreError> {
        self.spend(VERSION_ROWS)?;
        if let Ok(at) = self.records.binary_search_by_key(&seq, |(seq, _)| *seq) {
            return Ok(Some(self.records[at].1.clone()));
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
        // Not by the map's own range, which panics when it ends before it begins.
        let from = self.changes.range::<[u8], _>((
            std::ops::Bound::Included(range.from.as_slice()),
            std::ops::Bound::Unbounded,
        ));
        if from.map(|(key, _)| key).next().is_some_and(|key| *key < range.to) {
            self.send(None, Commit::Later).await?;
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
            self.taken = Taken::Number;
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
        self.audited.push(record.clone());
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
