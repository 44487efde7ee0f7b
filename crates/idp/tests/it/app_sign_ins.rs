//! What applications that sign in by themselves leave in the log.

use std::time::Duration;

use hygie_core::AppId;
use hygie_directory::logs::LogQuery;
use hygie_directory::{AppSignInEntry, RiskSaid};
use hygie_policy::policy::RiskLevel;
use serde_json::json;

use crate::world::{FHIR, World};

impl World {
    async fn asks(&self, secret: &str, resource: &str) {
        self.asks_as(self.portal, secret, resource).await;
    }

    async fn asks_as(&self, client: AppId, secret: &str, resource: &str) {
        let (id, scope) = (client.to_string(), format!("{resource}/.default"));
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", secret),
            ("scope", scope.as_str()),
        ];
        self.token(&fields).await;
    }

    /// The log once the minute is over, the oldest first.
    async fn of_apps(&self) -> Vec<AppSignInEntry> {
        self.idp.maintain().await.expect("it is maintained");
        let query = LogQuery {
            is_oldest_first: true,
            limit: 100,
            ..LogQuery::default()
        };
        let found = self.idp.directory().list_log(&self.cx(self.tenant), query).await;
        found.expect("the log")
    }
}

#[tokio::test]
async fn tokens_of_a_minute_are_one_entry_for_each_resource_and_outcome() {
    let world = World::new().await;
    for _ in 0..3 {
        world.asks(&world.secret, FHIR).await;
    }
    world.asks("wrong", FHIR).await;
    world.clock.advance(Duration::from_millis(2));
    world.asks(&world.secret, "https://nowhere.example").await;
    let told = |entries: &[AppSignInEntry]| {
        let mut all: Vec<_> = entries
            .iter()
            .map(|entry| {
                let resource = entry.resource.as_ref().map(|(_, name)| name.clone());
                (entry.error_code, entry.count, resource)
            })
            .collect();
        all.sort();
        all
    };
    let fhir = Some("FHIR demo".to_owned());
    let first = world.of_apps().await;
    assert_eq!(
        told(&first),
        [(0, 3, fhir.clone()), (500_011, 1, None), (7_000_215, 1, fhir.clone())]
    );
    let good = first.iter().find(|entry| entry.error_code == 0).expect("one");
    let of = (
        good.app,
        good.display_name.as_str(),
        good.credential.as_str(),
        good.is_managed,
    );
    assert_eq!(of, (world.portal, "Portal", "clientSecret", false));
    let tenants = (good.signals.tenant, good.signals.home);
    assert_eq!(tenants, (Some(world.tenant), Some(world.tenant)));
    world.clock.advance(Duration::from_mins(1));
    world.asks(&world.secret, FHIR).await;
    let second = world.of_apps().await;
    assert_eq!(second.len(), 4, "another minute, another entry");
    assert_eq!(world.of_apps().await.len(), 4, "and none twice");
    assert_eq!(world.log().await, [], "people have a log of their own");
}

#[tokio::test]
async fn what_a_policy_did_is_told() {
    let world = World::new().await;
    // Policies are about applications of the establishment itself.
    let directory = world.idp.directory();
    let principal = directory.find_service_principal(&world.cx, world.api).await;
    let principal = principal.expect("a read").expect("one").id;
    let hour = Duration::from_hours(1);
    let secret = directory.add_secret(&world.cx, world.api, "test", hour).await;
    let secret = secret.expect("a secret").value;
    world
        .policy(json!({
            "displayName": "Workloads",
            "conditions": {
                "applications": { "includeApplications": ["All"] },
                "clientApplications": { "includeServicePrincipals": [principal] },
            },
            "grantControls": { "operator": "OR", "builtInControls": ["block"] },
        }))
        .await;
    world.asks_as(world.api, secret.expose(), FHIR).await;
    let entries = world.of_apps().await;
    let [entry] = entries.as_slice() else {
        panic!("{entries:?}")
    };
    assert_eq!((entry.error_code, entry.status.as_str()), (53_003, "failure"));
    let applied: Vec<_> = entry
        .applied
        .iter()
        .map(|one| (one.display_name.as_str(), one.result.as_str()))
        .collect();
    assert_eq!(applied, [("Workloads", "failure")]);
}

#[tokio::test]
async fn an_application_is_blocked_while_it_is_at_risk() {
    let world = World::new().await;
    let directory = world.idp.directory();
    let principal = directory.find_service_principal(&world.cx, world.api).await;
    let principal = principal.expect("a read").expect("one").id;
    let secret = directory
        .add_secret(&world.cx, world.api, "test", Duration::from_hours(1))
        .await;
    let secret = secret.expect("a secret").value;
    world
        .policy(json!({
            "displayName": "Workloads at risk",
            "conditions": {
                "applications": { "includeApplications": ["All"] },
                "clientApplications": { "includeServicePrincipals": ["ServicePrincipalsInMyTenant"] },
                "servicePrincipalRiskLevels": ["medium", "high"],
            },
            "grantControls": { "operator": "OR", "builtInControls": ["block"] },
        }))
        .await;
    for (said, expected) in [
        (None, 0),
        (Some(RiskSaid::Reported(RiskLevel::Low)), 0),
        (Some(RiskSaid::Reported(RiskLevel::Medium)), 53_003),
        (Some(RiskSaid::Compromised), 53_003),
        (Some(RiskSaid::Dismissed), 0),
    ] {
        if let Some(said) = said {
            let told = directory.say_principal_risk(&world.here(), vec![principal], said).await;
            told.expect("it is there");
        }
        world.asks_as(world.api, secret.expose(), FHIR).await;
        let entries = world.of_apps().await;
        let last = entries.iter().max_by_key(|entry| entry.at).expect("one");
        assert_eq!(last.error_code, expected, "{said:?}");
        world.clock.advance(Duration::from_mins(2));
    }
}

#[tokio::test]
async fn an_unknown_client_leaves_nothing() {
    let world = World::new().await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0009"),
        ("client_secret", "x"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    assert_eq!(world.token(&fields).await.status, 400);
    assert_eq!(world.of_apps().await, []);
}
