//! A clock and a source of randomness for the tests of this crate.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hygie_core::{Clock, Cx, Random, TenantId, Timestamp};
use parking_lot::Mutex;

/// The same bytes for the same seed (SplitMix64).
pub struct SeededRandom(Mutex<u64>);

impl SeededRandom {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock();
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Stands still until it is set.
pub struct FixedClock(AtomicI64);

impl FixedClock {
    pub fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.millis()))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// A context of this tenant at this instant.
pub fn cx(tenant: TenantId, now: Timestamp) -> Cx {
    Cx::internal(
        tenant,
        Arc::new(FixedClock::new(now)),
        Arc::new(SeededRandom::new(now.millis() as u64)),
    )
}
