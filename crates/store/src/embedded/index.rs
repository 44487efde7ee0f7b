//! Scans of the ordered index: the table `idx` and the tail, united in key order.

use super::connection::{Db, fault};
use super::key::Key;
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

/// Rows taken from the table at a time.
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
    let mut cost = changes.len() + 1;
    let mut changes = changes.into_iter().peekable();
    let mut rest = range.clone();
    let wanted = keys.len() + limit;
    loop {
        let batch = (wanted - keys.len()).min(BATCH);
        let rows = table_rows(db, &rest, order, batch)?;
        cost += rows.len();
        for row in rows.iter() {
            take_before(&mut changes, row, order, wanted, keys);
            if keys.len() == wanted {
                return Ok(cost);
            }
            match changes.next_if(|(key, _)| key.as_bytes() == row) {
                Some((_, Change::Remove)) => {}
                _ => keys.push(row),
            }
            if keys.len() == wanted {
                return Ok(cost);
            }
        }
        if rows.len() < batch {
            for (key, _) in changes.filter(|(_, change)| *change == Change::Add) {
                if keys.len() == wanted {
                    break;
                }
                keys.push(key.as_bytes());
            }
            return Ok(cost);
        }
        continue_after(&mut rest, rows.last().unwrap_or_default(), order);
    }
}

/// Moves the additions that stand before `row` into `keys`.
fn take_before(
    changes: &mut std::iter::Peekable<std::vec::IntoIter<(Key, Change)>>,
    row: &[u8],
    order: Order,
    wanted: usize,
    keys: &mut IndexKeys,
) {
    let before = |key: &Key| match order {
        Order::Ascending => key.as_bytes() < row,
        Order::Descending => key.as_bytes() > row,
    };
    while keys.len() < wanted
        && let Some((key, change)) = changes.next_if(|(key, _)| before(key))
    {
        if change == Change::Add {
            keys.push(key.as_bytes());
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

fn table_rows(db: &Db, range: &IndexRange, order: Order, limit: usize) -> Result<IndexKeys, StoreError> {
    let sql = match order {
        Order::Ascending => "SELECT k FROM idx WHERE k >= ?1 AND k < ?2 ORDER BY k LIMIT ?3",
        Order::Descending => "SELECT k FROM idx WHERE k >= ?1 AND k < ?2 ORDER BY k DESC LIMIT ?3",
    };
    let raw = db.raw();
    let mut statement = raw.prepare_cached(sql).map_err(fault)?;
    let mut rows = statement.query((&range.from, &range.to, limit as i64)).map_err(fault)?;
    let mut keys = IndexKeys::default();
    while let Some(row) = rows.next().map_err(fault)? {
        let key = row.get_ref(0).map_err(fault)?;
        keys.push(
            key.as_blob()
                .map_err(|_| StoreError::Inconsistent("a key of idx is not a blob".to_owned()))?,
        );
    }
    Ok(keys)
}
