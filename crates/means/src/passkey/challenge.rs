//! Challenges that seal themselves: for what, when they end, sixteen random octets, and a digest over these, the tenant
//! and the person.

use std::time::Duration;

use hygie_core::{Cx, ObjectId, Timestamp, random_array};
use hygie_jose::{Keyed, base64url};
use serde::Deserialize;

use crate::Refusal;

/// What is in front of the digest.
const HEAD: usize = 1 + 8 + 16;

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To register a passkey of this person.
    Register(ObjectId),
    /// To sign in as this person.
    SignIn(ObjectId),
    /// To sign in as whoever the passkey is.
    Discover,
}

impl Purpose {
    const fn number(self) -> u8 {
        match self {
            Self::Register(_) => 1,
            Self::SignIn(_) => 2,
            Self::Discover => 3,
        }
    }

    fn user(self) -> [u8; 16] {
        match self {
            Self::Register(user) | Self::SignIn(user) => user.uuid().into_bytes(),
            Self::Discover => [0; 16],
        }
    }
}

/// A challenge that came back.
#[derive(Clone, Debug)]
pub(super) struct Challenge {
    pub bytes: Vec<u8>,
    pub expires_at: Timestamp,
}

#[derive(Deserialize)]
struct ClientData {
    challenge: String,
}

/// A new one.
pub(super) fn make(key: &Keyed, cx: &Cx, purpose: Purpose, ttl: Duration) -> Challenge {
    let expires_at = cx.now + ttl;
    let mut bytes = vec![purpose.number()];
    bytes.extend(expires_at.millis().to_be_bytes());
    bytes.extend(random_array::<16>(&*cx.random));
    let mac = digest(key, cx, purpose, &bytes);
    bytes.extend(mac);
    Challenge { bytes, expires_at }
}

/// The challenge that was signed: it says itself what it was made for.
pub(super) fn answered(client_data: &[u8]) -> Result<Vec<u8>, Refusal> {
    let data: ClientData = serde_json::from_slice(client_data).map_err(|_| Refusal::Wrong)?;
    base64url::decode(data.challenge).map_err(|_| Refusal::Wrong)
}

/// Whether a challenge was made for a sign-in without a name.
pub(super) fn is_discovery(bytes: &[u8]) -> bool {
    bytes.first() == Some(&Purpose::Discover.number())
}

/// The challenge, if it is ours, for this purpose, and not too old.
pub(super) fn check(key: &Keyed, cx: &Cx, purpose: Purpose, bytes: Vec<u8>) -> Result<Challenge, Refusal> {
    let (head, mac) = bytes.split_at_checked(HEAD).ok_or(Refusal::Wrong)?;
    if head[0] != purpose.number() || !key.matches(message(cx, purpose, head), mac) {
        return Err(Refusal::Wrong);
    }
    let until = i64::from_be_bytes(head[1..9].try_into().expect("eight octets"));
    let expires_at = Timestamp::from_millis(until);
    if expires_at <= cx.now {
        return Err(Refusal::Expired);
    }
    Ok(Challenge { bytes, expires_at })
}

fn digest(key: &Keyed, cx: &Cx, purpose: Purpose, head: &[u8]) -> [u8; 32] {
    key.digest(message(cx, purpose, head))
}

/// Each part has its length always.
fn message(cx: &Cx, purpose: Purpose, head: &[u8]) -> Vec<u8> {
    [cx.tenant.uuid().as_bytes(), &purpose.user()[..], head].concat()
}
