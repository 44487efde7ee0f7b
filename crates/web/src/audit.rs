//! What a handler tells the audit layer about its request, and the counting of what unknown callers were refused or
//! failed at.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use axum::response::{IntoResponseParts, ResponseParts};
use hygie_core::{Principal, RequestId, TenantId, Timestamp};
use hygie_store::audit::{Actor, Outcome, Record};
use parking_lot::Mutex;

/// What was done, to what; put beside a response (`(note, Json(body))`), or given to [`crate::Asked::note`] before the
/// work so that a failure names it too. Outcome and actor are the layer's to know.
#[derive(Clone, Debug)]
pub struct Note {
    /// What: `fhir.read`, `idp.signin`…
    pub action: Cow<'static, str>,
    /// To what, by type and id; never search text.
    pub object: String,
    /// Why it was refused or failed, when the code of the error does not say it.
    pub reason: Option<Cow<'static, str>>,
    /// How it ended, when the status does not say it (a sign-in page that says "wrong password" is a 200 or a 400).
    pub outcome: Option<Outcome>,
    /// Who, when no principal was established by a bearer token (the person who signed in).
    pub actor: Option<Actor>,
    /// The transaction recorded it already.
    pub recorded: bool,
}

impl Note {
    /// Done to this object.
    pub fn new(action: impl Into<Cow<'static, str>>, object: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            object: object.into(),
            reason: None,
            outcome: None,
            actor: None,
            recorded: false,
        }
    }

    /// Recorded in the transaction of its effect: the layer adds nothing.
    pub fn recorded() -> Self {
        Self {
            recorded: true,
            ..Self::new("", "")
        }
    }

    /// Refused, for this reason.
    #[must_use]
    pub fn refused(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.outcome = Some(Outcome::Refused);
        self.reason = Some(reason.into());
        self
    }

    /// By this principal.
    #[must_use]
    pub fn by(mut self, principal: &Principal) -> Self {
        self.actor = Some(Actor::from(principal));
        self
    }
}

impl IntoResponseParts for Note {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        parts.extensions_mut().insert(self);
        Ok(parts)
    }
}

/// Refusals and failures of callers without identity, counted by address, action and reason, and given out as one record
/// each per interval: whoever knocks a million times costs a few records, in memory and on disk.
pub(crate) struct Refusals {
    interval: Duration,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    since: Option<Timestamp>,
    by: HashMap<Key, Repeated>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    client: Option<IpAddr>,
    action: Cow<'static, str>,
    outcome: Outcome,
    reason: Cow<'static, str>,
}

struct Repeated {
    first: Timestamp,
    request: RequestId,
    tenant: TenantId,
    times: u32,
}

/// Distinct keys kept in an interval; beyond it, one common count without address.
const KEYS: usize = 4096;

impl Refusals {
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            counted: Mutex::default(),
        }
    }

    /// Counts this refusal or failure; its object is dropped, since it is what an unknown caller typed.
    pub fn count(&self, record: Record) {
        let mut counted = self.counted.lock();
        counted.since.get_or_insert(record.at);
        let mut key = Key {
            client: record.client.map(network),
            action: record.action,
            outcome: record.outcome,
            reason: record.reason.unwrap_or(Cow::Borrowed("refused")),
        };
        if counted.by.len() >= KEYS && !counted.by.contains_key(&key) {
            key = Key {
                client: None,
                action: Cow::Borrowed("refusals.overflow"),
                outcome: Outcome::Refused,
                reason: Cow::Borrowed("too-many-addresses"),
            };
        }
        let entry = counted.by.entry(key).or_insert(Repeated {
            first: record.at,
            request: record.request,
            tenant: record.tenant,
            times: 0,
        });
        entry.times = entry.times.saturating_add(record.count);
    }

    /// The records of a past interval, once; nothing before it ends.
    pub fn due(&self, now: Timestamp) -> Vec<Record> {
        let mut counted = self.counted.lock();
        match counted.since {
            Some(since) if now.since(since) >= self.interval => take(&mut counted),
            _ => Vec::new(),
        }
    }

    /// All that is counted, at the stop of the program.
    pub fn rest(&self) -> Vec<Record> {
        take(&mut self.counted.lock())
    }
}

fn take(counted: &mut Counted) -> Vec<Record> {
    counted.since = None;
    let record = |(key, repeated): (Key, Repeated)| Record {
        at: repeated.first,
        request: repeated.request,
        tenant: repeated.tenant,
        actor: None,
        client: key.client,
        action: key.action,
        object: String::new(),
        outcome: key.outcome,
        reason: Some(key.reason),
        count: repeated.times,
    };
    counted.by.drain().map(record).collect()
}

/// One IPv6 subscriber has a whole /64: it is one address here.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_none() => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        other => other.to_canonical(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(address: &str, at: i64) -> Record {
        Record {
            at: Timestamp::from_secs(at),
            request: RequestId::from_uuid(uuid::Uuid::nil()),
            tenant: TenantId::from_uuid(uuid::Uuid::nil()),
            actor: None,
            client: address.parse().ok(),
            action: "fhir.read".into(),
            object: "Patient/1".to_owned(),
            outcome: Outcome::Refused,
            reason: Some("token-expired".into()),
            count: 1,
        }
    }

    #[test]
    fn a_flood_becomes_one_record_per_address_and_interval() {
        let refusals = Refusals::new(Duration::from_mins(1));
        for n in 0..1000 {
            refusals.count(refusal("192.0.2.1", n / 100));
            refusals.count(refusal(&format!("2001:db8::{n:x}"), n / 100));
        }
        assert!(refusals.due(Timestamp::from_secs(59)).is_empty());
        let mut records = refusals.due(Timestamp::from_secs(60));
        records.sort_by_key(|record| record.client);
        assert_eq!(records.len(), 2);
        for record in &records {
            assert_eq!((record.count, record.object.as_str()), (1000, ""));
        }
        assert_eq!(records[1].client, "2001:db8::".parse().ok());
        assert!(refusals.due(Timestamp::from_secs(1000)).is_empty());
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost() {
        let refusals = Refusals::new(Duration::from_mins(1));
        for n in 0..10_000_u32 {
            refusals.count(refusal(&std::net::Ipv4Addr::from(n).to_string(), 0));
        }
        let records = refusals.rest();
        assert_eq!(records.len(), KEYS + 1);
        assert_eq!(records.iter().map(|record| record.count).sum::<u32>(), 10_000);
        assert!(refusals.rest().is_empty());
    }
}
