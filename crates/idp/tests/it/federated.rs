//! Applications prove themselves by tokens of another issuer, over HTTP to a stand-in of it, or of another establishment.

use std::sync::Arc;

use axum::Router;
use hygie_access::{EgressPolicy, Outgoing, Version};
use hygie_core::{AppId, ObjectId, TenantId, Timestamp};
use hygie_directory::repo::FederatedCredentials;
use hygie_directory::{Definition, DirectoryError, FederatedCredential, NewApplication};
use hygie_store::StoreError;
use hygie_testkit::{Answer, Client, FakeEntra, SeededRandom, Subject};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{FHIR, World, claims, code_of, edge, open_asking};

const AUDIENCE: &str = "api://AzureADTokenExchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ROBOT: u128 = 0x2222;

/// An establishment whose portal trusts a robot of another one.
struct Federation {
    world: World,
    entra: FakeEntra,
    router: Router,
    theirs: TenantId,
}

impl Federation {
    async fn new() -> Self {
        let world = World::new().await;
        let entra = FakeEntra::start(world.clock.clone()).await;
        let outgoing = Outgoing::new(EgressPolicy {
            private_hosts: vec![entra.host()],
            ..EgressPolicy::default()
        });
        let random = Arc::new(SeededRandom::new(7));
        let idp = open_asking(&world.store, (&world.clock, &random), outgoing.unwrap()).await;
        let layers = edge(&world.trail, &world.clock, &random);
        let theirs = TenantId::from_uuid(Uuid::from_u128(0x1111));
        let federation = Self {
            router: hygie_web::layers::layers(hygie_idp::router(idp), &layers),
            world,
            entra,
            theirs,
        };
        let issuer = federation.entra.issuer(theirs, Version::V2);
        federation.trust(&issuer, &Uuid::from_u128(ROBOT).to_string()).await;
        federation
    }

    /// Written past the rule that an issuer is at an https address: the stand-in has none, and its host is one that the
    /// configuration names.
    async fn trust(&self, issuer: &str, subject: &str) {
        let row = FederatedCredential {
            id: Uuid::from_u128(77),
            name: "robot".to_owned(),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
            description: None,
            created_at: Timestamp::from_secs(1),
        };
        let cx = self.world.cx(self.world.tenant);
        let store = self.world.idp.directory().store();
        let written = store.write(&cx, (self.world.portal, row), |(app, row), tx| {
            Box::pin(async move { FederatedCredentials(tx).insert(*app, row).await })
        });
        let written: Result<(), StoreError> = written.await;
        written.unwrap();
    }

    /// A token of the robot, with these claims changed.
    fn token(&self, changes: &Value) -> String {
        let subject = Subject {
            tenant: self.theirs,
            id: ObjectId::from_uuid(Uuid::from_u128(ROBOT)),
            app: AppId::from_uuid(Uuid::from_u128(0x3333)),
            audience: AUDIENCE,
        };
        let mut claims = self.entra.application(Version::V2, subject);
        let members = claims.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        self.entra.sign(&claims)
    }

    async fn ask(&self, assertion: &str) -> Answer {
        ask(&self.world, &self.router, assertion).await
    }
}

/// Asks for a token of the portal itself.
async fn ask(world: &World, router: &Router, assertion: &str) -> Answer {
    let id = world.portal.to_string();
    let scope = format!("{FHIR}/.default");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
        ("scope", scope.as_str()),
    ];
    Client::new(router)
        .post(&world.path("oauth2/v2.0/token"), &fields)
        .await
}

#[tokio::test]
async fn an_application_proves_itself_by_the_token_of_another_issuer() {
    let federation = Federation::new().await;
    let answer = federation.ask(&federation.token(&json!({}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let said = claims(&answer.json()["access_token"]);
    assert_eq!(
        (&said["appid"], &said["appidacr"]),
        (&json!(federation.world.portal), &json!("2"))
    );
    // Keys are kept, and asked for again when one is unknown.
    assert_eq!(federation.entra.requests(), 2);
    assert_eq!(federation.ask(&federation.token(&json!({}))).await.status, 200);
    assert_eq!(federation.entra.requests(), 2);
    federation.world.clock.advance(std::time::Duration::from_mins(1));
    federation.entra.roll();
    assert_eq!(federation.ask(&federation.token(&json!({}))).await.status, 200);
    assert_eq!(federation.entra.requests(), 4);
}

#[tokio::test]
async fn what_is_not_trusted_proves_nothing_and_asks_nobody() {
    let federation = Federation::new().await;
    let other = federation.entra.issuer(federation.world.other, Version::V2);
    for (changes, status, code) in [
        (json!({ "iss": other }), 401, 700_211),
        (json!({ "sub": "another" }), 401, 700_213),
        (json!({ "aud": "api://other" }), 401, 700_212),
        (json!({ "aud": [AUDIENCE, "api://other"] }), 401, 700_212),
    ] {
        let answer = federation.ask(&federation.token(&changes)).await;
        assert_eq!((answer.status.as_u16(), code_of(&answer)), (status, code), "{changes}");
        assert_eq!(answer.json()["error"], "invalid_client");
    }
    assert_eq!(federation.entra.requests(), 0);
    let now = federation.world.clock_secs();
    for (changes, status, code) in [
        (json!({ "oid": "another" }), 401, 700_229),
        (json!({ "scp": "read" }), 401, 700_229),
        (json!({ "exp": now - 301 }), 401, 700_024),
        (json!({ "exp": null }), 401, 50_012),
    ] {
        let answer = federation.ask(&federation.token(&changes)).await;
        assert_eq!((answer.status.as_u16(), code_of(&answer)), (status, code), "{changes}");
    }
    let token = federation.token(&json!({}));
    let signed = token.rsplit_once('.').unwrap().0;
    let forged = format!("{signed}.{}", "A".repeat(342));
    let answer = federation.ask(&forged).await;
    assert_eq!(code_of(&answer), 50_012, "{}", answer.text());
    assert_eq!(code_of(&federation.ask("a.b").await), 50_027);
}

#[tokio::test]
async fn an_issuer_may_be_away() {
    let federation = Federation::new().await;
    federation.entra.set_down(true);
    let answer = federation.ask(&federation.token(&json!({}))).await;
    assert_eq!((answer.status.as_u16(), code_of(&answer)), (503, 50_166));
    // It is left alone for a moment.
    federation.entra.set_down(false);
    let asked = federation.entra.requests();
    assert_eq!(federation.ask(&federation.token(&json!({}))).await.status, 503);
    assert_eq!(federation.entra.requests(), asked);
    federation.world.clock.advance(std::time::Duration::from_secs(31));
    assert_eq!(federation.ask(&federation.token(&json!({}))).await.status, 200);
}

#[tokio::test]
async fn an_address_that_may_not_be_asked_is_not() {
    let federation = Federation::new().await;
    // The provider of the world has no client for outgoing requests at all.
    let answer = ask(
        &federation.world,
        &federation.world.router,
        &federation.token(&json!({})),
    )
    .await;
    assert_eq!(code_of(&answer), 50_166);
    assert_eq!(federation.entra.requests(), 0);
}

/// A token of a robot of the other establishment, and the robot.
async fn robot_of_the_other(world: &World) -> (String, ObjectId) {
    let directory = world.idp.directory();
    let cx = world.cx(world.other);
    let definition = Definition {
        identifier_uris: vec![AUDIENCE.to_owned()],
        ..Definition::default()
    };
    for (name, definition) in [("Exchange", definition), ("Robot", Definition::default())] {
        let new = NewApplication {
            app: None,
            display_name: name.to_owned(),
            definition,
        };
        directory.create_application(&cx, new).await.unwrap();
    }
    let robot = directory
        .page_registrations(&cx, hygie_directory::Cursor { after: None, limit: 9 })
        .await
        .unwrap();
    let robot = robot
        .iter()
        .find(|one| one.application.display_name == "Robot")
        .unwrap()
        .application
        .app;
    let principal = directory.find_service_principal(&cx, robot).await.unwrap().unwrap();
    let secret = directory
        .add_secret(&cx, robot, "test", std::time::Duration::from_hours(1))
        .await
        .unwrap();
    let (id, scope) = (robot.to_string(), format!("{AUDIENCE}/.default"));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.value.expose().as_str()),
        ("scope", scope.as_str()),
    ];
    let path = format!("/{}/oauth2/v2.0/token", world.other);
    let answer = world.browser().post(&path, &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    (answer.json()["access_token"].as_str().unwrap().to_owned(), principal.id)
}

#[tokio::test]
async fn another_establishment_here_is_an_issuer_too() {
    let world = World::new().await;
    let directory = world.idp.directory();
    let (assertion, robot) = robot_of_the_other(&world).await;
    assert_eq!(code_of(&ask(&world, &world.router, &assertion).await), 700_211);
    let here = world.cx(world.tenant);
    let new = FederatedCredential {
        id: Uuid::nil(),
        name: "robot".to_owned(),
        issuer: world.idp.provider().issuer_v1(world.other),
        subject: robot.to_string(),
        audiences: vec![AUDIENCE.to_owned()],
        description: None,
        created_at: here.now,
    };
    let made = directory
        .add_federated_credential(&here, world.portal, new.clone())
        .await
        .unwrap();
    let answer = ask(&world, &world.router, &assertion).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // Nor is there a second one of the same.
    let twin = directory
        .add_federated_credential(
            &here,
            world.portal,
            FederatedCredential {
                name: "twin".to_owned(),
                ..new
            },
        )
        .await;
    assert!(matches!(twin, Err(DirectoryError::Exists)));
    // What is taken away proves nothing any more, at once.
    directory
        .remove_federated_credential(&here, world.portal, made.id)
        .await
        .unwrap();
    assert_eq!(code_of(&ask(&world, &world.router, &assertion).await), 700_211);
}
