//! What a tenant says about passwords, and about what tokens tell of an authentication [ours]. The first is what Entra ID has as
//! password protection: threshold and duration of the smart lock-out, and a list of banned words.
//! <https://learn.microsoft.com/entra/identity/authentication/concept-password-ban-bad>

use std::time::Duration;

use crate::Patch;
use crate::check::Broken;
use crate::json::record;

/// Words of the list of a tenant, and their lengths, as in Entra ID.
pub const MAX_WORDS: usize = 1_000;
/// Signs of a word.
const WORD: std::ops::RangeInclusive<usize> = 4..=16;

record! {
    /// The rules of passwords.
    SignInProtection {
        /// An account locks after so many wrong passwords.
        threshold: u32 = "lockoutThreshold",
        /// The first lock lasts so many seconds; the next ones longer and longer.
        duration: u32 = "lockoutDurationInSeconds",
        /// A password that an administrator gave to be changed ends after so many days.
        first_days: u32 = "firstPasswordLifetimeInDays",
        /// Words that no password is made of.
        banned: Vec<String> = "bannedPasswords",
    }
    /// What tokens of version 2 tell beside what their applications ask for.
    #[derive(Default)]
    TokenClaims {
        /// `acr`
        acr: bool = "isAcrIncluded",
        /// `amr`
        amr: bool = "isAmrIncluded",
        /// `auth_time`
        auth_time: bool = "isAuthTimeIncluded",
    }
}

impl Default for SignInProtection {
    fn default() -> Self {
        Self {
            threshold: 10,
            duration: 60,
            first_days: 7,
            banned: Vec::new(),
        }
    }
}

impl Patch for SignInProtection {
    const READ_ONLY: &'static [&'static str] = &[];
}

impl Patch for TokenClaims {
    const READ_ONLY: &'static [&'static str] = &[];
}

impl SignInProtection {
    /// Whether it may be kept.
    pub fn check(&self) -> Result<(), Broken> {
        let is_possible = (1..=50).contains(&self.threshold)
            && (5..=18_000).contains(&self.duration)
            && (1..=90).contains(&self.first_days);
        if !is_possible {
            return Err(Broken::Protection);
        }
        if self.banned.len() > MAX_WORDS {
            return Err(Broken::TooMany("bannedPasswords", MAX_WORDS));
        }
        let is_word = |word: &String| WORD.contains(&word.chars().count()) && !word.contains(char::is_control);
        if self.banned.iter().all(is_word) {
            Ok(())
        } else {
            Err(Broken::BannedWord)
        }
    }

    /// The first lock.
    pub const fn first_lock(&self) -> Duration {
        Duration::from_secs(self.duration as u64)
    }

    /// How long a password is good that was given to be changed.
    pub const fn first_password(&self) -> Duration {
        Duration::from_secs(self.first_days as u64 * 24 * 3_600)
    }
}

impl TokenClaims {
    /// Those that are told.
    pub fn told(&self) -> impl Iterator<Item = AuthenticationClaim> {
        let all = [
            (self.acr, AuthenticationClaim::Acr),
            (self.amr, AuthenticationClaim::Amr),
            (self.auth_time, AuthenticationClaim::AuthTime),
        ];
        all.into_iter().filter(|(is_told, _)| *is_told).map(|(_, claim)| claim)
    }
}

/// A claim about how somebody authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationClaim {
    /// `acr`
    Acr,
    /// `amr`
    Amr,
    /// `auth_time`
    AuthTime,
}

impl AuthenticationClaim {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acr => "acr",
            Self::Amr => "amr",
            Self::AuthTime => "auth_time",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_of_passwords_have_bounds() {
        let usual = SignInProtection::default();
        assert_eq!(usual.check(), Ok(()));
        for (change, is_good) in [
            (
                json!({ "lockoutThreshold": 1, "lockoutDurationInSeconds": 18_000 }),
                true,
            ),
            (json!({ "lockoutThreshold": 0 }), false),
            (json!({ "lockoutThreshold": 51 }), false),
            (json!({ "lockoutDurationInSeconds": 4 }), false),
            (json!({ "firstPasswordLifetimeInDays": 90 }), true),
            (json!({ "firstPasswordLifetimeInDays": 0 }), false),
            (json!({ "bannedPasswords": ["Saint-Luc", "hémodialyse"] }), true),
            (json!({ "bannedPasswords": ["abc"] }), false),
            (json!({ "bannedPasswords": ["a word that is too long"] }), false),
        ] {
            assert_eq!(usual.patched(&change).unwrap().check().is_ok(), is_good, "{change}");
        }
        for wrong in [json!({ "threshold": 5 }), json!({ "lockoutThreshold": "5" }), json!([])] {
            assert!(usual.patched(&wrong).is_err(), "{wrong}");
        }
        let told = TokenClaims::default()
            .patched(&json!({ "isAmrIncluded": true }))
            .unwrap();
        assert_eq!(
            told.told().map(AuthenticationClaim::as_str).collect::<Vec<_>>(),
            ["amr"]
        );
    }
}
