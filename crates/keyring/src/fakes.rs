//! A clock and a source of randomness for the tests of this crate.

use std::sync::atomic::{AtomicI64, Ordering};

pub use hygie_core::SeededRandom;
use hygie_core::{Clock, Timestamp};

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
