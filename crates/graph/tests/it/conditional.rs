//! Conditional access over the directory API: as clients and the script of the PSC guide use it.

use std::fmt::Write as _;

use http::Method;
use hygie_policy::psc::{Application, Export, Verdict, check};
use hygie_testkit::Answer;
use serde_json::{Value, json};

use crate::world::{BASE, By, World, each, refusal, refused, user};

const POLICIES: &str = "/v1.0/identity/conditionalAccess/policies";
const LOCATIONS: &str = "/v1.0/identity/conditionalAccess/namedLocations";
const CONTEXTS: &str = "/v1.0/identity/conditionalAccess/authenticationContextClassReferences";
const STRENGTHS: &str = "/v1.0/policies/authenticationStrengthPolicies";
const ALIAS: &str = "/v1.0/identity/conditionalAccess/authenticationStrength/policies";
const EVALUATE: &str = "/v1.0/identity/conditionalAccess/evaluate";
const DEFAULTS: &str = "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy";
pub const ADMINISTRATOR: &[&str] = &[
    "Policy.Read.All",
    "Policy.ReadWrite.ConditionalAccess",
    "Application.Read.All",
];

/// A policy for everybody and everything.
fn mfa(name: &str) -> Value {
    json!({
        "displayName": name, "state": "enabled",
        "conditions": { "applications": { "includeApplications": ["All"] }, "users": { "includeUsers": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
    })
}

fn site() -> Value {
    json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Site", "isTrusted": true,
        "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24" }] })
}

fn cards() -> Value {
    json!({ "displayName": "FA01-ProSantéConnect", "requirementsSatisfied": "mfa",
        "allowedCombinations": ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"] })
}

impl By<'_> {
    async fn make(&self, path: &str, document: &Value) -> Value {
        let answer = self.document(Method::POST, path, document).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
        let made = answer.json();
        let address = answer.headers["location"].to_str().expect("an address");
        let id = id(&made);
        assert!(address.ends_with(&format!("/{id}")), "{address}");
        made
    }

    async fn change(&self, path: &str, change: &Value) -> Answer {
        self.document(Method::PATCH, path, change).await
    }

    async fn remove(&self, path: &str) -> Answer {
        self.document(Method::DELETE, path, &json!({})).await
    }
}

fn id(made: &Value) -> &str {
    made["id"].as_str().expect("an id")
}

/// Status and message of an error.
fn told(answer: &Answer) -> (u16, String) {
    let message = answer.json()["error"]["message"].as_str().unwrap_or("?").to_owned();
    (answer.status.as_u16(), message)
}

#[tokio::test]
async fn a_policy_from_its_making_to_its_end() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    let strength = admin.make(STRENGTHS, &cards()).await;
    let mut document = mfa("AC02");
    document["grantControls"] = json!({ "operator": "OR", "authenticationStrength": { "id": strength["id"] } });
    let made = admin.make(POLICIES, &document).await;
    assert_eq!(
        made["@odata.context"],
        format!("{BASE}/v1.0/$metadata#identity/conditionalAccess/policies/$entity")
    );
    assert_eq!(
        (&made["modifiedDateTime"], &made["sessionControls"]),
        (&Value::Null, &Value::Null)
    );
    let path = format!("{POLICIES}/{}", id(&made));
    let shown = admin.json(&path).await;
    assert_eq!(shown, made);
    // The strength comes along whole, and goes back as it came.
    assert_eq!(
        shown.pointer("/grantControls/authenticationStrength/displayName"),
        Some(&json!("FA01-ProSantéConnect"))
    );
    let answer = admin
        .change(&path, &json!({ "grantControls": shown["grantControls"] }))
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.len()),
        (204, 0),
        "{}",
        answer.text()
    );
    let report_only = json!({ "state": "enabledForReportingButNotEnforced" });
    assert_eq!(admin.change(&path, &report_only).await.status, 204);
    let after = admin.json(&path).await;
    assert_eq!(after["state"], report_only["state"]);
    assert_ne!(after["modifiedDateTime"], Value::Null);
    assert_eq!(
        told(
            &admin
                .change(&path, &json!({ "conditions": { "userRiskLevel": ["high"] } }))
                .await
        ),
        (400, "conditions.userRiskLevel: there is no such member".to_owned())
    );
    let upper = path
        .to_uppercase()
        .replace("/V1.0/IDENTITY/CONDITIONALACCESS/POLICIES", POLICIES);
    assert_eq!(admin.json(&upper).await["id"], made["id"]);
    assert_eq!(admin.remove(&path).await.status, 204);
    for answer in [
        admin.get(&path).await,
        admin.remove(&path).await,
        admin.change(&path, &json!({})).await,
    ] {
        assert_eq!(refusal(&answer), refused(404, "Request_ResourceNotFound"));
    }
}

#[tokio::test]
async fn all_policies_are_one_page() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    for n in 0..195 {
        let mut draft = mfa(&format!("Draft {n}"));
        draft["state"] = json!(if n == 7 { "enabled" } else { "disabled" });
        admin.make(POLICIES, &draft).await;
    }
    let page = admin.json(POLICIES).await;
    assert_eq!((each(&page, "id").len(), page.get("@odata.nextLink")), (195, None));
    let answer = admin.document(Method::POST, POLICIES, &mfa("One more")).await;
    assert_eq!(
        told(&answer),
        (400, "a tenant may have 195 conditional access policies".to_owned())
    );
    let some = admin.json(&format!("{POLICIES}?$top=2&$select=id")).await;
    assert_eq!(each(&some, "id").len(), 2);
    let next = some["@odata.nextLink"].as_str().unwrap();
    assert_ne!(each(&admin.json(next).await, "id"), each(&some, "id"));
    let found = admin
        .json(&format!(
            "{POLICIES}?$filter=state%20eq%20'enabled'&$select=displayName"
        ))
        .await;
    assert_eq!(found["value"], json!([{ "displayName": "Draft 7" }]));
    let found = admin
        .json(&format!(
            "{POLICIES}?$filter=conditions/applications/includeApplications/any(a:a%20eq%20'All')&$top=3"
        ))
        .await;
    assert_eq!(each(&found, "id").len(), 3);
}

#[tokio::test]
async fn the_script_of_the_psc_guide_finds_what_conforms() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    let emergency = user(&world.directory, &world.cx, ("Secours", "Un", "ch-demo.example")).await;
    let strength = admin.make(STRENGTHS, &cards()).await;
    let app = world.portal.0;
    let document = json!({
        "displayName": "AC02-ProSantéConnect-Session4hAvecMFA-Global-ToutePlateforme-PourANS", "state": "enabled",
        "conditions": { "clientAppTypes": ["all"], "applications": { "includeApplications": [app] },
            "users": { "includeUsers": ["All"], "excludeUsers": [emergency] } },
        "grantControls": { "operator": "OR", "authenticationStrength": { "id": strength["id"] } },
        "sessionControls": { "signInFrequency": { "isEnabled": true, "value": 4, "type": "hours",
            "frequencyInterval": "timeBased", "authenticationType": "primaryAndSecondaryAuthentication" } },
    });
    admin.make(POLICIES, &document).await;
    admin.make(POLICIES, &mfa("Another")).await;
    // The two calls of `ListerStrategiesAccesPSC.ps1`, with what it asks to be let.
    let (directory, reader) = (&world.directory, hygie_directory::role::SECURITY_READER);
    directory
        .assign_directory_role(&world.cx, world.nurse, reader)
        .await
        .unwrap();
    let script = world.person("Application.Read.All Policy.Read.All");
    let found = script
        .json("/v1.0/servicePrincipals?$filter=DisplayName%20eq%20'PSC_BAS'")
        .await;
    let found = &found["value"][0]["appId"];
    assert_eq!(*found, json!(app));
    let policies = script.json("/v1.0/identity/conditionalAccess/policies").await;
    let kept: Vec<&Value> = policies["value"].as_array().unwrap().iter().collect();
    let kept: Vec<&Value> = kept
        .into_iter()
        .filter(|policy| {
            let applications = &policy["conditions"]["applications"]["includeApplications"];
            policy["state"] == "enabled" && applications.as_array().is_some_and(|all| all.contains(found))
        })
        .collect();
    assert_eq!(kept.len(), 1);
    // What Graph answers is an export as well.
    let export = Export::read(policies.to_string().as_bytes()).unwrap();
    let report = check(&export, Application::Named(app));
    let points: Vec<_> = report.points.iter().map(|point| (point.id, point.verdict)).collect();
    assert!(
        points.iter().all(|(_, verdict)| *verdict != Verdict::DoesNotConform),
        "{points:?}"
    );
    let both = json!({ "policies": policies, "strengths": admin.json(STRENGTHS).await });
    let report = check(
        &Export::read(both.to_string().as_bytes()).unwrap(),
        Application::Named(app),
    );
    assert_eq!(report.verdict(), Verdict::Conforms, "{}", report.to_json());
}

#[tokio::test]
async fn locations_and_contexts() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    let site = admin.make(LOCATIONS, &site()).await;
    let country = json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "France",
        "countriesAndRegions": ["FR"] });
    admin.make(LOCATIONS, &country).await;
    let trusted = admin.json(&format!("{LOCATIONS}?$filter=isTrusted%20eq%20true")).await;
    assert_eq!(each(&trusted, "@odata.type"), ["#microsoft.graph.ipNamedLocation"]);
    let path = format!("{LOCATIONS}/{}", id(&site));
    let renamed = json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Hôpital" });
    assert_eq!(admin.change(&path, &renamed).await.status, 204);
    assert_eq!(admin.json(&path).await["displayName"], "Hôpital");
    let other = json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "countriesAndRegions": ["FR"] });
    assert_eq!(
        told(&admin.change(&path, &other).await),
        (400, "@odata.type: cannot be changed".to_owned())
    );
    assert_eq!(admin.remove(&path).await.status, 400);
    assert_eq!(admin.change(&path, &json!({ "isTrusted": false })).await.status, 204);
    assert_eq!(admin.remove(&path).await.status, 204);

    let context = json!({ "displayName": "Prescription", "description": "Signer", "isAvailable": true });
    assert_eq!(admin.change(&format!("{CONTEXTS}/c7"), &context).await.status, 204);
    assert_eq!(
        admin
            .change(&format!("{CONTEXTS}/c7"), &json!({ "isAvailable": false }))
            .await
            .status,
        204
    );
    admin
        .make(CONTEXTS, &json!({ "id": "c10", "displayName": "Admin" }))
        .await;
    let answer = admin.document(Method::POST, CONTEXTS, &json!({ "id": "c10" })).await;
    assert_eq!(answer.status, 409);
    let all = admin.json(CONTEXTS).await;
    assert_eq!(each(&all, "id"), ["c7", "c10"]);
    assert_eq!(
        (&all["value"][0]["displayName"], &all["value"][0]["isAvailable"]),
        (&json!("Prescription"), &json!(false))
    );
    assert_eq!(admin.change(&format!("{CONTEXTS}/c100"), &json!({})).await.status, 400);
    assert_eq!(
        admin
            .change(&format!("{CONTEXTS}/c7"), &json!({ "id": "c8" }))
            .await
            .status,
        400
    );
    assert_eq!(admin.remove(&format!("{CONTEXTS}/c7")).await.status, 204);
}

#[tokio::test]
async fn strengths_at_both_addresses() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    let made = admin.make(STRENGTHS, &cards()).await;
    let custom = admin.json(&format!("{ALIAS}?$filter=policyType%20eq%20'custom'")).await;
    assert_eq!(each(&custom, "displayName"), ["FA01-ProSantéConnect"]);
    let text = admin
        .json(&format!(
            "{STRENGTHS}?$filter=allowedCombinations/any(x:x%20has%20'sms,%20password')"
        ))
        .await;
    assert_eq!(each(&text, "id"), ["00000000-0000-0000-0000-000000000002"]);
    let built_in = format!("{STRENGTHS}/00000000-0000-0000-0000-000000000004");
    assert_eq!(admin.json(&built_in).await["displayName"], "Phishing resistant MFA");
    assert_eq!(admin.remove(&built_in).await.status, 400);
    let path = format!("{ALIAS}/{}", id(&made));
    let combinations = json!({ "allowedCombinations": ["fido2", "password, softwareOath"] });
    let action = format!("{path}/updateAllowedCombinations");
    let answer = admin.document(Method::POST, &action, &combinations).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let result = answer.json();
    assert_eq!(result["currentCombinations"], json!(["fido2", "password,softwareOath"]));
    assert_eq!(result["previousCombinations"].as_array().map(Vec::len), Some(3));
    let mut document = mfa("AC02");
    document["grantControls"] = json!({ "operator": "OR", "authenticationStrength": { "id": made["id"] } });
    admin.make(POLICIES, &document).await;
    for call in ["usage", "usage()"] {
        let usage = admin.json(&format!("{path}/{call}")).await;
        assert_eq!(
            (each_name(&usage["mfa"]), each_name(&usage["none"])),
            (vec!["AC02".to_owned()], vec![])
        );
    }
    let refusal = (400, "it is used by 'AC02'".to_owned());
    assert_eq!(told(&admin.remove(&path).await), refusal);
}

fn each_name(list: &Value) -> Vec<String> {
    each(&json!({ "value": list }), "displayName")
}

#[tokio::test]
async fn what_narrows_a_strength() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    let made = admin.make(STRENGTHS, &cards()).await;
    let path = format!("{STRENGTHS}/{}/combinationConfigurations", id(&made));
    let narrow = json!({ "@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
        "allowedAAGUIDs": ["00000000-0000-4000-8000-000000000001"], "appliesToCombinations": ["fido2"] });
    let inner = admin.make(&path, &narrow).await;
    assert_eq!(each(&admin.json(&path).await, "id"), [id(&inner)]);
    let one = format!("{path}/{}", id(&inner));
    let change = json!({ "allowedAAGUIDs": ["00000000-0000-4000-8000-000000000002"] });
    assert_eq!(admin.change(&one, &change).await.status, 204);
    assert_eq!(admin.json(&one).await["allowedAAGUIDs"], change["allowedAAGUIDs"]);
    assert_eq!(admin.change(&one, &json!({ "allowedAAGUIDs": [] })).await.status, 400);
    assert_eq!(admin.remove(&one).await.status, 204);
    assert_eq!(admin.remove(&one).await.status, 404);
    assert_eq!(admin.get(&one).await.status, 404);
}

#[tokio::test]
async fn what_if_somebody_signed_in() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    let mut staff = mfa("Staff");
    staff["conditions"]["users"] = json!({ "includeGroups": [world.staff] });
    admin.make(POLICIES, &staff).await;
    admin.make(LOCATIONS, &site()).await;
    let mut away = mfa("Away");
    away["conditions"]["locations"] = json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] });
    admin.make(POLICIES, &away).await;
    let stranger = user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    let ask = |person, address| {
        json!({ "signInIdentity": { "@odata.type": "#microsoft.graph.userSignIn", "userId": person },
            "signInContext": { "@odata.type": "#microsoft.graph.applicationContext",
                "includeApplications": [world.portal.0] },
            "signInConditions": { "ipAddress": address, "clientAppType": "browser" } })
    };
    // The nurse is of the staff through another group.
    for (person, address, expected) in [
        (
            world.nurse,
            "192.0.2.7",
            [("Away", false, "location"), ("Staff", true, "notSet")],
        ),
        (
            world.nurse,
            "203.0.113.7",
            [("Away", true, "notSet"), ("Staff", true, "notSet")],
        ),
        (
            stranger,
            "203.0.113.7",
            [("Away", true, "notSet"), ("Staff", false, "users")],
        ),
    ] {
        let answer = admin.document(Method::POST, EVALUATE, &ask(person, address)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut found = Vec::new();
        let answer = answer.json();
        for policy in answer["value"].as_array().unwrap() {
            let name = policy["displayName"].as_str().unwrap();
            let reasons = policy["analysisReasons"].as_str().unwrap();
            found.push((name, policy["policyApplies"] == true, reasons));
        }
        found.sort_unstable();
        assert_eq!(found, expected, "{person} {address}");
    }
    let mut only = ask(world.nurse, "192.0.2.7");
    only["appliedPoliciesOnly"] = json!(true);
    let answer = admin.document(Method::POST, EVALUATE, &only).await.json();
    assert_eq!(each(&answer, "displayName"), ["Staff"]);
    let nobody = "00000000-0000-4000-8000-000000000009".parse().unwrap();
    let answer = admin.document(Method::POST, EVALUATE, &ask(nobody, "192.0.2.7")).await;
    assert_eq!(
        told(&answer),
        (400, format!("signInIdentity.userId: there is no such object: {nobody}"))
    );
}

#[tokio::test]
async fn workloads_are_asked_about_too() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    let mut block = mfa("Workloads");
    block["conditions"]["users"] = Value::Null;
    block["conditions"]["clientApplications"] = json!({ "includeServicePrincipals": [world.portal.1.id] });
    block["grantControls"]["builtInControls"] = json!(["block"]);
    admin.make(POLICIES, &block).await;
    let ask = json!({ "appliedPoliciesOnly": true,
        "signInIdentity": { "@odata.type": "#microsoft.graph.servicePrincipalSignIn",
            "servicePrincipalId": world.portal.1.id },
        "signInContext": { "@odata.type": "#microsoft.graph.applicationContext",
            "includeApplications": [world.portal.0] } });
    let answer = admin.document(Method::POST, EVALUATE, &ask).await.json();
    assert_eq!(each(&answer, "displayName"), ["Workloads"]);
}

#[tokio::test]
async fn templates_spare_who_asks() {
    let world = World::new().await;
    let (person, admin) = (world.person("Policy.Read.All"), world.app(ADMINISTRATOR));
    let all = person
        .json("/v1.0/identity/conditionalAccess/templates?$filter=scenarios%20has%20'secureFoundation'")
        .await;
    assert_eq!(each(&all, "id").len(), 7);
    let all = person.json("/v1.0/identity/conditionalAccess/templates").await;
    assert_eq!(each(&all, "id").len(), 17);
    for template in all["value"].as_array().unwrap() {
        let path = format!("/v1.0/identity/conditionalAccess/templates/{}", id(template));
        assert_eq!(person.json(&path).await["name"], template["name"]);
        let excluded = template.pointer("/details/conditions/users/excludeUsers/0");
        assert_eq!(excluded, Some(&json!(world.nurse)), "{}", template["name"]);
        // What it says can be made, but for what this tenant has not.
        let state = "enabledForReportingButNotEnforced";
        let action = template.pointer("/details/conditions/applications/includeUserActions/0");
        let mut policy = template["details"].clone();
        policy["displayName"] = template["name"].clone();
        policy["templateId"] = template["id"].clone();
        policy["state"] = json!(if action.is_some() { "disabled" } else { state });
        let answer = admin.document(Method::POST, POLICIES, &policy).await;
        let cloud = "797f4846-ba00-4fd7-ba43-dac1f8f63013";
        if policy.to_string().contains(cloud) {
            assert_eq!(
                told(&answer),
                (
                    400,
                    format!("conditions.applications: there is no such object: {cloud}")
                )
            );
        } else {
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn security_defaults_are_for_tenants_without_policies() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    assert_eq!(admin.json(DEFAULTS).await["isEnabled"], false);
    assert_eq!(admin.change(DEFAULTS, &json!({ "isEnabled": true })).await.status, 204);
    assert_eq!(admin.json(DEFAULTS).await["isEnabled"], true);
    assert_eq!(admin.document(Method::POST, POLICIES, &mfa("MFA")).await.status, 400);
    let own = world.app(&["Policy.ReadWrite.SecurityDefaults"]);
    assert_eq!(own.change(DEFAULTS, &json!({ "isEnabled": false })).await.status, 204);
    admin.make(POLICIES, &mfa("MFA")).await;
    assert_eq!(own.change(DEFAULTS, &json!({ "isEnabled": true })).await.status, 400);
    assert_eq!(own.change(DEFAULTS, &json!({ "enabled": true })).await.status, 400);
}

#[tokio::test]
async fn bodies_that_are_none() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    let long = json!({ "displayName": "x".repeat(2 << 20) });
    for (document, status) in [
        (deep, 400),
        (json!([]), 400),
        (json!("policy"), 400),
        (json!(null), 400),
        (long, 413),
    ] {
        let answer = admin.document(Method::POST, POLICIES, &document).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    assert_eq!(admin.document(Method::PUT, POLICIES, &mfa("MFA")).await.status, 501);
}

#[tokio::test]
async fn a_person_without_a_role_changes_nothing() {
    let world = World::new().await;
    let scopes = "Policy.Read.All Policy.ReadWrite.ConditionalAccess Application.Read.All Agreement.ReadWrite.All \
                  Policy.ReadWrite.SecurityDefaults";
    let person = world.person(scopes);
    let made = world.app(ADMINISTRATOR).make(POLICIES, &mfa("MFA")).await;
    let one = format!("{POLICIES}/{}", id(&made));
    let action = format!("{STRENGTHS}/{}/updateAllowedCombinations", id(&made));
    for (method, path) in [
        (Method::POST, POLICIES),
        (Method::PATCH, &one),
        (Method::DELETE, &one),
        (Method::POST, LOCATIONS),
        (Method::POST, STRENGTHS),
        (Method::POST, &action),
        (Method::PATCH, &format!("{CONTEXTS}/c1")),
        (Method::PATCH, DEFAULTS),
        (Method::PATCH, "/v1.0/policies/sessionLifetimePolicy"),
        (Method::PATCH, "/v1.0/policies/signInProtectionPolicy"),
        (Method::PATCH, "/v1.0/policies/tokenClaimsPolicy"),
        (Method::POST, "/v1.0/agreements"),
    ] {
        let answer = person.document(method.clone(), path, &mfa("Mine")).await;
        assert_eq!(
            refusal(&answer),
            refused(403, "Authorization_RequestDenied"),
            "{method} {path}"
        );
    }
    // How the house is guarded is for who has a role.
    for path in [POLICIES, LOCATIONS, STRENGTHS, DEFAULTS, &one] {
        assert_eq!(person.get(path).await.status, 403, "{path}");
    }
    let reader = hygie_directory::role::SECURITY_READER;
    let (directory, cx) = (&world.directory, &world.cx);
    directory.assign_directory_role(cx, world.nurse, reader).await.unwrap();
    assert_eq!(person.json(&one).await["displayName"], "MFA");
}

/// Which permissions, one of each pair at least, open what.
const EXPECTED: &str = "\
GET /v1.0/identity/conditionalAccess/policies: Policy.Read.All Policy.Read.ConditionalAccess
GET /v1.0/identity/conditionalAccess/namedLocations: Policy.Read.All Policy.Read.ConditionalAccess
GET /v1.0/identity/conditionalAccess/authenticationContextClassReferences: Policy.Read.All Policy.Read.ConditionalAccess
GET /v1.0/identity/conditionalAccess/templates: Policy.Read.All Policy.Read.ConditionalAccess
GET /v1.0/policies/authenticationStrengthPolicies: Policy.Read.All Policy.Read.ConditionalAccess Policy.ReadWrite.ConditionalAccess
GET /v1.0/policies/identitySecurityDefaultsEnforcementPolicy: Policy.Read.All Policy.Read.ConditionalAccess Policy.ReadWrite.SecurityDefaults
POST /v1.0/identity/conditionalAccess/policies: Policy.Read.All+Policy.ReadWrite.ConditionalAccess+Application.Read.All Policy.Read.ConditionalAccess+Policy.ReadWrite.ConditionalAccess+Application.Read.All
POST /v1.0/identity/conditionalAccess/namedLocations: Policy.Read.All+Policy.ReadWrite.ConditionalAccess Policy.Read.ConditionalAccess+Policy.ReadWrite.ConditionalAccess
POST /v1.0/policies/authenticationStrengthPolicies: Policy.ReadWrite.ConditionalAccess
PATCH /v1.0/policies/identitySecurityDefaultsEnforcementPolicy: Policy.ReadWrite.SecurityDefaults Policy.Read.All+Policy.ReadWrite.ConditionalAccess Policy.Read.ConditionalAccess+Policy.ReadWrite.ConditionalAccess
PATCH /v1.0/policies/sessionLifetimePolicy: Policy.Read.All+Policy.ReadWrite.ConditionalAccess Policy.Read.ConditionalAccess+Policy.ReadWrite.ConditionalAccess
PATCH /v1.0/policies/signInProtectionPolicy: Policy.Read.All+Policy.ReadWrite.ConditionalAccess Policy.Read.ConditionalAccess+Policy.ReadWrite.ConditionalAccess
PATCH /v1.0/policies/tokenClaimsPolicy: Policy.Read.All+Policy.ReadWrite.ConditionalAccess Policy.Read.ConditionalAccess+Policy.ReadWrite.ConditionalAccess
POST /v1.0/identity/conditionalAccess/evaluate: Policy.Read.All Policy.Read.ConditionalAccess
";

const PERMISSIONS: &[&str] = &[
    "Policy.Read.All",
    "Policy.Read.ConditionalAccess",
    "Policy.ReadWrite.ConditionalAccess",
    "Policy.ReadWrite.SecurityDefaults",
    "Application.Read.All",
];

#[tokio::test]
async fn each_address_needs_its_permissions() {
    let world = World::new().await;
    // The least sets of permissions that open an address; a document that is wrong is not refused for want of them.
    let mut sets: Vec<u32> = (1..1_u32 << PERMISSIONS.len()).collect();
    sets.sort_by_key(|set| set.count_ones());
    let mut found = String::new();
    for line in EXPECTED.lines() {
        let (call, _) = line.split_once(": ").unwrap();
        let (method, path) = call.split_once(' ').unwrap();
        let mut opened: Vec<u32> = Vec::new();
        for set in &sets {
            let names: Vec<&str> = (0..PERMISSIONS.len())
                .filter(|n| set & (1 << n) != 0)
                .map(|n| PERMISSIONS[n])
                .collect();
            let by = world.app(&names);
            let answer = match method {
                "GET" => by.get(path).await,
                _ => by.document(method.parse().unwrap(), path, &json!({ "wrong": 1 })).await,
            };
            let is_least = !opened.iter().any(|less| less & set == *less);
            if answer.status != 403 && is_least {
                opened.push(*set);
            } else {
                assert!(answer.status == 403 || !is_least);
            }
        }
        let text = opened.iter().map(|set| {
            let names = (0..PERMISSIONS.len()).filter(|n| set & (1 << n) != 0);
            names.map(|n| PERMISSIONS[n]).collect::<Vec<_>>().join("+")
        });
        writeln!(found, "{call}: {}", text.collect::<Vec<_>>().join(" ")).unwrap();
    }
    assert_eq!(found, EXPECTED, "\n{found}");
}

#[tokio::test]
async fn lifetimes_of_sessions_are_shown_and_changed() {
    let world = World::new().await;
    let caller = world.app(ADMINISTRATOR);
    let path = "/v1.0/policies/sessionLifetimePolicy";
    let before = caller.json(path).await;
    let usual = json!([240, 30, false]);
    let names = [
        "maximumLifetimeInMinutes",
        "inactivityTimeoutInMinutes",
        "isStaySignedInOffered",
    ];
    let of = |shown: &Value| json!(names.map(|name| shown[name].clone()));
    assert_eq!(of(&before), usual);
    caller
        .changed("PATCH", path, &json!({ "inactivityTimeoutInMinutes": 20 }))
        .await;
    assert_eq!(of(&caller.json(path).await), json!([240, 20, false]));
    for wrong in [json!({ "maximumLifetimeInMinutes": 200_000 }), json!({ "lifetime": 3 })] {
        assert_eq!(caller.send("PATCH", path, &wrong).await.status, 400, "{wrong}");
    }
    let reader = world.app(&["Policy.Read.All"]);
    assert_eq!(reader.get(path).await.status, 200);
    assert_eq!(reader.send("PATCH", path, &json!({})).await.status, 403);
    assert_eq!(world.person("Policy.Read.All").get(path).await.status, 403);
}

#[tokio::test]
async fn who_names_a_version_changes_no_other() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    for (set, document) in [(POLICIES, mfa("AC10")), (LOCATIONS, site()), (STRENGTHS, cards())] {
        let made = admin.make(set, &document).await;
        let path = format!("{set}/{}", id(&made));
        let version = async || {
            let answer = admin.get(&path).await;
            answer.headers["etag"].to_str().expect("a version").to_owned()
        };
        let first = version().await;
        let of = |versions: &str, method: &Method, name: &str| {
            let (versions, body) = (versions.to_owned(), json!({ "displayName": name }));
            let (admin, path, method) = (&admin, &path, method.clone());
            async move { admin.when(&versions, (method, path, &body)).await }
        };
        assert_eq!(of(&first, &Method::PATCH, "Un").await.status, 204, "{set}");
        let second = version().await;
        assert_ne!(second, first);
        for method in [Method::PATCH, Method::DELETE] {
            let answer = of(&first, &method, "Deux").await;
            assert_eq!(refusal(&answer), refused(412, "preconditionFailed"), "{set} {method}");
            assert_eq!(of("\"a\", W/\"b\"", &method, "Deux").await.status, 412);
        }
        assert_eq!(admin.json(&path).await["displayName"], "Un");
        let either = format!("\"a\", {second}");
        assert_eq!(of(&either, &Method::PATCH, "Deux").await.status, 204);
        assert_eq!(of("*", &Method::PATCH, "Trois").await.status, 204);
        if set == LOCATIONS {
            continue;
        }
        let last = version().await;
        assert_eq!(of(&last, &Method::DELETE, "").await.status, 204);
        assert_eq!(of(&last, &Method::PATCH, "").await.status, 404);
    }
}
