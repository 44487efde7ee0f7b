//! How long tokens live where policies of the tenant say so, over the wire.

use hygie_core::{AppId, ObjectId};
use hygie_policy::json::read;
use hygie_policy::token_lifetime::TokenLifetimePolicy;
use serde_json::{Value, json};

use crate::world::{FHIR, World, claims};

impl World {
    /// A policy for tokens, for everybody or to be given.
    async fn token_lifetime(&self, lifetime: &str, is_default: bool) -> TokenLifetimePolicy {
        let definition = json!({ "TokenLifetimePolicy": { "Version": 1, "AccessTokenLifetime": lifetime } });
        let policy = json!({
            "displayName": lifetime, "definition": [definition.to_string()], "isOrganizationDefault": is_default,
        });
        let policy = read(&policy).expect("a policy");
        let made = self.idp.directory().create_rule(&self.cx(self.tenant), policy).await;
        made.expect("it is made")
    }

    async fn give(&self, to: ObjectId, policy: &TokenLifetimePolicy) {
        let (directory, id) = (self.idp.directory(), policy.id.expect("an id"));
        let given = directory
            .assign_token_lifetime(&self.cx(self.tenant), to, id.uuid())
            .await;
        given.expect("it is given");
    }

    async fn principal_of(&self, app: AppId) -> ObjectId {
        let found = self.idp.directory().find_service_principal(&self.cx, app).await;
        found.expect("a read").expect("a principal").id
    }

    async fn registration_of(&self, app: AppId) -> ObjectId {
        let found = self.idp.directory().find_application(&self.cx, app).await;
        found.expect("a read").expect("an application").id
    }

    /// The token of the portal by itself, for the FHIR service.
    async fn own_token(&self) -> Value {
        let (id, scope) = (self.portal.to_string(), format!("{FHIR}/.default"));
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", self.secret.as_str()),
            ("scope", scope.as_str()),
        ];
        let answer = self.token(&fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Seconds that a token of this response lives.
    fn life(&self, response: &Value, token: &str) -> i64 {
        claims(&response[token])["exp"].as_i64().expect("an end") - self.clock_secs()
    }
}

#[tokio::test]
async fn an_access_token_lives_as_its_resource_says_and_an_id_token_as_its_client() {
    let world = World::new().await;
    let resource = world.token_lifetime("00:10:00", false).await;
    let client = world.token_lifetime("4:00:00", false).await;
    world.give(world.principal_of(world.fhir).await, &resource).await;
    world.give(world.principal_of(world.portal).await, &client).await;
    let response = world.code_flow(&[]).await;
    assert_eq!(world.life(&response, "access_token"), 600);
    assert_eq!(response["expires_in"], 600);
    assert_eq!(world.life(&response, "id_token"), 4 * 3_600);
    let again = world
        .refresh(response["refresh_token"].as_str().expect("one"), &[])
        .await
        .json();
    assert_eq!(world.life(&again, "access_token"), 600);
    assert_eq!(world.life(&world.own_token().await, "access_token"), 600);
}

#[tokio::test]
async fn the_principal_goes_before_the_establishment_and_this_before_the_registration() {
    let world = World::new().await;
    let usual = 3_600..=5_400;
    assert!(usual.contains(&world.life(&world.own_token().await, "access_token")));
    let registered = world.token_lifetime("02:00:00", false).await;
    world.give(world.registration_of(world.fhir).await, &registered).await;
    assert_eq!(world.life(&world.own_token().await, "access_token"), 7_200);
    let everybody = world.token_lifetime("03:00:00", true).await;
    assert_eq!(world.life(&world.own_token().await, "access_token"), 10_800);
    let own = world.token_lifetime("1.00:00:00", false).await;
    world.give(world.principal_of(world.fhir).await, &own).await;
    assert_eq!(world.life(&world.own_token().await, "access_token"), 86_400);
    for gone in [&own, &everybody, &registered] {
        let (directory, id) = (world.idp.directory(), gone.id.expect("an id").to_string());
        let deleted = directory
            .delete_rule::<TokenLifetimePolicy>(&world.cx(world.tenant), &id)
            .await;
        deleted.expect("it is removed");
    }
    assert!(usual.contains(&world.life(&world.own_token().await, "access_token")));
}

#[tokio::test]
async fn no_policy_lets_tokens_outlive_the_sign_in_frequency() {
    let world = World::new().await;
    world.token_lifetime("1.00:00:00", true).await;
    world
        .policy(json!({
            "conditions": {
                "users": { "includeUsers": ["All"] },
                "applications": { "includeApplications": ["All"] },
            },
            "sessionControls": {
                "signInFrequency": {
                    "isEnabled": true, "type": "hours", "value": 4, "frequencyInterval": "timeBased",
                    "authenticationType": "primaryAndSecondaryAuthentication",
                },
            },
        }))
        .await;
    let response = world.code_flow(&[]).await;
    assert_eq!(world.life(&response, "access_token"), 4 * 3_600);
    assert_eq!(world.life(&response, "id_token"), 4 * 3_600);
}
