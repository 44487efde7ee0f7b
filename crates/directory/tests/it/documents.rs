//! Of random documents of conditional access: what was stored is read again equal, and a change that changes nothing does.

use hygie_directory::Kept;
use hygie_policy::json::read;
use hygie_policy::{AuthenticationStrength, NamedLocation, Patch, Policy};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::world::World;

/// Documents of each kind: fewer than a tenant may have.
const POLICIES: usize = 120;
const LOCATIONS: usize = 60;
const STRENGTHS: usize = 12;

fn some(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    subsequence(words, 0..=words.len()).prop_map(|words| json!(words))
}

fn name() -> impl Strategy<Value = Value> {
    "[A-Za-zÀ-ÿ0-9'\"\\\\ ._-]{0,40}[a-zé]".prop_map(Value::from)
}

/// For everybody or somebody, with conditions that may be set or not; never for all applications, so that nobody is shut out.
fn policy(world: &World) -> impl Strategy<Value = Value> + use<> {
    let (nurse, nurses, app) = (
        world.nurse.to_string(),
        world.nurses.to_string(),
        world.fhir.to_string(),
    );
    let users = prop_oneof![
        Just(json!({ "includeUsers": ["All"], "excludeUsers": [nurse.clone()] })),
        Just(json!({ "includeGroups": [nurses], "excludeRoles": ["62e90394-69f5-4237-9190-012177145e10"] })),
        Just(json!({ "includeUsers": [nurse], "excludeGuestsOrExternalUsers": {
            "guestOrExternalUserTypes": "internalGuest,serviceProvider",
            "externalTenants": { "membershipKind": "all" } } })),
    ];
    let grants = prop_oneof![
        Just(json!({ "operator": "OR", "builtInControls": ["mfa", "compliantDevice"] })),
        Just(json!({ "operator": "AND", "builtInControls": ["block"] })),
        Just(json!({ "authenticationStrength": { "id": "00000000-0000-0000-0000-000000000004" } })),
    ];
    let platforms = prop_oneof![
        Just(Value::Null),
        Just(json!({ "includePlatforms": ["all"], "excludePlatforms": ["iOS", "macOS"] })),
    ];
    let frequency = prop_oneof![
        Just(Value::Null),
        (1..23_u32).prop_map(|hours| json!({ "signInFrequency": {
            "isEnabled": true, "value": hours, "type": "hours", "frequencyInterval": "timeBased" } })),
    ];
    let states = select(&["enabled", "disabled", "enabledForReportingButNotEnforced"][..]);
    let clients = some(&["browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "other"]);
    let risks = some(&["low", "medium", "high"]);
    (name(), states, users, grants, platforms, frequency, clients, risks).prop_map(
        move |(name, state, users, grants, platforms, session, clients, risks)| {
            json!({ "displayName": name, "state": state, "grantControls": grants, "sessionControls": session,
                "conditions": { "applications": { "includeApplications": [app] }, "users": users,
                    "platforms": platforms, "clientAppTypes": clients, "userRiskLevels": risks } })
        },
    )
}

fn location() -> impl Strategy<Value = Value> {
    let range = prop_oneof![
        (any::<[u8; 4]>(), 8..=32_u8).prop_map(|(ip, bits)| format!("{}/{bits}", std::net::Ipv4Addr::from(ip))),
        (any::<[u8; 16]>(), 8..=128_u8).prop_map(|(ip, bits)| format!("{}/{bits}", std::net::Ipv6Addr::from(ip))),
    ];
    let range = range.prop_map(|text| json!({ "cidrAddress": text }));
    prop_oneof![
        (name(), any::<bool>(), prop::collection::vec(range, 1..5)).prop_map(|(name, is_trusted, ranges)| json!({
            "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": name, "isTrusted": is_trusted,
            "ipRanges": ranges })),
        (name(), subsequence(&["FR", "BE", "RE"][..], 1..=3)).prop_map(|(name, countries)| json!({
            "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": name,
            "countriesAndRegions": countries })),
    ]
}

fn strength() -> impl Strategy<Value = Value> {
    let all = [
        "fido2",
        "password,sms",
        "x509CertificateMultiFactor",
        "password",
        "qrCodePin",
    ];
    (name(), subsequence(all.to_vec(), 1..=5))
        .prop_map(|(name, combinations)| json!({ "displayName": name, "allowedCombinations": combinations }))
}

/// Makes so many, and gives them in order of their ids.
async fn made<T: Kept + PartialEq + std::fmt::Debug>(
    world: &World,
    documents: impl Strategy<Value = Value>,
    number: usize,
) -> Vec<T> {
    let (mut runner, cx) = (TestRunner::deterministic(), world.cx(world.tenant));
    let mut all = Vec::new();
    for _ in 0..number {
        let document = documents.new_tree(&mut runner).unwrap().current();
        let new: T = read(&document).unwrap_or_else(|error| panic!("{error}: {document}"));
        let made = world.directory.create_rule(&cx, new).await;
        let made = made.unwrap_or_else(|error| panic!("{error}: {document}"));
        assert_eq!(Patch::patched(&made, &made.write()).as_ref(), Ok(&made), "{document}");
        all.push(made);
    }
    all.sort_by_key(Kept::key);
    all
}

#[tokio::test]
async fn random_documents_are_read_again_equal() {
    let world = World::new().await;
    let policies: Vec<Policy> = made(&world, policy(&world), POLICIES).await;
    let locations: Vec<NamedLocation> = made(&world, location(), LOCATIONS).await;
    let strengths: Vec<AuthenticationStrength> = made(&world, strength(), STRENGTHS).await;
    let rules = world
        .directory
        .read_access_rules(&world.cx(world.tenant))
        .await
        .unwrap();
    assert_eq!(rules.policies, policies);
    assert_eq!(rules.locations, locations);
    assert_eq!(rules.strengths, strengths);
}
