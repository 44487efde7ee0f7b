//! What policies say to professionals of Pro Santé Connect whose tokens are exchanged.

use std::time::Duration;

use hygie_core::Clock as _;
use hygie_directory::logs::LogEntry as _;
use hygie_testkit::Answer;
use serde_json::{Value, json};

use crate::exchange::Exchange;
use crate::world::code_of;

impl Exchange {
    /// Stores a policy for the FHIR service; the process that exchanges sees it a second later.
    async fn policy(&self, change: Value) {
        self.world.policy(change).await;
        self.world.clock.advance(Duration::from_secs(2));
    }

    async fn exchanged(&self) -> Answer {
        self.ask(&self.token(&json!({})), &[]).await
    }
}

fn users(exchange: &Exchange, users: &Value) -> Value {
    json!({ "conditions": { "users": users, "applications": { "includeApplications": [exchange.world.fhir.to_string()] } },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] } })
}

fn guests(kinds: &str) -> Value {
    let tenants =
        json!({ "@odata.type": "#microsoft.graph.conditionalAccessAllExternalTenants", "membershipKind": "all" });
    json!({ "includeGuestsOrExternalUsers": { "guestOrExternalUserTypes": kinds, "externalTenants": tenants } })
}

#[tokio::test]
async fn a_policy_that_blocks_everybody_blocks_professionals_too() {
    let exchange = Exchange::new().await;
    assert_eq!(exchange.exchanged().await.status, 200);
    exchange
        .policy(users(&exchange, &json!({ "includeUsers": ["All"] })))
        .await;
    let refused = exchange.exchanged().await;
    assert_eq!((refused.status.as_u16(), code_of(&refused)), (400, 53_003));
    let log = exchange.world.log().await;
    let told: Vec<_> = log
        .iter()
        .map(|entry| (entry.error_code, entry.status.as_str()))
        .collect();
    assert_eq!(told, [(53_003, "failure"), (0, "notApplied")]);
    let shown = log[0].shown();
    assert_eq!(shown["userDisplayName"], "ALIX EXEMPLE");
    assert_eq!(shown["appliedConditionalAccessPolicies"][0]["result"], "failure");
    assert_eq!(shown["isInteractive"], false);
}

#[tokio::test]
async fn professionals_are_external_users_of_another_kind() {
    for (kinds, status) in [
        (guests("otherExternalUser"), 400),
        (guests("b2bCollaborationGuest,otherExternalUser"), 400),
        (guests("b2bCollaborationGuest,internalGuest"), 200),
        (json!({ "includeUsers": ["GuestsOrExternalUsers"] }), 400),
        (json!({ "includeRoles": ["62e90394-69f5-4237-9190-012177145e10"] }), 200),
    ] {
        let exchange = Exchange::new().await;
        exchange.policy(users(&exchange, &kinds)).await;
        let answer = exchange.exchanged().await;
        assert_eq!(answer.status, status, "{kinds}: {}", answer.text());
    }
}

#[tokio::test]
async fn pro_sante_connect_is_two_factors_and_none_that_resists_phishing() {
    let exchange = Exchange::new().await;
    let mfa = json!({ "operator": "OR", "builtInControls": ["mfa"] });
    exchange.policy(json!({ "grantControls": mfa })).await;
    assert_eq!(exchange.exchanged().await.status, 200);
    let strength = json!({ "id": "00000000-0000-0000-0000-000000000004" });
    exchange
        .policy(json!({ "grantControls": { "operator": "OR", "authenticationStrength": strength } }))
        .await;
    assert_eq!(code_of(&exchange.exchanged().await), 53_003);
}

#[tokio::test]
async fn a_sign_in_frequency_counts_from_the_sign_in_there() {
    let exchange = Exchange::with(|trusted| trusted.life = Some(Duration::from_hours(4))).await;
    let frequency = json!({ "isEnabled": true, "value": 1, "type": "hours" });
    exchange
        .policy(json!({ "sessionControls": { "signInFrequency": frequency } }))
        .await;
    let signed_in = |minutes: u64| {
        let at = exchange.world.clock.now() - Duration::from_mins(minutes);
        exchange.token(&json!({ "auth_time": at.secs() }))
    };
    let answer = exchange.ask(&signed_in(20), &[]).await;
    assert_eq!(answer.json()["expires_in"], 40 * 60, "{}", answer.text());
    assert_eq!(code_of(&exchange.ask(&signed_in(61), &[]).await), 70_043);
    // Where nobody tells, it may be as long ago as a session lasts.
    let untold = exchange.token(&json!({ "auth_time": null }));
    assert_eq!(code_of(&exchange.ask(&untold, &[]).await), 70_043);
}
