//! The authentication methods policy: what is read, what is refused, for whom methods and models are.

use std::collections::BTreeSet;

use hygie_core::{GroupId, ObjectId};
use hygie_policy::Aaguid;
use hygie_policy::json::Wrong;
use hygie_policy::methods::{Broken, Method, MethodsPolicy, Origin, Passkey, PasskeyType, Person};
use serde_json::{Value, json};

const ONE: &str = "90a3ccdf-635c-4729-a248-9b709135078f";
const OTHER: &str = "de1e552d-db1d-4423-a619-566b625cdc84";

fn user() -> ObjectId {
    "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001".parse().expect("well-formed")
}

fn nurses() -> GroupId {
    "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0002".parse().expect("well-formed")
}

fn passkey(aaguid: &str, kind: PasskeyType) -> Passkey {
    Passkey {
        aaguid: aaguid.parse::<Aaguid>().expect("well-formed"),
        kind,
    }
}

fn changed(method: Method, change: &Value) -> MethodsPolicy {
    let policy = MethodsPolicy::initial()
        .configured(method, change)
        .expect("well-formed");
    policy.check().expect("well-formed");
    policy
}

fn admitted(policy: &MethodsPolicy, groups: &BTreeSet<GroupId>, passkey: Passkey) -> Option<Origin> {
    let person = Person { id: user(), groups };
    policy.passkeys(person)?.admit(passkey)
}

#[test]
fn a_new_tenant_has_passkeys_codes_and_passes_for_everybody() {
    let policy = MethodsPolicy::initial();
    policy.check().unwrap();
    let groups = BTreeSet::new();
    let person = Person {
        id: user(),
        groups: &groups,
    };
    let enabled: Vec<&str> = Method::ALL
        .iter()
        .filter(|method| policy.is_for(**method, person))
        .map(|method| method.as_str())
        .collect();
    assert_eq!(enabled, ["Fido2", "TemporaryAccessPass", "SoftwareOath"]);
    assert_eq!(
        policy
            .passkeys(person)
            .unwrap()
            .admit(passkey(ONE, PasskeyType::Synced)),
        Some(Origin::Any)
    );
}

#[test]
fn what_is_written_is_read_again() {
    let policy = MethodsPolicy::initial();
    let document = policy.to_json();
    assert_eq!(MethodsPolicy::from_json(&document), Ok(policy));
    let fido2 = &document["authenticationMethodConfigurations"][0];
    assert_eq!(
        fido2["@odata.type"],
        "#microsoft.graph.fido2AuthenticationMethodConfiguration"
    );
    assert_eq!(fido2["id"], "Fido2");
}

#[test]
fn what_is_not_known_is_refused_with_its_place() {
    let policy = MethodsPolicy::initial();
    for (change, path, wrong) in [
        (json!({"colour": 1}), "colour", Wrong::UnknownMember),
        (json!({"state": "on"}), "state", Wrong::unknown("on")),
        (json!({"id": "Sms"}), "id", Wrong::unknown("Sms")),
        (
            json!({"@odata.type": "#microsoft.graph.smsAuthenticationMethodConfiguration"}),
            "@odata.type",
            Wrong::unknown("smsAuthenticationMethodConfiguration"),
        ),
        (
            json!({"keyRestrictions": {"aaGuids": ["x"]}}),
            "keyRestrictions.aaGuids[0]",
            Wrong::NotA("a GUID"),
        ),
        (
            json!({"includeTargets": [{"id": "all_users"}]}),
            "includeTargets[0].targetType",
            Wrong::Missing,
        ),
    ] {
        let error = policy.configured(Method::Fido2, &change).expect_err("refused");
        assert_eq!((error.path.as_str(), &error.wrong), (path, &wrong), "{change}");
    }
    for (change, path, wrong) in [
        (json!({"policyVersion": "2"}), "policyVersion", Wrong::ReadOnly),
        (
            json!({"authenticationMethodConfigurations": []}),
            "authenticationMethodConfigurations",
            Wrong::ReadOnly,
        ),
        (
            json!({"policyMigrationState": "done"}),
            "policyMigrationState",
            Wrong::unknown("done"),
        ),
        (json!([]), "", Wrong::NotA("an object")),
    ] {
        let error = policy.patched(&change).expect_err("refused");
        assert_eq!((error.path.as_str(), &error.wrong), (path, &wrong), "{change}");
    }
    assert_eq!(
        policy
            .patched(&json!({"displayName": "Ours"}))
            .unwrap()
            .display_name
            .as_deref(),
        Some("Ours")
    );
}

#[test]
fn what_cannot_be_offered_cannot_be_enabled() {
    for method in [
        Method::Sms,
        Method::Voice,
        Method::Email,
        Method::MicrosoftAuthenticator,
    ] {
        let policy = MethodsPolicy::initial()
            .configured(method, &json!({"state": "enabled"}))
            .unwrap();
        assert_eq!(policy.check(), Err(Broken::NotOffered(method.as_str())));
        changed(
            method,
            &json!({"state": "disabled", "includeTargets": [{"id": "all_users", "targetType": "group"}]}),
        );
    }
    let campaign =
        json!({"registrationEnforcement": {"authenticationMethodsRegistrationCampaign": {"state": "enabled"}}});
    let policy = MethodsPolicy::initial().patched(&campaign).unwrap();
    assert_eq!(policy.check(), Err(Broken::Campaign), "it names no passkeys");
}

#[test]
fn passes_have_bounds() {
    let check = |change: Value| {
        MethodsPolicy::initial()
            .configured(Method::TemporaryAccessPass, &change)
            .unwrap()
            .check()
    };
    assert_eq!(
        check(json!({"defaultLength": 7})),
        Err(Broken::Bounds("defaultLength", 8, 48))
    );
    assert_eq!(check(json!({"defaultLifetimeInMinutes": 500})), Err(Broken::Lifetime));
    assert_eq!(
        check(json!({"minimumLifetimeInMinutes": 10, "defaultLifetimeInMinutes": 10, "defaultLength": 12})),
        Ok(())
    );
}

#[test]
fn methods_are_for_whom_targets_name_and_none_excludes() {
    let policy = changed(
        Method::SoftwareOath,
        &json!({
            "includeTargets": [{"id": nurses().to_string(), "targetType": "group"}],
            "excludeTargets": [{"id": user().to_string(), "targetType": "user"}],
        }),
    );
    let (none, some) = (BTreeSet::new(), BTreeSet::from([nurses()]));
    let other: ObjectId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0009".parse().unwrap();
    let is_for = |id, groups| policy.is_for(Method::SoftwareOath, Person { id, groups });
    assert!(is_for(other, &some));
    assert!(!is_for(other, &none), "not in the group");
    assert!(!is_for(user(), &some), "excluded");
}

#[test]
fn models_are_allowed_or_blocked() {
    let groups = BTreeSet::new();
    let rule = |kind: &str, is_enforced: bool| {
        changed(
            Method::Fido2,
            &json!({"keyRestrictions": {"isEnforced": is_enforced, "enforcementType": kind, "aaGuids": [ONE]}}),
        )
    };
    let bound = PasskeyType::DeviceBound;
    for (kind, is_enforced, one, other) in [
        ("allow", true, true, false),
        ("block", true, false, true),
        ("allow", false, true, true),
    ] {
        let policy = rule(kind, is_enforced);
        assert_eq!(admitted(&policy, &groups, passkey(ONE, bound)).is_some(), one, "{kind}");
        assert_eq!(
            admitted(&policy, &groups, passkey(OTHER, bound)).is_some(),
            other,
            "{kind}"
        );
    }
}

#[test]
fn profiles_are_for_their_targets() {
    let policy = changed(
        Method::Fido2,
        &json!({
            "defaultPasskeyProfile": "anything",
            "passkeyProfiles": [
                {"id": "anything", "name": "Tout", "attestationEnforcement": "disabled", "passkeyTypes": "deviceBound,synced"},
                {"id": "keys", "name": "Clés", "attestationEnforcement": "registrationOnly", "passkeyTypes": "deviceBound",
                 "keyRestrictions": {"isEnforced": true, "enforcementType": "allow", "aaGuids": [ONE]}},
            ],
            "includeTargets": [
                {"id": nurses().to_string(), "targetType": "group", "allowedPasskeyProfiles": ["keys"]},
                {"id": user().to_string(), "targetType": "user"},
            ],
        }),
    );
    let (none, some) = (BTreeSet::new(), BTreeSet::from([nurses()]));
    let synced = passkey(OTHER, PasskeyType::Synced);
    assert_eq!(
        admitted(&policy, &none, synced),
        Some(Origin::Any),
        "the default profile"
    );
    let other: ObjectId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0009".parse().unwrap();
    let rules = policy
        .passkeys(Person {
            id: other,
            groups: &some,
        })
        .unwrap();
    assert_eq!(
        rules.admit(passkey(ONE, PasskeyType::DeviceBound)),
        Some(Origin::Attested)
    );
    assert_eq!(rules.admit(passkey(ONE, PasskeyType::Synced)), None);
    assert_eq!(rules.admit(synced), None);
    assert!(rules.needs_attestation());
    assert!(
        policy
            .passkeys(Person {
                id: other,
                groups: &none
            })
            .is_none()
    );
    let lost = MethodsPolicy::initial()
        .configured(Method::Fido2, &json!({"defaultPasskeyProfile": "gone"}))
        .unwrap();
    assert_eq!(lost.check(), Err(Broken::NoProfile));
}
