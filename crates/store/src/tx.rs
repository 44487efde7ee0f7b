//! A transaction, as repositories see it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_core::{Cx, Secret, TenantId};

use crate::audit::Record;
use crate::{Row, SealedColumn, StoreError, Value, Vault};

/// Direction of an index scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Largest key first.
    Descending,
}

/// A half-open range of index keys in byte order: `from ≤ key < to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexRange {
    /// First key of the range.
    pub from: Vec<u8>,
    /// First key beyond the range.
    pub to: Vec<u8>,
}

impl IndexRange {
    /// Every key that begins with `prefix`, which must hold a byte below 255.
    pub fn prefix(prefix: &[u8]) -> Self {
        Self {
            from: prefix.to_vec(),
            to: successor(prefix),
        }
    }
}

/// The smallest byte string greater than everything that begins with `prefix`.
pub fn successor(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            break;
        }
    }
    end
}

/// Keys of an index in scan order, kept in one buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexKeys {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl IndexKeys {
    /// Appends a key.
    pub fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len() as u32);
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The key at `at`.
    pub fn get(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends.get(at)? as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        Some(&self.bytes[start..end])
    }

    /// The last key.
    pub fn last(&self) -> Option<&[u8]> {
        self.get(self.len().checked_sub(1)?)
    }

    /// The keys in scan order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|at| self.get(at))
    }
}

/// What an engine does for a transaction. Services use [`Tx`].
pub trait Session: Send {
    /// Runs a query with its tenant and values.
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        tenant: TenantId,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// Runs a statement and tells how many rows it changed.
    fn execute<'a>(
        &'a mut self,
        sql: &'a str,
        tenant: TenantId,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// See [`Tx::number`].
    fn number(&mut self) -> BoxFuture<'_, Result<i64, StoreError>>;

    /// See [`Tx::append`].
    fn append<'a>(&'a mut self, record: &'a [u8]) -> BoxFuture<'a, Result<i64, StoreError>>;

    /// See [`Tx::journal`].
    fn journal(&mut self, seq: i64) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>>;

    /// See [`Tx::index_add`].
    fn index_add<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// See [`Tx::index_remove`].
    fn index_remove<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// See [`Tx::index_scan`].
    fn index_scan<'a>(
        &'a mut self,
        range: &'a IndexRange,
        order: Order,
        limit: usize,
        keys: &'a mut IndexKeys,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// See [`Tx::audit`].
    fn audit<'a>(&'a mut self, record: &'a Record) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// Keeps more of each record than the audit chain does, in the same transaction ([`crate::Store::with_scribe`]).
pub trait Scribe: Send + Sync {
    /// Is told of a record that is in the chain. It may not record by itself.
    fn recorded<'a>(&'a self, tx: &'a mut Tx<'_>, record: &'a Record) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// What a store gives its transactions.
#[derive(Clone, Default)]
pub(crate) struct Attendants {
    pub scribe: Option<Arc<dyn Scribe>>,
    pub vault: Option<Vault>,
}

/// A transaction (or a snapshot, where writing is an error) of one tenant. Repositories are plain structs over
/// `&mut Tx`, written once for all engines.
///
/// The first error of a transaction ends it: PostgreSQL takes no statement after one that failed. So what does not
/// return the error fails with [`StoreError::Inconsistent`], on every engine.
pub struct Tx<'e> {
    session: &'e mut dyn Session,
    cx: &'e Cx,
    failed: bool,
    attendants: Attendants,
    seen: Vec<(String, String)>,
}

impl<'e> Tx<'e> {
    /// Of this session, for the tenant of `cx`.
    pub fn new(session: &'e mut dyn Session, cx: &'e Cx) -> Self {
        Self {
            session,
            cx,
            failed: false,
            attendants: Attendants::default(),
            seen: Vec::new(),
        }
    }

    /// Tells this scribe what is recorded, and seals with this vault.
    pub(crate) fn attend(&mut self, attendants: Attendants) {
        self.attendants = attendants;
    }

    /// What repositories saw of objects before they changed them, for the scribe; none where there is no scribe.
    pub fn seen(&mut self) -> Option<&mut Vec<(String, String)>> {
        self.attendants.scribe.as_ref().map(|_| &mut self.seen)
    }

    /// Whether a statement has failed: then nothing of the transaction may be kept.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Remembers that a statement has failed.
    fn note<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        self.failed |= outcome.is_err();
        outcome
    }

    /// The context that opened it.
    pub fn cx(&self) -> &Cx {
        self.cx
    }

    /// All rows of a query. `:tenant` is bound to the tenant of the context. Text with U+0000 is refused with
    /// [`StoreError::NulText`], here and in [`Tx::execute`]: PostgreSQL takes none.
    pub async fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let outcome = match check_text(values) {
            Ok(()) => self.session.query(sql, self.cx.tenant, values).await,
            Err(error) => Err(error),
        };
        self.note(outcome)
    }

    /// The first row of a query, if any.
    pub async fn query_one(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    /// Runs a statement and tells how many rows it changed. `:tenant` is bound as in [`Tx::query`].
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        let outcome = match check_text(values) {
            Ok(()) => self.session.execute(sql, self.cx.tenant, values).await,
            Err(error) => Err(error),
        };
        self.note(outcome)
    }

    /// The next number of the instance's one ascending sequence, never given twice to what commits.
    ///
    /// It is greater than every number that this transaction can see. Where several processes write, a smaller one may
    /// still appear later, from a transaction that began earlier: numbers tell order along what follows from each other
    /// (the versions of a resource), and are no position from which a reader follows what is written
    /// (`docs/adr/0008-postgresql.md`).
    pub async fn number(&mut self) -> Result<i64, StoreError> {
        let outcome = self.session.number().await;
        self.note(outcome)
    }

    /// Appends a record to the journal of the instance and gives its number, from the same sequence. A transaction that
    /// changes the index appends at least one record, after its numbers were taken.
    pub async fn append(&mut self, record: &[u8]) -> Result<i64, StoreError> {
        let outcome = self.session.append(record).await;
        self.note(outcome)
    }

    /// The journal record with this number.
    pub async fn journal(&mut self, seq: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let outcome = self.session.journal(seq).await;
        self.note(outcome)
    }

    /// Adds a key to the ordered index (a set: adding twice is adding once). At most 1 KiB.
    pub async fn index_add(&mut self, key: &[u8]) -> Result<(), StoreError> {
        let outcome = self.session.index_add(key).await;
        self.note(outcome)
    }

    /// Removes a key from the ordered index.
    pub async fn index_remove(&mut self, key: &[u8]) -> Result<(), StoreError> {
        let outcome = self.session.index_remove(key).await;
        self.note(outcome)
    }

    /// Appends up to `limit` keys of `range` to `keys`, in order.
    pub async fn index_scan(
        &mut self,
        range: &IndexRange,
        order: Order,
        limit: usize,
        keys: &mut IndexKeys,
    ) -> Result<(), StoreError> {
        let outcome = self.session.index_scan(range, order, limit, keys).await;
        self.note(outcome)
    }

    /// Seals a value of a column for the row that has this key, with [`SealedColumn::key`]'s columns in their order.
    pub async fn seal(&mut self, column: &SealedColumn, row: &[Value], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let vault = self.vault()?;
        let outcome = vault.seal(self, (column, row), plain).await;
        self.note(outcome)
    }

    /// Opens what [`Tx::seal`] sealed for the same column and row.
    pub async fn unseal(
        &mut self,
        column: &SealedColumn,
        row: &[Value],
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, StoreError> {
        self.vault()?.unseal(self, (column, row), sealed).await
    }

    fn vault(&self) -> Result<Vault, StoreError> {
        let none = || StoreError::Inconsistent("a store without a vault has no sealed columns".to_owned());
        self.attendants.vault.clone().ok_or_else(none)
    }

    /// Records a write in the audit chain, in the same transaction as its effect.
    pub async fn audit(&mut self, record: &Record) -> Result<(), StoreError> {
        let outcome = self.session.audit(record).await;
        self.note(outcome)?;
        match self.attendants.scribe.clone() {
            Some(scribe) => scribe.recorded(self, record).await,
            None => Ok(()),
        }
    }
}

/// What one engine would keep and another refuse is refused by all.
fn check_text(values: &[Value]) -> Result<(), StoreError> {
    let has_nul = |value: &Value| matches!(value, Value::Text(text) if text.as_bytes().contains(&0));
    if values.iter().any(has_nul) {
        return Err(StoreError::NulText);
    }
    Ok(())
}
