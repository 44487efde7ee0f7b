//! The logs of a tenant: sign-ins, changes of the directory, and alerts. One table keeps them, one query reads them, and each
//! entry leaves by the outbox where somebody follows.
//! <https://learn.microsoft.com/graph/api/resources/azure-ad-auditlog-overview>
//!
//! - [`change`](self::ChangeEntry): what changed in the directory, with the values of before and after.
//! - `scribe`: writes the log of changes as changes are recorded, in their transactions.
//! - `subject`: the objects that changes are of, and how they are seen before and after.
//! - `activity`: what a recorded action is called.
//! - [`alert`](self::Alert): what somebody should look at.

mod activities;
mod activity;
mod alert;
mod change;
mod event;
mod report;
mod scribe;
mod subject;

use hygie_core::{Cx, Timestamp, random_array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

pub use alert::{Alert, AlertKind};
pub use change::{AppInitiator, ChangeEntry, ChangeTarget, Initiator, KeyValue, ModifiedProperty, UserInitiator};
pub use event::LOGS;
pub(crate) use event::event;
pub use report::{GapGroup, GapReport};
pub use scribe::ChangeScribe;
pub use subject::TOKEN_LIFETIME_POLICY;
pub(crate) use subject::{Subject, seen};

use crate::repo::first_id;

/// A log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// `signIns`
    SignIns,
    /// `directoryAudits`
    Changes,
    /// Alerts.
    Alerts,
    /// `signIns` of applications by themselves.
    AppSignIns,
}

impl Log {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::SignIns, Self::Changes, Self::Alerts, Self::AppSignIns];

    /// In the table.
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::SignIns => 1,
            Self::Changes => 2,
            Self::Alerts => 3,
            Self::AppSignIns => 4,
        }
    }
}

/// An entry of a log.
pub trait LogEntry: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Which log.
    const LOG: Log;

    /// Its id, which begins with its instant ([`new_id`]).
    fn id(&self) -> Uuid;

    /// When.
    fn at(&self) -> Timestamp;

    /// What it is found by: [`mark`]s.
    fn marks(&self) -> Vec<String>;

    /// What those who follow the log know its kind by, as Azure Monitor names them (`SignInLogs`).
    fn category(&self) -> &'static str;

    /// What happened, in words.
    fn operation(&self) -> &str;

    /// As the directory API shows it.
    fn shown(&self) -> Map<String, Value>;
}

/// An id for an entry of now; younger entries have greater ones.
pub fn new_id(cx: &Cx) -> Uuid {
    let millis = u64::try_from(cx.now.millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &random_array(&*cx.random)).into_uuid()
}

/// What an entry is found by: a property as filters name it (`initiatedBy/user/id`), and its value whatever its case.
pub fn mark(property: &str, value: &str) -> String {
    format!("{property}={}", value.to_lowercase())
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Those after this one in the order asked for; from the first without.
    pub after: Option<Uuid>,
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
    /// With this [`mark`].
    pub mark: Option<String>,
    /// The oldest first; the latest without.
    pub is_oldest_first: bool,
    /// Entries at most.
    pub limit: u32,
}

impl LogQuery {
    /// The ids of the entries: from the first, before the second.
    pub(crate) fn range(&self) -> ([u8; 16], [u8; 16]) {
        let mut from = self.from.map_or([0; 16], first_id);
        let mut to = self.until.map_or([0xff; 16], first_id);
        match self.after {
            Some(id) if self.is_oldest_first => from = from.max(next(id)),
            Some(id) => to = to.min(*id.as_bytes()),
            None => {}
        }
        (from, to)
    }
}

/// The id after this one.
fn next(id: Uuid) -> [u8; 16] {
    id.as_u128().saturating_add(1).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_where_the_last_one_ended() {
        let at = Timestamp::from_millis;
        let id = Uuid::from_u128(7 << 80 | 5);
        let between = |query: LogQuery| {
            let (from, to) = query.range();
            (u128::from_be_bytes(from), u128::from_be_bytes(to))
        };
        let query = LogQuery {
            from: Some(at(3)),
            until: Some(at(9)),
            ..LogQuery::default()
        };
        assert_eq!(between(query.clone()), (3 << 80, 9 << 80));
        let after = LogQuery {
            after: Some(id),
            ..query
        };
        assert_eq!(between(after.clone()), (3 << 80, id.as_u128()));
        let rising = LogQuery {
            is_oldest_first: true,
            ..after
        };
        assert_eq!(between(rising), (id.as_u128() + 1, 9 << 80));
        assert_eq!(between(LogQuery::default()), (0, u128::MAX));
    }
}
