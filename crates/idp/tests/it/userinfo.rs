//! The user endpoint.

use std::time::Duration;

use hygie_directory::{DIRECTORY_API, Enabled};
use hygie_store::audit::Outcome;
use serde_json::json;

use crate::world::{FHIR, World};

#[tokio::test]
async fn it_tells_what_the_scopes_allow() {
    let world = World::new().await;
    let body = world.code_flow(&[("scope", "openid profile email")]).await;
    let ask = |token: String| {
        let (browser, path) = (world.browser(), world.path("openid/userinfo"));
        async move {
            browser
                .get_with(&path, &[("authorization", &format!("Bearer {token}"))])
                .await
        }
    };
    let token = body["access_token"].as_str().unwrap().to_owned();
    let answer = ask(token.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let subject = world.verified(&body["id_token"]).claims.subject.unwrap();
    assert_eq!(
        answer.json(),
        json!({ "sub": subject, "name": "Anna Martin", "family_name": "Martin", "given_name": "Anna", "email": "anna.martin@ch-demo.example" })
    );
    let records = world.recorded().await;
    let [record] = &records[..] else {
        panic!("one record in {records:?}")
    };
    assert_eq!(
        (record.action.as_ref(), record.outcome),
        ("idp.userinfo", Outcome::Success)
    );
    let actor = record.actor.as_ref().expect("the person");
    assert_eq!((actor.subject, actor.app), (world.nurse, Some(world.portal)));
    let little = world.code_flow(&[("scope", "openid")]).await;
    let answer = ask(little["access_token"].as_str().unwrap().to_owned()).await;
    assert_eq!(answer.json(), json!({ "sub": subject }));
    // A token for another resource, an id token, a changed one, none.
    let fhir = world.code_flow(&[]).await;
    let mut changed = token.clone();
    changed.replace_range(
        token.len() - 5..token.len() - 4,
        if token.as_bytes()[token.len() - 5] == b'A' {
            "B"
        } else {
            "A"
        },
    );
    for wrong in [&fhir["access_token"], &body["id_token"], &json!(changed), &json!("x")] {
        let answer = ask(wrong.as_str().unwrap().to_owned()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("www-authenticate")),
            (401, "Bearer error=\"invalid_token\"")
        );
    }
    let none = world.browser().get(&world.path("openid/userinfo")).await;
    assert_eq!((none.status.as_u16(), none.header("www-authenticate")), (401, "Bearer"));
    world
        .idp
        .directory()
        .revoke_user(&world.cx(world.tenant), world.nurse)
        .await
        .unwrap();
    assert_eq!(ask(token.clone()).await.status, 401, "revoked");
    world.clock.advance(Duration::from_hours(2));
    assert_eq!(ask(token).await.status, 401, "expired");
}

#[tokio::test]
async fn refusals_are_recorded_with_their_reason() {
    let world = World::new().await;
    let ask = async |token: &str| {
        let header = format!("Bearer {token}");
        let path = world.path("openid/userinfo");
        let answer = world.browser().get_with(&path, &[("authorization", &header)]).await;
        let records = world.recorded().await;
        let [record] = &records[..] else {
            panic!("one record in {records:?}")
        };
        assert_eq!(
            (record.action.as_ref(), record.outcome),
            ("idp.userinfo", Outcome::Refused)
        );
        let told = (answer.status.as_u16(), answer.header("www-authenticate").to_owned());
        let actor = record.actor.as_ref().map(|actor| (actor.subject, actor.app));
        (told, record.reason.clone().unwrap_or_default().into_owned(), actor)
    };
    let invalid = (401, "Bearer error=\"invalid_token\"".to_owned());
    let unknown = |reason: &str| (invalid.clone(), reason.to_owned(), None);
    let token = async |scope: &str| {
        let body = world.code_flow(&[("scope", scope)]).await;
        body["access_token"].as_str().unwrap().to_owned()
    };
    let good = token("openid profile").await;
    assert_eq!(ask("x").await, unknown("token_malformed"));
    assert_eq!(
        ask(&format!("{}AAAA", &good[..good.len() - 4])).await,
        unknown("token_signature")
    );
    let fhir = token(&format!("openid {FHIR}/user_impersonation")).await;
    assert_eq!(ask(&fhir).await, unknown("token_audience"));
    // A token of the directory API that says nothing of who signed in.
    world
        .idp
        .directory()
        .grant_scopes(&world.cx, (world.portal, DIRECTORY_API), None, &["User.Read"])
        .await
        .unwrap();
    let scope = (403, "Bearer error=\"insufficient_scope\", scope=\"openid\"".to_owned());
    assert_eq!(
        ask(&token("User.Read").await).await,
        (scope, "scope_missing".to_owned(), None)
    );
    // A good token whose application was disabled since: we know whose it is.
    world
        .idp
        .directory()
        .set_app_enabled(&world.cx, world.portal, Enabled::No)
        .await
        .unwrap();
    let holder = Some((world.nurse, Some(world.portal)));
    assert_eq!(ask(&good).await, (invalid.clone(), "AADSTS7000112".to_owned(), holder));
    world
        .idp
        .directory()
        .revoke_user(&world.cx(world.tenant), world.nurse)
        .await
        .unwrap();
    assert_eq!(ask(&good).await, unknown("user_revoked"));
    world.clock.advance(Duration::from_hours(2));
    assert_eq!(ask(&good).await, unknown("token_expired"));
}
