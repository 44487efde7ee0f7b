//! Failures per address, of sign-ins and of user codes: who tries one password on every account locks none of them, but is slowed down here.
//!
//! A whole hospital may come from one address, so the limit is far above its mistakes and far below a search.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use hygie_core::Timestamp;
use parking_lot::Mutex;

/// Failures of an address in one window.
const LIMIT: u32 = 300;
/// The window.
const WINDOW: Duration = Duration::from_mins(10);
/// Addresses that are counted at once. Beyond it a new one takes the place of the one that failed least, and its count with
/// it (Metwally, Agrawal, El Abbadi: space saving): nobody fails more often than is counted, and to close others somebody
/// has to fail as often as this many addresses may.
const ADDRESSES: usize = 10_000;
/// Counts that ended are thrown away no more often than this.
const SWEEP: Duration = Duration::from_mins(1);

/// The counts of this process.
pub struct Throttle {
    limit: u32,
    counts: Mutex<Counts>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new(LIMIT)
    }
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

#[derive(Default)]
struct Counts {
    by_address: HashMap<IpAddr, Count>,
    /// The same by how often they failed.
    ranks: BTreeSet<(u32, IpAddr)>,
    swept_at: Option<Timestamp>,
}

impl Counts {
    fn is_full(&self) -> bool {
        self.by_address.len() >= ADDRESSES
    }

    fn least(&self) -> Option<Count> {
        let (_, address) = self.ranks.first()?;
        self.by_address.get(address).copied()
    }

    fn put(&mut self, address: IpAddr, count: Count) {
        self.by_address.insert(address, count);
        self.ranks.insert((count.times, address));
    }

    fn take(&mut self, address: IpAddr) -> Option<Count> {
        let count = self.by_address.remove(&address)?;
        self.ranks.remove(&(count.times, address));
        Some(count)
    }

    fn take_least(&mut self) -> Option<Count> {
        let (_, address) = self.ranks.first().copied()?;
        self.take(address)
    }

    fn sweep(&mut self, now: Timestamp) {
        if self.swept_at.is_some_and(|at| now.since(at) < SWEEP) {
            return;
        }
        self.swept_at = Some(now);
        self.by_address.retain(|_, count| count.lasts(now));
        let (ranks, left) = (&mut self.ranks, &self.by_address);
        ranks.retain(|(_, address)| left.contains_key(address));
    }
}

impl Throttle {
    /// Closes an address after so many failures in ten minutes.
    pub fn new(limit: u32) -> Self {
        Self {
            limit,
            counts: Mutex::default(),
        }
    }

    /// Whether an address has failed too often of late.
    pub fn is_closed(&self, address: Option<IpAddr>, now: Timestamp) -> bool {
        let Some(address) = address.map(network) else {
            return false;
        };
        let counts = self.counts.lock();
        let count = match counts.by_address.get(&address) {
            Some(count) => Some(*count),
            None if counts.is_full() => counts.least(),
            None => None,
        };
        count.is_some_and(|count| count.times >= self.limit && count.lasts(now))
    }

    /// Counts a failure, or whatever else is limited.
    pub fn count(&self, address: Option<IpAddr>, now: Timestamp) {
        let Some(address) = address.map(network) else {
            return;
        };
        let mut counts = self.counts.lock();
        let known = counts.take(address);
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
        counts.put(address, count);
    }
}

/// One subscriber has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_closed_for_the_rest_of_its_window() {
        let throttle = Throttle::default();
        let at = Timestamp::from_secs;
        let address = |text: &str| Some(text.parse().unwrap());
        for n in 0..LIMIT {
            assert!(!throttle.is_closed(address("2001:db8::1"), at(0)), "{n}");
            throttle.count(address(&format!("2001:db8::{n:x}")), at(0));
        }
        assert!(throttle.is_closed(address("2001:db8::ffff"), at(599)));
        assert!(!throttle.is_closed(address("2001:db8:0:1::1"), at(599)));
        assert!(!throttle.is_closed(None, at(599)));
        assert!(!throttle.is_closed(address("2001:db8::1"), at(600)));
        throttle.count(address("2001:db8::1"), at(600));
        assert!(!throttle.is_closed(address("2001:db8::1"), at(601)));
    }

    /// Whoever has many networks fills the memory, and must not go on uncounted then.
    #[test]
    fn who_comes_when_the_memory_is_full_is_counted_too() {
        let throttle = Throttle::default();
        let address = |n: u32| Some(std::net::Ipv4Addr::from(n).into());
        let now = Timestamp::from_secs(0);
        for n in 0..ADDRESSES as u32 {
            throttle.count(address(n), now);
        }
        let late = address(ADDRESSES as u32);
        for n in 0..LIMIT {
            assert!(!throttle.is_closed(late, now) || n >= LIMIT - 1, "{n}");
            throttle.count(late, now);
        }
        assert!(throttle.is_closed(late, now));
        // Nobody else is closed for it: not who is counted, and not who comes next.
        assert!(!throttle.is_closed(address(0), now));
        assert!(!throttle.is_closed(address(ADDRESSES as u32 + 1), now));
        let counts = throttle.counts.lock();
        assert_eq!((counts.by_address.len(), counts.ranks.len()), (ADDRESSES, ADDRESSES));
    }

    #[test]
    fn networks_without_end_are_closed_together() {
        let throttle = Throttle::new(2);
        let address = |n: u32| Some(std::net::Ipv4Addr::from(n).into());
        let now = Timestamp::from_secs(0);
        let networks = 3 * ADDRESSES as u32;
        for n in 0..networks {
            throttle.count(address(n), now);
        }
        for n in [0, networks - 1, networks] {
            assert!(throttle.is_closed(address(n), now), "{n}");
            assert!(!throttle.is_closed(address(n), now + WINDOW), "{n}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..2 * ADDRESSES as u32 {
            throttle.count(Some(std::net::Ipv4Addr::from(n).into()), Timestamp::from_secs(0));
        }
        let counts = throttle.counts.lock();
        assert_eq!((counts.by_address.len(), counts.ranks.len()), (ADDRESSES, ADDRESSES));
    }
}
