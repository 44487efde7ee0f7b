//! The decisions of the token endpoint over stored values: who must prove what, whether a code or refresh token is
//! good, which scopes were granted. Nothing here loads or saves.

use std::time::Duration;

use hygie_core::{AppId, Random, Timestamp, random_array};
use hygie_jose::digest;

use crate::{Aadsts, Challenge, Credential, Names, Platform, Refusal};

/// An authorization code may be redeemed so long; Entra documents about ten minutes.
pub const CODE_TTL: Duration = Duration::from_mins(5);
/// An id token is valid so long.
pub const ID_TOKEN_TTL: Duration = Duration::from_hours(1);
/// A refresh token may be left unused so long.
pub const REFRESH_TTL: Duration = Duration::from_hours(90 * 24);
/// The refresh tokens of a single-page application end so long after its sign-in, however often they are used.
pub const SPA_REFRESH_TTL: Duration = Duration::from_hours(24);
/// A rotated refresh token stays good so long: processes that share a cache redeem the same one twice.
pub const ROTATION_GRACE: Duration = Duration::from_mins(1);
/// Bounds of the life of an access token.
const ACCESS_TTL: (u64, u64) = (60 * 60, 90 * 60);

/// The life of one access token: random, so that a crowd that signed in at once does not come back at once.
pub fn access_ttl(random: &dyn Random) -> Duration {
    let spread = ACCESS_TTL.1 - ACCESS_TTL.0 + 1;
    Duration::from_secs(ACCESS_TTL.0 + u64::from(u32::from_be_bytes(random_array(random))) % spread)
}

/// Whether a client of this platform authenticates as it must: a secret (to be checked by [`secret`]), an
/// assertion (by [`crate::assertion::verify`]) or nothing.
pub fn credential(platform: Platform, credential: &Credential, origin: Option<&str>) -> Result<(), Refusal> {
    match (platform, origin) {
        (Platform::Spa, None) => return Err(Refusal::new(Aadsts::NotCrossOrigin)),
        // A browser must not hold a secret, nor act as an installed application.
        (Platform::Web | Platform::PublicClient, Some(origin)) => {
            return Err(Refusal::about(Aadsts::CrossOrigin, &[origin]));
        }
        _ => {}
    }
    match (platform, credential) {
        (Platform::Web, Credential::None) => Err(Refusal::new(Aadsts::NoCredential)),
        (Platform::Web, Credential::Secret(_) | Credential::Assertion(_))
        | (Platform::Spa | Platform::PublicClient, Credential::None) => Ok(()),
        (Platform::Spa | Platform::PublicClient, _) => Err(Refusal::new(Aadsts::PublicClient)),
    }
}

/// A stored client secret: its keyed digest and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// Keyed SHA-256.
    pub digest: Vec<u8>,
    /// Not good from here on.
    pub expires_at: Timestamp,
}

/// Whether the digest of the presented secret is one of the application's that has not expired.
pub fn secret(presented: &[u8], stored: &[StoredSecret], now: Timestamp, app: AppId) -> Result<(), Refusal> {
    let matching = stored.iter().filter(|s| digest::constant_time_eq(presented, &s.digest));
    match matching.map(|s| s.expires_at).max() {
        Some(end) if now < end => Ok(()),
        Some(_) => Err(Refusal::about(Aadsts::SecretExpired, &[&app.to_string()])),
        None => Err(Refusal::about(Aadsts::BadSecret, &[&app.to_string()])),
    }
}

/// Why a grant is not honoured, and what the caller must do besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantRefusal {
    /// Nothing else to do.
    Refused(Refusal),
    /// It was used before: everything that came of it must be revoked (RFC 9700 §2.2.2, §4.14).
    Reused(Refusal),
}

impl From<Refusal> for GrantRefusal {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A stored authorization code.
#[derive(Clone, Debug)]
pub struct Code<'a> {
    /// The client it was issued to.
    pub client: AppId,
    /// The redirect URI of the authorization request, when it had one.
    pub redirect_uri: Option<&'a str>,
    /// PKCE.
    pub challenge: Option<&'a Challenge>,
    /// Not good from here on.
    pub expires_at: Timestamp,
    /// When it was redeemed.
    pub redeemed_at: Option<Timestamp>,
}

/// An attempt to redeem a code.
#[derive(Clone, Debug)]
pub struct CodeAttempt<'a> {
    /// The authenticated client.
    pub client: AppId,
    /// The redirect URI of the token request.
    pub redirect_uri: Option<&'a str>,
    /// PKCE.
    pub verifier: Option<&'a str>,
    /// When.
    pub now: Timestamp,
}

/// Whether a code may be redeemed (RFC 6749 §4.1.3, RFC 7636 §4.6).
pub fn redeem(code: &Code<'_>, attempt: &CodeAttempt<'_>) -> Result<(), GrantRefusal> {
    if code.client != attempt.client {
        return Err(Refusal::about(Aadsts::BadGrant, &["code"]).into());
    }
    if code.redeemed_at.is_some() {
        return Err(GrantRefusal::Reused(Refusal::new(Aadsts::CodeReused)));
    }
    if attempt.now >= code.expires_at {
        return Err(Refusal::new(Aadsts::CodeExpired).into());
    }
    if code.redirect_uri.is_some() && code.redirect_uri != attempt.redirect_uri {
        return Err(Refusal::about(Aadsts::RedirectChanged, &[attempt.redirect_uri.unwrap_or_default()]).into());
    }
    match (code.challenge, attempt.verifier) {
        (Some(challenge), Some(verifier)) => Ok(challenge.verify(verifier)?),
        (None, None) => Ok(()),
        // RFC 9700 §2.1.1: a verifier without a challenge is a stripped challenge.
        _ => Err(Refusal::new(Aadsts::VerifierMismatch).into()),
    }
}

/// A stored refresh token with its family.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// The client it was issued to.
    pub client: AppId,
    /// Of which kind.
    pub platform: Platform,
    /// Not good from here on.
    pub expires_at: Timestamp,
    /// When it was exchanged for its successor.
    pub rotated_at: Option<Timestamp>,
    /// When the family was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When the person authenticated.
    pub auth_time: Timestamp,
    /// What the person authenticated before this instant is revoked.
    pub valid_from: Timestamp,
}

/// Whether a refresh token may be exchanged by `client` now.
pub fn refresh(token: &Refresh, client: AppId, now: Timestamp) -> Result<(), GrantRefusal> {
    if token.client != client {
        return Err(Refusal::about(Aadsts::BadGrant, &["refresh_token"]).into());
    }
    if token.revoked_at.is_some() {
        return Err(Refusal::new(Aadsts::GrantRevoked).into());
    }
    if token.auth_time < token.valid_from {
        return Err(Refusal::new(Aadsts::SessionRevoked).into());
    }
    if now >= token.expires_at {
        let code = match token.platform {
            Platform::Spa => Aadsts::SpaRefreshExpired,
            Platform::Web | Platform::PublicClient => Aadsts::RefreshExpired,
        };
        return Err(Refusal::new(code).into());
    }
    match token.rotated_at {
        Some(at) if now.since(at) > ROTATION_GRACE => Err(GrantRefusal::Reused(Refusal::new(Aadsts::GrantRevoked))),
        _ => Ok(()),
    }
}

/// The end of the next refresh token: sliding, but fixed by the first one for a single-page application.
pub fn refresh_end(platform: Platform, first_issued: Timestamp, now: Timestamp) -> Timestamp {
    match platform {
        Platform::Spa => first_issued + SPA_REFRESH_TTL,
        Platform::Web | Platform::PublicClient => now + REFRESH_TTL,
    }
}

/// The delegated scopes of the token: everything granted for `.default`, else the named ones, all of them granted. They are
/// found in any case, and told as the resource spells them.
pub fn delegated(names: &Names, granted: &[String], client: AppId) -> Result<Vec<String>, Refusal> {
    let refused = || Refusal::about(Aadsts::NoConsent, &[&client.to_string()]);
    match names {
        Names::Default if granted.is_empty() => Err(refused()),
        Names::Default => Ok(granted.to_vec()),
        Names::Named(wanted) => {
            let mut found: Vec<String> = Vec::with_capacity(wanted.len());
            for name in wanted {
                let known = granted.iter().find(|known| known.eq_ignore_ascii_case(name));
                let known = known.ok_or_else(refused)?;
                if !found.contains(known) {
                    found.push(known.clone());
                }
            }
            Ok(found)
        }
    }
}

#[cfg(test)]
mod tests {
    use hygie_core::Secret;
    use proptest::prelude::*;

    use super::*;

    fn app(n: u8) -> AppId {
        format!("00000000-0000-4000-8000-0000000000{n:02x}").parse().unwrap()
    }

    fn code_of<T>(result: Result<T, GrantRefusal>) -> Option<(Aadsts, bool)> {
        match result.err()? {
            GrantRefusal::Refused(refusal) => Some((refusal.code(), false)),
            GrantRefusal::Reused(refusal) => Some((refusal.code(), true)),
        }
    }

    #[test]
    fn who_proves_what() {
        use Platform::{PublicClient, Spa, Web};
        let sent = || Credential::Secret(Secret::new("s".to_owned()));
        let signed = || Credential::Assertion(Secret::new("a.b.c".to_owned()));
        let origin = Some("https://a.example");
        for (platform, proof, origin, expected) in [
            (Web, sent(), None, None),
            (Web, Credential::None, None, Some(Aadsts::NoCredential)),
            (Web, signed(), None, None),
            (Web, signed(), origin, Some(Aadsts::CrossOrigin)),
            (PublicClient, signed(), None, Some(Aadsts::PublicClient)),
            (Web, sent(), origin, Some(Aadsts::CrossOrigin)),
            (Spa, Credential::None, origin, None),
            (Spa, Credential::None, None, Some(Aadsts::NotCrossOrigin)),
            (Spa, sent(), origin, Some(Aadsts::PublicClient)),
            (PublicClient, Credential::None, None, None),
            (PublicClient, sent(), None, Some(Aadsts::PublicClient)),
            (PublicClient, Credential::None, origin, Some(Aadsts::CrossOrigin)),
        ] {
            let found = credential(platform, &proof, origin).err().map(|r| r.code());
            assert_eq!(found, expected, "{platform:?} {proof:?} {origin:?}");
        }
    }

    #[test]
    fn secrets() {
        let now = Timestamp::from_secs(100);
        let stored = |digest: &[u8], end| StoredSecret {
            digest: digest.to_vec(),
            expires_at: Timestamp::from_secs(end),
        };
        let all = [stored(b"old", 100), stored(b"new", 101)];
        assert_eq!(secret(b"new", &all, now, app(1)), Ok(()));
        assert_eq!(
            secret(b"old", &all, now, app(1)).unwrap_err().code(),
            Aadsts::SecretExpired
        );
        assert_eq!(secret(b"ne", &all, now, app(1)).unwrap_err().code(), Aadsts::BadSecret);
        assert_eq!(secret(b"", &[], now, app(1)).unwrap_err().code(), Aadsts::BadSecret);
    }

    #[test]
    fn codes() {
        let challenge = Challenge {
            value: "v".repeat(43),
            method: crate::ChallengeMethod::Plain,
        };
        let verifier = "v".repeat(43);
        let good = Code {
            client: app(1),
            redirect_uri: Some("https://a.example/"),
            challenge: Some(&challenge),
            expires_at: Timestamp::from_secs(300),
            redeemed_at: None,
        };
        let attempt = CodeAttempt {
            client: app(1),
            redirect_uri: Some("https://a.example/"),
            verifier: Some(&verifier),
            now: Timestamp::from_secs(299),
        };
        assert_eq!(redeem(&good, &attempt), Ok(()));
        let used = Code {
            redeemed_at: Some(Timestamp::from_secs(1)),
            ..good.clone()
        };
        assert_eq!(code_of(redeem(&used, &attempt)), Some((Aadsts::CodeReused, true)));
        // Another client learns nothing about the state of the code and revokes nothing.
        let other = CodeAttempt {
            client: app(2),
            ..attempt.clone()
        };
        assert_eq!(code_of(redeem(&used, &other)), Some((Aadsts::BadGrant, false)));
        let late = CodeAttempt {
            now: Timestamp::from_secs(300),
            ..attempt.clone()
        };
        assert_eq!(code_of(redeem(&good, &late)), Some((Aadsts::CodeExpired, false)));
        let elsewhere = CodeAttempt {
            redirect_uri: None,
            ..attempt.clone()
        };
        assert_eq!(
            code_of(redeem(&good, &elsewhere)),
            Some((Aadsts::RedirectChanged, false))
        );
        let bare = CodeAttempt {
            verifier: None,
            ..attempt.clone()
        };
        assert_eq!(code_of(redeem(&good, &bare)), Some((Aadsts::VerifierMismatch, false)));
        let stripped = Code {
            challenge: None,
            ..good
        };
        assert_eq!(
            code_of(redeem(&stripped, &attempt)),
            Some((Aadsts::VerifierMismatch, false))
        );
    }

    #[test]
    fn refresh_tokens() {
        let at = Timestamp::from_secs;
        let good = Refresh {
            client: app(1),
            platform: Platform::Web,
            expires_at: at(1_000),
            rotated_at: None,
            revoked_at: None,
            auth_time: at(10),
            valid_from: at(0),
        };
        assert_eq!(refresh(&good, app(1), at(999)), Ok(()));
        assert_eq!(
            code_of(refresh(&good, app(2), at(999))),
            Some((Aadsts::BadGrant, false))
        );
        assert_eq!(
            code_of(refresh(&good, app(1), at(1_000))),
            Some((Aadsts::RefreshExpired, false))
        );
        let spa = Refresh {
            platform: Platform::Spa,
            ..good.clone()
        };
        assert_eq!(
            code_of(refresh(&spa, app(1), at(1_000))),
            Some((Aadsts::SpaRefreshExpired, false))
        );
        let rotated = Refresh {
            rotated_at: Some(at(100)),
            ..good.clone()
        };
        assert_eq!(refresh(&rotated, app(1), at(160)), Ok(()));
        assert_eq!(
            code_of(refresh(&rotated, app(1), at(161))),
            Some((Aadsts::GrantRevoked, true))
        );
        let revoked = Refresh {
            revoked_at: Some(at(5)),
            ..rotated
        };
        assert_eq!(
            code_of(refresh(&revoked, app(1), at(161))),
            Some((Aadsts::GrantRevoked, false))
        );
        let signed_out = Refresh {
            valid_from: at(11),
            ..good
        };
        assert_eq!(
            code_of(refresh(&signed_out, app(1), at(20))),
            Some((Aadsts::SessionRevoked, false))
        );
        assert_eq!(refresh_end(Platform::Spa, at(0), at(5_000)), at(86_400));
        assert_eq!(refresh_end(Platform::Web, at(0), at(5_000)), at(5_000 + 90 * 86_400));
    }

    #[test]
    fn consent() {
        let granted = ["a".to_owned(), "b".to_owned()];
        let named = |names: &[&str]| Names::Named(names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(delegated(&Names::Default, &granted, app(1)).unwrap(), granted);
        assert_eq!(delegated(&named(&["b"]), &granted, app(1)).unwrap(), ["b"]);
        assert_eq!(
            delegated(&named(&["a", "c"]), &granted, app(1)).unwrap_err().code(),
            Aadsts::NoConsent
        );
        assert_eq!(
            delegated(&Names::Default, &[], app(1)).unwrap_err().code(),
            Aadsts::NoConsent
        );
    }

    struct Fixed(u32);
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0.to_be_bytes());
        }
    }

    proptest! {
        #[test]
        fn access_tokens_live_60_to_90_minutes(seed: u32) {
            let ttl = access_ttl(&Fixed(seed)).as_secs();
            prop_assert!((3600..=5400).contains(&ttl));
        }
    }
}
