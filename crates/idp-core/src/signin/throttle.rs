//! Failures per address, of sign-ins and of user codes: who tries one password on every account locks none of them, but is slowed down here.
//!
//! A whole hospital may come from one address, so the limit is far above its mistakes and far below a search.

use std::net::{IpAddr, Ipv6Addr};

use hygie_core::Timestamp;

use super::limit::{Counted, Limit};

/// Failures of an address in one window.
const LIMIT: u32 = 300;

/// The counts of this process.
pub struct Throttle(Limit<IpAddr>);

impl Default for Throttle {
    fn default() -> Self {
        Self::new(LIMIT)
    }
}

impl Throttle {
    /// Closes an address after so many failures in ten minutes.
    pub fn new(limit: u32) -> Self {
        Self(Limit::new(limit))
    }

    /// Whether an address has failed too often of late.
    pub fn is_closed(&self, address: Option<IpAddr>, now: Timestamp) -> bool {
        address.is_some_and(|address| self.0.is_closed(network(address), now))
    }

    /// Counts a failure, or whatever else is limited.
    pub fn count(&self, address: Option<IpAddr>, now: Timestamp) -> Counted {
        address.map_or(Counted::AsBefore, |address| self.0.count(network(address), now))
    }
}

/// One subscriber has a whole /64 of IPv6.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::super::limit::{KEYS as ADDRESSES, WINDOW};
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
        assert_eq!(throttle.0.sizes(), (ADDRESSES, ADDRESSES));
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
        assert_eq!(throttle.0.sizes(), (ADDRESSES, ADDRESSES));
    }
}
