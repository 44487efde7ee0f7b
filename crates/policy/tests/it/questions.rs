//! Which policies would apply, and why the others would not.

use hygie_core::Timestamp;
use hygie_policy::json::{Wrong, read};
use hygie_policy::signin::{Guest, Identity, Ownership, Suite, User, Workload};
use hygie_policy::what_if::{Request, Who, respond};
use hygie_policy::{NamedLocation, Policy, Rules};
use serde_json::{Value, json};

use crate::decisions::{NOW, PSC};
use crate::documents::{least, with};

const NURSE: &str = "4a1d3f0e-0000-4000-8000-000000000001";
const SITE: &str = "4a1d3f0e-0000-4000-8000-000000000002";

fn question() -> Value {
    json!({
        "signInIdentity": { "@odata.type": "#microsoft.graph.userSignIn", "userId": NURSE },
        "signInContext": { "@odata.type": "#microsoft.graph.applicationContext", "includeApplications": [PSC] },
        "signInConditions": {
            "devicePlatform": "windows", "clientAppType": "browser", "country": "FR", "ipAddress": "192.0.2.7",
            "signInRiskLevel": "none", "userRiskLevel": "none",
            "deviceInfo": { "isCompliant": true, "trustType": "AzureAD", "operatingSystem": "Windows", "physicalIds": ["a", "b"] }
        },
        "appliedPoliciesOnly": false
    })
}

/// The reasons for one policy.
fn reasons(policy: &Value, question: &Value) -> String {
    let policies = [Policy::from_json(policy).unwrap_or_else(|error| panic!("{error}"))];
    let site = json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "id": SITE, "displayName": "Site",
        "isTrusted": true, "ipRanges": [{ "cidrAddress": "192.0.2.0/24" }] });
    let locations = [read::<NamedLocation>(&site).expect("a location")];
    let rules = Rules {
        policies: &policies,
        strengths: &[],
        locations: &locations,
        windows_hello: &[],
    };
    let request = Request::from_json(question).unwrap_or_else(|error| panic!("{error}"));
    let identity = match request.identity {
        Who::User { id, tenant, kind } => Identity::User(User {
            id,
            groups: [].into(),
            roles: [].into(),
            guest: kind.map(|kind| Guest { kind, home: tenant }),
        }),
        Who::ServicePrincipal(id) => Identity::Workload(Workload {
            id,
            ownership: Ownership::SingleTenant,
        }),
    };
    let suite = |id: hygie_core::AppId| (id.to_string() == PSC).then_some(Suite::Office365);
    let sign_in = request.sign_in(identity, &suite, Timestamp::from_secs(NOW));
    let mut found = respond(&request, &rules, &sign_in);
    let applied_only = Request {
        applied_only: Some(true),
        ..request
    };
    let applied = respond(&applied_only, &rules, &sign_in).len();
    let answer = found.remove(0);
    assert_eq!(applied, usize::from(answer["policyApplies"] == true));
    let text = answer["analysisReasons"].as_str().expect("a text").to_owned();
    assert_eq!(answer["policyApplies"], json!(text == "notSet"), "{text}");
    assert_eq!(answer["displayName"], policy["displayName"]);
    text
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_keeps_policies_away() {
    let apps = "/conditions/applications";
    for (place, value, expected) in [
        ("/description", json!(null), "notSet"),
        ("/state", json!("disabled"), "policyNotEnabled"),
        ("/state", json!("enabledForReportingButNotEnforced"), "notSet"),
        ("/conditions/users/includeUsers", json!([SITE]), "users"),
        ("/conditions/users/excludeUsers", json!([NURSE]), "users"),
        ("/conditions/users", json!(null), "users,emptyPolicy"),
        (
            "/conditions/clientApplications",
            json!({ "includeServicePrincipals": [SITE] }),
            "users",
        ),
        (apps, json!({ "includeApplications": [SITE] }), "application"),
        (
            apps,
            json!({ "includeApplications": ["All"], "excludeApplications": [PSC] }),
            "application",
        ),
        (apps, json!({ "includeApplications": ["Office365"] }), "notSet"),
        (
            apps,
            json!({ "includeApplications": ["MicrosoftAdminPortals"] }),
            "application",
        ),
        (
            apps,
            json!({ "includeApplications": ["None"] }),
            "application,emptyPolicy",
        ),
        (
            apps,
            json!({ "includeUserActions": ["urn:user:registerdevice"] }),
            "userActions",
        ),
        (
            apps,
            json!({ "includeAuthenticationContextClassReferences": ["c1"] }),
            "authenticationContext",
        ),
        (
            "/conditions/platforms",
            json!({ "includePlatforms": ["iOS"] }),
            "devicePlatform",
        ),
        (
            "/conditions/platforms",
            json!({ "includePlatforms": ["all"], "excludePlatforms": ["windows"] }),
            "devicePlatform",
        ),
        ("/conditions/clientAppTypes", json!(["other"]), "clientApps"),
        ("/conditions/locations", json!({ "includeLocations": [SITE] }), "notSet"),
        (
            "/conditions/locations",
            json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] }),
            "location",
        ),
        (
            "/conditions/locations",
            json!({ "includeLocations": ["00000000-0000-0000-0000-000000000000"] }),
            "location",
        ),
        ("/conditions/signInRiskLevels", json!(["high"]), "signInRisk"),
        ("/conditions/userRiskLevels", json!(["high", "none"]), "notSet"),
        (
            "/conditions/servicePrincipalRiskLevels",
            json!(["high"]),
            "notEnoughInformation,workloadIdentities",
        ),
        (
            "/conditions/insiderRiskLevels",
            json!("elevated"),
            "notEnoughInformation,insiderRisk",
        ),
        (
            "/conditions/authenticationFlows",
            json!({ "transferMethods": "deviceCodeFlow" }),
            "authenticationFlow",
        ),
        (
            "/conditions/devices",
            json!({ "deviceFilter": { "mode": "exclude", "rule": "device.isCompliant -eq True" } }),
            "devices",
        ),
        (
            "/conditions/devices",
            json!({ "deviceFilter": { "mode": "include", "rule": "device.physicalIds -contains \"b\"" } }),
            "notSet",
        ),
        // A rule that cannot be read leaves nobody out.
        (
            "/conditions/devices",
            json!({ "deviceFilter": { "mode": "exclude", "rule": "true" } }),
            "notSet",
        ),
    ] {
        assert_eq!(
            reasons(&with(least(), place, value.clone()), &question()),
            expected,
            "{place}: {value}"
        );
    }
    let several = with(
        with(least(), "/state", json!("disabled")),
        "/conditions/clientAppTypes",
        json!(["other"]),
    );
    assert_eq!(reasons(&several, &question()), "clientApps,policyNotEnabled");
}

#[test]
fn other_questions() {
    let context = |context: Value| with(question(), "/signInContext", context);
    let contexts = with(
        least(),
        "/conditions/applications",
        json!({ "includeAuthenticationContextClassReferences": ["c1"] }),
    );
    let actions = with(
        least(),
        "/conditions/applications",
        json!({ "includeUserActions": ["urn:user:registersecurityinfo"] }),
    );
    let asked = context(json!({ "@odata.type": "#microsoft.graph.authContext", "authenticationContextValue": "c1" }));
    let action = |word| context(json!({ "@odata.type": "#microsoft.graph.userActionContext", "userAction": word }));
    assert_eq!(reasons(&contexts, &asked), "notSet");
    assert_eq!(reasons(&actions, &asked), "userActions");
    assert_eq!(reasons(&actions, &action("registerSecurityInformation")), "notSet");
    assert_eq!(reasons(&actions, &action("registerOrJoinDevices")), "userActions");
    assert_eq!(reasons(&least(), &action("registerOrJoinDevices")), "application");

    let bare = with(question(), "/signInConditions", json!(null));
    let somewhere = with(least(), "/conditions/locations", json!({ "includeLocations": [SITE] }));
    assert_eq!(reasons(&somewhere, &bare), "notEnoughInformation,location");
    let windows = with(
        least(),
        "/conditions/platforms",
        json!({ "includePlatforms": ["windows"] }),
    );
    assert_eq!(reasons(&windows, &bare), "notEnoughInformation,devicePlatform");

    let unsaid = json!({ "devicePlatform": "all", "clientAppType": "all", "insiderRiskLevel": "none",
        "authenticationFlow": { "transferMethod": "none" } });
    let unsaid = with(question(), "/signInConditions", unsaid);
    assert_eq!(reasons(&windows, &unsaid), "notEnoughInformation,devicePlatform");
    assert_eq!(reasons(&least(), &unsaid), "notSet");

    let workload = json!({ "@odata.type": "#microsoft.graph.servicePrincipalSignIn", "servicePrincipalId": NURSE });
    let workload = with(question(), "/signInIdentity", workload);
    assert_eq!(reasons(&least(), &workload), "workloadIdentities");
    let guest = json!({ "@odata.type": "#microsoft.graph.userSignIn", "userId": NURSE, "externalTenantId": SITE,
        "externalUserType": "b2bCollaborationGuest" });
    let guests = with(
        least(),
        "/conditions/users/includeUsers",
        json!(["GuestsOrExternalUsers"]),
    );
    assert_eq!(reasons(&guests, &with(question(), "/signInIdentity", guest)), "notSet");
    assert_eq!(reasons(&guests, &question()), "users");
}

#[test]
fn questions_are_read_strictly() {
    for (place, value, path, wrong) in [
        (
            "/signInIdentity/@odata.type",
            json!("#microsoft.graph.agentSignIn"),
            "signInIdentity.@odata.type",
            Wrong::unknown("agentSignIn"),
        ),
        (
            "/signInIdentity/userId",
            json!("nurse"),
            "signInIdentity.userId",
            Wrong::NotA("a GUID"),
        ),
        (
            "/signInContext/includeApplications",
            json!([]),
            "signInContext.includeApplications",
            Wrong::NotA("a list of 1 to 100 applications"),
        ),
        (
            "/signInConditions/weather",
            json!("rain"),
            "signInConditions.weather",
            Wrong::UnknownMember,
        ),
        (
            "/signInConditions/ipAddress",
            json!("192.0.2"),
            "signInConditions.ipAddress",
            Wrong::NotA("an address"),
        ),
        (
            "/signInConditions/deviceInfo/isSafe",
            json!(true),
            "signInConditions.deviceInfo.isSafe",
            Wrong::UnknownMember,
        ),
        (
            "/signInConditions/country",
            json!("fr"),
            "signInConditions.country",
            Wrong::NotA("two capital letters of ISO 3166-1"),
        ),
        ("/signInContext", json!(null), "signInContext", Wrong::Missing),
    ] {
        let error = Request::from_json(&with(question(), place, value)).expect_err(place);
        assert_eq!((error.path.as_str(), &error.wrong), (path, &wrong));
    }
    let request = Request::from_json(&question()).expect("a question");
    let written = hygie_policy::json::Member::write(&request);
    assert_eq!(Request::from_json(&written), Ok(request));
}
