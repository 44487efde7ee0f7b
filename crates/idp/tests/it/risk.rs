//! Sign-ins of people and from addresses that others call risky, over the wire.

use std::time::Duration;

use hygie_core::Clock as _;
use hygie_directory::RiskSaid;
use hygie_directory::logs::LogEntry;
use hygie_policy::json::read;
use hygie_policy::risk::{RiskState, SuppliedRisk};
use hygie_testkit::one_time_code;
use serde_json::{Value, json};

use crate::world::{WEB, World, submit};

impl World {
    async fn say(&self, said: RiskSaid) {
        let directory = self.idp.directory();
        let outcome = directory.say_risk(&self.cx(self.tenant), vec![self.nurse], said).await;
        outcome.expect("it is said");
    }

    async fn risk_state(&self) -> RiskState {
        let risk = self.idp.directory().user_risk(&self.cx(self.tenant), self.nurse).await;
        risk.expect("read").map_or(RiskState::None, |risk| risk.state)
    }
}

/// A policy for the FHIR service at these risks.
fn at_risk(world: &World, condition: &str, levels: &[&str], grants: &Value) -> Value {
    let mut conditions = json!({
        "users": { "includeUsers": ["All"] },
        "applications": { "includeApplications": [world.fhir.to_string()] },
    });
    conditions[condition] = json!(levels);
    json!({ "conditions": conditions, "grantControls": grants })
}

fn secure_change() -> Value {
    json!({ "operator": "AND", "builtInControls": ["mfa", "passwordChange"] })
}

#[tokio::test]
async fn a_risk_of_an_address_blocks_who_comes_from_there_until_it_ends() {
    let world = World::new().await;
    let block = json!({ "operator": "OR", "builtInControls": ["block"] });
    world
        .policy(at_risk(&world, "signInRiskLevels", &["medium", "high"], &block))
        .await;
    let end = world.clock.now() + Duration::from_hours(1);
    let risk = json!({ "riskLevel": "high", "riskEventType": "maliciousIPAddress", "endDateTime": end.to_rfc3339(),
        "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "198.51.100.0/24" }] });
    let risk: SuppliedRisk = read(&risk).unwrap();
    let directory = world.idp.directory();
    directory
        .supply_risk(&world.cx(world.tenant), risk)
        .await
        .expect("supplied");
    let request = world.authorize(world.portal, WEB, &[]);
    let elsewhere = world.sign_in(&world.browser_at([192, 0, 2, 7]), &request).await;
    assert!(elsewhere.redirect_param("code").is_some(), "{}", elsewhere.text());
    world.clock.advance(Duration::from_secs(1));
    let page = world.sign_in(&world.browser_at([198, 51, 100, 7]), &request).await;
    assert!(page.text().contains("AADSTS53003"), "{}", page.text());
    let shown = world.log().await[0].shown();
    let told = ["riskLevelDuringSignIn", "riskLevelAggregated", "riskState"].map(|name| shown[name].clone());
    assert_eq!(told, ["high", "none", "atRisk"].map(Value::from));
    assert_eq!(shown["riskEventTypes_v2"], json!(["maliciousIPAddress"]));
    world.clock.advance(Duration::from_hours(1));
    let later = world.sign_in(&world.browser_at([198, 51, 100, 7]), &request).await;
    assert!(later.redirect_param("code").is_some(), "{}", later.text());
}

#[tokio::test]
async fn who_is_at_risk_takes_it_away_by_a_second_factor_and_another_password() {
    let world = World::new().await;
    let seed = world.codes().await;
    world
        .policy(at_risk(&world, "userRiskLevels", &["high"], &secure_change()))
        .await;
    let request = world.authorize(world.portal, WEB, &[]);
    let before = world.code_flow(&[]).await;
    world.say(RiskSaid::Compromised).await;
    // What was given before is worth nothing now.
    let refreshed = world.refresh(before["refresh_token"].as_str().unwrap(), &[]).await;
    assert_eq!(
        refreshed.json()["error"],
        "interaction_required",
        "{}",
        refreshed.text()
    );
    let browser = world.browser();
    let asked = world.sign_in(&browser, &request).await;
    assert_eq!(asked.field("step").as_deref(), Some("code"), "{}", asked.text());
    // Who knows the password alone does not come to the change of it.
    let account = asked.field("account").unwrap();
    let forged = [
        ("step", "new-password"),
        ("account", account.as_str()),
        ("password", "Cheval 9 correct!"),
    ];
    let still = submit(&browser, &asked, &forged).await;
    assert_eq!(still.field("step").as_deref(), Some("code"), "{}", still.text());
    world.clock.advance(Duration::from_secs(1));
    let proof = one_time_code(seed.expose(), world.clock.now());
    let change = submit(&browser, &still, &[("proof", &proof)]).await;
    assert_eq!(
        change.field("step").as_deref(),
        Some("new-password"),
        "{}",
        change.text()
    );
    assert_eq!(world.risk_state().await, RiskState::ConfirmedCompromised);
    let done = submit(&browser, &change, &[("password", "Cheval 9 correct!")]).await;
    assert!(done.redirect_param("code").is_some(), "{}", done.text());
    assert_eq!(world.risk_state().await, RiskState::Remediated);
    let shown = world.log().await.into_iter().find(|entry| entry.error_code == 50_142);
    let shown = shown.expect("the question is logged").shown();
    let told = ["riskLevelAggregated", "riskState", "riskDetail"].map(|name| shown[name].clone());
    assert_eq!(
        told,
        ["high", "confirmedCompromised", "adminConfirmedUserCompromised"].map(Value::from)
    );
}

#[tokio::test]
async fn who_is_at_risk_and_has_no_second_means_registers_none() {
    let world = World::new().await;
    world
        .policy(at_risk(
            &world,
            "userRiskLevels",
            &["low", "medium", "high"],
            &secure_change(),
        ))
        .await;
    let medium = RiskSaid::Reported(hygie_policy::policy::RiskLevel::Medium);
    world.say(medium).await;
    let browser = world.browser();
    let page = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    assert!(page.text().contains("AADSTS53004"), "{}", page.text());
    assert!(
        !page.text().contains("securityinfo"),
        "nothing leads to the registration"
    );
    let own = browser.get(&world.path("securityinfo")).await;
    let fields = [("csrf", own.field("csrf").unwrap()), ("step", "codes".to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = browser.post(&world.path("securityinfo"), &fields).await;
    assert!(refused.text().contains("AADSTS53004"), "{}", refused.text());
    world.say(RiskSaid::Dismissed).await;
    let free = world
        .sign_in(&world.browser(), &world.authorize(world.portal, WEB, &[]))
        .await;
    assert!(free.redirect_param("code").is_some(), "{}", free.text());
}
