//! What may be stored, each rule with its own refusal.

use hygie_policy::check::Broken;
use hygie_policy::json::read;
use hygie_policy::{AuthenticationStrength, NamedLocation, Policy};
use serde_json::{Value, json};

use crate::documents::{least, with};

fn checked(document: &Value) -> Result<(), Broken> {
    Policy::from_json(document)
        .unwrap_or_else(|error| panic!("{error}: {document}"))
        .check()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn policies_that_break_a_rule() {
    assert_eq!(checked(&least()), Ok(()));
    let strength = json!({ "id": "00000000-0000-0000-0000-000000000004" });
    let frequency = |value: Value| json!({ "signInFrequency": value });
    let apps = "/conditions/applications";
    let many = vec!["4a1d3f0e-0000-4000-8000-000000000001"; 1_001];
    for (place, value, broken) in [
        ("/displayName", json!("  "), Broken::Name),
        ("/displayName", json!("é".repeat(257)), Broken::Name),
        ("/description", json!("x".repeat(4_097)), Broken::Description),
        ("/conditions/applications", json!(null), Broken::NoApplication),
        ("/conditions/applications", json!({}), Broken::NoApplication),
        (
            apps,
            json!({ "includeApplications": ["All"], "includeUserActions": ["urn:user:registerdevice"] }),
            Broken::MixedApplications,
        ),
        (
            apps,
            json!({ "includeUserActions": ["urn:user:registerdevice"], "excludeApplications": ["Office365"] }),
            Broken::MixedApplications,
        ),
        (
            apps,
            json!({ "includeApplications": ["All"], "applicationFilter": { "mode": "include", "rule": "x" } }),
            Broken::AttributeFilter("applicationFilter"),
        ),
        ("/conditions/users", json!(null), Broken::NoUser),
        ("/conditions/users", json!({ "excludeUsers": ["All"] }), Broken::NoUser),
        (
            "/conditions/users/excludeGroups",
            json!(many),
            Broken::TooMany("excludeGroups", 1_000),
        ),
        (
            "/conditions/users/includeGuestsOrExternalUsers",
            json!({ "guestOrExternalUserTypes": "none" }),
            Broken::Empty("guestOrExternalUserTypes"),
        ),
        (
            "/conditions/clientApplications",
            json!({ "includeServicePrincipals": ["ServicePrincipalsInMyTenant"] }),
            Broken::PeopleAndWorkloads,
        ),
        (
            "/conditions/platforms",
            json!({ "excludePlatforms": ["iOS"] }),
            Broken::Empty("includePlatforms"),
        ),
        (
            "/conditions/locations",
            json!({ "excludeLocations": ["AllTrusted"] }),
            Broken::Empty("includeLocations"),
        ),
        ("/grantControls", json!(null), Broken::NoControl),
        ("/grantControls", json!({ "operator": "OR" }), Broken::NoControl),
        (
            "/grantControls",
            json!({ "operator": "OR", "builtInControls": ["mfa"], "authenticationStrength": strength }),
            Broken::MfaAndStrength,
        ),
        (
            "/grantControls",
            json!({ "operator": "OR", "builtInControls": ["mfa", "block"] }),
            Broken::BlockAndMore,
        ),
        (
            "/grantControls",
            json!({ "builtInControls": ["mfa", "compliantDevice"] }),
            Broken::NoOperator,
        ),
        (
            "/grantControls",
            json!({ "operator": "OR", "customAuthenticationFactors": ["Duo"] }),
            Broken::CustomFactor,
        ),
        (
            "/sessionControls",
            frequency(json!({ "isEnabled": true })),
            Broken::Frequency,
        ),
        (
            "/sessionControls",
            frequency(json!({ "isEnabled": true, "value": 24, "type": "hours" })),
            Broken::Frequency,
        ),
        (
            "/sessionControls",
            frequency(json!({ "isEnabled": true, "value": 0, "type": "days" })),
            Broken::Frequency,
        ),
        (
            "/sessionControls",
            frequency(json!({ "isEnabled": true, "value": 1, "type": "hours", "frequencyInterval": "everyTime" })),
            Broken::Frequency,
        ),
        (
            "/sessionControls",
            json!({ "persistentBrowser": { "isEnabled": true } }),
            Broken::PersistentBrowser,
        ),
    ] {
        assert_eq!(
            checked(&with(least(), place, value.clone())),
            Err(broken),
            "{place}: {value}"
        );
    }
}

/// Whoever stole a password may not take the risk of it away by another one.
#[test]
fn a_password_is_changed_for_a_risk_after_more_than_a_password() {
    let risky = with(least(), "/conditions/userRiskLevels", json!(["high"]));
    let grants = |operator, controls: &[&str]| json!({ "operator": operator, "builtInControls": controls });
    for (policy, value, is_good) in [
        (risky.clone(), grants("AND", &["mfa", "passwordChange"]), true),
        (risky.clone(), grants("AND", &["mfa", "riskRemediation"]), true),
        (risky.clone(), grants("OR", &["mfa", "passwordChange"]), false),
        (risky, grants("AND", &["passwordChange"]), false),
        (least(), grants("AND", &["mfa", "passwordChange"]), false),
    ] {
        let outcome = checked(&with(policy, "/grantControls", value.clone()));
        assert_eq!(outcome.is_ok(), is_good, "{value}: {outcome:?}");
    }
}

#[test]
fn policies_that_are_good() {
    for (place, value) in [
        (
            "/sessionControls",
            json!({ "signInFrequency": { "isEnabled": true, "frequencyInterval": "everyTime" } }),
        ),
        (
            "/sessionControls",
            json!({ "signInFrequency": { "isEnabled": true, "value": 365, "type": "days" } }),
        ),
        (
            "/sessionControls",
            json!({ "persistentBrowser": { "isEnabled": true, "mode": "never" } }),
        ),
        (
            "/sessionControls",
            json!({ "persistentBrowser": { "isEnabled": false } }),
        ),
        (
            "/conditions/users",
            json!({ "includeUsers": ["None"], "includeRoles": ["62e90394-69f5-4237-9190-012177145e10"] }),
        ),
        ("/conditions/users", json!({ "includeUsers": ["None"] })),
    ] {
        assert_eq!(
            checked(&with(least(), place, value.clone())),
            Ok(()),
            "{place}: {value}"
        );
    }
}

#[test]
fn persistent_browsers_are_for_all_applications() {
    let session = json!({ "persistentBrowser": { "isEnabled": true, "mode": "never" } });
    let policy = with(least(), "/sessionControls", session);
    let one = json!(["99383c77-0bb9-41f0-96e1-b72ad6eca607"]);
    let policy = with(policy, "/conditions/applications/includeApplications", one);
    assert_eq!(checked(&policy), Err(Broken::PersistentBrowser));
}

#[test]
fn actions_and_workloads_have_rules_of_their_own() {
    let action = json!({ "includeUserActions": ["urn:user:registersecurityinfo"] });
    let action = with(least(), "/conditions/applications", action);
    assert_eq!(checked(&action), Ok(()));
    let silent = with(action, "/state", json!("enabledForReportingButNotEnforced"));
    assert_eq!(checked(&silent), Err(Broken::ReportOnlyAction));

    let workloads = json!({ "includeServicePrincipals": ["ServicePrincipalsInMyTenant"] });
    let people = with(least(), "/conditions/users/includeUsers", json!(["None"]));
    let asking = with(people, "/conditions/clientApplications", workloads.clone());
    assert_eq!(checked(&asking), Err(Broken::WorkloadControl));
    let blocking = with(asking, "/grantControls/builtInControls", json!(["block"]));
    assert_eq!(checked(&blocking), Ok(()));
    let filtered = with(
        blocking.clone(),
        "/conditions/clientApplications/servicePrincipalFilter",
        json!({ "mode": "include", "rule": "x" }),
    );
    assert_eq!(
        checked(&filtered),
        Err(Broken::AttributeFilter("servicePrincipalFilter"))
    );
    let nobody = with(
        blocking,
        "/conditions/clientApplications/includeServicePrincipals",
        json!([]),
    );
    assert_eq!(checked(&nobody), Err(Broken::NoUser));
}

#[test]
fn locations_that_break_a_rule() {
    let ranges = |ranges: &[&str]| {
        let ranges: Vec<Value> = ranges.iter().map(|range| json!({ "cidrAddress": range })).collect();
        json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "x", "ipRanges": ranges })
    };
    let countries = json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "x" });
    for (document, result) in [
        (ranges(&["10.0.0.0/8"]), Ok(())),
        (ranges(&["0.0.0.0/0"]), Err(Broken::WideRange)),
        (ranges(&["2000::/3"]), Err(Broken::WideRange)),
        (ranges(&[]), Err(Broken::Empty("ipRanges"))),
        (
            ranges(&vec!["192.0.2.1/32"; 2_001]),
            Err(Broken::TooMany("ipRanges", 2_000)),
        ),
        (countries.clone(), Err(Broken::Empty("countriesAndRegions"))),
        (
            with(countries, "/includeUnknownCountriesAndRegions", json!(true)),
            Ok(()),
        ),
    ] {
        assert_eq!(read::<NamedLocation>(&document).expect("a location").check(), result);
    }
}

#[test]
fn strengths_that_break_a_rule() {
    let strength = json!({ "displayName": "x", "allowedCombinations": ["fido2", "password,x509CertificateSingleFactor"], "combinationConfigurations": [] });
    let passkeys = |applies: &str, models: &[&str]| json!([{ "@odata.type": "#microsoft.graph.fido2CombinationConfiguration", "appliesToCombinations": [applies], "allowedAAGUIDs": models }]);
    let cards = |skis: &[&str], oids: &[&str]| json!([{ "@odata.type": "#microsoft.graph.x509CertificateCombinationConfiguration", "appliesToCombinations": ["x509CertificateSingleFactor"], "allowedIssuerSkis": skis, "allowedPolicyOIDs": oids }]);
    let model = "90a3ccdf-635c-4729-a248-9b709135078f";
    for (place, value, result) in [
        (
            "/allowedCombinations",
            json!([]),
            Err(Broken::Empty("allowedCombinations")),
        ),
        ("/combinationConfigurations", passkeys("fido2", &[model]), Ok(())),
        (
            "/combinationConfigurations",
            passkeys("fido2", &[]),
            Err(Broken::Empty("allowedAAGUIDs")),
        ),
        (
            "/combinationConfigurations",
            passkeys("windowsHelloForBusiness", &[model]),
            Err(Broken::NotAllowed),
        ),
        (
            "/combinationConfigurations",
            cards(&["0a1B"], &["1.2.250.1.71.1.2.6.2"]),
            Ok(()),
        ),
        (
            "/combinationConfigurations",
            cards(&[], &[]),
            Err(Broken::Empty("allowedIssuerSkis")),
        ),
        (
            "/combinationConfigurations",
            cards(&["0a1"], &[]),
            Err(Broken::Identifier),
        ),
        (
            "/combinationConfigurations",
            cards(&[], &["1.2.x"]),
            Err(Broken::Identifier),
        ),
    ] {
        let strength: AuthenticationStrength = read(&with(strength.clone(), place, value.clone())).expect("a strength");
        assert_eq!(strength.check(), result, "{value}");
    }
}
