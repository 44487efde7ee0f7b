//! Smart lock-out: ten wrong passwords lock an account for a minute, then for longer and longer, up to an hour.
//! <https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout>
//!
//! The same wrong password again does not count: it is a saved one that was changed, not a guess.

use std::time::Duration;

use hygie_core::Timestamp;

use crate::repo::Lockout;

/// The longest lock.
const LONGEST: Duration = Duration::from_hours(1);
/// Wrong passwords that are remembered.
const REMEMBERED: usize = 3;

/// When an account locks, and for how long at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockoutRule {
    /// Wrong passwords until the first lock.
    pub threshold: u32,
    /// The first lock.
    pub first: Duration,
}

impl Default for LockoutRule {
    fn default() -> Self {
        Self {
            threshold: 10,
            first: Duration::from_mins(1),
        }
    }
}

/// A mark of a wrong password: 16 bits of a keyed digest.
pub type Mark = [u8; 2];

impl Lockout {
    /// So long after the end of the last lock nothing is known of it any more: who guesses slowly does not keep what they came to.
    pub const FORGOTTEN: Duration = Duration::from_hours(24);

    /// Whether the account is locked.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// After another wrong password. Those that were on their way when the account locked do not lock it for longer.
    #[must_use]
    pub fn failed(&self, mark: Mark, now: Timestamp) -> Self {
        self.failed_by(LockoutRule::default(), mark, now)
    }

    /// The same by another rule than the usual one. The longest lock is an hour, or the first one where that is longer.
    #[must_use]
    pub fn failed_by(&self, rule: LockoutRule, mark: Mark, now: Timestamp) -> Self {
        let is_over = self.locked_until.is_some_and(|until| until + Self::FORGOTTEN <= now);
        let mut next = if is_over { Self::default() } else { self.clone() };
        if self.is_locked(now) || next.recent.chunks_exact(mark.len()).any(|known| known == mark) {
            return next;
        }
        next.recent.extend(mark);
        let excess = next.recent.len().saturating_sub(REMEMBERED * mark.len());
        next.recent.drain(..excess);
        next.failures += 1;
        // After a lock, the first failure locks again.
        if next.failures >= rule.threshold || next.locks > 0 {
            next.failures = 0;
            let longer = rule.first.saturating_mul(1 << next.locks.min(10));
            next.locked_until = Some(now + longer.min(LONGEST.max(rule.first)));
            next.locks = next.locks.saturating_add(1);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn ten_different_failures_lock_for_longer_each_time() {
        let mut state = Lockout::default();
        for n in 0..9 {
            state = state.failed([0, n], at(0));
            assert!(!state.is_locked(at(0)), "{n}");
        }
        state = state.failed([0, 9], at(0));
        assert!(state.is_locked(at(59)) && !state.is_locked(at(60)));
        let mut now = 60;
        for (n, expected) in [120, 240, 480, 960, 1920, 3600, 3600].into_iter().enumerate() {
            state = state.failed([1, n as u8], at(now));
            assert!(state.is_locked(at(now + expected - 1)), "{n}");
            now += expected;
            assert!(!state.is_locked(at(now)), "{n}");
        }
    }

    #[test]
    fn a_tenant_says_when_and_for_how_long() {
        let rule = LockoutRule {
            threshold: 3,
            first: Duration::from_hours(2),
        };
        let fail = |state: Lockout, n, now| state.failed_by(rule, [3, n], at(now));
        let state = (0..2).fold(Lockout::default(), |state, n| fail(state, n, 0));
        assert!(!state.is_locked(at(0)));
        let state = fail(state, 2, 0);
        assert!(state.is_locked(at(7_199)) && !state.is_locked(at(7_200)));
        let state = fail(state, 3, 7_200);
        assert!(
            state.is_locked(at(14_399)) && !state.is_locked(at(14_400)),
            "not shorter, and no longer"
        );
    }

    #[test]
    fn a_day_after_the_last_lock_it_is_forgotten() {
        let mut state = Lockout::default();
        for n in 0..10 {
            state = state.failed([4, n], at(0));
        }
        let day = 24 * 3600;
        assert_eq!(state.failed([5, 0], at(59 + day)).locks, 2);
        let after = state.failed([5, 0], at(60 + day));
        assert_eq!((after.failures, after.locks, after.locked_until), (1, 0, None));
        assert_eq!(
            state.failed([4, 9], at(60 + day)).failures,
            1,
            "and so is what was typed"
        );
    }

    #[test]
    fn guesses_at_once_lock_once() {
        let mut state = Lockout::default();
        for n in 0..60 {
            state = state.failed([2, n], at(0));
        }
        assert_eq!(state.locks, 1);
        assert!(state.is_locked(at(59)) && !state.is_locked(at(60)));
    }

    #[test]
    fn a_saved_password_does_not_lock() {
        let mut state = Lockout::default();
        for _ in 0..100 {
            state = state.failed([7, 7], at(0));
        }
        assert_eq!(state.failures, 1);
        for n in 0..3 {
            state = state.failed([0, n], at(0));
        }
        assert_eq!(state.recent.len(), 6);
        assert_eq!(state.failed([7, 7], at(0)).failures, 5, "forgotten after three others");
    }
}
