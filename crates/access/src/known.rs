//! Tokens that were verified a moment ago: a bounded map from the digest of a token to what it said.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hygie_core::{Principal, Timestamp};
use hygie_jose::digest;
use parking_lot::Mutex;

use crate::confirmation::Confirmation;
use crate::revocation::Origin;

/// Independent parts, so that callers rarely wait for each other.
const SHARDS: usize = 16;
/// Tokens kept in each half of a part: 16 × 2 × 1024 at most, some 20 MB when all are in use.
const HALF: usize = 1024;
/// For how long a token is not verified again, so that a withdrawn key stops working soon.
const MAX_AGE: Duration = Duration::from_mins(5);

/// What a verified token said.
#[derive(Debug)]
pub(crate) struct Known {
    pub principal: Arc<Principal>,
    pub confirmation: Option<Confirmation>,
    pub origin: Origin,
    pub expires_at: Timestamp,
    pub verified_at: Timestamp,
}

impl Known {
    fn is_stale(&self, now: Timestamp) -> bool {
        // A clock that was set back makes an entry stale too.
        self.expires_at <= now || self.verified_at + MAX_AGE <= now || now < self.verified_at
    }
}

type Digest = [u8; 32];

/// The younger half takes what is new; when it is full it becomes the older one, and the older one goes. An entry of
/// the older half that is used moves back: the least recently used go first, without a list to maintain.
#[derive(Default)]
struct Shard {
    young: HashMap<Digest, Arc<Known>>,
    old: HashMap<Digest, Arc<Known>>,
}

impl Shard {
    fn insert(&mut self, digest: Digest, known: Arc<Known>) {
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, known);
    }
}

/// The verified tokens of one service.
#[derive(Default)]
pub(crate) struct KnownTokens {
    shards: [Mutex<Shard>; SHARDS],
}

impl KnownTokens {
    /// The name of a token here: the token itself is not kept.
    pub fn digest(token: &str) -> Digest {
        digest::sha256(token)
    }

    pub fn find(&self, digest: &Digest, now: Timestamp) -> Option<Arc<Known>> {
        let mut shard = self.shard(digest).lock();
        if let Some(known) = shard.young.get(digest) {
            let known = known.clone();
            if known.is_stale(now) {
                shard.young.remove(digest);
                return None;
            }
            return Some(known);
        }
        let known = shard.old.remove(digest).filter(|known| !known.is_stale(now))?;
        shard.insert(*digest, known.clone());
        Some(known)
    }

    pub fn insert(&self, digest: Digest, known: Arc<Known>) {
        self.shard(&digest).lock().insert(digest, known);
    }

    fn shard(&self, digest: &Digest) -> &Mutex<Shard> {
        &self.shards[usize::from(digest[0]) % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use hygie_core::{ObjectId, PrincipalKind, TenantId};
    use uuid::Uuid;

    use super::*;

    fn known(verified_at: i64, expires_at: i64) -> Arc<Known> {
        let (tenant, subject) = (TenantId::from_uuid(Uuid::nil()), ObjectId::from_uuid(Uuid::nil()));
        Arc::new(Known {
            principal: Arc::new(Principal {
                issuer: String::new(),
                tenant,
                subject,
                kind: PrincipalKind::App,
                app: None,
                groups: Vec::new(),
                app_roles: Vec::new(),
                scopes: Vec::new(),
                session: None,
                professional: None,
            }),
            confirmation: None,
            origin: Origin {
                tenant,
                subject,
                session: None,
                issued_at: None,
                rh: None,
            },
            expires_at: Timestamp::from_secs(expires_at),
            verified_at: Timestamp::from_secs(verified_at),
        })
    }

    fn is_known(tokens: &KnownTokens, token: &str, now: i64) -> bool {
        tokens
            .find(&KnownTokens::digest(token), Timestamp::from_secs(now))
            .is_some()
    }

    #[test]
    fn entries_end_with_their_token_and_are_verified_again() {
        let tokens = KnownTokens::default();
        for (expires_at, now, expected) in [
            (1100, 1000, true),
            (1100, 1099, true),
            (1100, 1100, false),
            (9000, 1299, true),
            (9000, 1300, false),
            (9000, 999, false),
        ] {
            tokens.insert(KnownTokens::digest("t"), known(1000, expires_at));
            assert_eq!(
                is_known(&tokens, "t", now),
                expected,
                "expires at {expires_at}, now {now}"
            );
        }
    }

    #[test]
    fn bounded_and_keeps_what_is_used() {
        let tokens = KnownTokens::default();
        tokens.insert(KnownTokens::digest("used"), known(0, 100));
        for n in 0..SHARDS * HALF * 6 {
            tokens.insert(KnownTokens::digest(&n.to_string()), known(0, 100));
            assert!(is_known(&tokens, "used", 1), "after {n} others");
        }
        assert!(!is_known(&tokens, "0", 1));
        let kept = |shard: &Mutex<Shard>| {
            let shard = shard.lock();
            shard.young.len() + shard.old.len()
        };
        let kept: usize = tokens.shards.iter().map(kept).sum();
        assert!(kept <= SHARDS * HALF * 2, "{kept} kept");
    }
}
