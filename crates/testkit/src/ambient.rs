//! Time of a test.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hygie_core::{Clock, Timestamp};

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
