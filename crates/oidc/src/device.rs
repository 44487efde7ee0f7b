//! Device authorization (RFC 8628): a device without a browser shows a short code, a person types it elsewhere and signs
//! in there, and the device asks meanwhile whether they have.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code>

use std::time::Duration;

use hygie_core::{AppId, Random, TenantId, Timestamp};
use serde_json::{Value, json};

use crate::{Aadsts, ClientAuth, Params, Refusal, Scopes, Version, token};

/// Both codes are good for so long.
pub const TTL: Duration = Duration::from_mins(15);
/// The device asks no more often at first.
pub const INTERVAL: Duration = Duration::from_secs(5);
/// RFC 8628 §3.5: who asks too soon has to wait so much longer from then on.
const SLOWER: Duration = Duration::from_secs(5);
/// It is not made to wait longer: the codes end before.
const SLOWEST: Duration = Duration::from_mins(1);
/// A request may be as much early: the way of the one before may have taken longer.
const JITTER: Duration = Duration::from_secs(1);

/// Consonants, so that no code is a word (RFC 8628 §6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// 38 bits: whoever tries as often as the pages allow meets no code that is waited for.
const LENGTH: usize = 9;

/// What the person types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// A new one.
    pub fn random(random: &dyn Random) -> Self {
        let mut code = String::with_capacity(LENGTH);
        while code.len() < LENGTH {
            let mut bytes = [0; 16];
            random.fill(&mut bytes);
            // Each letter as likely as the others.
            let fair = bytes.iter().filter(|byte| **byte < 240);
            code.extend(
                fair.map(|byte| char::from(ALPHABET[usize::from(byte % 20)]))
                    .take(LENGTH - code.len()),
            );
        }
        Self(code)
    }

    /// From what was typed: small letters, spaces and hyphens do not matter.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > 4 * LENGTH {
            return None;
        }
        let code: String = typed
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_uppercase())
            .collect();
        (code.len() == LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte))).then_some(Self(code))
    }

    /// As the device is told.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In groups of three, to be compared by eye.
    pub fn grouped(&self) -> String {
        format!("{} {} {}", &self.0[..3], &self.0[3..6], &self.0[6..])
    }
}

/// The device authorization request (§3.1).
#[derive(Clone, Debug)]
pub struct DeviceRequest {
    /// The client and its proof.
    pub client: ClientAuth,
    /// What is asked.
    pub scopes: Scopes,
}

impl DeviceRequest {
    /// From the body and the `Authorization` header.
    pub fn parse(params: &Params, authorization: Option<&str>, version: Version) -> Result<Self, Refusal> {
        let parameter = match version {
            Version::V1 => "resource",
            Version::V2 => "scope",
        };
        let mut scopes = token::scopes(params, version)?.ok_or_else(|| Refusal::missing(parameter))?;
        if version == Version::V1 {
            // As at the authorization endpoint: v1 always signs in.
            scopes.oidc.openid = true;
            scopes.oidc.offline_access = true;
        }
        Ok(Self {
            client: ClientAuth::parse(params, authorization)?,
            scopes,
        })
    }
}

/// The answer to it (§3.2).
#[derive(Clone, Debug)]
pub struct DeviceResponse<'a> {
    /// What the device asks with.
    pub device_code: &'a str,
    /// What it shows.
    pub user_code: &'a UserCode,
    /// Where the person types it.
    pub verification_uri: &'a str,
    /// What it may show instead, in the words of the person.
    pub message: String,
}

impl DeviceResponse<'_> {
    /// The body: numbers and `verification_uri` at v2, strings and `verification_url` at v1.
    pub fn render(&self, version: Version) -> Value {
        let (ttl, interval) = (TTL.as_secs(), INTERVAL.as_secs());
        match version {
            Version::V2 => json!({
                "user_code": self.user_code.as_str(),
                "device_code": self.device_code,
                "verification_uri": self.verification_uri,
                "expires_in": ttl,
                "interval": interval,
                "message": self.message,
            }),
            Version::V1 => json!({
                "user_code": self.user_code.as_str(),
                "device_code": self.device_code,
                "verification_url": self.verification_uri,
                "expires_in": ttl.to_string(),
                "interval": interval.to_string(),
                "message": self.message,
            }),
        }
    }
}

/// What the person answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing yet.
    Awaited,
    /// No.
    Declined,
    /// Yes, with an account of this tenant.
    Approved(TenantId),
}

/// A device that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The client that the codes were made for.
    pub client: AppId,
    /// The answer.
    pub answer: Answer,
    /// The device may not ask more often.
    pub interval: Duration,
    /// When it asked last.
    pub polled_at: Option<Timestamp>,
    /// Not good from here on.
    pub expires_at: Timestamp,
}

/// What a device is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// There are tokens for it, of this tenant.
    Approved(TenantId),
    /// To wait, so long between two requests.
    Wait(Refusal, Duration),
    /// That it waits for nothing.
    Ended(Refusal),
}

/// Decides for a device that asks (§3.5).
pub fn poll(waiting: &Waiting, client: AppId, now: Timestamp) -> Poll {
    if waiting.client != client {
        return Poll::Ended(Refusal::new(Aadsts::BadDeviceCode));
    }
    match waiting.answer {
        Answer::Approved(tenant) => return Poll::Approved(tenant),
        Answer::Declined => return Poll::Ended(Refusal::new(Aadsts::Declined)),
        Answer::Awaited if now >= waiting.expires_at => {
            return Poll::Ended(Refusal::new(Aadsts::DeviceCodeExpired));
        }
        Answer::Awaited => {}
    }
    let is_early = waiting
        .polled_at
        .is_some_and(|at| now.since(at) + JITTER < waiting.interval);
    if is_early {
        let slower = (waiting.interval + SLOWER).min(SLOWEST);
        return Poll::Wait(Refusal::new(Aadsts::SlowDown), slower);
    }
    Poll::Wait(Refusal::new(Aadsts::AuthorizationPending), waiting.interval)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = UserCode::random(&Counting(236.into()));
        // 236 to 239, then nothing of 240 to 255, then 0 and on: every letter is as likely.
        assert_eq!(code.as_str(), "VWXZBCDFG");
        assert_eq!(code.grouped(), "VWX ZBC DFG");
        for typed in ["VWXZBCDFG", "vwx-zbc-dfg", " vwxz bcdfg ", "VWX ZBC DFG"] {
            assert_eq!(UserCode::parse(typed).as_ref(), Some(&code), "{typed}");
        }
        for wrong in ["", "VWXZBCDF", "VWXZBCDFGH", "VWXZBCDFA", "VWXZBCDF1", &"-".repeat(40)] {
            assert_eq!(UserCode::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_device_waits_and_is_answered() {
        use Answer::{Approved, Awaited, Declined};
        let at = Timestamp::from_secs;
        let app: AppId = "00000000-0000-4000-8000-000000000001".parse().unwrap();
        let other: AppId = "00000000-0000-4000-8000-000000000002".parse().unwrap();
        let tenant: TenantId = "00000000-0000-4000-8000-000000000003".parse().unwrap();
        let told = |answer, polled_at: Option<i64>, client, now| {
            let waiting = Waiting {
                client: app,
                answer,
                interval: INTERVAL,
                polled_at: polled_at.map(at),
                expires_at: at(900),
            };
            match poll(&waiting, client, at(now)) {
                Poll::Approved(tenant) => Err(tenant),
                Poll::Wait(refusal, interval) => Ok((refusal.code(), interval.as_secs())),
                Poll::Ended(refusal) => Ok((refusal.code(), 0)),
            }
        };
        assert_eq!(told(Awaited, None, app, 0), Ok((Aadsts::AuthorizationPending, 5)));
        assert_eq!(told(Awaited, Some(5), app, 10), Ok((Aadsts::AuthorizationPending, 5)));
        assert_eq!(told(Awaited, Some(6), app, 10), Ok((Aadsts::AuthorizationPending, 5)));
        assert_eq!(told(Awaited, Some(7), app, 10), Ok((Aadsts::SlowDown, 10)));
        assert_eq!(told(Awaited, Some(890), app, 900), Ok((Aadsts::DeviceCodeExpired, 0)));
        assert_eq!(told(Declined, Some(7), app, 10), Ok((Aadsts::Declined, 0)));
        assert_eq!(told(Approved(tenant), Some(10), app, 10), Err(tenant));
        // Another client learns nothing of it.
        assert_eq!(told(Approved(tenant), None, other, 10), Ok((Aadsts::BadDeviceCode, 0)));
    }

    proptest! {
        #[test]
        fn never_panics(typed in "\\PC{0,60}") {
            if let Some(code) = UserCode::parse(&typed) {
                prop_assert_eq!(UserCode::parse(&code.grouped()), Some(code));
            }
        }
    }
}
