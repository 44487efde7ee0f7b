//! How long sessions of browsers live in a tenant, and whether people may stay signed in [ours]: what Entra ID has in its
//! company branding and nowhere for the lifetimes.
//!
//! The defaults are what the French rules for means of identification in health allow at most (RIE-PS 13): four hours, half an
//! hour without use, and nobody is asked whether to stay signed in. The sign-in frequency of a policy still wins where it is
//! stricter.

use std::time::Duration;

use crate::Patch;
use crate::check::Broken;
use crate::json::record;

/// Minutes of the shortest silence after which a session may end.
pub const MIN_IDLE: u32 = 5;
/// Minutes of the longest session: ninety days, as a session that stays has in Entra ID.
pub const MAX_LIFETIME: u32 = 90 * 24 * 60;

record! {
    /// The lifetimes of sessions.
    SessionLifetime {
        /// A session ends after so many minutes in any case.
        longest: u32 = "maximumLifetimeInMinutes",
        /// A session ends after so many minutes without use.
        idle: u32 = "inactivityTimeoutInMinutes",
        /// Whether people are asked if they stay signed in when the browser closes.
        is_kept_offered: bool = "isStaySignedInOffered",
    }
}

impl Default for SessionLifetime {
    fn default() -> Self {
        Self {
            longest: 4 * 60,
            idle: 30,
            is_kept_offered: false,
        }
    }
}

impl Patch for SessionLifetime {
    const READ_ONLY: &'static [&'static str] = &[];
}

impl SessionLifetime {
    /// Whether it may be kept.
    pub fn check(&self) -> Result<(), Broken> {
        let is_possible = MIN_IDLE <= self.idle && self.idle <= self.longest && self.longest <= MAX_LIFETIME;
        if is_possible { Ok(()) } else { Err(Broken::Lifetime) }
    }

    /// After so long without use.
    pub const fn idle(&self) -> Duration {
        Duration::from_secs(self.idle as u64 * 60)
    }

    /// In any case.
    pub const fn longest(&self) -> Duration {
        Duration::from_secs(self.longest as u64 * 60)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lifetimes_have_bounds() {
        let usual = SessionLifetime::default();
        assert_eq!((usual.check(), usual.longest, usual.idle), (Ok(()), 240, 30));
        for (change, is_good) in [
            (json!({ "maximumLifetimeInMinutes": 129_600 }), true),
            (json!({ "maximumLifetimeInMinutes": 129_601 }), false),
            (json!({ "maximumLifetimeInMinutes": 29 }), false),
            (json!({ "inactivityTimeoutInMinutes": 5 }), true),
            (json!({ "inactivityTimeoutInMinutes": 4 }), false),
            (json!({ "inactivityTimeoutInMinutes": 241 }), false),
        ] {
            let changed = usual.patched(&change).unwrap();
            assert_eq!(changed.check().is_ok(), is_good, "{change}");
        }
        for wrong in [
            json!({ "lifetime": 5 }),
            json!({ "inactivityTimeoutInMinutes": "PT5M" }),
            json!([]),
        ] {
            assert!(usual.patched(&wrong).is_err(), "{wrong}");
        }
    }
}
