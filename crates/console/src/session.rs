//! The session of a person at the console: a sealed cookie with the token that the directory API takes. A token is
//! longer than a cookie may be, so it is several.

use axum::http::HeaderMap;
use axum::http::header::{HeaderValue, InvalidHeaderValue};
use hygie_core::{Random, Timestamp};
use hygie_web::cookie::{self, Cookie, SameSite};
use serde::{Deserialize, Serialize};

use crate::Console;

/// The cookies; browsers keep 4096 octets of each (RFC 6265bis §5.6).
const NAMES: [&str; 4] = [
    "__Host-hygie-portal",
    "__Host-hygie-portal-1",
    "__Host-hygie-portal-2",
    "__Host-hygie-portal-3",
];
/// Octets of each value.
const PART: usize = 3_800;
const PURPOSE: &str = "session";

/// Who is signed in, and what they show to the directory API.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// What ties forms to this session.
    pub id: String,
    /// Name of the person.
    pub name: String,
    /// Its tenant.
    pub tenant: String,
    /// The name of the establishment.
    pub place: Option<String>,
    /// The token.
    pub token: String,
    /// When the token ends, in seconds.
    pub until: i64,
}

impl Session {
    /// That of the request, unless its token has ended.
    pub fn find(console: &Console, headers: &HeaderMap, now: Timestamp) -> Option<Self> {
        let parts = NAMES.iter().map_while(|name| cookie::get(headers, name));
        let text: String = parts.collect();
        let opened = console.0.seal.open(PURPOSE, &text)?;
        let session: Self = serde_json::from_slice(&opened).ok()?;
        (now.secs() < session.until).then_some(session)
    }

    /// Its cookies, for `Set-Cookie`; `None` when the token is too long for them.
    pub fn cookies(
        &self,
        console: &Console,
        random: &dyn Random,
    ) -> Option<Result<Vec<HeaderValue>, InvalidHeaderValue>> {
        let content = serde_json::to_vec(self).ok()?;
        let text = console.0.seal.seal(random, PURPOSE, &content);
        if text.len() > PART * NAMES.len() {
            return None;
        }
        let (parts, used) = (text.as_bytes().chunks(PART), text.len().div_ceil(PART));
        let values = NAMES.iter().zip(parts).map(|(name, part)| {
            let value = std::str::from_utf8(part).expect("base64url is ASCII");
            // Lax: the redirect back from signing in leads to a page that must know the session already.
            Cookie::session(name, value, SameSite::Lax).header()
        });
        let rest = NAMES[used..].iter().map(|name| Cookie::removed(name).header());
        Some(values.chain(rest).collect())
    }

    /// Takes all of them away.
    pub fn removal() -> impl Iterator<Item = Result<HeaderValue, InvalidHeaderValue>> {
        NAMES.iter().map(|name| Cookie::removed(name).header())
    }
}
