//! Signing in, the session, and its end.

use std::time::Duration;

use hygie_console::Host;
use serde_json::json;

use crate::world::{CLIENT, PORTAL, TENANT, World};

#[tokio::test]
async fn a_person_signs_in_and_comes_back_to_the_page() {
    let world = World::new();
    let first = world.client.get("/admin/users?q=martin").await;
    assert_eq!(
        (first.status.as_u16(), first.location()),
        (303, "/admin/sign-in?next=%2Fadmin%2Fusers%3Fq%3Dmartin")
    );
    let request = world.ask("%2Fadmin%2Fusers%3Fq%3Dmartin").await;
    assert_eq!(request["client_id"], CLIENT);
    assert_eq!(request["redirect_uri"], format!("{PORTAL}/admin/callback"));
    assert_eq!(request["code_challenge_method"], "S256");
    let answer = world.come_back(&request, &request["nonce"], "token").await;
    assert_eq!(
        (answer.status.as_u16(), answer.location()),
        (303, "/admin/users?q=martin")
    );
    let redeemed = &world.asked("POST /organizations/oauth2/v2.0/token")[0];
    assert_eq!(redeemed.host, Host::Login);
    assert_eq!(redeemed.body["code"], "abc");
    // RFC 7636 §4.6: what is shown now is what was promised then.
    let verifier = redeemed.body["code_verifier"].as_str().unwrap();
    let promised = hygie_jose::base64url::encode(hygie_jose::digest::sha256(verifier));
    assert_eq!(promised, request["code_challenge"]);
    world.script.answer("GET /v1.0/users", 200, json!({ "value": [] }));
    let page = world.client.get("/admin/users").await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("Alix Mercier") && page.text().contains("CH Demo"));
    let asked = world.asked("GET /v1.0/users");
    assert_eq!(asked[0].token.as_deref(), Some("Bearer token"));
}

#[tokio::test]
async fn an_answer_that_was_not_asked_for_signs_nobody_in() {
    // Another state, another nonce, a refusal: nothing is redeemed for the first, and none has a session.
    for (state, nonce, error) in [
        ("other", None, ""),
        ("", Some("other"), ""),
        ("", None, "&error=access_denied"),
    ] {
        let world = World::new();
        let mut request = world.ask("/admin").await;
        if !state.is_empty() {
            request.insert("state".to_owned(), state.to_owned());
        }
        if !error.is_empty() {
            request.insert("state".to_owned(), format!("{}{error}", request["state"]));
        }
        let nonce = nonce.map_or_else(|| request["nonce"].clone(), str::to_owned);
        world.come_back(&request, &nonce, "token").await;
        assert_eq!(
            world.asked("POST").len(),
            usize::from(nonce == "other"),
            "{state}{error}"
        );
        let page = world.client.get("/admin").await;
        assert!(page.location().starts_with("/admin/sign-in"), "{state}{nonce}{error}");
    }
}

#[tokio::test]
async fn a_code_comes_back_to_the_browser_that_asked() {
    let (world, other) = (World::new(), World::new());
    let request = world.ask("/admin").await;
    other.come_back(&request, &request["nonce"], "token").await;
    assert!(
        other
            .client
            .get("/admin")
            .await
            .location()
            .starts_with("/admin/sign-in")
    );
    assert_eq!(other.asked("POST").len(), 0);
}

#[tokio::test]
async fn a_long_token_is_several_cookies_and_a_short_one_takes_the_others_away() {
    let world = World::new();
    let long = "t".repeat(6_000);
    let request = world.ask("/admin").await;
    world.come_back(&request, &request["nonce"], &long).await;
    assert!(world.client.cookie("__Host-hygie-portal-2").is_some());
    for name in ["__Host-hygie-portal", "__Host-hygie-portal-1", "__Host-hygie-portal-2"] {
        let value = world.client.cookie(name).unwrap();
        // Browsers keep 4096 octets of name, value and attributes.
        assert!(value.len() <= 3_900, "{name}");
        assert!(!value.contains("ttt"), "the token can be read");
    }
    world.script.answer("GET /v1.0/groups", 200, json!({ "value": [] }));
    assert_eq!(world.client.get("/admin/groups").await.status, 200);
    assert_eq!(
        world.asked("GET /v1.0/groups")[0].token.as_deref(),
        Some(format!("Bearer {long}").as_str())
    );
    let request = world.ask("/admin").await;
    world.come_back(&request, &request["nonce"], "short").await;
    assert_eq!(world.client.cookie("__Host-hygie-portal-1"), None);
    assert_eq!(world.client.get("/admin/groups").await.status, 200);
}

#[tokio::test]
async fn a_session_ends_with_its_token_and_when_the_token_is_no_longer_taken() {
    let world = World::signed_in().await;
    world.script.answer("GET /v1.0/groups", 200, json!({ "value": [] }));
    assert_eq!(world.client.get("/admin/groups").await.status, 200);
    world.script.answer("GET /v1.0/groups", 401, json!({}));
    assert!(
        world
            .client
            .get("/admin/groups")
            .await
            .location()
            .starts_with("/admin/sign-in")
    );
    world.script.answer("GET /v1.0/groups", 200, json!({ "value": [] }));
    world.clock.advance(Duration::from_hours(1));
    assert!(
        world
            .client
            .get("/admin/groups")
            .await
            .location()
            .starts_with("/admin/sign-in")
    );
}

#[tokio::test]
async fn a_changed_cookie_is_no_session() {
    let world = World::signed_in().await;
    let mut value = world.client.cookie("__Host-hygie-portal").unwrap().into_bytes();
    value[40] ^= 1;
    world
        .client
        .set_cookie("__Host-hygie-portal", std::str::from_utf8(&value).unwrap());
    assert!(
        world
            .client
            .get("/admin")
            .await
            .location()
            .starts_with("/admin/sign-in")
    );
}

#[tokio::test]
async fn signing_out_revokes_the_token_that_the_session_holds() {
    for status in [200, 503] {
        let world = World::signed_in().await;
        world.script.answer("GET /v1.0/groups", 200, json!({ "value": [] }));
        let page = world.client.get("/admin/groups").await;
        let csrf = page.field("csrf").expect("a form");
        let line = format!("POST /{TENANT}/oauth2/v2.0/revoke");
        world.script.answer(&line, status, json!({}));
        let other = world.client.post("/admin/sign-out", &[("csrf", "x")]).await;
        assert_eq!((other.status.as_u16(), world.asked(&line).len()), (403, 0));
        let out = world.client.post("/admin/sign-out", &[("csrf", &csrf)]).await;
        assert!(
            out.location().contains("/oauth2/v2.0/logout?"),
            "{status} {}",
            out.location()
        );
        let asked = world.asked(&line);
        let revoked = asked.last().expect("a request");
        assert_eq!(revoked.host, Host::Login);
        assert_eq!(
            (&revoked.body["token"], &revoked.body["client_id"]),
            (&json!("token"), &json!(CLIENT))
        );
        assert!(
            world
                .client
                .cookie("__Host-hygie-portal")
                .is_none_or(|value| value.is_empty())
        );
    }
}
