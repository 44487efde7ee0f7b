//! Codes of Entra ID that no other story meets, each over the wire with its `error` and status. The table of all of them is in
//! `docs/conformance/idp.md`.

use std::time::Duration;

use hygie_directory::{Definition, NewApplication};
use hygie_oidc::RedirectUris;
use hygie_testkit::Answer;
use serde_json::json;

use crate::consent::{ADMIN, admin_page, administrator};
use crate::world::{SPA, WEB, World, code_of};

impl World {
    /// What a refresh token of the nurse is answered after a policy was made.
    async fn refreshed_under(&self, policy: serde_json::Value) -> Answer {
        let tokens = self.code_flow(&[]).await;
        self.policy(policy).await;
        self.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await
    }
}

#[tokio::test]
async fn what_devices_and_programs_would_have_to_prove() {
    for (control, code) in [
        ("compliantDevice", 53_000),
        ("domainJoinedDevice", 53_001),
        ("approvedApplication", 53_002),
        ("compliantApplication", 53_009),
    ] {
        let world = World::new().await;
        let grants = json!({ "grantControls": { "operator": "OR", "builtInControls": [control] } });
        let refused = world.refreshed_under(grants).await;
        let body = refused.json();
        let told = (refused.status.as_u16(), body["error"].as_str(), code_of(&refused));
        assert_eq!(told, (400, Some("interaction_required"), code), "{control}");
        assert_eq!(body["suberror"], "message_only", "{control}");
        assert!(body["claims"].is_string(), "{control}");
    }
}

#[tokio::test]
async fn a_sign_in_that_is_too_old_is_told_to_who_may_not_ask() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    world
        .policy(json!({ "sessionControls": { "signInFrequency":
            { "isEnabled": true, "frequencyInterval": "timeBased", "type": "hours", "value": 1 } } }))
        .await;
    for _ in 0..3 {
        world.clock.advance(Duration::from_mins(25));
        world.sign_in_or_silent(&browser).await;
    }
    let silent = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert_eq!(silent.redirect_param("error").as_deref(), Some("interaction_required"));
    let text = silent.redirect_param("error_description").unwrap();
    assert!(text.starts_with("AADSTS70044:"), "{text}");
}

impl World {
    /// Keeps the session in use, at an application that no policy names.
    async fn sign_in_or_silent(&self, browser: &hygie_testkit::Client) {
        let scope = [("scope", "openid api://records//read"), ("prompt", "none")];
        let answer = browser.get(&self.authorize(self.spa, SPA, &scope)).await;
        assert!(answer.redirect_param("code").is_some(), "{}", answer.location());
    }
}

#[tokio::test]
async fn somebody_who_is_gone_is_not_in_the_directory() {
    let world = World::new().await;
    let tokens = world.code_flow(&[]).await;
    let directory = world.idp.directory();
    directory
        .delete_user(&world.cx(world.tenant), world.nurse)
        .await
        .unwrap();
    let refused = world.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await;
    let told = (
        refused.status.as_u16(),
        refused.json()["error"].clone(),
        code_of(&refused),
    );
    assert_eq!(told, (400, json!("invalid_grant"), 50_034));
}

#[tokio::test]
async fn a_token_from_the_authorization_endpoint_needs_a_switch() {
    let world = World::new().await;
    let ask = [("response_type", "id_token"), ("response_mode", "fragment")];
    let refused = world.browser().get(&world.authorize(world.spa, SPA, &ask)).await;
    let location = refused.location();
    assert!(location.contains("error=unsupported_response_type"), "{location}");
    assert!(location.contains("AADSTS700054"), "{location}");
}

#[tokio::test]
async fn what_an_administrator_cannot_consent_to() {
    let world = World::new().await;
    administrator(&world).await;
    let directory = world.idp.directory();
    for (endpoint, access, code) in [
        (
            "v2.0/adminconsent?scope=https://graph.microsoft.com/.default&",
            json!([]),
            "AADSTS650056",
        ),
        (
            "adminconsent?",
            json!([{ "resourceAppId": "11111111-2222-4333-8444-555555555555",
                "resourceAccess": [{ "id": "11111111-2222-4333-8444-666666666666", "type": "Scope" }] }]),
            "AADSTS650052",
        ),
    ] {
        let definition = Definition {
            redirect_uris: RedirectUris {
                web: vec![WEB.to_owned()],
                ..RedirectUris::default()
            },
            required_resource_access: serde_json::from_value(access).unwrap(),
            ..Definition::default()
        };
        let new = NewApplication {
            app: None,
            display_name: "Planning".to_owned(),
            definition,
        };
        let (app, ..) = directory
            .create_application(&world.cx(world.tenant), new)
            .await
            .unwrap();
        let address = world.path(&format!("{endpoint}client_id={}", app.app));
        let page = admin_page(&world, &world.browser(), &address, ADMIN).await;
        assert!(page.text().contains(code), "{code} {} {}", page.status, page.text());
    }
}
