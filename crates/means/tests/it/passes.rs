//! Temporary access passes.

use std::time::Duration;

use hygie_core::{Clock, Secret};
use hygie_directory::Enabled;
use hygie_means::{Change, MeansError, NewPass, Refusal};
use hygie_policy::methods::Method;
use hygie_policy::strength::{Mode, Usage};
use serde_json::json;

use crate::world::{NAME, World, nobody, refusal};

async fn check(world: &World, name: &str, pass: &str) -> Result<Usage, MeansError> {
    let checked = world
        .means
        .check_pass(&world.cx(), name, Secret::new(pass.to_owned()))
        .await;
    checked.map(|(_, usage)| usage)
}

async fn created(world: &World, new: NewPass) -> String {
    let pass = world.means.create_pass(&world.cx(), world.nurse.id, new).await.unwrap();
    pass.value.expose().clone()
}

#[tokio::test]
async fn a_pass_is_good_once_and_for_its_time() {
    let world = World::new().await;
    let pass = created(&world, NewPass::default()).await;
    assert_eq!(pass.len(), 8);
    let methods = world.means.methods_of(&world.cx(), world.nurse.id).await.unwrap();
    assert!(
        methods
            .registered
            .contains(&Usage::of(Mode::TemporaryAccessPassOneTime))
    );
    let typed = format!(" {} ", pass.to_uppercase());
    let usage = check(&world, NAME, &typed).await.unwrap();
    assert_eq!(usage, Usage::of(Mode::TemporaryAccessPassOneTime));
    assert_eq!(refusal(check(&world, NAME, &pass).await), Refusal::Expired);
    let methods = world.means.methods_of(&world.cx(), world.nurse.id).await.unwrap();
    assert_eq!(methods.registered, [Usage::of(Mode::Password)]);
    // A new one takes its place.
    let next = created(&world, NewPass::default()).await;
    assert_eq!(refusal(check(&world, NAME, &pass).await), Refusal::Wrong);
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(refusal(check(&world, NAME, &next).await), Refusal::Expired);
    assert_eq!(world.recorded("idp.pass.create", None).await, 2);
    assert_eq!(world.recorded("idp.pass.use", None).await, 1);
    assert_eq!(world.recorded("idp.signin", Some("wrong-pass")).await, 1);
    let notices = world.means.list_notices(&world.cx(), world.nurse.id, 9).await.unwrap();
    assert_eq!((notices[0].change, notices[0].is_own), (Change::PassCreated, false));
}

#[tokio::test]
async fn the_policy_bounds_what_is_made() {
    let world = World::new().await;
    let create = async |new| refusal(world.means.create_pass(&world.cx(), world.nurse.id, new).await);
    let long = NewPass {
        lifetime: Some(481),
        ..NewPass::default()
    };
    assert_eq!(create(long).await, Refusal::Value("lifetimeInMinutes"));
    let many = NewPass {
        is_usable_once: Some(false),
        ..NewPass::default()
    };
    assert_eq!(create(many).await, Refusal::Value("isUsableOnce"));
    let past = NewPass {
        start_at: Some(hygie_core::Timestamp::from_secs(1)),
        ..NewPass::default()
    };
    assert_eq!(create(past).await, Refusal::Value("startDateTime"));
    let gone = world.means.create_pass(&world.cx(), nobody(), NewPass::default()).await;
    assert_eq!(refusal(gone), Refusal::NotFound("user"));
    world
        .configure(
            Method::TemporaryAccessPass,
            json!({"isUsableOnce": false, "defaultLength": 12}),
        )
        .await;
    let later = NewPass {
        start_at: Some(world.clock.now() + Duration::from_mins(5)),
        ..many
    };
    let pass = created(&world, later).await;
    assert_eq!(pass.len(), 12);
    assert_eq!(refusal(check(&world, NAME, &pass).await), Refusal::Expired, "not yet");
    world.clock.advance(Duration::from_mins(5));
    for _ in 0..2 {
        let usage = check(&world, NAME, &pass).await.unwrap();
        assert_eq!(usage, Usage::of(Mode::TemporaryAccessPassMultiUse));
    }
    world
        .configure(Method::TemporaryAccessPass, json!({"state": "disabled"}))
        .await;
    assert_eq!(refusal(check(&world, NAME, &pass).await), Refusal::NotOffered);
    assert_eq!(create(NewPass::default()).await, Refusal::NotOffered);
}

#[tokio::test]
async fn unknown_and_wrong_look_the_same_and_lock_the_same() {
    let world = World::new().await;
    let pass = created(&world, NewPass::default()).await;
    for name in [NAME, "nobody@ch-demo.example"] {
        for n in 0..9 {
            assert_eq!(
                refusal(check(&world, name, &format!("wrong{n}")).await),
                Refusal::Wrong,
                "{name} {n}"
            );
        }
        assert_eq!(refusal(check(&world, name, "wrong9").await), Refusal::Locked, "{name}");
    }
    assert_eq!(refusal(check(&world, NAME, &pass).await), Refusal::Locked);
    // In the other establishment the pass is nothing.
    let cx = world.cx_of(world.other);
    let elsewhere = world
        .means
        .check_pass(&cx, "anna@ch-autre.example", Secret::new(pass.clone()))
        .await;
    assert_eq!(refusal(elsewhere), Refusal::Wrong);
    // A new pass is vouched for by who made it.
    let next = created(&world, NewPass::default()).await;
    assert!(check(&world, NAME, &next).await.is_ok());
}

#[tokio::test]
async fn a_disabled_person_has_no_use_of_it_and_it_can_be_taken_away() {
    let world = World::new().await;
    let pass = created(&world, NewPass::default()).await;
    let directory = world.means.directory();
    directory
        .set_user_enabled(&world.cx(), world.nurse.id, Enabled::No)
        .await
        .unwrap();
    assert_eq!(refusal(check(&world, NAME, &pass).await), Refusal::Disabled);
    directory
        .set_user_enabled(&world.cx(), world.nurse.id, Enabled::Yes)
        .await
        .unwrap();
    let methods = world.means.methods_of(&world.cx(), world.nurse.id).await.unwrap();
    let id = methods.pass.unwrap().id;
    world.means.remove_pass(&world.cx(), world.nurse.id, id).await.unwrap();
    assert_eq!(refusal(check(&world, NAME, &pass).await), Refusal::Wrong);
}
