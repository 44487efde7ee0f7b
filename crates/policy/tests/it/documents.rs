//! What Graph sends is read, what nobody knows is refused with its place, and what is written is read again.

use hygie_policy::json::{Member, Wrong, read};
use hygie_policy::policy::AuthenticationContext;
use hygie_policy::strength::{MFA, PASSWORDLESS, PHISHING_RESISTANT, built_ins};
use hygie_policy::{AuthenticationStrength, NamedLocation, Policy};
use serde_json::{Value, json};

/// A policy as Graph v1.0 sends one, annotations and all.
pub fn exported() -> Value {
    serde_json::from_str(include_str!("samples/policy.json")).expect("JSON")
}

/// The least that is a policy.
pub fn least() -> Value {
    json!({
        "displayName": "MFA pour tous",
        "state": "enabled",
        "conditions": { "applications": { "includeApplications": ["All"] }, "users": { "includeUsers": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] }
    })
}

/// The document with another value at a place such as `/conditions/users`; its parent is there.
pub fn with(mut document: Value, place: &str, value: Value) -> Value {
    let (parent, name) = place.rsplit_once('/').expect("a pointer");
    let parent = document
        .pointer_mut(parent)
        .unwrap_or_else(|| panic!("{place} has a parent"));
    match name.parse::<usize>() {
        Ok(index) => parent[index] = value,
        Err(_) => parent[name] = value,
    }
    document
}

/// Without annotations but the types that are part of what is written, so that documents can be compared.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !name.contains("@odata.context"));
            kept.map(|(name, value)| (name.clone(), plain(value))).collect()
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

#[test]
fn an_export_of_graph_is_read_and_written_whole() {
    let policy = Policy::from_json(&exported()).unwrap_or_else(|error| panic!("{error}"));
    policy.check().unwrap_or_else(|broken| panic!("{broken}"));
    let written = policy.to_json();
    let mut expected = plain(&exported());
    expected["createdDateTime"] = json!("2026-03-02T07:12:44.181Z");
    expected["description"] = Value::Null;
    for instant in ["createdDateTime", "modifiedDateTime"] {
        expected["grantControls"]["authenticationStrength"][instant] = json!("2026-01-15T10:00:00.000Z");
    }
    assert_eq!(written, expected);
    assert_eq!(Policy::from_json(&written), Ok(policy.clone()));
    let stored = policy.referring().to_json();
    assert_eq!(
        stored["grantControls"]["authenticationStrength"],
        json!({ "id": "4a1d3f0e-0000-4000-8000-0000000000ee" })
    );
}

#[test]
fn what_is_unset_is_written_as_graph_does() {
    let written = Policy::from_json(&least()).expect("a policy").to_json();
    assert_eq!(written["id"], Value::Null);
    assert_eq!(written["sessionControls"], Value::Null);
    assert_eq!(written["conditions"]["clientAppTypes"], json!([]));
    assert_eq!(written["conditions"]["devices"], Value::Null);
    assert_eq!(written["conditions"]["users"]["excludeGroups"], json!([]));
    assert_eq!(written["grantControls"]["authenticationStrength"], Value::Null);
    let reference = json!({ "id": "00000000-0000-0000-0000-000000000004" });
    let policy = with(least(), "/grantControls/authenticationStrength", reference.clone());
    let written = Policy::from_json(&policy).expect("a policy").to_json();
    assert_eq!(written["grantControls"]["authenticationStrength"], reference);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_not_known_is_refused_with_its_place() {
    let unknown = Wrong::unknown;
    let guid = Wrong::NotA("a GUID");
    for (place, value, wrong) in [
        ("/conditions/users/includeUserz", json!(null), Wrong::UnknownMember),
        ("/conditions/times", json!({}), Wrong::UnknownMember),
        (
            "/sessionControls/continuousAccessEvaluation",
            json!({}),
            Wrong::UnknownMember,
        ),
        ("/conditions/devices/includeDevices", json!([]), Wrong::UnknownMember),
        ("/state", json!("unknownFutureValue"), unknown("unknownFutureValue")),
        ("/state", json!("Enabled"), unknown("Enabled")),
        ("/conditions/clientAppTypes", json!("all"), Wrong::NotA("a list")),
        ("/conditions/users/excludeGroups/0", json!("soignants"), guid.clone()),
        (
            "/conditions/users/excludeRoles/0",
            json!("{62e90394-69f5-4237-9190-012177145e10}"),
            guid,
        ),
        (
            "/conditions/users/includeUsers/0",
            json!("all"),
            Wrong::NotA("a GUID, All, None or GuestsOrExternalUsers"),
        ),
        (
            "/conditions/applications/includeApplications/0",
            json!("psc"),
            Wrong::NotA("a GUID, All, None, Office365 or MicrosoftAdminPortals"),
        ),
        (
            "/conditions/applications/includeAuthenticationContextClassReferences",
            json!(["c100"]),
            Wrong::Missing,
        ),
        (
            "/conditions/insiderRiskLevels",
            json!("minor,severe"),
            unknown("severe"),
        ),
        (
            "/conditions/users/includeGuestsOrExternalUsers/externalTenants/membershipKind",
            json!("some"),
            unknown("some"),
        ),
        (
            "/conditions/users/excludeGuestsOrExternalUsers/externalTenants/members",
            json!([]),
            Wrong::NotA("absent where all tenants are meant"),
        ),
        ("/grantControls/operator", json!("XOR"), unknown("XOR")),
        (
            "/grantControls/builtInControls",
            json!(["unknownFutureValue"]),
            Wrong::Missing,
        ),
        (
            "/grantControls/authenticationStrength/allowedCombinations/1",
            json!("fido3"),
            Wrong::NotA("methods of authentication with commas between them"),
        ),
        (
            "/grantControls/authenticationStrength/combinationConfigurations/0/@odata.type",
            json!("#microsoft.graph.other"),
            unknown("other"),
        ),
        (
            "/grantControls/authenticationStrength/combinationConfigurations/0/allowedIssuerSkis",
            json!(["00"]),
            Wrong::UnknownMember,
        ),
        (
            "/sessionControls/signInFrequency/value",
            json!(-4),
            Wrong::NotA("a whole number that is not negative"),
        ),
        (
            "/sessionControls/signInFrequency/type",
            json!("minutes"),
            unknown("minutes"),
        ),
        ("/createdDateTime", json!("yesterday"), Wrong::NotA("an instant")),
        ("/displayName", json!(null), Wrong::Missing),
        ("/conditions", json!(null), Wrong::Missing),
    ] {
        let error = Policy::from_json(&with(exported(), place, value)).expect_err(place);
        let mut expected = place
            .trim_start_matches('/')
            .replace("/0", "[0]")
            .replace("/1", "[1]")
            .replace('/', ".");
        let items = ["includeAuthenticationContextClassReferences", "builtInControls"];
        let is_item = items.iter().any(|name| expected.ends_with(name));
        expected.push_str(if is_item { "[0]" } else { "" });
        assert_eq!(error.path, expected, "{error}");
        if !is_item {
            assert_eq!(error.wrong, wrong, "{place}");
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn named_locations() {
    let addresses = json!({
        "@odata.type": "#microsoft.graph.ipNamedLocation", "id": "4a1d3f0e-0000-4000-8000-000000000001",
        "displayName": "Site principal", "createdDateTime": null, "modifiedDateTime": null, "deletedDateTime": null, "isTrusted": true,
        "ipRanges": [
            { "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24" },
            { "@odata.type": "#microsoft.graph.iPv6CidrRange", "cidrAddress": "2001:db8::/32" }
        ]
    });
    let countries = json!({
        "@odata.type": "#microsoft.graph.countryNamedLocation", "id": null, "displayName": "France",
        "createdDateTime": null, "modifiedDateTime": null, "deletedDateTime": null, "countriesAndRegions": ["FR", "RE"],
        "includeUnknownCountriesAndRegions": false, "countryLookupMethod": "authenticatorAppGps"
    });
    for document in [&addresses, &countries] {
        let location: NamedLocation = read(document).unwrap_or_else(|error| panic!("{error}"));
        location.check().unwrap_or_else(|broken| panic!("{broken}"));
        assert_eq!(location.write(), *document);
    }
    for (document, place, value, refused) in [
        (
            &addresses,
            "/ipRanges/0/cidrAddress",
            json!("192.0.2.0/33"),
            "ipRanges[0].cidrAddress",
        ),
        (
            &addresses,
            "/ipRanges/0/cidrAddress",
            json!("192.0.2.0"),
            "ipRanges[0].cidrAddress",
        ),
        (
            &addresses,
            "/ipRanges/1/cidrAddress",
            json!("2001:db8::/+32"),
            "ipRanges[1].cidrAddress",
        ),
        (
            &addresses,
            "/ipRanges/1/cidrAddress",
            json!("10.0.0.0/8"),
            "ipRanges[1].cidrAddress",
        ),
        (
            &addresses,
            "/@odata.type",
            json!("#microsoft.graph.compliantNetworkNamedLocation"),
            "@odata.type",
        ),
        (&addresses, "/@odata.type", json!(null), "@odata.type"),
        (&addresses, "/countriesAndRegions", json!([]), "countriesAndRegions"),
        (
            &countries,
            "/countriesAndRegions/0",
            json!("fr"),
            "countriesAndRegions[0]",
        ),
        (
            &countries,
            "/countriesAndRegions/1",
            json!("FRA"),
            "countriesAndRegions[1]",
        ),
    ] {
        let error = read::<NamedLocation>(&with(document.clone(), place, value)).expect_err(place);
        assert_eq!(error.path, refused);
    }
}

#[test]
fn strengths_that_every_tenant_has() {
    let [mfa, passwordless, resistant] = built_ins();
    assert_eq!(
        [mfa.id, passwordless.id, resistant.id],
        [MFA, PASSWORDLESS, PHISHING_RESISTANT].map(Some)
    );
    let combinations = |strength: &AuthenticationStrength| {
        strength
            .allowed_combinations
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        combinations(&resistant),
        ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"]
    );
    assert_eq!(combinations(&passwordless)[3..], ["deviceBasedPush"]);
    let mfa_texts = combinations(&mfa);
    assert_eq!(mfa_texts.len(), 19);
    for text in [
        "password,softwareOath",
        "password,x509CertificateSingleFactor",
        "federatedMultiFactor",
        "federatedSingleFactor,sms",
    ] {
        assert!(
            mfa_texts.iter().any(|combination| combination == text),
            "{text} of {mfa_texts:?}"
        );
    }
    for strength in [mfa, passwordless, resistant] {
        assert_eq!(read::<AuthenticationStrength>(&strength.write()), Ok(strength.clone()));
        strength.check().unwrap_or_else(|broken| panic!("{broken}"));
        assert_eq!(Some(strength.requirements()), strength.requirements_satisfied);
    }
}

#[test]
fn authentication_contexts() {
    let context = json!({ "id": "c7", "displayName": "Prescription", "description": null, "isAvailable": true });
    assert_eq!(
        read::<AuthenticationContext>(&context).expect("a context").write(),
        context
    );
    for id in ["c0", "c100", "c01", "C1", "7", "c", "c-1"] {
        assert!(read::<AuthenticationContext>(&json!({ "id": id })).is_err(), "{id}");
    }
}

#[test]
fn a_change_is_laid_over_what_is_stored() {
    let stored = Policy::from_json(&exported()).expect("a policy");
    let change = json!({
        "state": "disabled",
        "conditions": { "users": { "excludeUsers": [] }, "platforms": null },
        "grantControls": { "authenticationStrength": { "id": "00000000-0000-0000-0000-000000000004" } },
        "id": "4a1d3f0e-0000-4000-8000-000000000001"
    });
    let changed = stored.patched(&change).unwrap_or_else(|error| panic!("{error}"));
    let mut expected = stored.to_json();
    expected["state"] = json!("disabled");
    expected["conditions"]["users"]["excludeUsers"] = json!([]);
    expected["conditions"]["platforms"] = Value::Null;
    expected["grantControls"]["authenticationStrength"] = json!({ "id": "00000000-0000-0000-0000-000000000004" });
    assert_eq!(changed.to_json(), expected);
    for (change, path, wrong) in [
        (json!([]), "", Wrong::NotA("an object")),
        (
            json!({ "id": "4a1d3f0e-0000-4000-8000-000000000002" }),
            "id",
            Wrong::ReadOnly,
        ),
        (json!({ "createdDateTime": null }), "createdDateTime", Wrong::ReadOnly),
        (
            json!({ "conditions": { "users": { "includeUserz": [] } } }),
            "conditions.users.includeUserz",
            Wrong::UnknownMember,
        ),
        (json!({ "conditions": null }), "conditions", Wrong::Missing),
    ] {
        let error = stored.patched(&change).expect_err("refused");
        assert_eq!((error.path.as_str(), &error.wrong), (path, &wrong), "{change}");
    }
}
