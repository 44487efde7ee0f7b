//! Counts of what somebody may do only so often, in bounded memory.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

use hygie_core::Timestamp;
use parking_lot::Mutex;

/// The window.
pub(super) const WINDOW: Duration = Duration::from_mins(10);
/// Keys that are counted at once. Beyond it a new one takes the place of the one that is counted least, and its count with
/// it (Metwally, Agrawal, El Abbadi: space saving): nobody does it more often than is counted, and to close others somebody
/// has to do it as often as this many may.
pub(super) const KEYS: usize = 10_000;
/// Counts that ended are thrown away no more often than this.
const SWEEP: Duration = Duration::from_mins(1);

/// What is counted by.
pub trait Key: Copy + Eq + Hash + Ord {}

impl<K: Copy + Eq + Hash + Ord> Key for K {}

/// Whether a count closed what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// It is open, or was closed before.
    AsBefore,
    /// With this one it closed.
    Closed,
}

/// The counts of this process.
pub struct Limit<K> {
    limit: u32,
    counts: Mutex<Counts<K>>,
}

#[derive(Clone, Copy)]
struct Count {
    since: Timestamp,
    times: u32,
}

impl Count {
    fn lasts(&self, now: Timestamp) -> bool {
        now.since(self.since) < WINDOW
    }
}

struct Counts<K> {
    by_key: HashMap<K, Count>,
    /// The same by how often.
    ranks: BTreeSet<(u32, K)>,
    swept_at: Option<Timestamp>,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self {
            by_key: HashMap::new(),
            ranks: BTreeSet::new(),
            swept_at: None,
        }
    }
}

impl<K: Key> Counts<K> {
    fn is_full(&self) -> bool {
        self.by_key.len() >= KEYS
    }

    fn least(&self) -> Option<Count> {
        let (_, key) = self.ranks.first()?;
        self.by_key.get(key).copied()
    }

    fn put(&mut self, key: K, count: Count) {
        self.by_key.insert(key, count);
        self.ranks.insert((count.times, key));
    }

    fn take(&mut self, key: K) -> Option<Count> {
        let count = self.by_key.remove(&key)?;
        self.ranks.remove(&(count.times, key));
        Some(count)
    }

    fn take_least(&mut self) -> Option<Count> {
        let (_, key) = self.ranks.first().copied()?;
        self.take(key)
    }

    fn sweep(&mut self, now: Timestamp) {
        if self.swept_at.is_some_and(|at| now.since(at) < SWEEP) {
            return;
        }
        self.swept_at = Some(now);
        self.by_key.retain(|_, count| count.lasts(now));
        let (ranks, left) = (&mut self.ranks, &self.by_key);
        ranks.retain(|(_, key)| left.contains_key(key));
    }
}

impl<K: Key> Limit<K> {
    /// Closes a key after so many times in ten minutes.
    pub fn new(limit: u32) -> Self {
        Self {
            limit,
            counts: Mutex::default(),
        }
    }

    /// Whether it was counted too often of late.
    pub fn is_closed(&self, key: K, now: Timestamp) -> bool {
        let counts = self.counts.lock();
        let count = match counts.by_key.get(&key) {
            Some(count) => Some(*count),
            None if counts.is_full() => counts.least(),
            None => None,
        };
        count.is_some_and(|count| count.times >= self.limit && count.lasts(now))
    }

    /// Counts once.
    pub fn count(&self, key: K, now: Timestamp) -> Counted {
        let mut counts = self.counts.lock();
        let known = counts.take(key);
        if known.is_none() && counts.is_full() {
            counts.sweep(now);
        }
        let count = match known {
            None if counts.is_full() => counts.take_least(),
            known => known,
        };
        let mut count = count
            .filter(|count| count.lasts(now))
            .unwrap_or(Count { since: now, times: 0 });
        count.times = count.times.saturating_add(1);
        counts.put(key, count);
        if count.times == self.limit {
            Counted::Closed
        } else {
            Counted::AsBefore
        }
    }

    /// How many are counted.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        let counts = self.counts.lock();
        (counts.by_key.len(), counts.ranks.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_closes_once_and_opens_again() {
        let limit = Limit::new(3);
        let at = Timestamp::from_secs;
        let told: Vec<Counted> = (0..5).map(|n| limit.count(7u8, at(n))).collect();
        assert_eq!(
            told.iter().map(|told| *told == Counted::Closed).collect::<Vec<_>>(),
            [false, false, true, false, false]
        );
        assert!(limit.is_closed(7, at(599)) && !limit.is_closed(8, at(599)));
        assert!(!limit.is_closed(7, at(600)));
        assert_eq!(limit.count(7, at(600)), Counted::AsBefore);
    }
}
