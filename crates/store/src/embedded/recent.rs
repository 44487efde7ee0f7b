//! The table `recent`: keys of the ordered index on their way from the tail into the table `idx`.
//!
//! A key that comes in no order changes a page of its own when the index is large, and to read, open, seal and write that
//! page costs more than everything else that is done for the key. Such keys are merged into a smaller table first, where
//! several meet on a page, and move on from there in key order, some with each commit, from one end to the other and again.
//! A key moves in one transaction, so that a snapshot finds it in one of the two, and a crash needs no thought. Searches look
//! in both while there is something in it; an idle writer empties it.

use rusqlite::OptionalExtension as _;

use super::connection::{Db, fault};
use crate::{IndexRange, StoreError};

/// Keys in it for each change that the tail takes before it is merged, from which on they move. More would meet fewer others
/// on a page when they come, fewer when they go.
const TAILS: usize = 4;

/// The first bytes of keys that come in no order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirstBytes([u64; 4]);

impl FirstBytes {
    /// Those of which this is true.
    pub fn which(is_one: impl Fn(u8) -> bool) -> Self {
        let mut set = Self::default();
        for byte in (0..=u8::MAX).filter(|byte| is_one(*byte)) {
            set.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
        set
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether a key begins with one of them.
    pub fn begin(self, key: &[u8]) -> bool {
        key.first().is_some_and(|byte| self.contains(*byte))
    }

    /// Whether keys of this range may begin with one of them.
    pub fn meet(self, range: &IndexRange) -> bool {
        let from = range.from.first().copied().unwrap_or(0);
        let to = match &*range.to {
            [] => return false,
            [to] => to.saturating_sub(1),
            [to, ..] => *to,
        };
        !self.is_empty() && (from..=to).any(|byte| self.contains(byte))
    }

    fn contains(self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] & (1 << (byte & 63)) != 0
    }
}

/// How far the keys have moved.
#[derive(Clone, Debug, Default)]
struct Place {
    /// About how many there are.
    waiting: usize,
    /// The last that moved; empty at the beginning.
    after: Vec<u8>,
    /// Whether none is left.
    is_empty: bool,
}

/// The table, as the writer uses it.
pub struct Recent {
    limit: usize,
    /// As of the last commit; `None` when the table is empty and nobody looks in it.
    done: Option<Place>,
    /// With the open transaction.
    next: Option<Place>,
}

impl Recent {
    /// As it is in the database, below a tail of so many changes.
    pub fn open(db: &Db, tail: usize) -> Result<Self, StoreError> {
        let limit = tail.saturating_mul(TAILS);
        let any: Option<i64> = db
            .raw()
            .query_row("SELECT 1 FROM recent LIMIT 1", (), |row| row.get(0))
            .optional()
            .map_err(fault)?;
        // Counting them would be reading them all.
        let done = any.map(|_| Place {
            waiting: limit,
            ..Place::default()
        });
        Ok(Self {
            limit,
            next: done.clone(),
            done,
        })
    }

    /// Whether there may be keys in it.
    pub fn is_used(&self) -> bool {
        self.done.is_some()
    }

    /// Whether all that was in it has moved.
    pub fn is_done(&self) -> bool {
        self.done.as_ref().is_some_and(|place| place.is_empty)
    }

    /// Keys are put into it from now on.
    pub fn begin(&mut self) {
        self.done.get_or_insert_default().is_empty = false;
        self.next.clone_from(&self.done);
    }

    /// Nobody looks in it any more.
    pub fn end(&mut self) {
        self.done = None;
        self.next = None;
    }

    /// A key was put into it.
    pub fn count(&mut self) {
        if let Some(place) = &mut self.next {
            place.waiting += 1;
            place.is_empty = false;
        }
    }

    /// Whether there are so many that some should move.
    pub fn is_full(&self) -> bool {
        self.next.as_ref().is_some_and(|place| place.waiting > self.limit)
    }

    /// Moves the next `keys` keys, inside the open transaction.
    pub fn settle(&mut self, db: &Db, keys: usize) -> Result<(), StoreError> {
        let Some(place) = &mut self.next else { return Ok(()) };
        let raw = db.raw();
        let next = "SELECT max(k), count(*) FROM (SELECT k FROM recent WHERE k > ?1 ORDER BY k LIMIT ?2)";
        let (last, count): (Option<Vec<u8>>, i64) = raw
            .prepare_cached(next)
            .and_then(|mut next| next.query_row((&place.after, keys as i64), |row| Ok((row.get(0)?, row.get(1)?))))
            .map_err(fault)?;
        let Some(last) = last else {
            if place.after.is_empty() {
                place.waiting = 0;
                place.is_empty = true;
            }
            place.after.clear();
            return Ok(());
        };
        for sql in [
            "INSERT OR IGNORE INTO idx (k) SELECT k FROM recent WHERE k > ?1 AND k <= ?2 AND NOT gone",
            "DELETE FROM idx WHERE k IN (SELECT k FROM recent WHERE k > ?1 AND k <= ?2 AND gone)",
            "DELETE FROM recent WHERE k > ?1 AND k <= ?2",
        ] {
            raw.prepare_cached(sql)
                .and_then(|mut step| step.execute((&place.after, &last)))
                .map_err(fault)?;
        }
        let count = usize::try_from(count).unwrap_or_default();
        place.waiting = place.waiting.saturating_sub(count);
        place.after = if count < keys { Vec::new() } else { last };
        Ok(())
    }

    /// What the open transaction did is durable.
    pub fn committed(&mut self) {
        self.done.clone_from(&self.next);
    }

    /// It did not happen.
    pub fn rolled_back(&mut self) {
        self.next.clone_from(&self.done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &[u8], to: &[u8]) -> IndexRange {
        IndexRange {
            from: from.to_vec(),
            to: to.to_vec(),
        }
    }

    #[test]
    fn ranges_meet_the_first_bytes_that_are_in_them() {
        let some = FirstBytes::which(|byte| byte == 7 || byte == 200);
        assert!(some.begin(&[7, 1]) && some.begin(&[200]) && !some.begin(&[8]) && !some.begin(&[]));
        assert!(some.meet(&range(&[7, 1], &[7, 2])));
        assert!(some.meet(&range(&[7], &[8])));
        assert!(some.meet(&range(&[6], &[7, 0])));
        assert!(some.meet(&range(&[], &[255])));
        assert!(!some.meet(&range(&[6], &[7])));
        assert!(!some.meet(&range(&[8], &[200])));
        assert!(!some.meet(&range(&[0], &[0])));
        assert!(!FirstBytes::default().meet(&range(&[], &[255])));
    }
}
