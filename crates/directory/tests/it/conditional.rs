//! Conditional access as it is kept: what may be, what follows at once, and what one tenant sees of another.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hygie_core::{ErrorKind, Fault, GroupId, ObjectId};
use hygie_directory::{AccessRules, ConditionalError, Countries, Enabled, Kept, MAX_STRENGTHS, NewUser};
use hygie_policy::json::{Member, read};
use hygie_policy::location::Country;
use hygie_policy::policy::{AuthenticationContext, State};
use hygie_policy::risk::SuppliedRisk;
use hygie_policy::strength::{MFA, PHISHING_RESISTANT};
use hygie_policy::{AuthenticationStrength, MAX_POLICIES, NamedLocation, Policy};
use serde_json::{Value, json};

use crate::world::World;

/// A policy for everybody and everything, with these grant controls.
pub fn policy(name: &str, grants: &Value) -> Value {
    json!({
        "displayName": name, "state": "enabled",
        "conditions": { "applications": { "includeApplications": ["All"] }, "users": { "includeUsers": ["All"] } },
        "grantControls": grants,
    })
}

pub fn mfa(name: &str) -> Value {
    policy(name, &json!({ "operator": "OR", "builtInControls": ["mfa"] }))
}

fn site() -> Value {
    json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Site", "isTrusted": true,
        "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24" }] })
}

fn cards() -> Value {
    json!({ "displayName": "FA01-ProSantéConnect", "allowedCombinations": ["x509CertificateMultiFactor"],
        "combinationConfigurations": [{ "@odata.type": "#microsoft.graph.x509CertificateCombinationConfiguration",
            "appliesToCombinations": ["x509CertificateMultiFactor"], "allowedPolicyOIDs": ["1.2.250.1.71"] }] })
}

fn of<T: Member>(document: &Value) -> T {
    read(document).unwrap_or_else(|error| panic!("{error}"))
}

impl World {
    async fn make<T: Kept>(&self, document: &Value) -> Result<T, ConditionalError> {
        self.directory.create_rule(&self.cx(self.tenant), of(document)).await
    }

    async fn change(&self, policy: &Policy, change: Value) -> Result<Policy, ConditionalError> {
        let key = policy.key().unwrap();
        self.directory.update_rule(&self.cx(self.tenant), &key, change).await
    }

    async fn rules(&self) -> AccessRules {
        let cx = self.cx(self.tenant);
        let rules = self.directory.read_access_rules(&cx).await.unwrap();
        assert_eq!(*self.directory.access_rules(&cx).await.unwrap(), rules);
        rules
    }
}

/// What is refused, in words.
fn refused<T: std::fmt::Debug>(outcome: Result<T, ConditionalError>) -> String {
    outcome.expect_err("refused").public()
}

#[tokio::test]
async fn what_was_stored_is_read_again_equal() {
    let world = World::new().await;
    let location: NamedLocation = world.make(&site()).await.unwrap();
    let strength: AuthenticationStrength = world.make(&cards()).await.unwrap();
    let context: AuthenticationContext = world
        .make(&json!({ "id": "c7", "displayName": "Prescription" }))
        .await
        .unwrap();
    let mut document = policy(
        "AC02",
        &json!({ "operator": "OR", "authenticationStrength": { "id": strength.key() } }),
    );
    document["conditions"]["users"]["excludeUsers"] = json!([world.nurse]);
    document["conditions"]["users"]["excludeGroups"] = json!([world.nurses]);
    document["conditions"]["applications"]["excludeApplications"] = json!([world.fhir]);
    document["conditions"]["locations"] =
        json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted", location.key()] });
    let policy: Policy = world.make(&document).await.unwrap();
    assert_eq!(
        (policy.created_at, policy.modified_at),
        (Some(world.cx(world.tenant).now), None)
    );
    let rules = world.rules().await;
    assert_eq!(
        (&rules.policies, &rules.locations, &rules.strengths, &rules.contexts),
        (&vec![policy.clone()], &vec![location], &vec![strength], &vec![context])
    );
    assert_eq!(rules.rules().policies, std::slice::from_ref(&policy));
    // One tenant sees nothing of another.
    let other = world.cx(world.other);
    assert_eq!(
        *world.directory.access_rules(&other).await.unwrap(),
        AccessRules::default()
    );
    let foreign = world
        .directory
        .delete_rule::<Policy>(&other, &policy.key().unwrap())
        .await;
    assert_eq!(foreign.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn changes_are_known_at_once_and_dated() {
    let world = World::new().await;
    let made: Policy = world.make(&mfa("MFA")).await.unwrap();
    assert_eq!(world.rules().await.policies.len(), 1);
    world.clock.advance(Duration::from_hours(1));
    let changed = world.change(&made, json!({ "state": "disabled" })).await.unwrap();
    assert_eq!(changed.created_at, made.created_at);
    assert_eq!(changed.modified_at, Some(world.cx(world.tenant).now));
    assert_eq!(world.rules().await.policies, std::slice::from_ref(&changed));
    let error = world
        .change(&made, json!({ "createdDateTime": "2026-01-01T00:00:00Z" }))
        .await;
    assert_eq!(refused(error), "createdDateTime: cannot be changed");
    assert_eq!(
        refused(world.change(&made, json!({ "stat": "enabled" })).await),
        "stat: there is no such member"
    );
    assert_eq!(
        refused(world.change(&made, json!({ "displayName": " " })).await),
        "displayName must have 1 to 256 characters"
    );
    let cx = world.cx(world.tenant);
    world
        .directory
        .delete_rule::<Policy>(&cx, &made.key().unwrap())
        .await
        .unwrap();
    assert_eq!(world.rules().await, AccessRules::default());
    let again = world.directory.delete_rule::<Policy>(&cx, &made.key().unwrap()).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_another_process_changes_is_known_within_a_second() {
    let world = World::new().await;
    assert_eq!(world.rules().await.policies, []);
    let elsewhere = world.second().await;
    let cx = world.cx(world.tenant);
    elsewhere.create_rule::<Policy>(&cx, of(&mfa("MFA"))).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.directory.access_rules(&cx).await.unwrap().policies.len(), 1);
}

#[tokio::test]
async fn what_a_policy_names_must_be_there() {
    let world = World::new().await;
    let nobody = "00000000-0000-4000-8000-000000000009";
    for (place, value, at) in [
        ("/conditions/users/excludeUsers", json!([nobody]), "conditions.users"),
        ("/conditions/users/excludeGroups", json!([nobody]), "conditions.users"),
        (
            "/conditions/applications/includeApplications",
            json!([nobody]),
            "conditions.applications",
        ),
        (
            "/conditions/locations",
            json!({ "includeLocations": [nobody] }),
            "conditions.locations",
        ),
        (
            "/grantControls/authenticationStrength",
            json!({ "id": nobody }),
            "grantControls.authenticationStrength",
        ),
        ("/grantControls/termsOfUse", json!([nobody]), "grantControls.termsOfUse"),
    ] {
        let mut document = policy(
            "P",
            &json!({ "operator": "OR", "builtInControls": ["compliantDevice"] }),
        );
        let (parent, name) = place.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[name] = value;
        let refusal = refused(world.make::<Policy>(&document).await);
        assert_eq!(refusal, format!("{at}: there is no such object: {nobody}"), "{place}");
    }
    let mut workloads = policy("P", &json!({ "operator": "OR", "builtInControls": ["block"] }));
    workloads["conditions"]["users"] = Value::Null;
    workloads["conditions"]["clientApplications"] = json!({ "includeServicePrincipals": [nobody] });
    assert!(refused(world.make::<Policy>(&workloads).await).starts_with("conditions.clientApplications"));
    let mut contexts = mfa("P");
    contexts["conditions"]["applications"] = json!({ "includeAuthenticationContextClassReferences": ["c1"] });
    assert_eq!(
        refused(world.make::<Policy>(&contexts).await),
        "conditions.applications: there is no such object: c1"
    );
    // The objects of one tenant are none of another's.
    let mut foreign = mfa("P");
    foreign["conditions"]["users"]["excludeUsers"] = json!([world.nurse]);
    let outcome = world
        .directory
        .create_rule::<Policy>(&world.cx(world.other), of(&foreign))
        .await;
    assert!(refused(outcome).starts_with("conditions.users: there is no such object"));
    assert_eq!(world.rules().await, AccessRules::default());
}

#[tokio::test]
async fn what_is_used_is_not_removed() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let location: NamedLocation = world.make(&site()).await.unwrap();
    let strength: AuthenticationStrength = world.make(&cards()).await.unwrap();
    let context: AuthenticationContext = world.make(&json!({ "id": "c7", "isAvailable": true })).await.unwrap();
    let keys = [location.key().unwrap(), strength.key().unwrap()];
    let mut document = policy("AC02", &json!({ "authenticationStrength": { "id": keys[1] } }));
    document["conditions"]["locations"] = json!({ "includeLocations": [keys[0]] });
    let first: Policy = world.make(&document).await.unwrap();
    let mut document = mfa("Prescription");
    document["conditions"]["applications"] = json!({ "includeAuthenticationContextClassReferences": ["c7"] });
    let second: Policy = world.make(&document).await.unwrap();
    let directory = &world.directory;
    let used = "it is used by 'AC02'";
    assert_eq!(
        refused(directory.delete_rule::<NamedLocation>(&cx, &keys[0]).await),
        used
    );
    assert_eq!(
        refused(directory.delete_rule::<AuthenticationStrength>(&cx, &keys[1]).await),
        used
    );
    assert_eq!(
        refused(directory.delete_rule::<AuthenticationContext>(&cx, "c7").await),
        "it is used by 'Prescription'"
    );
    for policy in [first, second] {
        directory
            .delete_rule::<Policy>(&cx, &policy.key().unwrap())
            .await
            .unwrap();
    }
    // Nor is what would be missed at once.
    assert!(refused(directory.delete_rule::<NamedLocation>(&cx, &keys[0]).await).contains("isTrusted"));
    assert!(refused(directory.delete_rule::<AuthenticationContext>(&cx, "c7").await).contains("isAvailable"));
    let untrusted = json!({ "isTrusted": false });
    directory
        .update_rule::<NamedLocation>(&cx, &keys[0], untrusted)
        .await
        .unwrap();
    let hidden = json!({ "isAvailable": false });
    directory.put_rule(&cx, context, hidden).await.unwrap();
    directory.delete_rule::<NamedLocation>(&cx, &keys[0]).await.unwrap();
    directory
        .delete_rule::<AuthenticationStrength>(&cx, &keys[1])
        .await
        .unwrap();
    directory.delete_rule::<AuthenticationContext>(&cx, "c7").await.unwrap();
    assert_eq!(world.rules().await, AccessRules::default());
}

#[tokio::test]
async fn what_is_built_in_stays() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    for id in [MFA, PHISHING_RESISTANT] {
        let (key, name) = (id.to_string(), json!({ "displayName": "Mine" }));
        let removed = world.directory.delete_rule::<AuthenticationStrength>(&cx, &key).await;
        assert_eq!(refused(removed), "what is built in cannot be changed");
        let changed = world
            .directory
            .update_rule::<AuthenticationStrength>(&cx, &key, name)
            .await;
        assert_eq!(refused(changed), "what is built in cannot be changed");
    }
    // A policy may use it.
    let strong = policy("P", &json!({ "authenticationStrength": { "id": MFA.to_string() } }));
    let made: Policy = world.make(&strong).await.unwrap();
    let shown = world.rules().await.with_strength(made).to_json();
    assert_eq!(
        shown.pointer("/grantControls/authenticationStrength/displayName"),
        Some(&json!("Multifactor authentication"))
    );
}

#[tokio::test]
async fn limits_hold_under_concurrency() {
    let world = World::new().await;
    for n in 0..MAX_POLICIES - 3 {
        let mut draft = mfa(&format!("Draft {n}"));
        draft["state"] = json!("disabled");
        world.make::<Policy>(&draft).await.unwrap();
    }
    let rush = (0..8).map(|n| {
        let (directory, cx) = (world.directory.clone(), world.cx(world.tenant));
        let new = of::<Policy>(&mfa(&format!("Late {n}")));
        tokio::spawn(async move { directory.create_rule(&cx, new).await.map(drop) })
    });
    let rush: Vec<_> = rush.collect();
    let mut refusals = Vec::new();
    for one in rush {
        refusals.extend(one.await.unwrap().err().map(|error| error.public()));
    }
    assert_eq!(refusals, ["a tenant may have 195 conditional access policies"; 5]);
    assert_eq!(world.rules().await.policies.len(), MAX_POLICIES);
    for _ in 0..MAX_STRENGTHS {
        world.make::<AuthenticationStrength>(&cards()).await.unwrap();
    }
    assert!(refused(world.make::<AuthenticationStrength>(&cards()).await).starts_with("a tenant may have 15"));
}

#[tokio::test]
async fn nobody_shuts_everybody_out() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let block = policy("Block", &json!({ "operator": "OR", "builtInControls": ["block"] }));
    let refusal = "nobody who administers could sign in any more, by 'Block': exclude the account of an administrator";
    assert_eq!(refused(world.make::<Policy>(&block).await), refusal);
    // Devices are not managed here: whoever asks everybody for one asks for nothing that anybody has.
    let device = policy(
        "Block",
        &json!({ "operator": "AND", "builtInControls": ["mfa", "compliantDevice"] }),
    );
    assert_eq!(refused(world.make::<Policy>(&device).await), refusal);
    // An empty group lets nobody in, a group with an account within it does.
    let empty = world.directory.create_group(&cx, "Empty").await.unwrap().id;
    let outer = world.directory.create_group(&cx, "Outer").await.unwrap().id;
    let inner = ObjectId::from_uuid(world.nurses.uuid());
    world.directory.add_member(&cx, outer, inner).await.unwrap();
    let with_group = |group: GroupId| {
        let mut document = block.clone();
        document["conditions"]["users"]["excludeGroups"] = json!([group]);
        document
    };
    assert_eq!(refused(world.make::<Policy>(&with_group(empty)).await), refusal);
    // Groups may hold each other in a circle.
    let void = world.directory.create_group(&cx, "Void").await.unwrap().id;
    for (outer, inner) in [(empty, void), (void, empty)] {
        let inner = ObjectId::from_uuid(inner.uuid());
        world.directory.add_member(&cx, outer, inner).await.unwrap();
    }
    assert_eq!(refused(world.make::<Policy>(&with_group(empty)).await), refusal);
    let made: Policy = world.make(&with_group(outer)).await.unwrap();
    // Two policies that block need somebody who is out of both: the nurse is, by two groups.
    let out_by = |group: GroupId| {
        let mut document = block.clone();
        document["displayName"] = json!("Apart");
        document["conditions"]["users"]["excludeGroups"] = json!([group]);
        document
    };
    let both = refused(world.make::<Policy>(&out_by(empty)).await);
    assert!(both.contains("by 'Apart':"), "{both}");
    let apart: Policy = world.make(&out_by(world.nurses)).await.unwrap();
    world
        .directory
        .delete_rule::<Policy>(&cx, &apart.key().unwrap())
        .await
        .unwrap();
    // Nor is the exception taken away.
    let bare = json!({ "conditions": { "users": { "excludeGroups": [] } } });
    assert_eq!(refused(world.change(&made, bare.clone()).await), refusal);
    world
        .change(&made, json!({ "state": "enabledForReportingButNotEnforced" }))
        .await
        .unwrap();
    world.change(&made, bare).await.unwrap();
    assert_eq!(
        refused(world.change(&made, json!({ "state": "enabled" })).await),
        refusal
    );
}

#[tokio::test]
async fn an_account_that_is_off_is_no_way_in() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let new = NewUser {
        user_principal_name: "secours@ch-demo.example".to_owned(),
        display_name: "Secours".to_owned(),
        ..NewUser::default()
    };
    let emergency = world.directory.create_user(&cx, new).await.unwrap().id;
    let mut block = policy("Block", &json!({ "operator": "OR", "builtInControls": ["block"] }));
    block["conditions"]["users"]["excludeUsers"] = json!([emergency]);
    world
        .directory
        .set_user_enabled(&cx, emergency, Enabled::No)
        .await
        .unwrap();
    assert!(refused(world.make::<Policy>(&block).await).starts_with("nobody who administers could sign in"));
    world
        .directory
        .set_user_enabled(&cx, emergency, Enabled::Yes)
        .await
        .unwrap();
    world.make::<Policy>(&block).await.unwrap();
    // Once it is so, other changes are not held up.
    world
        .directory
        .set_user_enabled(&cx, emergency, Enabled::No)
        .await
        .unwrap();
    world.make::<Policy>(&mfa("MFA")).await.unwrap();
}

#[tokio::test]
async fn security_defaults_and_policies_exclude_each_other() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    world.directory.set_security_defaults(&cx, Enabled::Yes).await.unwrap();
    assert_eq!(world.rules().await.rules().policies.len(), 4);
    let refusal = "a conditional access policy cannot be enabled while security defaults are";
    assert_eq!(refused(world.make::<Policy>(&mfa("MFA")).await), refusal);
    let mut draft = mfa("MFA");
    draft["state"] = json!("enabledForReportingButNotEnforced");
    let made: Policy = world.make(&draft).await.unwrap();
    assert_eq!(world.rules().await.rules().policies.len(), 5);
    assert_eq!(
        refused(world.change(&made, json!({ "state": "enabled" })).await),
        refusal
    );
    world.directory.set_security_defaults(&cx, Enabled::No).await.unwrap();
    world.change(&made, json!({ "state": "enabled" })).await.unwrap();
    assert_eq!(
        refused(world.directory.set_security_defaults(&cx, Enabled::Yes).await),
        "security defaults cannot be enabled while conditional access policies are: 'MFA'"
    );
    assert_eq!(world.rules().await.rules().policies.len(), 1);
}

#[tokio::test]
async fn strengths_and_what_narrows_them() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let made: AuthenticationStrength = world.make(&cards()).await.unwrap();
    let key = made.key().unwrap();
    let given = made.combination_configurations[0].id.clone().unwrap();
    assert_eq!(made.write()["requirementsSatisfied"], "mfa");
    let combinations = vec![
        "password".parse().unwrap(),
        "x509CertificateMultiFactor".parse().unwrap(),
    ];
    let (before, after) = world
        .directory
        .update_combinations(&cx, &key, combinations)
        .await
        .unwrap();
    assert_eq!(
        (before.allowed_combinations.len(), after.allowed_combinations.len()),
        (1, 2)
    );
    assert_eq!(after.write()["requirementsSatisfied"], "none");
    // What is narrowed must stay allowed.
    let password = vec!["password".parse().unwrap()];
    let refusal = refused(world.directory.update_combinations(&cx, &key, password).await);
    assert_eq!(refusal, "appliesToCombinations must be among allowedCombinations");
    let change = json!({ "allowedPolicyOIDs": ["1.2.3"] });
    world
        .directory
        .update_configuration(&cx, (&key, &given), change)
        .await
        .unwrap();
    assert_eq!(
        world.rules().await.strengths[0]
            .write()
            .pointer("/combinationConfigurations/0/allowedPolicyOIDs/0"),
        Some(&json!("1.2.3"))
    );
    world.directory.delete_configuration(&cx, (&key, &given)).await.unwrap();
    let gone = world.directory.delete_configuration(&cx, (&key, &given)).await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
    let change = json!({ "allowedCombinations": ["fido2"] });
    let outcome = world
        .directory
        .update_rule::<AuthenticationStrength>(&cx, &key, change)
        .await;
    assert_eq!(refused(outcome), "allowedCombinations: cannot be changed");
}

/// No sign-in has a country: "everywhere but in France" would block everybody, in France too.
#[tokio::test]
async fn a_policy_by_country_is_not_enforced() {
    let world = World::new().await;
    let france = json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "France",
        "countriesAndRegions": ["FR"], "includeUnknownCountriesAndRegions": false });
    let france: NamedLocation = world.make(&france).await.unwrap();
    let mut block = policy("Abroad", &json!({ "operator": "OR", "builtInControls": ["block"] }));
    block["conditions"]["locations"] =
        json!({ "includeLocations": ["All"], "excludeLocations": [france.key().unwrap()] });
    let said = refused(world.make::<Policy>(&block).await);
    assert!(said.contains("no country is known here"), "{said}");
    block["state"] = json!("enabledForReportingButNotEnforced");
    let kept: Policy = world.make(&block).await.unwrap();
    let said = refused(world.change(&kept, json!({ "state": "enabled" })).await);
    assert!(said.contains("no country is known here"), "{said}");
}

/// Knows one network, in France.
struct OneNetwork;

impl Countries for OneNetwork {
    fn country_of(&self, address: IpAddr) -> Option<Country> {
        let is_there = matches!(address, IpAddr::V4(address) if address.octets()[..3] == [192, 0, 2]);
        is_there.then(|| "FR".parse().expect("a country"))
    }
}

fn country(lookup: &str) -> Value {
    json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "France",
        "countriesAndRegions": ["FR"], "includeUnknownCountriesAndRegions": false, "countryLookupMethod": lookup })
}

#[tokio::test]
async fn with_a_database_of_countries_a_policy_by_country_is_enforced() {
    let world = World::new().await;
    assert!(world.directory.know_countries(Arc::new(OneNetwork)));
    assert!(!world.directory.know_countries(Arc::new(OneNetwork)), "once");
    let france: NamedLocation = world.make(&country("clientIpAddress")).await.unwrap();
    let mut block = policy("Abroad", &json!({ "operator": "OR", "builtInControls": ["block"] }));
    block["conditions"]["users"]["excludeUsers"] = json!([world.nurse]);
    block["conditions"]["locations"] =
        json!({ "includeLocations": ["All"], "excludeLocations": [france.key().unwrap()] });
    let kept: Policy = world.make(&block).await.unwrap();
    assert_eq!(kept.state, State::Enabled);
    let whereabouts = |address: [u8; 4]| world.directory.whereabouts(Some(address.into()));
    assert_eq!(whereabouts([192, 0, 2, 7]).country.unwrap().to_string(), "FR");
    assert_eq!(whereabouts([198, 51, 100, 7]).country, None);
    let mapped = "::ffff:192.0.2.7".parse().unwrap();
    assert!(world.directory.whereabouts(Some(mapped)).country.is_some());
    // A process that has no database any more says whose policy it could not enforce.
    let cx = world.cx(world.tenant);
    assert_eq!(world.directory.find_policy_without_countries(&cx).await.unwrap(), None);
    let without = world.second().await;
    assert_eq!(
        without.find_policy_without_countries(&cx).await.unwrap(),
        Some(world.tenant)
    );
}

/// Positions of telephones are told by nobody here, with a database or without.
#[tokio::test]
async fn a_location_by_the_position_of_a_telephone_is_refused() {
    let world = World::new().await;
    world.directory.know_countries(Arc::new(OneNetwork));
    let said = refused(world.make::<NamedLocation>(&country("authenticatorAppGps")).await);
    assert!(said.contains("authenticatorAppGps is not supported"), "{said}");
    let france: NamedLocation = world.make(&country("clientIpAddress")).await.unwrap();
    let cx = world.cx(world.tenant);
    let key = france.key().unwrap();
    let change = json!({ "countryLookupMethod": "authenticatorAppGps" });
    let outcome = world.directory.update_rule::<NamedLocation>(&cx, &key, change);
    let said = refused(outcome.await);
    assert!(said.contains("authenticatorAppGps is not supported"), "{said}");
}

/// Who believes that something watches is told that nothing does.
#[tokio::test]
async fn what_has_no_effect_here_is_kept_and_not_enabled() {
    let world = World::new().await;
    for (place, control, value) in [
        (
            "sessionControls",
            "cloudAppSecurity",
            json!({ "isEnabled": true, "cloudAppSecurityType": "monitorOnly" }),
        ),
        (
            "sessionControls",
            "applicationEnforcedRestrictions",
            json!({ "isEnabled": true }),
        ),
        ("sessionControls", "secureSignInSession", json!({ "isEnabled": true })),
        ("conditions", "insiderRiskLevels", json!("elevated")),
        ("conditions", "servicePrincipalRiskLevels", json!(["high"])),
    ] {
        let mut document = mfa(control);
        document["conditions"]["users"]["excludeUsers"] = json!([world.nurse]);
        document[place][control] = value;
        let said = refused(world.make::<Policy>(&document).await);
        assert!(
            said.starts_with(&format!("{place}.{control} has no effect here")),
            "{said}"
        );
        document["state"] = json!("enabledForReportingButNotEnforced");
        let kept: Policy = world.make(&document).await.unwrap();
        let said = refused(world.change(&kept, json!({ "state": "enabled" })).await);
        assert!(said.contains("has no effect here"), "{said}");
    }
    // What is off says nothing, and that nothing goes on where policies cannot be asked is so in any case.
    let mut document = mfa("Off");
    document["conditions"]["users"]["excludeUsers"] = json!([world.nurse]);
    document["sessionControls"] =
        json!({ "cloudAppSecurity": { "isEnabled": false }, "disableResilienceDefaults": true });
    world.make::<Policy>(&document).await.unwrap();
}

/// Every sign-in asks about them: there are no more than it can ask about.
#[tokio::test]
async fn risks_of_sign_ins_have_a_limit_together() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let ranges = |n: usize| -> Vec<Value> {
        let range = |i| json!({ "cidrAddress": format!("10.{n}.{}.{}/32", i / 250, i % 250) });
        (0..1_000).map(range).collect()
    };
    let end = (cx.now + Duration::from_hours(1)).to_rfc3339();
    let risk = |n| of::<SuppliedRisk>(&json!({ "riskLevel": "low", "endDateTime": end, "ipRanges": ranges(n) }));
    for n in 0..10 {
        world.directory.supply_risk(&cx, risk(n)).await.unwrap();
    }
    let said = refused(world.directory.supply_risk(&cx, risk(10)).await);
    assert!(said.contains("10000 people and ranges"), "{said}");
}
