//! An application that was called with a person's token calls the next service on their behalf.

use std::time::Duration;

use hygie_testkit::Answer;
use serde_json::{Value, json};

use crate::device::{confirmed, poll};
use crate::world::{FHIR, WEB, World, claims, code_of, exchange, submit};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The API's secret, and what the portal got for the nurse to call it with. The API may read FHIR for people.
pub async fn called(world: &World) -> (String, Value) {
    let cx = world.cx(world.tenant);
    let life = Duration::from_hours(24);
    let secret = world
        .idp
        .directory()
        .add_secret(&cx, world.api, "test", life)
        .await
        .unwrap();
    for (client, resource, scope) in [
        (world.api, world.fhir, "user_impersonation"),
        (world.portal, world.api, "read"),
    ] {
        let granted = world
            .idp
            .directory()
            .grant_scopes(&cx, (client, resource), None, &[scope])
            .await;
        granted.unwrap();
    }
    let body = world
        .code_flow(&[("scope", "openid offline_access api://records//read")])
        .await;
    (secret.value.expose().clone(), body)
}

pub async fn ask(world: &World, secret: &str, assertion: &Value, changed: &[(&str, &str)]) -> Answer {
    let id = world.api.to_string();
    let scope = format!("{FHIR}/user_impersonation");
    let mut fields = vec![
        ("grant_type", GRANT),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", id.as_str()),
        ("client_secret", secret),
        ("assertion", assertion.as_str().unwrap()),
        ("scope", scope.as_str()),
    ];
    for (name, value) in changed {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    world.token(&fields).await
}

#[tokio::test]
async fn an_api_calls_the_next_service_for_the_person() {
    let world = World::new().await;
    let (secret, body) = called(&world).await;
    let answer = ask(&world, &secret, &body["access_token"], &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(
        (&answer["refresh_token"], &answer["id_token"]),
        (&Value::Null, &Value::Null)
    );
    let (first, next) = (claims(&body["access_token"]), claims(&answer["access_token"]));
    assert_eq!(next["aud"], FHIR);
    assert_eq!(next["appid"], world.api.to_string());
    assert_eq!(next["scp"], "user_impersonation");
    for claim in ["oid", "sid", "tid"] {
        assert_eq!(next[claim], first[claim], "{claim}");
    }
    assert_eq!(next["amr"], serde_json::json!(["pwd"]));
    // As Microsoft's libraries ask: with the scopes of OpenID Connect.
    let scope = format!("{FHIR}/.default openid profile offline_access");
    let answer = ask(&world, &secret, &body["access_token"], &[("scope", &scope)])
        .await
        .json();
    assert_eq!(claims(&answer["id_token"])["aud"], world.api.to_string(), "{answer}");
}

#[tokio::test]
async fn a_server_works_on_where_it_asks_to() {
    let world = World::new().await;
    let (secret, body) = called(&world).await;
    let scope = format!("{FHIR}/user_impersonation offline_access");
    let answer = ask(&world, &secret, &body["access_token"], &[("scope", &scope)]).await;
    let first = answer.json();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = world.api.to_string();
    let refresh = |token: &Value, secret: &str| {
        let fields = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", id.clone()),
            ("client_secret", secret.to_owned()),
            ("refresh_token", token.as_str().unwrap().to_owned()),
        ];
        let world = &world;
        async move {
            let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
            world.token(&fields).await
        }
    };
    // Long after the token that it was called with.
    world.clock.advance(Duration::from_hours(3));
    assert_eq!(refresh(&first["refresh_token"], "wrong").await.status, 401);
    let answer = refresh(&first["refresh_token"], &secret).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let next = answer.json();
    let (told, before) = (claims(&next["access_token"]), claims(&first["access_token"]));
    assert_eq!((&told["appid"], &told["aud"]), (&json!(id), &json!(FHIR)));
    for claim in ["oid", "sid", "scp"] {
        assert_eq!(told[claim], before[claim], "{claim}");
    }
    // Used again by somebody else it takes the grant along; the caller goes on.
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(code_of(&refresh(&first["refresh_token"], &secret).await), 50_173);
    assert_eq!(refresh(&next["refresh_token"], &secret).await.status, 400);
    assert_eq!(
        world.refresh(body["refresh_token"].as_str().unwrap(), &[]).await.status,
        200
    );
}

#[tokio::test]
async fn a_server_works_on_no_longer_than_its_caller_may() {
    let world = World::new().await;
    let (secret, body) = called(&world).await;
    let scope = format!("{FHIR}/user_impersonation offline_access");
    let answer = ask(&world, &secret, &body["access_token"], &[("scope", &scope)]).await;
    let theirs = answer.json()["refresh_token"].clone();
    // The caller's refresh token is used twice: what came of its grant ends.
    let own = body["refresh_token"].as_str().unwrap();
    world.refresh(own, &[]).await;
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(code_of(&world.refresh(own, &[]).await), 50_173);
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", &world.api.to_string()),
        ("client_secret", &secret),
        ("refresh_token", theirs.as_str().unwrap()),
    ];
    let refused = world.token(&fields).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    // So does a token of its own for an application that was called with one of a grant that is over.
    let refused = ask(&world, &secret, &body["access_token"], &[("scope", &scope)]).await;
    assert_eq!(code_of(&refused), 50_132);
}

#[tokio::test]
async fn what_revokes_the_callers_token_revokes_both() {
    let world = World::new().await;
    let (secret, body) = called(&world).await;
    let cx = world.cx(world.tenant);
    world.clock.advance(Duration::from_secs(1));
    world.idp.directory().revoke_user(&cx, world.nurse).await.unwrap();
    let refused = ask(&world, &secret, &body["access_token"], &[]).await;
    assert_eq!(code_of(&refused), 50_132);
    // A code that is used twice takes what came of it along.
    let world = World::new().await;
    let (secret, _) = called(&world).await;
    let request = world.authorize(
        world.portal,
        WEB,
        &[("scope", "openid offline_access api://records//read")],
    );
    let answer = world.sign_in(&world.browser(), &request).await;
    let code = answer.redirect_param("code").unwrap();
    let id = world.portal.to_string();
    let fields = [
        &exchange(&id, &code, WEB)[..],
        &[("client_secret", world.secret.as_str())],
    ]
    .concat();
    let body = world.token(&fields).await.json();
    assert_eq!(ask(&world, &secret, &body["access_token"], &[]).await.status, 200);
    world.token(&fields).await;
    let refused = ask(&world, &secret, &body["access_token"], &[]).await;
    assert_eq!(code_of(&refused), 50_132);
}

#[tokio::test]
async fn whom_it_is_refused() {
    let world = World::new().await;
    let (secret, body) = called(&world).await;
    let token = &body["access_token"];
    let scope = format!("{FHIR}/.default");
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", &world.portal.to_string()),
        ("client_secret", &world.secret),
        ("scope", &scope),
    ];
    let own = world.token(&own).await.json();
    let other = world
        .code_flow(&[("scope", &format!("{FHIR}/user_impersonation"))])
        .await;
    for (assertion, code) in [
        // An id token, an application's own token, one for another resource, none at all.
        (&body["id_token"], 50_013),
        (&own["access_token"], 50_013),
        (&other["access_token"], 500_131),
        (&serde_json::json!("a.b.c"), 50_013),
    ] {
        assert_eq!(code_of(&ask(&world, &secret, assertion, &[]).await), code);
    }
    let portal = world.portal.to_string();
    let with_secret = [("client_id", portal.as_str()), ("client_secret", world.secret.as_str())];
    let unknown = format!("{FHIR}/everything");
    for (changed, code) in [
        (&[("client_secret", "wrong")][..], 7_000_215),
        (&[("client_secret", "")], 7_000_218),
        (&with_secret, 500_131),
        (&[("scope", &*unknown)], 65_001),
        (&[("scope", "")], 900_144),
        (&[("requested_token_use", "other")], 90_023),
    ] {
        let refused = ask(&world, &secret, token, changed).await;
        assert_eq!(code_of(&refused), code, "{changed:?} {}", refused.text());
    }
    // At the endpoint of another tenant, whatever the client.
    let id = world.api.to_string();
    let elsewhere = format!("/{}/oauth2/v2.0/token", world.other);
    let fields = [
        ("grant_type", GRANT),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("assertion", token.as_str().unwrap()),
        ("scope", scope.as_str()),
    ];
    assert_eq!(code_of(&world.browser().post(&elsewhere, &fields).await), 50_020);
    world.clock.advance(Duration::from_hours(2));
    assert_eq!(code_of(&ask(&world, &secret, token, &[]).await), 500_133);
}

/// A policy that blocks for the FHIR service whoever comes like this.
async fn block(world: &World, condition: &str, value: Value) {
    let mut conditions = json!({
        "users": { "includeUsers": ["All"] },
        "applications": { "includeApplications": [world.fhir.to_string()] },
    });
    conditions[condition] = value;
    let grants = json!({ "operator": "OR", "builtInControls": ["block"] });
    world
        .policy(json!({ "conditions": conditions, "grantControls": grants }))
        .await;
}

/// The next service is asked for by a server; policies ask how the person came.
#[tokio::test]
async fn who_came_by_a_device_code_is_judged_so_at_the_next_service() {
    let world = World::new().await;
    let (secret, by_browser) = called(&world).await;
    block(
        &world,
        "authenticationFlows",
        json!({ "transferMethods": "deviceCodeFlow" }),
    )
    .await;
    let id = world.native.to_string();
    for scope in [
        "openid api://records//read",
        "openid offline_access api://records//read",
    ] {
        let fields = [("client_id", id.as_str()), ("scope", scope)];
        let path = world.path("oauth2/v2.0/devicecode");
        let codes = world.browser().post(&path, &fields).await.json();
        let browser = world.browser();
        let page = confirmed(&browser, &codes).await;
        submit(&browser, &page, &[("answer", "yes")]).await;
        let tokens = poll(&world, &codes).await.json();
        let refused = ask(&world, &secret, &tokens["access_token"], &[]).await;
        assert_eq!(code_of(&refused), 53_003, "{scope}: {}", refused.text());
        assert!(
            world
                .log()
                .await
                .iter()
                .any(|entry| entry.is_by_device_code && entry.error_code == 53_003)
        );
    }
    let passed = ask(&world, &secret, &by_browser["access_token"], &[]).await;
    assert_eq!(passed.status, 200, "{}", passed.text());
}

#[tokio::test]
async fn the_address_is_that_of_the_person_and_not_of_the_server() {
    let world = World::new().await;
    let (secret, _) = called(&world).await;
    let inside = json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Hospital", "isTrusted": true,
        "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24" }] });
    let inside: hygie_policy::NamedLocation = hygie_policy::json::read(&inside).unwrap();
    world
        .idp
        .directory()
        .create_rule(&world.cx(world.tenant), inside)
        .await
        .unwrap();
    let outside = json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] });
    block(&world, "locations", outside).await;
    // The server asks from where nobody knows; what counts is where the person was.
    for (address, expected) in [([192, 0, 2, 7], None), ([203, 0, 113, 7], Some(53_003))] {
        let browser = world.browser_at(address);
        let scope = [("scope", "openid api://records//read")];
        let answer = world
            .sign_in(&browser, &world.authorize(world.portal, WEB, &scope))
            .await;
        let code = answer
            .redirect_param("code")
            .unwrap_or_else(|| panic!("{}", answer.text()));
        let tokens = world.redeem(&code).await.json();
        let asked = ask(&world, &secret, &tokens["access_token"], &[]).await;
        let refused = (asked.status != 200).then(|| code_of(&asked));
        assert_eq!(refused, expected, "{address:?}: {}", asked.text());
        let log = world.log().await;
        let address = Some(std::net::IpAddr::from(address));
        assert!(
            log.iter()
                .any(|entry| entry.app == world.api && entry.address == address)
        );
        world.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn the_platform_and_the_kind_of_program_go_along_to_the_next_service() {
    let world = World::new().await;
    let (secret, _) = called(&world).await;
    block(&world, "platforms", json!({ "includePlatforms": ["android"] })).await;
    let telephone = (
        "user-agent",
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36",
    );
    let request = |kind| {
        world.authorize(
            world.portal,
            WEB,
            &[("scope", "openid api://records//read"), ("response_type", kind)],
        )
    };
    let browser = world.browser();
    world.sign_in(&browser, &request("code")).await;
    for (headers, status) in [(&[][..], 200), (&[telephone][..], 400)] {
        let answer = browser.get_with(&request("code"), headers).await;
        let tokens = world
            .redeem(&answer.redirect_param("code").expect("a code"))
            .await
            .json();
        let outcome = ask(&world, &secret, &tokens["access_token"], &[]).await;
        assert_eq!(outcome.status, status, "{}", outcome.text());
        // A token that passed the browser has no code.
        let answer = browser.get_with(&request("token"), headers).await;
        let token = answer.redirect_param("access_token");
        let outcome = ask(&world, &secret, &json!(token.expect("a token")), &[]).await;
        assert_eq!(outcome.status, status, "{}", outcome.text());
    }
}
