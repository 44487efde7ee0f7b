//! Time and randomness of a test.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use hygie_core::{Clock, Random, Timestamp};

/// Stands still until it is moved.
pub struct VirtualClock(AtomicI64);

impl VirtualClock {
    /// At this instant.
    pub fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.millis()))
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }
}

impl Default for VirtualClock {
    /// On a Saturday morning: 2026-11-21T08:30:00Z.
    fn default() -> Self {
        Self::new(Timestamp::from_secs(1_795_249_800))
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// The same bytes for the same seed (SplitMix64).
pub struct SeededRandom(AtomicU64);

impl SeededRandom {
    /// From this seed.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself() {
        let bytes = |seed| hygie_core::random_array::<20>(&SeededRandom::new(seed));
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
    }
}
