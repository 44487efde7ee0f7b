//! `hygie psc check` without its command: exports of both kinds, point by point.

use hygie_policy::psc::{Application, Export, Language, MAX_EXPORT, Report, SANDBOX, Verdict, check};
use serde_json::{Value, json};

use crate::documents::with;

const APP: &str = "99383c77-0bb9-41f0-96e1-b72ad6eca607";
const EMERGENCY: &str = "4a1d3f0e-0000-4000-8000-0000000000e1";
const FA01: &str = "4a1d3f0e-0000-4000-8000-0000000000fa";

fn fa01() -> Value {
    json!({ "id": FA01, "displayName": "FA01-ProSantéConnect", "policyType": "custom", "requirementsSatisfied": "mfa",
        "allowedCombinations": ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"],
        "combinationConfigurations": [] })
}

/// The policy of the guide as Graph sends it, with everything as it should be.
fn ac02() -> Value {
    json!({
        "id": "4a1d3f0e-0000-4000-8000-0000000000a2",
        "displayName": "AC02-ProSantéConnect-Session4hAvecMFA-Global-ToutePlateforme-PourANS",
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": { "includeApplications": [APP], "excludeApplications": [] },
            "users": { "includeUsers": ["All"], "excludeUsers": [EMERGENCY], "excludeGroups": [], "excludeRoles": [] }
        },
        "grantControls": { "operator": "OR", "builtInControls": [], "authenticationStrength": fa01() },
        "sessionControls": { "signInFrequency": {
            "isEnabled": true, "value": 4, "type": "hours", "frequencyInterval": "timeBased",
            "authenticationType": "primaryAndSecondaryAuthentication"
        } }
    })
}

/// What the script writes of it: capitals, empty objects, a date of its own, no strength.
fn of_script() -> Value {
    json!({
        "PolicyName": "AC02-ProSantéConnect-Session4hAvecMFA-Global-ToutePlateforme-PourANS",
        "State": "enabled",
        "CreatedDateTime": "/Date(1727081821827)/",
        "ModifiedDateTime": null,
        "Description": null,
        "Conditions": {
            "Applications": { "ExcludeApplications": [], "IncludeApplications": [APP],
                "ApplicationFilter": { "Mode": null, "Rule": null },
                "IncludeAuthenticationContextClassReferences": [], "IncludeUserActions": [] },
            "ClientAppTypes": ["all"],
            "ClientApplications": { "ExcludeServicePrincipals": null, "IncludeServicePrincipals": null },
            "Devices": { "DeviceFilter": { "Mode": null, "Rule": null } },
            "Locations": { "ExcludeLocations": null, "IncludeLocations": null },
            "Platforms": { "ExcludePlatforms": null, "IncludePlatforms": null },
            "ServicePrincipalRiskLevels": [], "SignInRiskLevels": [], "UserRiskLevels": [],
            "Users": { "ExcludeGroups": [], "ExcludeRoles": [], "ExcludeUsers": EMERGENCY, "IncludeGroups": [],
                "IncludeRoles": [], "IncludeUsers": ["All"], "IncludeGuestsOrExternalUsers": { "ExternalTenants": "Microsoft.Graph.PowerShell.Models.MicrosoftGraphConditionalAccessExternalTenants", "GuestOrExternalUserTypes": null } },
            "AdditionalProperties": {}
        },
        "GrantControls": { "BuiltInControls": [], "CustomAuthenticationFactors": [], "Operator": "OR", "TermsOfUse": [] },
        "SessionControls": {
            "ApplicationEnforcedRestrictions": { "IsEnabled": null },
            "CloudAppSecurity": { "CloudAppSecurityType": null, "IsEnabled": null },
            "DisableResilienceDefaults": null,
            "PersistentBrowser": { "IsEnabled": null, "Mode": null },
            "SignInFrequency": { "AuthenticationType": "primaryAndSecondaryAuthentication",
                "FrequencyInterval": "timeBased", "IsEnabled": true, "Type": "hours", "Value": 4 }
        }
    })
}

fn report(document: &Value) -> Report {
    let export = Export::read(document.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}: {document}"));
    check(&export, Application::Assumed)
}

/// The points that do not conform, or cannot be told, with a mark.
fn doubts(report: &Report) -> Vec<String> {
    let mark = |verdict| match verdict {
        Verdict::Conforms => None,
        Verdict::CannotTell => Some('?'),
        Verdict::DoesNotConform => Some('!'),
    };
    report
        .points
        .iter()
        .filter_map(|point| Some(format!("{}{}", mark(point.verdict)?, point.id)))
        .collect()
}

#[test]
fn what_the_guide_says_conforms() {
    let found = report(&ac02());
    assert_eq!(doubts(&found), [""; 0]);
    assert_eq!((found.verdict(), found.application), (Verdict::Conforms, SANDBOX));
    let ids: Vec<&str> = found.points.iter().map(|point| point.id).collect();
    let expected = [
        "policy",
        "policy-name",
        "policy-enabled",
        "application",
        "users",
        "exclusions",
        "emergency-account",
        "conditions",
        "strength",
        "strength-means",
        "strength-name",
        "grant-alternatives",
        "sign-in-frequency",
        "terms-of-use",
    ];
    assert_eq!(ids, expected);
    for point in &found.points {
        let texts = [point.message(Language::French), point.message(Language::English)];
        assert!(
            texts.iter().all(|text| text.ends_with('.')) && texts[0] != texts[1],
            "{}",
            point.id
        );
    }
}

#[test]
fn the_script_leaves_only_the_strength_open() {
    assert_eq!(doubts(&report(&of_script())), ["?strength"]);
    assert_eq!(doubts(&report(&json!([of_script()]))), ["?strength"]);
    let newer = with(
        of_script(),
        "/GrantControls/AuthenticationStrength",
        json!({
            "AllowedCombinations": ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"],
            "CombinationConfigurations": null, "CreatedDateTime": "/Date(1727081821827)/", "DisplayName": "FA01-ProSantéConnect",
            "Id": FA01, "PolicyType": "custom", "RequirementsSatisfied": "mfa"
        }),
    );
    assert_eq!(doubts(&report(&newer)), [""; 0]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_weakness_is_its_own_point() {
    let controls = |controls: &[&str], operator: &str| json!({ "operator": operator, "builtInControls": controls, "authenticationStrength": fa01() });
    let frequency = "/sessionControls/signInFrequency";
    let users = "/conditions/users";
    let strength = "/grantControls/authenticationStrength";
    for (place, value, doubt) in [
        ("/displayName", json!("PSC-4h"), "!policy-name"),
        ("/displayName", json!("ac02-ProSantéConnect"), "!policy-name"),
        ("/state", json!("disabled"), "!policy-enabled"),
        ("/state", json!("enabledForReportingButNotEnforced"), "!policy-enabled"),
        (
            "/conditions/applications/includeApplications",
            json!(["All"]),
            "!application",
        ),
        (
            "/conditions/applications/excludeApplications",
            json!([APP]),
            "!application",
        ),
        (
            "/conditions/applications/includeApplications",
            json!([EMERGENCY]),
            "?application",
        ),
        ("/conditions/users/includeUsers", json!([EMERGENCY]), "!users"),
        (
            "/conditions/users/excludeRoles",
            json!(["62e90394-69f5-4237-9190-012177145e10"]),
            "!exclusions",
        ),
        (
            "/conditions/users/excludeUsers",
            json!([EMERGENCY, "GuestsOrExternalUsers"]),
            "!exclusions",
        ),
        (
            "/conditions/users/excludeUsers",
            json!([EMERGENCY, APP, FA01]),
            "?exclusions",
        ),
        ("/conditions/users/excludeGroups", json!([FA01]), "?exclusions"),
        (users, json!({ "includeUsers": ["All"] }), "!emergency-account"),
        (
            "/conditions/locations",
            json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] }),
            "!conditions",
        ),
        (
            "/conditions/locations",
            json!({ "includeLocations": [FA01] }),
            "!conditions",
        ),
        (
            "/conditions/platforms",
            json!({ "includePlatforms": ["windows"] }),
            "!conditions",
        ),
        (
            "/conditions/platforms",
            json!({ "includePlatforms": ["all"], "excludePlatforms": ["linux"] }),
            "!conditions",
        ),
        ("/conditions/clientAppTypes", json!(["browser"]), "!conditions"),
        (
            "/conditions/devices",
            json!({ "deviceFilter": { "mode": "exclude", "rule": "device.isCompliant -eq True" } }),
            "!conditions",
        ),
        ("/conditions/signInRiskLevels", json!(["high"]), "!conditions"),
        (
            "/conditions/authenticationFlows",
            json!({ "transferMethods": "deviceCodeFlow" }),
            "!conditions",
        ),
        (strength, json!(null), "!strength"),
        (strength, json!({ "id": EMERGENCY }), "?strength-means"),
        (
            "/grantControls",
            controls(&["compliantDevice"], "OR"),
            "!grant-alternatives",
        ),
        ("/sessionControls", json!(null), "!sign-in-frequency"),
        (
            "/sessionControls/signInFrequency/isEnabled",
            json!(false),
            "!sign-in-frequency",
        ),
        ("/sessionControls/signInFrequency/value", json!(5), "!sign-in-frequency"),
        (
            "/sessionControls/signInFrequency/type",
            json!("days"),
            "!sign-in-frequency",
        ),
        (
            "/sessionControls/signInFrequency/authenticationType",
            json!("secondaryAuthentication"),
            "!sign-in-frequency",
        ),
        (
            "/conditions/times",
            json!({ "includedRanges": [{}], "all": 1 }),
            "?unread",
        ),
    ] {
        assert_eq!(
            doubts(&report(&with(ac02(), place, value.clone()))),
            [doubt],
            "{place}: {value}"
        );
    }
    for (place, value) in [
        (
            frequency,
            json!({ "isEnabled": true, "frequencyInterval": "everyTime" }),
        ),
        ("/sessionControls/signInFrequency/value", json!(1)),
        ("/grantControls", controls(&["compliantDevice"], "AND")),
        (
            "/grantControls/authenticationStrength/allowedCombinations",
            json!(["fido2"]),
        ),
        (
            "/grantControls/authenticationStrength/displayName",
            json!("FA-ProSantéConnect"),
        ),
        ("/displayName", json!("AC02-ProSante\u{301}Connect-x")),
        ("/conditions/times", json!(null)),
        ("/conditions/platforms", json!({ "includePlatforms": ["all"] })),
    ] {
        assert_eq!(
            doubts(&report(&with(ac02(), place, value.clone()))),
            [""; 0],
            "{place}: {value}"
        );
    }
}

#[test]
fn strengths_are_looked_at() {
    let builtin = with(
        ac02(),
        "/grantControls/authenticationStrength",
        json!({ "id": "00000000-0000-0000-0000-000000000002" }),
    );
    assert_eq!(doubts(&report(&builtin)), ["!strength-means", "!strength-name"]);
    let builtin = with(
        ac02(),
        "/grantControls/authenticationStrength",
        json!({ "id": "00000000-0000-0000-0000-000000000004" }),
    );
    assert_eq!(doubts(&report(&builtin)), ["!strength-name"]);
    let weak = json!(["fido2", "password,softwareOath"]);
    let weak = with(
        ac02(),
        "/grantControls/authenticationStrength/allowedCombinations",
        weak,
    );
    let found = report(&weak);
    assert_eq!(doubts(&found), ["!strength-means"]);
    let point = found
        .points
        .iter()
        .find(|point| point.id == "strength-means")
        .expect("the point");
    assert!(point.message(Language::English).contains("password,softwareOath"));
    let referring = with(ac02(), "/grantControls/authenticationStrength", json!({ "id": FA01 }));
    for document in [
        json!({ "policies": [referring], "strengths": [fa01()] }),
        json!({ "policies": { "value": [referring] }, "strengths": { "value": [fa01()] } }),
        json!([referring, fa01()]),
    ] {
        assert_eq!(doubts(&report(&document)), [""; 0]);
    }
    let mfa = json!({ "operator": "OR", "builtInControls": ["mfa"] });
    assert_eq!(
        doubts(&report(&with(ac02(), "/grantControls", mfa))),
        ["!strength", "!grant-alternatives"]
    );
}

#[test]
fn the_policy_is_found_among_others() {
    let other = json!({ "displayName": "MFA pour tous", "state": "enabled",
        "conditions": { "applications": { "includeApplications": ["All"] }, "users": { "includeUsers": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } });
    let disabled = with(ac02(), "/state", json!("disabled"));
    let collection = json!({ "@odata.context": "…", "value": [other, disabled, ac02()] });
    assert_eq!(doubts(&report(&collection)), [""; 0]);
    assert_eq!(doubts(&report(&json!([other]))), ["!policy"]);

    let app = "4a1d3f0e-0000-4000-8000-0000000000aa";
    let elsewhere = with(ac02(), "/conditions/applications/includeApplications", json!([app]));
    let export = Export::read(elsewhere.to_string().as_bytes()).expect("an export");
    let named = |app: &str| check(&export, Application::Named(app.parse().expect("an id")));
    assert_eq!(doubts(&named(app)), [""; 0]);
    assert_eq!(doubts(&named(APP)), ["!application"]);
}

#[test]
fn terms_of_use_are_optional_but_not_half_done() {
    let terms = with(
        ac02(),
        "/displayName",
        json!("AC01-ProSantéConnect-AcceptationCGU-Global-ToutePlateforme-PourANS"),
    );
    let terms = with(terms, "/sessionControls", json!(null));
    let asking = with(
        terms.clone(),
        "/grantControls",
        json!({ "operator": "OR", "termsOfUse": [FA01] }),
    );
    assert_eq!(doubts(&report(&json!([asking, ac02()]))), [""; 0]);
    assert_eq!(doubts(&report(&json!([terms, ac02()]))), ["!terms-of-use"]);
    let silent = with(asking, "/state", json!("disabled"));
    assert_eq!(doubts(&report(&json!([silent, ac02()]))), ["!terms-of-use"]);
}

#[test]
fn files_as_windows_writes_them() {
    let text = of_script().to_string();
    let wide = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
        let units = text.encode_utf16().flat_map(bytes);
        mark.into_iter().chain(units).collect::<Vec<u8>>()
    };
    for file in [
        [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat(),
        wide([0xff, 0xfe], u16::to_le_bytes),
        wide([0xfe, 0xff], u16::to_be_bytes),
    ] {
        let export = Export::read(&file).expect("an export");
        assert_eq!(doubts(&check(&export, Application::Assumed)), ["?strength"]);
    }
    for (file, message) in [
        (&b"{"[..], "not JSON"),
        (b"[]", "no conditional access policy"),
        (b"{\"value\": 1}", "no conditional access policy"),
        (b"\"text\"", "no conditional access policy"),
        (b"\xe9", "neither UTF-8 nor UTF-16"),
    ] {
        let error = Export::read(file).expect_err("no export");
        assert!(error.to_string().contains(message), "{error}");
    }
    assert!(Export::read(&vec![b' '; MAX_EXPORT + 1]).is_err());
}

#[test]
fn what_was_cut_off_or_cannot_be_read_is_told() {
    let guests = json!({ "ExternalTenants": "Microsoft.Graph.PowerShell.Models.X", "GuestOrExternalUserTypes": "serviceProvider" });
    let cut = with(of_script(), "/Conditions/Users/ExcludeGuestsOrExternalUsers", guests);
    assert_eq!(doubts(&report(&cut)), ["!exclusions", "?strength", "?unread"]);
    let odd = with(ac02(), "/state", json!("unknownFutureValue"));
    let found = report(&json!([odd]));
    assert_eq!(doubts(&found), ["!policy", "?unread"]);
    assert!(
        found
            .points
            .last()
            .expect("a point")
            .message(Language::French)
            .contains("state")
    );
}

#[test]
fn names_do_not_act_on_a_terminal() {
    let named = with(ac02(), "/displayName", json!("AC02-ProSantéConnect\u{1b}[2J\r\n"));
    for point in report(&named).points {
        let texts = [point.message(Language::French), point.message(Language::English)];
        assert!(
            texts.iter().all(|text| !text.contains(char::is_control)),
            "{}",
            point.id
        );
    }
}

#[test]
fn sessions_that_live_longer_than_four_hours_are_told() {
    for (longest, expected) in [
        (240, Verdict::Conforms),
        (241, Verdict::CannotTell),
        (20_160, Verdict::CannotTell),
    ] {
        let export = json!({ "policies": [ac02()], "strengths": [fa01()], "sessionLifetimePolicy": {
            "@odata.context": "x", "maximumLifetimeInMinutes": longest, "inactivityTimeoutInMinutes": 30,
            "isStaySignedInOffered": false } });
        let export = Export::read(export.to_string().as_bytes()).expect("an export");
        let report = check(&export, Application::Named(SANDBOX));
        let point = report.points.iter().find(|point| point.id == "session-lifetime");
        let point = point.expect("it is told");
        assert_eq!(point.verdict, expected, "{longest}");
        assert!(point.message(Language::French).contains(&longest.to_string()));
    }
    let without = Export::read(json!([ac02()]).to_string().as_bytes()).expect("an export");
    let report = check(&without, Application::Named(SANDBOX));
    assert!(report.points.iter().all(|point| point.id != "session-lifetime"));
}

#[test]
fn tokens_that_outlive_four_hours_are_told() {
    let policy = |lifetime: &str| {
        let definition = json!({ "TokenLifetimePolicy": { "Version": 1, "AccessTokenLifetime": lifetime } });
        json!({ "displayName": "Dossier\u{1b}[2J", "definition": [definition.to_string()], "isOrganizationDefault": false })
    };
    for (policies, expected) in [
        (json!([]), None),
        (json!([policy("04:00:00")]), Some(Verdict::Conforms)),
        (
            json!([policy("04:00:00"), policy("04:00:01")]),
            Some(Verdict::CannotTell),
        ),
        (json!({ "value": [policy("1.00:00:00")] }), Some(Verdict::CannotTell)),
        (json!([policy("forever")]), Some(Verdict::CannotTell)),
    ] {
        let export = json!({ "policies": [ac02()], "strengths": [fa01()], "tokenLifetimePolicies": policies });
        let export = Export::read(export.to_string().as_bytes()).expect("an export");
        let report = check(&export, Application::Named(SANDBOX));
        let point = report.points.iter().find(|point| point.id == "token-lifetime");
        assert_eq!(point.map(|point| point.verdict), expected, "{policies}");
        let is_plain = |point: &hygie_policy::psc::Point| !point.message(Language::English).contains(char::is_control);
        assert!(point.is_none_or(is_plain));
    }
}
