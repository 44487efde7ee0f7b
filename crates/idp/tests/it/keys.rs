//! Rotation of the signing keys.

use std::sync::Arc;
use std::time::Duration;

use hygie_idp::{Idp, Rotation};
use hygie_testkit::SeededRandom;
use serde_json::Value;

use crate::world::{FHIR, World, open};

async fn kid_of_a_new_token(world: &World) -> (String, Value) {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &world.portal.to_string()),
        ("client_secret", &world.secret),
        ("scope", &format!("{FHIR}/.default")),
    ];
    let token = world.token(&fields).await.json()["access_token"].clone();
    let header = token.as_str().unwrap().split('.').next().unwrap().to_owned();
    let header: Value = serde_json::from_slice(&hygie_jose::base64url::decode(header).unwrap()).unwrap();
    (header["kid"].as_str().unwrap().to_owned(), token)
}

fn published(world: &World) -> Vec<String> {
    kids(&world.idp)
}

fn kids(idp: &Idp) -> Vec<String> {
    idp.jwks().keys.iter().filter_map(|key| key.kid.clone()).collect()
}

#[tokio::test]
async fn the_next_key_is_published_before_it_signs_and_the_last_one_after() {
    let world = World::new().await;
    let (first, token) = kid_of_a_new_token(&world).await;
    let start = published(&world);
    assert_eq!(start.len(), 2);
    let next = start.iter().find(|kid| **kid != first).unwrap().clone();
    assert!(!world.idp.rotate_keys(Rotation::WhenDue).await.unwrap());
    // The secret outlives the key.
    world.clock.advance(Duration::from_hours(90 * 24));
    world.idp.maintain().await.unwrap();
    assert_eq!(kid_of_a_new_token(&world).await.0, next);
    assert_eq!(published(&world).len(), 3);
    world.verified(&token);
    // Another process takes it in.
    let second = open(&world.store, &world.clock, &Arc::new(SeededRandom::new(9))).await;
    assert_eq!(second.jwks().keys.len(), 3);
    assert!(world.idp.rotate_keys(Rotation::Now).await.unwrap(), "at once");
    let third = kid_of_a_new_token(&world).await.1;
    assert!(
        hygie_jose::verify(third.as_str().unwrap(), &second.key_set()).is_ok(),
        "it was published already"
    );
    second.maintain().await.unwrap();
    assert_eq!(second.jwks().keys.len(), 4);
    world.clock.advance(Duration::from_hours(28 * 24 + 1));
    world.idp.maintain().await.unwrap();
    assert!(!published(&world).contains(&first), "nobody needs it any more");
}

#[tokio::test]
async fn what_a_compromised_key_signed_is_accepted_no_more() {
    let world = World::new().await;
    let token = kid_of_a_new_token(&world).await.1;
    let before = published(&world);
    assert!(world.idp.rotate_keys(Rotation::Compromised).await.unwrap());
    assert!(
        published(&world).iter().all(|kid| !before.contains(kid)),
        "the next one was known too"
    );
    assert_eq!(published(&world).len(), 2);
    assert!(hygie_jose::verify(token.as_str().unwrap(), &world.idp.key_set()).is_err());
    let later = kid_of_a_new_token(&world).await.1;
    world.verified(&later);
}

#[tokio::test]
async fn another_process_follows_what_is_rotated_and_replaced() {
    let world = World::new().await;
    let second = open(&world.store, &world.clock, &Arc::new(SeededRandom::new(9))).await;
    for rotation in [Rotation::Now, Rotation::Compromised] {
        assert!(world.idp.rotate_keys(rotation).await.unwrap());
        let token = kid_of_a_new_token(&world).await.1;
        assert_ne!(kids(&second), kids(&world.idp), "not known yet");
        second.refresh_shared().await.unwrap();
        assert_eq!(kids(&second), kids(&world.idp));
        assert!(hygie_jose::verify(token.as_str().unwrap(), &second.key_set()).is_ok());
    }
}
