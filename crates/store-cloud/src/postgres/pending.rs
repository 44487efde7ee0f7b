//! What a write adds to the journal and changes in the index, kept until it is sent.

use std::collections::BTreeMap;
use std::ops::Bound;

use hygie_store::{IndexRange, StoreError};

use super::link::{Batch, Commit, Link};

/// Changes to the index, and bytes of records, that are sent before the commit.
const MAX: (usize, usize) = (20_000, 16 << 20);

const APPEND: &str = "INSERT INTO journal (instance, seq, record)
    SELECT $1, seq, record FROM unnest($2::bigint[], $3::bytea[]) AS new (seq, record)";
const ADD: &str = "INSERT INTO idx (instance, k) SELECT $1, k FROM unnest($2::bytea[]) AS new (k)
    ON CONFLICT DO NOTHING";
const REMOVE: &str = "DELETE FROM idx WHERE instance = $1 AND k = ANY ($2::bytea[])";

/// What becomes of a key of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is there.
    Add,
    /// It is not.
    Remove,
}

/// Records of the journal, in the order of their numbers, and what becomes of keys of the index.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    records: Vec<(i64, Vec<u8>)>,
    bytes: usize,
    changes: BTreeMap<Vec<u8>, Change>,
}

impl Pending {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.changes.is_empty()
    }

    /// Whether it is so much that it should be sent now.
    pub fn is_large(&self) -> bool {
        let (changes, bytes) = MAX;
        self.changes.len() >= changes || self.bytes >= bytes
    }

    /// Changes a key.
    pub fn change(&mut self, key: &[u8], change: Change) {
        self.changes.insert(key.to_vec(), change);
    }

    /// Adds a record, whose number is greater than those before.
    pub fn append(&mut self, seq: i64, record: &[u8]) {
        self.bytes += record.len();
        self.records.push((seq, record.to_vec()));
    }

    /// The record with this number.
    pub fn find(&self, seq: i64) -> Option<&[u8]> {
        let at = self.records.binary_search_by_key(&seq, |(seq, _)| *seq).ok()?;
        Some(&self.records[at].1)
    }

    /// Whether a key of the range is changed.
    pub fn touches(&self, range: &IndexRange) -> bool {
        // Not by both bounds of the map's range, which panics when it ends before it begins.
        let from = (Bound::Included(range.from.as_slice()), Bound::Unbounded);
        let first = self.changes.range::<[u8], _>(from).next();
        first.is_some_and(|(key, _)| *key < range.to)
    }

    /// Takes in what was done after it.
    pub fn absorb(&mut self, later: Self) {
        self.bytes += later.bytes;
        self.records.extend(later.records);
        self.changes.extend(later.changes);
    }

    /// Sends everything, and this statement, in one flight.
    pub async fn send(&self, link: &mut Link, last: Option<Batch<'_>>, commit: Commit) -> Result<(), StoreError> {
        let instance = link.instance();
        let (seqs, records): (Vec<i64>, Vec<&[u8]>) = self
            .records
            .iter()
            .map(|(seq, record)| (*seq, record.as_slice()))
            .unzip();
        let keys = |wanted| -> Vec<&[u8]> {
            let changed = self.changes.iter().filter(|(_, change)| **change == wanted);
            changed.map(|(key, _)| key.as_slice()).collect()
        };
        let (added, removed) = (keys(Change::Add), keys(Change::Remove));
        let mut batches = Vec::new();
        if !seqs.is_empty() {
            batches.push(Batch {
                sql: APPEND,
                params: vec![&instance, &seqs, &records],
            });
        }
        if !removed.is_empty() {
            batches.push(Batch {
                sql: REMOVE,
                params: vec![&instance, &removed],
            });
        }
        if !added.is_empty() {
            batches.push(Batch {
                sql: ADD,
                params: vec![&instance, &added],
            });
        }
        batches.extend(last);
        link.flush(&batches, commit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_later_counts() {
        let mut first = Pending::default();
        first.append(3, b"three");
        first.change(b"both", Change::Add);
        let mut later = Pending::default();
        later.append(7, b"seven");
        later.change(b"both", Change::Remove);
        first.absorb(later);
        assert_eq!(
            (first.find(3), first.find(7), first.find(5)),
            (Some(&b"three"[..]), Some(&b"seven"[..]), None)
        );
        assert_eq!(first.changes.get(&b"both"[..]), Some(&Change::Remove));
        assert_eq!(first.bytes, 10);
    }

    #[test]
    fn ranges_are_half_open_and_may_be_empty() {
        let mut pending = Pending::default();
        pending.change(b"m", Change::Add);
        let range = |from: &[u8], to: &[u8]| IndexRange {
            from: from.to_vec(),
            to: to.to_vec(),
        };
        for (from, to, expected) in [
            (&b"m"[..], &b"n"[..], true),
            (b"a", b"m", false),
            (b"a", b"z", true),
            (b"n", b"z", false),
            (b"z", b"a", false),
        ] {
            assert_eq!(pending.touches(&range(from, to)), expected, "{from:?} to {to:?}");
        }
    }
}
