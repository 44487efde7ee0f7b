//! The registration campaign: whom it asks to register a passkey, and how often they may put it off.
//! <https://learn.microsoft.com/entra/identity/authentication/how-to-mfa-registration-campaign>

use std::collections::BTreeSet;
use std::time::Duration;

use hygie_core::{SessionId, Timestamp};

use super::{AdvancedState, Broken, Campaign, MethodsPolicy, Person, few, names};

/// For so many days somebody may put it off at most.
const MAX_SNOOZE: u32 = 14;
/// And so often, where they must in the end.
const SNOOZES: u32 = 3;
/// The method that a campaign can be for.
const PASSKEYS: &str = "fido2";

/// What somebody did about it so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutOff {
    /// How often they put it off.
    pub times: u32,
    /// When, the last time.
    pub at: Timestamp,
    /// In which session.
    pub session: SessionId,
}

/// What somebody is told who should register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nudge {
    /// That they may put it off.
    MayWait,
    /// That they go on with a passkey only.
    Must,
}

impl MethodsPolicy {
    /// The campaign, where it goes on. What Entra ID itself would decide (`default`) is that it does not.
    pub fn campaign(&self) -> Option<&Campaign> {
        let campaign = self.registration.as_ref()?.campaign.as_ref()?;
        (campaign.state == AdvancedState::Enabled).then_some(campaign)
    }
}

impl Campaign {
    /// Whether it is for this person.
    pub fn is_for(&self, person: Person<'_>) -> bool {
        let mut included = self.include_targets.iter();
        let mut excluded = self.exclude_targets.iter();
        included.any(|target| names(target.id, target.kind, person)) && !excluded.any(|target| target.names(person))
    }

    /// What somebody for whom it is, and who has no passkey, is told in this session; nothing while it is put off.
    pub fn nudges(&self, past: Option<PutOff>, session: SessionId, now: Timestamp) -> Option<Nudge> {
        let Some(past) = past else { return Some(Nudge::MayWait) };
        let days = u64::from(self.snooze.unwrap_or_default());
        let is_put_off = past.session == session || now < past.at + Duration::from_hours(24 * days);
        if is_put_off {
            return None;
        }
        let must = self.is_enforced != Some(false) && past.times >= SNOOZES;
        Some(if must { Nudge::Must } else { Nudge::MayWait })
    }

    /// Whether it may be kept.
    pub(super) fn check(&self) -> Result<(), Broken> {
        few(self.include_targets.len(), "includeTargets")?;
        few(self.exclude_targets.len(), "excludeTargets")?;
        if self.snooze.is_some_and(|days| days > MAX_SNOOZE) {
            return Err(Broken::Bounds("snoozeDurationInDays", 0, MAX_SNOOZE));
        }
        let methods: BTreeSet<&str> = self
            .include_targets
            .iter()
            .filter_map(|target| target.method.as_deref())
            .collect();
        super::check::bounded_all(methods.iter().copied(), "targetedAuthenticationMethod")?;
        let is_on = self.state == AdvancedState::Enabled;
        let is_for_passkeys = self
            .include_targets
            .iter()
            .all(|target| target.method.as_deref() == Some(PASSKEYS));
        if is_on && (!is_for_passkeys || self.include_targets.is_empty()) {
            return Err(Broken::Campaign);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hygie_core::{GroupId, ObjectId};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn campaign(change: &serde_json::Value) -> Result<MethodsPolicy, String> {
        let whole = json!({ "registrationEnforcement": { "authenticationMethodsRegistrationCampaign": change } });
        let policy = MethodsPolicy::initial()
            .patched(&whole)
            .map_err(|error| error.to_string())?;
        policy.check().map_err(|error| error.to_string())?;
        Ok(policy)
    }

    fn target(id: &str, kind: &str) -> serde_json::Value {
        json!({ "id": id, "targetType": kind, "targetedAuthenticationMethod": "fido2" })
    }

    #[test]
    fn what_a_campaign_may_be() {
        for (change, expected) in [
            (
                json!({ "state": "enabled", "includeTargets": [target("all_users", "group")] }),
                None,
            ),
            (json!({ "state": "enabled" }), Some("a registration campaign")),
            (json!({ "state": "default" }), None),
            (json!({ "snoozeDurationInDays": 14 }), None),
            (
                json!({ "snoozeDurationInDays": 15 }),
                Some("snoozeDurationInDays must be from 0 to 14"),
            ),
            (
                json!({ "state": "enabled", "includeTargets": [{
                    "id": "all_users", "targetType": "group",
                    "targetedAuthenticationMethod": "microsoftAuthenticator" }] }),
                Some("a registration campaign"),
            ),
            (
                json!({ "state": "enabled", "includeTargets": [{ "id": "all_users", "targetType": "group" }] }),
                Some("a registration campaign"),
            ),
            (json!({ "state": "on" }), Some("state: \"on\" is not one of its values")),
        ] {
            let refused = campaign(&change).err();
            match expected {
                None => assert_eq!(refused, None, "{change}"),
                Some(why) => assert!(
                    refused.clone().is_some_and(|text| text.contains(why)),
                    "{change}: {refused:?}"
                ),
            }
        }
    }

    #[test]
    fn whom_it_is_for() {
        let group = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0007";
        let nurse: ObjectId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001".parse().unwrap();
        let policy = campaign(&json!({
            "state": "enabled", "includeTargets": [target(group, "group")],
            "excludeTargets": [{ "id": nurse.to_string(), "targetType": "user" }],
        }))
        .unwrap();
        let campaign = policy.campaign().unwrap();
        let groups = BTreeSet::from([group.parse::<GroupId>().unwrap()]);
        let other = ObjectId::from_uuid(Uuid::from_u128(9));
        for (id, groups, expected) in [
            (other, &groups, true),
            (nurse, &groups, false),
            (other, &BTreeSet::new(), false),
        ] {
            assert_eq!(campaign.is_for(Person { id, groups }), expected, "{id}");
        }
        assert_eq!(MethodsPolicy::initial().campaign(), None);
    }

    #[test]
    fn it_may_be_put_off_three_times() {
        let days = |days: u64| Timestamp::from_secs(1_000) + Duration::from_hours(24 * days);
        let sessions = [1, 2].map(|n| SessionId::from_uuid(Uuid::from_u128(n)));
        let put_off = |times| {
            Some(PutOff {
                times,
                at: days(0),
                session: sessions[0],
            })
        };
        for (enforced, snooze, past, session, now, expected) in [
            (true, 1, None, sessions[0], days(0), Some(Nudge::MayWait)),
            (true, 1, put_off(1), sessions[1], days(0), None),
            (true, 1, put_off(1), sessions[1], days(1), Some(Nudge::MayWait)),
            (true, 0, put_off(1), sessions[0], days(0), None),
            (true, 0, put_off(1), sessions[1], days(0), Some(Nudge::MayWait)),
            (true, 1, put_off(3), sessions[1], days(0), None),
            (true, 1, put_off(3), sessions[1], days(1), Some(Nudge::Must)),
            (false, 1, put_off(9), sessions[1], days(1), Some(Nudge::MayWait)),
        ] {
            let policy = campaign(&json!({
                "state": "enabled", "snoozeDurationInDays": snooze,
                "enforceRegistrationAfterAllowedSnoozes": enforced,
                "includeTargets": [target("all_users", "group")],
            }))
            .unwrap();
            let found = policy.campaign().unwrap().nudges(past, session, now);
            assert_eq!(found, expected, "{enforced} {snooze} {past:?} {now:?}");
        }
    }
}
