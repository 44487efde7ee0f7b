//! Failures per address, of sign-ins and of user codes: who tries one password on every account locks none of them, but is slowed down here.
//!
//! A whole hospital may come from one address, so the limit is far above its mistakes and far below a search.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use hygie_core::Timestamp;
use parking_lot::Mutex;

/// Failures of an address in one window.
const LIMIT: u32 = 300;
/// The window.
const WINDOW: Duration = Duration::from_mins(10);
/// Addresses that are counted at once. Beyond it new ones are not: accounts still lock.
const ADDRESSES: usize = 10_000;

/// The counts of this process.
pub(crate) struct Throttle {
    limit: u32,
    counts: Mutex<HashMap<IpAddr, Count>>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new(LIMIT)
    }
}

struct Count {
    since: Timestamp,
    times: u32,
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
        counts
            .get(&address)
            .is_some_and(|count| count.times >= self.limit && now.since(count.since) < WINDOW)
    }

    /// Counts a failure, or whatever else is limited.
    pub fn count(&self, address: Option<IpAddr>, now: Timestamp) {
        let Some(address) = address.map(network) else {
            return;
        };
        let mut counts = self.counts.lock();
        if counts.len() >= ADDRESSES && !counts.contains_key(&address) {
            counts.retain(|_, count| now.since(count.since) < WINDOW);
            if counts.len() >= ADDRESSES {
                return;
            }
        }
        let count = counts.entry(address).or_insert(Count { since: now, times: 0 });
        if now.since(count.since) >= WINDOW {
            *count = Count { since: now, times: 0 };
        }
        count.times = count.times.saturating_add(1);
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

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..2 * ADDRESSES as u32 {
            throttle.count(Some(std::net::Ipv4Addr::from(n).into()), Timestamp::from_secs(0));
        }
        assert_eq!(throttle.counts.lock().len(), ADDRESSES);
    }
}
