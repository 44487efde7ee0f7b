//! To what people may consent by themselves, and who may invite guests: the authorization policy of a tenant.
//! <https://learn.microsoft.com/graph/api/resources/authorizationpolicy>,
//! <https://learn.microsoft.com/entra/identity/enterprise-apps/manage-app-consent-policies>
//!
//! # Deviations
//!
//! - A new tenant lets people consent to permissions of low impact only, none of which is named as such at first, and lets
//!   administrators and guest inviters invite. Entra ID is wider in both.
//! - Members that say what is never so here have one value, and another one is refused: nobody registers applications
//!   or makes tenants by being a user, and a guest sees nobody but themselves.

use std::time::Duration;

use serde_json::{Value, json};

use crate::Patch;
use crate::check::Broken;
use crate::json::{At, Member, Members, ReadError, Wrong, record, vocabulary};

/// Its id, the same in every tenant.
pub const AUTHORIZATION_POLICY: &str = "authorizationPolicy";
/// What goes before the id of a policy under which people consent for themselves.
const FOR_SELF: &str = "ManagePermissionGrantsForSelf.";
/// The role of guests: they see nobody but themselves.
const RESTRICTED_GUEST: &str = "2af84b1e-32c8-42b7-82bc-daa82404023b";

vocabulary! {
    /// Who may invite guests.
    InvitesFrom {
        Nobody = "none",
        AdministratorsAndInviters = "adminsAndGuestInviters",
        Members = "adminsGuestInvitersAndAllMembers",
        Everyone = "everyone",
    }

    /// The permission grant policies that are there from the beginning, and can be given to everybody.
    GrantPolicy {
        Low = "microsoft-user-default-low",
        Legacy = "microsoft-user-default-legacy",
    }
}

/// What everybody in a tenant may do without a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationPolicy {
    /// Who may invite guests.
    pub invites_from: InvitesFrom,
    /// Under which policies people consent for themselves; none: they cannot.
    pub self_consent: Vec<GrantPolicy>,
}

record! {
    /// Whether who cannot consent may ask administrators (`adminConsentRequestPolicy`).
    ConsentRequestPolicy {
        /// Whether they may.
        is_enabled: bool = "isEnabled",
        /// Whether those who decide are told of a request by mail.
        tells_reviewers: bool = "notifyReviewers",
        /// How long a request waits.
        days: u32 = "requestDurationInDays",
    }
}

impl Default for ConsentRequestPolicy {
    fn default() -> Self {
        Self {
            is_enabled: false,
            tells_reviewers: true,
            days: 30,
        }
    }
}

impl Patch for ConsentRequestPolicy {
    const READ_ONLY: &'static [&'static str] = &[];
}

impl ConsentRequestPolicy {
    /// Whether it may be kept.
    pub fn check(&self) -> Result<(), Broken> {
        if (1..=60).contains(&self.days) {
            Ok(())
        } else {
            Err(Broken::RequestDuration)
        }
    }

    /// How long a request waits.
    pub const fn duration(&self) -> Duration {
        Duration::from_secs(self.days as u64 * 24 * 3_600)
    }
}

/// The application that wants permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Whether it is registered in the tenant itself.
    pub is_own: bool,
    /// Whether its publisher is verified.
    pub is_verified: bool,
}

/// A delegated permission that it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whether only administrators can grant it.
    pub is_for_administrators: bool,
    /// Whether the tenant classified it as of low impact.
    pub is_low: bool,
}

impl Default for AuthorizationPolicy {
    fn default() -> Self {
        Self {
            invites_from: InvitesFrom::AdministratorsAndInviters,
            self_consent: vec![GrantPolicy::Low],
        }
    }
}

impl GrantPolicy {
    /// Whether it covers this permission for this client.
    fn covers(self, client: Client, wanted: Wanted) -> bool {
        match self {
            Self::Low => wanted.is_low && (client.is_own || client.is_verified),
            Self::Legacy => true,
        }
    }

    /// As the directory API shows it; `tenant` is that of the policy.
    pub fn to_json(self, tenant: &str) -> Value {
        let set = |id: &str, (kind, classification): (&str, &str), tenants: &str, is_verified: bool| {
            json!({
                "id": id,
                "permissionClassification": classification,
                "permissionType": kind,
                "resourceApplication": "any",
                "permissions": ["all"],
                "clientApplicationIds": ["all"],
                "clientApplicationTenantIds": [tenants],
                "clientApplicationPublisherIds": ["all"],
                "clientApplicationsFromVerifiedPublisherOnly": is_verified,
            })
        };
        let low = ("delegated", "low");
        let (name, description, includes) = match self {
            Self::Low => (
                "Default user low risk policy",
                "Permissions of low impact, for applications of verified publishers and of this tenant.",
                vec![
                    set("cb1ba48f-d22b-4325-a07f-74135a62ee41", low, "all", true),
                    set("afa16c8e-dae9-4cd5-a5c1-b1ca9e7e5f3b", low, tenant, false),
                ],
            ),
            Self::Legacy => (
                "Default user legacy policy",
                "All delegated permissions that need no administrator, for all applications.",
                vec![set(
                    "1a4b6a39-6b0c-4c0e-9f0e-2d3a6e6d3c5f",
                    ("delegatedUserConsentable", "all"),
                    "all",
                    false,
                )],
            ),
        };
        json!({
            "id": self.as_str(),
            "displayName": name,
            "description": description,
            "includes": includes,
            "excludes": [],
        })
    }
}

impl AuthorizationPolicy {
    /// Whether somebody without a role may consent to all of this for themselves.
    pub fn lets_consent(&self, client: Client, wanted: &[Wanted]) -> bool {
        wanted.iter().all(|wanted| {
            let is_covered = self.self_consent.iter().any(|policy| policy.covers(client, *wanted));
            is_covered && !wanted.is_for_administrators
        })
    }

    /// Reads what was stored.
    pub fn from_json(document: &Value) -> Result<Self, ReadError> {
        Self::default().patched(document)
    }

    /// It after a partial change.
    pub fn patched(&self, change: &Value) -> Result<Self, ReadError> {
        let known = [
            "id",
            "displayName",
            "description",
            "deletedDateTime",
            "allowInvitesFrom",
            "allowedToSignUpEmailBasedSubscriptions",
            "allowedToUseSSPR",
            "allowEmailVerifiedUsersToJoinOrganization",
            "allowUserConsentForRiskyApps",
            "blockMsolPowerShell",
            "guestUserRoleId",
            "defaultUserRolePermissions",
        ];
        let members = Members::of(Some(change), &At::Root, &known)?;
        let mut after = self.clone();
        let current = self.to_json();
        for name in known {
            let Some(found) = members.find(name) else { continue };
            let at = At::Member(&At::Root, name);
            match name {
                "allowInvitesFrom" => after.invites_from = Member::read(Some(found), &at)?,
                "defaultUserRolePermissions" => after.read_permissions(found, &at)?,
                "id" | "displayName" | "description" if current[name] != *found => {
                    return Err(at.refuse(Wrong::ReadOnly));
                }
                _ => fixed(&current[name], found, &at)?,
            }
        }
        Ok(after)
    }

    fn read_permissions(&mut self, found: &Value, at: &At<'_>) -> Result<(), ReadError> {
        let known = [
            "allowedToCreateApps",
            "allowedToCreateSecurityGroups",
            "allowedToCreateTenants",
            "allowedToReadBitlockerKeysForOwnedDevice",
            "allowedToReadOtherUsers",
            "permissionGrantPoliciesAssigned",
        ];
        let members = Members::of(Some(found), at, &known)?;
        let current = self.to_json();
        for name in known {
            let Some(found) = members.find(name) else { continue };
            let at = At::Member(at, name);
            if name == "permissionGrantPoliciesAssigned" {
                self.self_consent = assigned(found, &at)?;
            } else {
                fixed(&current["defaultUserRolePermissions"][name], found, &at)?;
            }
        }
        Ok(())
    }

    /// As the directory API shows it.
    pub fn to_json(&self) -> Value {
        let assigned = self
            .self_consent
            .iter()
            .map(|policy| format!("{FOR_SELF}{}", policy.as_str()));
        json!({
            "id": AUTHORIZATION_POLICY,
            "displayName": "Authorization Policy",
            "description": "What people may do in the tenant without a role.",
            "allowInvitesFrom": self.invites_from.as_str(),
            "allowedToSignUpEmailBasedSubscriptions": false,
            "allowedToUseSSPR": false,
            "allowEmailVerifiedUsersToJoinOrganization": false,
            "allowUserConsentForRiskyApps": false,
            "blockMsolPowerShell": true,
            "guestUserRoleId": RESTRICTED_GUEST,
            "defaultUserRolePermissions": {
                "allowedToCreateApps": false,
                "allowedToCreateSecurityGroups": false,
                "allowedToCreateTenants": false,
                "allowedToReadBitlockerKeysForOwnedDevice": false,
                "allowedToReadOtherUsers": true,
                "permissionGrantPoliciesAssigned": assigned.collect::<Vec<_>>(),
            },
        })
    }
}

/// A member that has one value.
fn fixed(value: &Value, found: &Value, at: &At<'_>) -> Result<(), ReadError> {
    if value == found {
        Ok(())
    } else {
        Err(at.refuse(Wrong::NotA("the value that it has: no other one has an effect here")))
    }
}

/// Policies under which people consent for themselves; clients write the words before the id in either case.
fn assigned(found: &Value, at: &At<'_>) -> Result<Vec<GrantPolicy>, ReadError> {
    let texts: Vec<String> = Member::read(Some(found), at)?;
    let mut policies = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let prefix = text.get(..FOR_SELF.len());
        let id = prefix
            .filter(|prefix| prefix.eq_ignore_ascii_case(FOR_SELF))
            .map(|_| &text[FOR_SELF.len()..]);
        let policy = id.and_then(GrantPolicy::parse);
        let policy = policy.ok_or_else(|| At::Item(at, index).refuse(Wrong::unknown(text)))?;
        if !policies.contains(&policy) {
            policies.push(policy);
        }
    }
    Ok(policies)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Client = Client {
        is_own: true,
        is_verified: false,
    };
    const VERIFIED: Client = Client {
        is_own: false,
        is_verified: true,
    };
    const STRANGER: Client = Client {
        is_own: false,
        is_verified: false,
    };

    fn wanted(is_low: bool, is_for_administrators: bool) -> Wanted {
        Wanted {
            is_for_administrators,
            is_low,
        }
    }

    #[test]
    fn people_consent_to_what_a_policy_covers() {
        let with = |policies: &[GrantPolicy]| AuthorizationPolicy {
            self_consent: policies.to_vec(),
            ..AuthorizationPolicy::default()
        };
        let (none, low, legacy) = (with(&[]), with(&[GrantPolicy::Low]), with(&[GrantPolicy::Legacy]));
        for (policy, client, asked, expected) in [
            (&none, OWN, &[wanted(true, false)][..], false),
            (&none, OWN, &[], true),
            (&low, OWN, &[wanted(true, false)], true),
            (&low, VERIFIED, &[wanted(true, false)], true),
            (&low, STRANGER, &[wanted(true, false)], false),
            (&low, OWN, &[wanted(true, false), wanted(false, false)], false),
            (&low, OWN, &[wanted(true, true)], false),
            (&legacy, STRANGER, &[wanted(false, false)], true),
            (&legacy, OWN, &[wanted(false, true)], false),
        ] {
            assert_eq!(
                policy.lets_consent(client, asked),
                expected,
                "{policy:?} {client:?} {asked:?}"
            );
        }
    }

    #[test]
    fn a_change_is_read_strictly() {
        let policy = AuthorizationPolicy::default();
        assert_eq!(AuthorizationPolicy::from_json(&policy.to_json()), Ok(policy.clone()));
        let change = json!({ "allowInvitesFrom": "none", "defaultUserRolePermissions": {
            "permissionGrantPoliciesAssigned": ["managePermissionGrantsForSelf.microsoft-user-default-legacy"] } });
        let after = policy.patched(&change).expect("a change");
        assert_eq!(
            (after.invites_from, after.self_consent.as_slice()),
            (InvitesFrom::Nobody, &[GrantPolicy::Legacy][..])
        );
        assert_eq!(after.patched(&json!({})), Ok(after.clone()));
        for (change, path) in [
            (json!({ "allowInvites": "none" }), "allowInvites"),
            (json!({ "allowInvitesFrom": "admins" }), "allowInvitesFrom"),
            (json!({ "blockMsolPowerShell": false }), "blockMsolPowerShell"),
            (json!({ "id": "other" }), "id"),
            (
                json!({ "defaultUserRolePermissions": { "allowedToCreateApps": true } }),
                "defaultUserRolePermissions.allowedToCreateApps",
            ),
            (
                json!({ "defaultUserRolePermissions": { "permissionGrantPoliciesAssigned": ["ManagePermissionGrantsForSelf.mine"] } }),
                "defaultUserRolePermissions.permissionGrantPoliciesAssigned[0]",
            ),
            (
                json!({ "defaultUserRolePermissions": { "permissionGrantPoliciesAssigned": ["é"] } }),
                "defaultUserRolePermissions.permissionGrantPoliciesAssigned[0]",
            ),
            (json!([]), ""),
        ] {
            assert_eq!(policy.patched(&change).expect_err("refused").path, path, "{change}");
        }
    }
}
