//! Scans of the ordered index: the tables `idx` and `recent` and the tail, united in key order.

use super::connection::{Db, fault};
use super::tail::{Change, Pending, View};
use crate::{IndexKeys, IndexRange, Order, StoreError};

/// What a scan reads: a view of the tail as of a tag, and the group's own changes.
pub struct Sight<'a> {
    /// The tail.
    pub view: &'a View,
    /// The journal number up to which the snapshot reaches.
    pub tag: i64,
    /// Changes not committed yet (the writer's own).
    pub pending: Option<&'a Pending>,
}

/// Rows taken from a table at a time.
const BATCH: usize = 256;

/// Appends up to `limit` keys of `range` to `keys`; the number of rows it looked at.
pub fn scan(
    db: &Db,
    sight: &Sight<'_>,
    (range, order): (&IndexRange, Order),
    limit: usize,
    keys: &mut IndexKeys,
) -> Result<usize, StoreError> {
    if limit == 0 || range.from >= range.to {
        return Ok(0);
    }
    let changes = sight.view.collect((range, order), sight.tag, limit, sight.pending);
    let mut tail = changes.as_slice();
    let mut recent = sight
        .view
        .recent
        .meet(range)
        .then(|| Rows::new(Table::Recent, range, order));
    let mut settled = Rows::new(Table::Settled, range, order);
    let wanted = keys.len() + limit;
    while keys.len() < wanted {
        let batch = (wanted - keys.len()).min(BATCH);
        settled.fill(db, batch)?;
        if let Some(recent) = &mut recent {
            recent.fill(db, batch)?;
        }
        // The newest first.
        let heads = [
            tail.first().map(|(key, change)| (key.as_bytes(), *change)),
            recent.as_ref().and_then(Rows::head),
            settled.head(),
        ];
        let Some((key, change)) = first_of(&heads, order) else {
            break;
        };
        let [in_tail, in_recent, in_settled] = heads.map(|head| head.is_some_and(|(other, _)| other == key));
        if change == Change::Add {
            keys.push(key);
        }
        if in_tail {
            tail = &tail[1..];
        }
        if let Some(recent) = recent.as_mut().filter(|_| in_recent) {
            recent.at += 1;
        }
        settled.at += usize::from(in_settled);
    }
    Ok(changes.len() + 1 + settled.read + recent.map_or(0, |recent| recent.read))
}

/// Of what comes first, what the newest source says.
fn first_of<'k>(heads: &[Option<(&'k [u8], Change)>], order: Order) -> Option<(&'k [u8], Change)> {
    heads.iter().flatten().copied().reduce(|first, next| {
        let is_before = match order {
            Order::Ascending => next.0 < first.0,
            Order::Descending => next.0 > first.0,
        };
        if is_before { next } else { first }
    })
}

#[derive(Clone, Copy)]
enum Table {
    Settled,
    Recent,
}

/// The rows of a range of one table, a batch at a time.
struct Rows {
    table: Table,
    order: Order,
    /// What is after the batch; `None` when there is nothing more.
    rest: Option<IndexRange>,
    keys: IndexKeys,
    /// Of each key whether it is gone; empty when none is.
    gone: Vec<bool>,
    at: usize,
    /// Rows read so far.
    read: usize,
}

impl Rows {
    fn new(table: Table, range: &IndexRange, order: Order) -> Self {
        Self {
            table,
            order,
            rest: Some(range.clone()),
            keys: IndexKeys::default(),
            gone: Vec::new(),
            at: 0,
            read: 0,
        }
    }

    fn head(&self) -> Option<(&[u8], Change)> {
        let key = self.keys.get(self.at)?;
        let is_gone = self.gone.get(self.at).copied().unwrap_or_default();
        Some((key, if is_gone { Change::Remove } else { Change::Add }))
    }

    /// Reads the next rows, up to `batch`, when none is left.
    fn fill(&mut self, db: &Db, batch: usize) -> Result<(), StoreError> {
        if self.at < self.keys.len() {
            return Ok(());
        }
        let Some(mut rest) = self.rest.take() else {
            return Ok(());
        };
        self.keys = IndexKeys::default();
        self.gone.clear();
        self.at = 0;
        let raw = db.raw();
        let mut statement = raw.prepare_cached(self.statement()).map_err(fault)?;
        let mut rows = statement.query((&rest.from, &rest.to, batch as i64)).map_err(fault)?;
        while let Some(row) = rows.next().map_err(fault)? {
            let key = row.get_ref(0).and_then(|key| Ok(key.as_blob()?)).map_err(fault)?;
            self.keys.push(key);
            if matches!(self.table, Table::Recent) {
                self.gone.push(row.get(1).map_err(fault)?);
            }
        }
        self.read += self.keys.len();
        if let Some(last) = self.keys.last().filter(|_| self.keys.len() == batch) {
            continue_after(&mut rest, last, self.order);
            self.rest = Some(rest);
        }
        Ok(())
    }

    fn statement(&self) -> &'static str {
        match (self.table, self.order) {
            (Table::Settled, Order::Ascending) => "SELECT k FROM idx WHERE k >= ?1 AND k < ?2 ORDER BY k LIMIT ?3",
            (Table::Settled, Order::Descending) => {
                "SELECT k FROM idx WHERE k >= ?1 AND k < ?2 ORDER BY k DESC LIMIT ?3"
            }
            (Table::Recent, Order::Ascending) => {
                "SELECT k, gone FROM recent WHERE k >= ?1 AND k < ?2 ORDER BY k LIMIT ?3"
            }
            (Table::Recent, Order::Descending) => {
                "SELECT k, gone FROM recent WHERE k >= ?1 AND k < ?2 ORDER BY k DESC LIMIT ?3"
            }
        }
    }
}

fn continue_after(rest: &mut IndexRange, last: &[u8], order: Order) {
    match order {
        Order::Ascending => {
            rest.from.clear();
            rest.from.extend_from_slice(last);
            rest.from.push(0);
        }
        Order::Descending => {
            rest.to.clear();
            rest.to.extend_from_slice(last);
        }
    }
}
