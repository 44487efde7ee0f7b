//! Risk as others tell it: of a person, as Graph v1.0 shows it (`riskyUser`), and of sign-ins, which an outside detector
//! supplies [ours]. Nothing here measures risk.
//! <https://learn.microsoft.com/graph/api/resources/riskyuser>

use std::net::IpAddr;

use hygie_core::{ObjectId, Timestamp};

use crate::check::Broken;
use crate::json::{record, vocabulary};
use crate::location::Cidr;
use crate::policy::RiskLevel;

/// People or ranges of one supplied risk.
pub const MAX_RISK_ITEMS: usize = 1_000;
/// Days that a supplied risk lasts at most: a detector says again what is still so.
pub const MAX_RISK_DAYS: u64 = 90;
/// Signs of the kind of event.
const MAX_EVENT_TYPE: usize = 64;

vocabulary! {
    /// How the risk of a person stands.
    RiskState {
        /// There was none.
        None = "none",
        /// It is there.
        AtRisk = "atRisk",
        /// An administrator said that it is so.
        ConfirmedCompromised = "confirmedCompromised",
        /// The person took it away.
        Remediated = "remediated",
        /// An administrator said that it is not so.
        Dismissed = "dismissed",
        /// An administrator looked, and said that the account is its owner's.
        ConfirmedSafe = "confirmedSafe",
    }
    /// Why it stands so.
    RiskDetail {
        None = "none",
        UserPerformedSecuredPasswordChange = "userPerformedSecuredPasswordChange",
        AdminDismissedAllRiskForUser = "adminDismissedAllRiskForUser",
        AdminConfirmedUserCompromised = "adminConfirmedUserCompromised",
        AdminConfirmedAccountSafe = "adminConfirmedAccountSafe",
        AdminDismissedAllRiskForServicePrincipal = "adminDismissedAllRiskForServicePrincipal",
        AdminConfirmedServicePrincipalCompromised = "adminConfirmedServicePrincipalCompromised",
    }
}

/// The risk of a person, or of a service principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserRisk {
    /// How likely somebody else acts for them.
    pub level: RiskLevel,
    /// How it stands.
    pub state: RiskState,
    /// Why.
    pub detail: RiskDetail,
    /// Since when.
    pub updated_at: Timestamp,
}

impl UserRisk {
    /// An administrator said that somebody else has the account.
    pub const fn compromised(at: Timestamp) -> Self {
        Self {
            level: RiskLevel::High,
            state: RiskState::ConfirmedCompromised,
            detail: RiskDetail::AdminConfirmedUserCompromised,
            updated_at: at,
        }
    }

    /// An administrator said that nothing is wrong.
    pub const fn dismissed(at: Timestamp) -> Self {
        Self {
            level: RiskLevel::None,
            state: RiskState::Dismissed,
            detail: RiskDetail::AdminDismissedAllRiskForUser,
            updated_at: at,
        }
    }

    /// The same, said of a service principal.
    #[must_use]
    pub const fn of_principal(self) -> Self {
        let detail = match self.detail {
            RiskDetail::AdminConfirmedUserCompromised => RiskDetail::AdminConfirmedServicePrincipalCompromised,
            RiskDetail::AdminDismissedAllRiskForUser => RiskDetail::AdminDismissedAllRiskForServicePrincipal,
            other => other,
        };
        Self { detail, ..self }
    }

    /// An administrator said that the account is its owner's.
    pub const fn safe(at: Timestamp) -> Self {
        Self {
            level: RiskLevel::None,
            state: RiskState::ConfirmedSafe,
            detail: RiskDetail::AdminConfirmedAccountSafe,
            updated_at: at,
        }
    }

    /// The person proved who they are by more than a password, and changed it.
    pub const fn remediated(at: Timestamp) -> Self {
        Self {
            level: RiskLevel::None,
            state: RiskState::Remediated,
            detail: RiskDetail::UserPerformedSecuredPasswordChange,
            updated_at: at,
        }
    }

    /// What a detector says beside what is known: it never lowers what an administrator or an earlier report said.
    pub fn reported(before: Option<Self>, level: RiskLevel, at: Timestamp) -> Self {
        match before {
            Some(before) if rank(before.level) >= rank(level) => before,
            _ => Self {
                level,
                state: RiskState::AtRisk,
                detail: RiskDetail::None,
                updated_at: at,
            },
        }
    }

    /// Whether it is there.
    pub fn is_there(&self) -> bool {
        is_risk(self.level)
    }
}

/// Whether a level says that there is risk.
pub const fn is_risk(level: RiskLevel) -> bool {
    rank(level) > 0
}

/// How much it is; a level that is hidden says nothing.
const fn rank(level: RiskLevel) -> u8 {
    match level {
        RiskLevel::None | RiskLevel::Hidden => 0,
        RiskLevel::Low => 1,
        RiskLevel::Medium => 2,
        RiskLevel::High => 3,
    }
}

record! {
    /// A risk of sign-ins that a detector supplies: of these people, from these addresses, or of both where both are named.
    SuppliedRisk {
        /// Given by the service.
        id: Option<String> = "id",
        /// How likely somebody else acts.
        level: RiskLevel = "riskLevel",
        /// What was seen, in a word such as `unlikelyTravel`; unset is `generic`.
        event_type: Option<String> = "riskEventType",
        /// Of whom; of everybody where none is named.
        users: Vec<ObjectId> = "userIds",
        /// From where; from anywhere where none is named.
        ranges: Vec<Cidr> = "ipRanges",
        /// Until when.
        ends_at: Timestamp = "endDateTime",
        /// In words, for people.
        description: Option<String> = "description",
        /// Given by the service.
        created_at: Option<Timestamp> = "createdDateTime",
    }
}

impl SuppliedRisk {
    /// Whether it may be kept.
    pub fn check(&self, now: Timestamp) -> Result<(), Broken> {
        let require = |holds: bool, broken| if holds { Ok(()) } else { Err(broken) };
        require(is_risk(self.level), Broken::RiskLevel)?;
        require(
            !self.users.is_empty() || !self.ranges.is_empty(),
            Broken::Empty("userIds or ipRanges"),
        )?;
        require(
            self.users.len() <= MAX_RISK_ITEMS,
            Broken::TooMany("userIds", MAX_RISK_ITEMS),
        )?;
        require(
            self.ranges.len() <= MAX_RISK_ITEMS,
            Broken::TooMany("ipRanges", MAX_RISK_ITEMS),
        )?;
        let is_word = |word: &String| {
            let is_sign = |sign: char| sign.is_ascii_alphanumeric();
            (1..=MAX_EVENT_TYPE).contains(&word.len()) && word.chars().all(is_sign)
        };
        require(self.event_type.as_ref().is_none_or(is_word), Broken::RiskEventType)?;
        let is_short = |text: &String| text.chars().count() <= crate::check::MAX_DESCRIPTION;
        require(self.description.as_ref().is_none_or(is_short), Broken::Description)?;
        let last = now + std::time::Duration::from_hours(24 * MAX_RISK_DAYS);
        require(now < self.ends_at && self.ends_at <= last, Broken::RiskEnd)
    }

    /// Whether it is of a sign-in of this person from this address.
    fn is_of(&self, user: ObjectId, address: Option<IpAddr>, now: Timestamp) -> bool {
        let is_from = |address: IpAddr| self.ranges.iter().any(|range| range.contains(address));
        now < self.ends_at
            && (self.users.is_empty() || self.users.contains(&user))
            && (self.ranges.is_empty() || address.is_some_and(is_from))
    }

    /// What was seen.
    pub fn event(&self) -> &str {
        self.event_type.as_deref().unwrap_or("generic")
    }
}

/// The risk of a sign-in, and what was seen of it: the highest of what was supplied.
pub fn of_sign_in(
    supplied: &[SuppliedRisk],
    (user, address): (ObjectId, Option<IpAddr>),
    now: Timestamp,
) -> (RiskLevel, Vec<String>) {
    let mut level = RiskLevel::None;
    let mut events: Vec<String> = Vec::new();
    for risk in supplied.iter().filter(|risk| risk.is_of(user, address, now)) {
        if rank(risk.level) > rank(level) {
            level = risk.level;
        }
        if !events.iter().any(|known| known == risk.event()) {
            events.push(risk.event().to_owned());
        }
    }
    (level, events)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::json::read;

    const NOW: i64 = 1_795_000_000;

    fn user(n: u128) -> ObjectId {
        ObjectId::from_uuid(Uuid::from_u128(n))
    }

    fn supplied(more: &Value) -> SuppliedRisk {
        let mut document = json!({ "riskLevel": "medium", "endDateTime": "2026-11-19T00:00:00Z" });
        for (name, value) in more.as_object().unwrap() {
            document[name] = value.clone();
        }
        read(&document).unwrap_or_else(|error| panic!("{error}"))
    }

    fn range(text: &str) -> Value {
        json!([{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": text }])
    }

    #[test]
    fn the_highest_risk_of_whom_and_from_where() {
        let now = Timestamp::from_secs(NOW);
        let all = [
            supplied(&json!({ "ipRanges": range("198.51.100.0/24"), "riskLevel": "low" })),
            supplied(&json!({ "userIds": [user(1)], "riskEventType": "leakedCredentials" })),
            supplied(&json!({ "userIds": [user(2)], "ipRanges": range("198.51.100.0/24"), "riskLevel": "high" })),
        ];
        for (who, address, level, events) in [
            (1, "192.0.2.1", RiskLevel::Medium, vec!["leakedCredentials"]),
            (
                1,
                "198.51.100.9",
                RiskLevel::Medium,
                vec!["generic", "leakedCredentials"],
            ),
            (2, "192.0.2.1", RiskLevel::None, vec![]),
            (2, "198.51.100.9", RiskLevel::High, vec!["generic"]),
            (3, "::ffff:198.51.100.9", RiskLevel::Low, vec!["generic"]),
            (3, "192.0.2.1", RiskLevel::None, vec![]),
        ] {
            let address = Some(address.parse().unwrap());
            let found = of_sign_in(&all, (user(who), address), now);
            assert_eq!(
                (found.0, found.1.iter().map(String::as_str).collect()),
                (level, events),
                "{who} {address:?}"
            );
        }
        assert_eq!(of_sign_in(&all, (user(3), None), now).0, RiskLevel::None);
        let late = all[1].ends_at;
        assert_eq!(
            of_sign_in(&all, (user(1), None), late).0,
            RiskLevel::None,
            "it has ended"
        );
    }

    #[test]
    fn what_may_not_be_supplied() {
        let now = Timestamp::from_secs(NOW);
        let usual = || json!({ "userIds": [user(1)] });
        assert_eq!(supplied(&usual()).check(now), Ok(()));
        for (more, broken) in [
            (json!({}), Broken::Empty("userIds or ipRanges")),
            (json!({ "userIds": [user(1)], "riskLevel": "none" }), Broken::RiskLevel),
            (
                json!({ "userIds": [user(1)], "riskLevel": "hidden" }),
                Broken::RiskLevel,
            ),
            (
                json!({ "userIds": [user(1)], "riskEventType": "two words" }),
                Broken::RiskEventType,
            ),
            (
                json!({ "userIds": vec![user(1); 1_001] }),
                Broken::TooMany("userIds", 1_000),
            ),
            (
                json!({ "userIds": [user(1)], "endDateTime": "2026-11-18T00:00:00Z" }),
                Broken::RiskEnd,
            ),
            (
                json!({ "userIds": [user(1)], "endDateTime": "2027-11-18T00:00:00Z" }),
                Broken::RiskEnd,
            ),
        ] {
            assert_eq!(supplied(&more).check(now), Err(broken), "{more}");
        }
    }

    #[test]
    fn a_report_lowers_nothing() {
        let (now, later) = (Timestamp::from_secs(NOW), Timestamp::from_secs(NOW + 9));
        let compromised = UserRisk::compromised(now);
        assert_eq!(
            UserRisk::reported(Some(compromised), RiskLevel::High, later),
            compromised
        );
        let low = UserRisk::reported(Some(UserRisk::dismissed(now)), RiskLevel::Low, later);
        assert_eq!(
            (low.level, low.state, low.updated_at),
            (RiskLevel::Low, RiskState::AtRisk, later)
        );
        assert_eq!(
            UserRisk::reported(Some(low), RiskLevel::Medium, later).level,
            RiskLevel::Medium
        );
    }
}
