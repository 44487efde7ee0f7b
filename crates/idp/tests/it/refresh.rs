//! Refresh tokens: rotation, grace, reuse, ends.

use std::time::Duration;

use hygie_access::{Origin, Revocations, Revoked};
use serde_json::Value;

use crate::world::{FHIR, SPA, WEB, World, claims, code_of, exchange};

fn token(body: &Value) -> String {
    body["refresh_token"].as_str().expect("a refresh token").to_owned()
}

#[tokio::test]
async fn of_several_resources_the_token_is_for_the_first() {
    let world = World::new().await;
    let tokens = world.code_flow(&[]).await;
    let scope = format!("{FHIR}/USER_Impersonation https://graph.microsoft.com/user.read");
    let answer = world
        .refresh(tokens["refresh_token"].as_str().unwrap(), &[("scope", &scope)])
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let claims = claims(&answer.json()["access_token"]);
    assert_eq!(
        claims["scp"], "user_impersonation",
        "found in any case, told as the resource spells it"
    );
}

#[tokio::test]
async fn each_use_gives_the_next_one() {
    let world = World::new().await;
    let body = world.code_flow(&[]).await;
    let first = token(&body);
    let answer = world.refresh(&first, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let second = token(&answer.json());
    assert_ne!(first, second);
    assert!(answer.json()["id_token"].is_string());
    let claims = world.verified(&answer.json()["id_token"]).claims;
    assert_eq!(claims.text("nonce"), None, "the nonce was for the first id token");
    assert_eq!(claims.audience, [world.portal.to_string()]);
    // Two processes that share a cache use the same token within a minute.
    world.clock.advance(Duration::from_mins(1));
    let again = world.refresh(&first, &[]).await;
    assert_eq!(again.status, 200, "{}", again.text());
    // Later it is a theft: whoever has it, everything that came of the authorization ends.
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(code_of(&world.refresh(&first, &[]).await), 50_173);
    for descendant in [second, token(&again.json())] {
        assert_eq!(code_of(&world.refresh(&descendant, &[]).await), 50_173);
    }
}

#[tokio::test]
async fn another_resource_or_scope_may_be_asked_for() {
    let world = World::new().await;
    let first = token(&world.code_flow(&[]).await);
    let answer = world.refresh(&first, &[("scope", "api://records//read")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let claims = world.verified(&answer.json()["access_token"]).claims;
    assert_eq!(
        (claims.audience[0].as_str(), claims.text("scp")),
        (world.api.to_string().as_str(), Some("read"))
    );
    let next = token(&answer.json());
    for (scope, code) in [
        ("api://records//erase", 65_001),
        ("https://nowhere.example/x", 500_011),
        ("https://nowhere.example/x api://records//read", 500_011),
    ] {
        let refused = world.refresh(&next, &[("scope", scope)]).await;
        assert_eq!(code_of(&refused), code, "{scope}");
    }
    let default = world.refresh(&next, &[("scope", &format!("{FHIR}/.default"))]).await;
    assert_eq!(
        default.status,
        200,
        "a refused request did not use it up: {}",
        default.text()
    );
}

#[tokio::test]
async fn it_belongs_to_its_client_and_tenant() {
    let world = World::new().await;
    let first = token(&world.code_flow(&[]).await);
    let spa = world.spa.to_string();
    let stolen = world
        .token(&[
            ("grant_type", "refresh_token"),
            ("client_id", &spa),
            ("refresh_token", &first),
        ])
        .await;
    assert_eq!(code_of(&stolen), 70_000);
    assert_eq!(code_of(&world.refresh("1.AAAA", &[]).await), 70_000);
    assert_eq!(code_of(&world.refresh("garbage", &[]).await), 70_000);
    let id = world.portal.to_string();
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", id.as_str()),
        ("client_secret", &world.secret),
        ("refresh_token", &first),
    ];
    let other = world
        .browser()
        .post(&format!("/{}/oauth2/v2.0/token", world.other), &fields)
        .await;
    assert_eq!(code_of(&other), 50_020);
    let everywhere = world.browser().post("/organizations/oauth2/v2.0/token", &fields).await;
    assert_eq!(everywhere.status, 200, "{}", everywhere.text());
}

#[tokio::test]
async fn ninety_days_unused_are_the_end() {
    let world = World::new().await;
    let first = token(&world.code_flow(&[]).await);
    world.clock.advance(Duration::from_hours(89 * 24));
    let second = token(&world.refresh(&first, &[]).await.json());
    world.clock.advance(Duration::from_hours(89 * 24));
    let third = token(&world.refresh(&second, &[]).await.json());
    world.clock.advance(Duration::from_hours(90 * 24));
    assert_eq!(code_of(&world.refresh(&third, &[]).await), 700_082);
    world.idp.maintain().await.unwrap();
    assert_eq!(
        code_of(&world.refresh(&third, &[]).await),
        700_082,
        "told so for another day"
    );
    world.clock.advance(Duration::from_hours(25));
    world.idp.maintain().await.unwrap();
    assert_eq!(code_of(&world.refresh(&third, &[]).await), 70_000, "then forgotten");
}

#[tokio::test]
async fn a_page_signs_in_again_after_a_day() {
    let world = World::new().await;
    let code = world.code(world.spa, SPA, &[]).await;
    let id = world.spa.to_string();
    let path = world.path("oauth2/v2.0/token");
    let origin = [("origin", "https://spa.example")];
    let fields = exchange(&id, &code, SPA);
    let mut current = token(&world.browser().post_with(&path, &origin, &fields).await.json());
    for left in [64_800, 43_200, 21_600] {
        world.clock.advance(Duration::from_hours(6));
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", id.as_str()),
            ("refresh_token", current.as_str()),
        ];
        let answer = world.browser().post_with(&path, &origin, &fields).await;
        // The page of that origin may read it, and no other.
        assert_eq!(answer.header("access-control-allow-origin"), "https://spa.example");
        let body = answer.json();
        assert_eq!(body["refresh_token_expires_in"], left, "the end does not move");
        current = token(&body);
    }
    world.clock.advance(Duration::from_hours(6));
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", id.as_str()),
        ("refresh_token", current.as_str()),
    ];
    assert_eq!(
        code_of(&world.browser().post_with(&path, &origin, &fields).await),
        700_084
    );
}

#[tokio::test]
async fn what_the_person_lost_is_lost() {
    let world = World::new().await;
    let first = token(&world.code_flow(&[]).await);
    world.clock.advance(Duration::from_secs(5));
    let cx = world.cx(world.tenant);
    let new = hygie_core::Secret::new("Another good 1".to_owned());
    world.idp.directory().set_password(&cx, world.nurse, new).await.unwrap();
    assert_eq!(code_of(&world.refresh(&first, &[]).await), 50_173);
    world
        .idp
        .directory()
        .set_user_enabled(&cx, world.nurse, hygie_directory::Enabled::No)
        .await
        .unwrap();
    assert_eq!(code_of(&world.refresh(&first, &[]).await), 50_057);
}

#[tokio::test]
async fn a_session_can_be_revoked_as_long_as_its_tokens_live() {
    let world = World::new().await;
    let body = world.code_flow(&[]).await;
    let session = world
        .verified(&body["access_token"])
        .claims
        .text("sid")
        .unwrap()
        .parse()
        .unwrap();
    // The browser is long gone, the refresh token is not.
    world.clock.advance(Duration::from_hours(30 * 24));
    world.idp.maintain().await.unwrap();
    let next = token(&world.refresh(&token(&body), &[]).await.json());
    assert!(
        world
            .idp
            .directory()
            .revoke_session(&world.cx(world.tenant), session)
            .await
            .unwrap()
    );
    assert_eq!(code_of(&world.refresh(&next, &[]).await), 50_173);
}

#[tokio::test]
async fn a_code_is_no_way_around_a_revocation() {
    let world = World::new().await;
    let cx = || world.cx(world.tenant);
    let request = world.authorize(world.portal, WEB, &[]);
    let code = async || {
        let answer = world.sign_in(&world.browser(), &request).await;
        answer.redirect_param("code").expect("a code")
    };
    let first = code().await;
    let body = world.redeem(&code().await).await.json();
    world.clock.advance(Duration::from_secs(5));
    world.idp.directory().revoke_user(&cx(), world.nurse).await.unwrap();
    assert_eq!(code_of(&world.redeem(&first).await), 50_132, "the user was revoked");
    assert_eq!(code_of(&world.refresh(&token(&body), &[]).await), 50_173);

    world.clock.advance(Duration::from_secs(5));
    let browser = world.browser();
    let answer = world.sign_in(&browser, &request).await;
    let body = world.redeem(&answer.redirect_param("code").unwrap()).await.json();
    let session = world
        .verified(&body["id_token"])
        .claims
        .text("sid")
        .unwrap()
        .parse()
        .unwrap();
    let second = browser
        .get(&request)
        .await
        .redirect_param("code")
        .expect("single sign-on");
    assert!(world.idp.directory().revoke_session(&cx(), session).await.unwrap());
    assert_eq!(code_of(&world.redeem(&second).await), 50_132, "the session was revoked");

    world.clock.advance(Duration::from_secs(5));
    let third = code().await;
    let new = hygie_core::Secret::new("Another good 1".to_owned());
    world.clock.advance(Duration::from_secs(5));
    world
        .idp
        .directory()
        .set_password(&cx(), world.nurse, new)
        .await
        .unwrap();
    assert_eq!(code_of(&world.redeem(&third).await), 50_132, "the password was changed");
}

#[tokio::test]
async fn a_revoked_session_takes_its_tokens_along() {
    let world = World::new().await;
    let body = world.code_flow(&[]).await;
    let claims = world.verified(&body["access_token"]).claims;
    let session = claims.text("sid").unwrap().parse().unwrap();
    let cx = world.cx(world.tenant);
    let origin = Origin {
        tenant: world.tenant,
        subject: world.nurse,
        session: Some(session),
        issued_at: claims.issued_at,
        rh: None,
    };
    let revoked = |idp: &hygie_idp::Idp| idp.directory().revoked(&origin);
    assert_eq!(revoked(&world.idp), None);
    assert!(world.idp.directory().revoke_session(&cx, session).await.unwrap());
    assert!(!world.idp.directory().revoke_session(&cx, session).await.unwrap());
    assert_eq!(revoked(&world.idp), Some(Revoked::Session));
    assert_eq!(code_of(&world.refresh(&token(&body), &[]).await), 50_173);
    // Another process knows it from the store.
    let random = std::sync::Arc::new(hygie_testkit::SeededRandom::new(2));
    let second = crate::world::open(&world.store, &world.clock, &random).await;
    assert_eq!(revoked(&second), Some(Revoked::Session));
}

#[tokio::test]
async fn a_revocation_hits_what_began_while_it_was_on_its_way() {
    let world = World::new().await;
    let browser = world.browser();
    let request = world.authorize(world.portal, WEB, &[]);
    // The administrator's request begins, a person signs in, the request is carried out.
    world.clock.advance(Duration::from_secs(1));
    let before = world.cx(world.tenant);
    world.clock.advance(Duration::from_secs(1));
    let first = world.sign_in(&browser, &request).await.redirect_param("code").unwrap();
    let body = world.redeem(&first).await.json();
    let second = browser.get(&request).await.redirect_param("code").unwrap();
    let claims = world.verified(&body["access_token"]).claims;
    let origin = Origin {
        tenant: world.tenant,
        subject: world.nurse,
        session: claims.text("sid").and_then(|sid| sid.parse().ok()),
        issued_at: claims.issued_at,
        rh: None,
    };
    assert_eq!(world.idp.directory().revoked(&origin), None);
    assert!(world.idp.directory().revoke_user(&before, world.nurse).await.unwrap());
    assert!(world.idp.directory().revoked(&origin).is_some(), "the access token");
    assert_eq!(
        code_of(&world.refresh(&token(&body), &[]).await),
        50_173,
        "the refresh token"
    );
    assert_eq!(code_of(&world.redeem(&second).await), 50_132, "the code");
    let silent = browser.get(&format!("{request}&prompt=none")).await;
    assert_eq!(silent.redirect_param("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn version_1_speaks_of_resources_and_tells_the_account() {
    let world = World::new().await;
    let body = world.code_flow(&[]).await;
    let id = world.portal.to_string();
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", id.as_str()),
        ("client_secret", world.secret.as_str()),
        ("refresh_token", body["refresh_token"].as_str().unwrap()),
        ("resource", FHIR),
        ("client_info", "1"),
    ];
    let answer = world.browser().post(&world.path("oauth2/token"), &fields).await.json();
    assert_eq!(
        (&answer["resource"], answer["expires_on"].is_string()),
        (&FHIR.into(), true)
    );
    let told = hygie_jose::base64url::decode(answer["client_info"].as_str().unwrap()).unwrap();
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(
        (&told["uid"], &told["utid"]),
        (&world.nurse.to_string().into(), &world.tenant.to_string().into())
    );
    // The family is the same: the next token serves the other version.
    let next = answer["refresh_token"].as_str().unwrap();
    assert_eq!(world.refresh(next, &[]).await.status, 200);
}
