//! The other templates of Entra ID whose content is published, as its API shows them: what each is for, and its policy beside what
//! all have in common.
//! <https://learn.microsoft.com/graph/api/conditionalaccessroot-list-templates>
//!
//! Not here: recovery of accounts by verified credentials, and agents, of which nothing here knows.

use std::collections::BTreeSet;

use hygie_core::ObjectId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ADMINISTRATORS, SYNCHRONIZATION, Template};
use crate::policy::Policy;
use crate::strength::{MFA, PHISHING_RESISTANT};
use crate::{RoleTemplateId, TemplateId};

/// Roles that are asked for methods that resist phishing, beside [`ADMINISTRATORS`]: Teams, Compliance and SharePoint
/// administration, Lifecycle Workflows, Intune.
const MORE_ADMINISTRATORS: [u128; 5] = [
    0x1731_5797_102d_40b4_93e0_4320_62ca_ca18,
    0xe6d1_a23a_da11_4be4_9570_befc_86d0_67a7,
    0x3a2c_62db_5318_420d_8d74_23af_fee5_d9d5,
    0x4436_7163_eba1_44c3_98af_f578_7879_f96a,
    0x1164_8597_926c_4cf3_9c36_bceb_b0ba_8dcc,
];

/// Id, name, scenarios, what it is for, and what its policy says of its own.
type Published = (u128, &'static str, &'static str, &'static str, Value);

/// The templates, without the people who must not be shut out.
pub fn others(excluded: &BTreeSet<ObjectId>) -> Vec<Template> {
    let published = [people(), risk(), devices(), suites()];
    published
        .into_iter()
        .flatten()
        .map(|one| template(one, excluded))
        .collect()
}

/// For guests and for administrators.
fn people() -> Vec<Published> {
    let administrators: Vec<String> = ADMINISTRATORS.iter().map(ToString::to_string).collect();
    let more = MORE_ADMINISTRATORS.map(|id| RoleTemplateId::from_uuid(Uuid::from_u128(id)).to_string());
    let most: Vec<String> = administrators.iter().cloned().chain(more).collect();
    vec![
        (
            0xa407_2ac0_722b_4991_981b_7f97_55da_ef14,
            "Require multifactor authentication for guest access",
            "zeroTrust,remoteWork",
            "Nobody here knows how a guest's own establishment protects their password.",
            json!({
                "users": { "includeUsers": ["GuestsOrExternalUsers"] },
                "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
            }),
        ),
        (
            0x76c0_3f19_ea37_4656_a772_a183_b4dd_b81d,
            "Require phishing-resistant multifactor authentication for admins",
            "protectAdmins,emergingThreats",
            "A code can be told to a stranger; a key, a passkey or a card cannot.",
            json!({
                "users": { "includeRoles": most },
                "grantControls": { "operator": "AND", "authenticationStrength": { "id": PHISHING_RESISTANT.to_string() } },
            }),
        ),
        (
            0x6364_131e_bc4a_47c4_a20b_3349_2d1f_ff6c,
            "Require multifactor authentication for Microsoft admin portals",
            "zeroTrust,protectAdmins",
            "Where multifactor authentication cannot be asked of administrators everywhere.",
            json!({
                "users": { "includeRoles": administrators },
                "applications": { "includeApplications": ["MicrosoftAdminPortals"] },
                "grantControls": { "operator": "OR", "authenticationStrength": { "id": MFA.to_string() } },
            }),
        ),
    ]
}

/// By what is known of the risk of a sign-in, of an account, of a person.
fn risk() -> Vec<Published> {
    let each_time = json!({ "signInFrequency": {
        "isEnabled": true, "frequencyInterval": "everyTime", "authenticationType": "primaryAndSecondaryAuthentication",
    } });
    vec![
        (
            0x6b61_9f55_792e_45dc_9711_d83e_c9d7_ae90,
            "Require multifactor authentication for risky sign-ins",
            "zeroTrust,remoteWork",
            "A sign-in that does not look like its person proves more than a password.",
            json!({
                "conditions": { "signInRiskLevels": ["high", "medium"] },
                "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
                "sessionControls": each_time,
            }),
        ),
        (
            0x634b_6de7_c38d_4357_a2c7_3842_706e_edd7,
            "Require password change for high-risk users",
            "zeroTrust,remoteWork",
            "Whose password is probably known to others takes another one.",
            json!({
                "conditions": { "userRiskLevels": ["high"] },
                "grantControls": { "operator": "AND", "builtInControls": ["mfa", "passwordChange"] },
                "sessionControls": each_time,
            }),
        ),
        (
            0x16aa_a400_bfdf_4756_a420_ad22_45d4_cde8,
            "Block access to Office365 apps for users with insider risk",
            "zeroTrust",
            "Whoever seems about to carry data away does not reach them.",
            json!({
                "users": { "includeUsers": ["All"], "excludeGuestsOrExternalUsers": {
                    "guestOrExternalUserTypes": "b2bDirectConnectUser,otherExternalUser,serviceProvider",
                } },
                "applications": { "includeApplications": ["Office365"] },
                "conditions": { "insiderRiskLevels": "elevated" },
                "grantControls": { "operator": "OR", "builtInControls": ["block"] },
            }),
        ),
    ]
}

/// By the device. No device is registered here, so those which want a compliant one let nobody in.
fn devices() -> Vec<Published> {
    let administrators: Vec<String> = ADMINISTRATORS.iter().map(ToString::to_string).collect();
    vec![
        (
            0xc26a_510a_3b8b_4023_8c44_d4f4_c854_e9f9,
            "Require compliant or hybrid Azure AD joined device for admins",
            "remoteWork,protectAdmins",
            "Administration from devices under management only.",
            json!({
                "users": { "includeRoles": administrators },
                "grantControls": { "operator": "OR", "builtInControls": ["compliantDevice", "domainJoinedDevice"] },
            }),
        ),
        (
            0xa297_dd1a_21fe_4016_99a0_ba43_ba64_378c,
            "Require MDM-enrolled and compliant device to access cloud apps for all users (Preview)",
            "secureFoundation,zeroTrust",
            "Work from devices under management only.",
            json!({
                "users": { "includeUsers": ["All"], "excludeRoles": [SYNCHRONIZATION.to_string()] },
                "grantControls": { "operator": "OR", "builtInControls": ["compliantDevice"] },
            }),
        ),
        (
            0x4e39_a309_931e_4cb1_a371_e2be_ea16_8002,
            "Block access for unknown or unsupported device platform",
            "zeroTrust,remoteWork",
            "What does not say what it is, or is of a kind that nobody here uses, stays outside.",
            json!({
                "conditions": { "platforms": {
                    "includePlatforms": ["all"],
                    "excludePlatforms": ["android", "iOS", "windows", "macOS", "linux", "windowsPhone"],
                } },
                "grantControls": { "operator": "OR", "builtInControls": ["block"] },
            }),
        ),
        (
            0x62e5_1ccc_c9c3_4554_ac70_0661_72c8_1007,
            "No persistent browser session",
            "zeroTrust,remoteWork",
            "On a device that the establishment does not manage, a session ends with the browser, and after an hour.",
            json!({
                "conditions": { "devices": { "deviceFilter": {
                    "mode": "include", "rule": "device.trustType -ne \"ServerAD\" -or device.isCompliant -ne True",
                } } },
                "sessionControls": {
                    "signInFrequency": {
                        "isEnabled": true, "value": 1, "type": "hours", "frequencyInterval": "timeBased",
                        "authenticationType": "primaryAndSecondaryAuthentication",
                    },
                    "persistentBrowser": { "isEnabled": true, "mode": "never" },
                },
            }),
        ),
    ]
}

/// For a suite of applications.
fn suites() -> Vec<Published> {
    vec![(
        0x81fd_2072_4876_42b6_8157_c600_0693_046b,
        "Use application enforced restrictions for O365 apps",
        "remoteWork",
        "The applications themselves limit what a device that nobody manages may do.",
        json!({
            "applications": { "includeApplications": ["Office365"] },
            "sessionControls": { "applicationEnforcedRestrictions": { "isEnabled": true } },
        }),
    )]
}

fn template((id, name, scenarios, description, mut own): Published, excluded: &BTreeSet<ObjectId>) -> Template {
    let id = TemplateId::from_uuid(Uuid::from_u128(id));
    let mut conditions = own["conditions"].take();
    let mut users = own["users"].take();
    if users.is_null() {
        users = json!({ "includeUsers": ["All"] });
    }
    users["excludeUsers"] = excluded.iter().map(ToString::to_string).collect::<Vec<_>>().into();
    let mut applications = own["applications"].take();
    if applications.is_null() {
        applications = json!({ "includeApplications": ["All"] });
    }
    conditions["users"] = users;
    conditions["applications"] = applications;
    conditions["clientAppTypes"] = json!(["all"]);
    let policy = json!({
        "templateId": id.to_string(),
        "displayName": name,
        "state": "enabledForReportingButNotEnforced",
        "conditions": conditions,
        "grantControls": own["grantControls"].take(),
        "sessionControls": own["sessionControls"].take(),
    });
    Template {
        id,
        description,
        scenarios,
        policy: Policy::from_json(&policy).expect("a template is a policy"),
    }
}
