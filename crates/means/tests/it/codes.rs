//! One-time codes.

use std::time::Duration;

use hygie_core::Clock;
use hygie_means::{Change, MAX_OATHS, Refusal};
use hygie_policy::methods::Method;
use hygie_policy::strength::{Mode, Usage};
use serde_json::json;
use uuid::Uuid;

use crate::world::{World, nobody, refusal};

/// What an application on a telephone shows now, computed apart from what checks it.
fn code(world: &World, key: &str) -> String {
    hygie_testkit::one_time_code(key, world.clock.now())
}

async fn registered(world: &World, name: &str) -> (String, Uuid) {
    let cx = world.own_cx();
    let offer = world.means.begin_codes(&cx, &world.nurse, "CH Demo").await.unwrap();
    let key = offer.key.expose().clone();
    let typed = code(world, &key);
    let given = (offer.token.expose().as_str(), name);
    let id = world
        .means
        .register_codes(&cx, world.nurse.id, given, &typed)
        .await
        .unwrap();
    (key, id)
}

async fn check(world: &World, typed: &str) -> Result<Usage, hygie_means::MeansError> {
    world.means.check_code(&world.cx(), world.nurse.id, typed).await
}

#[tokio::test]
async fn an_application_is_registered_and_its_codes_are_good_once() {
    let world = World::new().await;
    let before = world.means.methods_of(&world.cx(), world.nurse.id).await.unwrap();
    assert_eq!(before.registered, [Usage::of(Mode::Password)]);
    assert!(before.registrable.contains(&Mode::SoftwareOath));
    let (key, _) = registered(&world, "Téléphone").await;
    // The code of the registration is used.
    assert_eq!(refusal(check(&world, &code(&world, &key)).await), Refusal::Wrong);
    world.clock.advance(Duration::from_secs(30));
    let typed = code(&world, &key);
    assert_eq!(check(&world, &typed).await.unwrap(), Usage::of(Mode::SoftwareOath));
    assert_eq!(refusal(check(&world, &typed).await), Refusal::Wrong);
    // One step late is taken, two are not; groups of digits are.
    world.clock.advance(Duration::from_secs(30));
    let late = code(&world, &key);
    world.clock.advance(Duration::from_secs(30));
    let grouped = format!(" {} {}", &late[..3], &late[3..]);
    assert!(check(&world, &grouped).await.is_ok());
    world.clock.advance(Duration::from_secs(30));
    let later = code(&world, &key);
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(refusal(check(&world, &later).await), Refusal::Wrong);
    let after = world.means.methods_of(&world.cx(), world.nurse.id).await.unwrap();
    assert_eq!(
        after.registered,
        [Usage::of(Mode::Password), Usage::of(Mode::SoftwareOath)]
    );
    assert_eq!(after.codes[0].display_name, "Téléphone");
    assert!(after.codes[0].used_at.is_some());
    assert_eq!(world.recorded("idp.oath.create", None).await, 1);
    assert_eq!(world.recorded("idp.oath.use", None).await, 2);
    assert_eq!(world.recorded("idp.signin", Some("wrong-code")).await, 3);
    let notices = world.means.list_notices(&world.cx(), world.nurse.id, 9).await.unwrap();
    assert_eq!((notices[0].change, notices[0].is_own), (Change::CodesAdded, true));
}

#[tokio::test]
async fn of_many_at_once_one_uses_a_code() {
    let world = World::new().await;
    let (key, _) = registered(&world, "Téléphone").await;
    world.clock.advance(Duration::from_secs(30));
    let typed = code(&world, &key);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (means, cx, user, typed) = (world.means.clone(), world.cx(), world.nurse.id, typed.clone());
            tokio::spawn(async move { means.check_code(&cx, user, &typed).await.is_ok() })
        })
        .collect();
    let mut good = 0;
    for task in tasks {
        good += usize::from(task.await.unwrap());
    }
    assert_eq!(good, 1);
}

#[tokio::test]
async fn ten_wrong_codes_lock_and_a_right_password_unlocks_nothing() {
    let world = World::new().await;
    let (key, _) = registered(&world, "Téléphone").await;
    world.clock.advance(Duration::from_secs(30));
    let right = code(&world, &key);
    let wrong = |n: u32| format!("{:06}", (right.parse::<u32>().unwrap() + 1 + n) % 1_000_000);
    for n in 0..9 {
        assert_eq!(refusal(check(&world, &wrong(n)).await), Refusal::Wrong, "{n}");
    }
    assert_eq!(refusal(check(&world, &wrong(9)).await), Refusal::Locked);
    assert_eq!(refusal(check(&world, &right).await), Refusal::Locked);
    world.clock.advance(Duration::from_secs(61));
    // After a lock the first wrong one locks again, for longer.
    assert_eq!(refusal(check(&world, "x").await), Refusal::Locked);
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(refusal(check(&world, &code(&world, &key)).await), Refusal::Locked);
    world.clock.advance(Duration::from_mins(1));
    assert!(check(&world, &code(&world, &key)).await.is_ok());
}

#[tokio::test]
async fn the_same_wrong_code_counts_with_each_step() {
    let world = World::new().await;
    registered(&world, "Téléphone").await;
    let mut last = Refusal::Wrong;
    for _ in 0..10 {
        world.clock.advance(Duration::from_secs(30));
        last = refusal(check(&world, "nothing").await);
    }
    assert_eq!(last, Refusal::Locked);
}

#[tokio::test]
async fn a_registration_is_confirmed_in_time_by_its_person() {
    let world = World::new().await;
    let cx = world.own_cx();
    let offer = world.means.begin_codes(&cx, &world.nurse, "CH: Demo").await.unwrap();
    assert!(
        offer.uri.expose().starts_with("otpauth://totp/"),
        "{}",
        offer.uri.expose()
    );
    let token = offer.token.expose().as_str();
    let typed = code(&world, offer.key.expose());
    let register =
        async |cx, user, token, name, typed| refusal(world.means.register_codes(&cx, user, (token, name), typed).await);
    let nurse = world.nurse.id;
    assert_eq!(
        register(world.own_cx(), nurse, token, "T", "000000").await,
        Refusal::Wrong
    );
    assert_eq!(
        register(world.own_cx(), nurse, token, "  ", &typed).await,
        Refusal::Value("displayName")
    );
    assert_eq!(
        register(world.own_cx(), nurse, "a.b", "T", &typed).await,
        Refusal::Expired
    );
    assert_eq!(
        register(world.own_cx(), nobody(), token, "T", &typed).await,
        Refusal::Expired
    );
    assert_eq!(
        register(world.cx_of(world.other), nurse, token, "T", &typed).await,
        Refusal::Expired
    );
    world
        .means
        .register_codes(&cx, nurse, (token, "T"), &typed)
        .await
        .unwrap();
    assert_eq!(
        register(world.own_cx(), nurse, token, "T", &typed).await,
        Refusal::Exists
    );
    world.clock.advance(Duration::from_mins(10));
    let typed = code(&world, offer.key.expose());
    assert_eq!(
        register(world.own_cx(), nurse, token, "T", &typed).await,
        Refusal::Expired
    );
}

#[tokio::test]
async fn the_policy_decides_and_five_are_enough() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for n in 0..MAX_OATHS {
        ids.push(registered(&world, &format!("T{n}")).await);
    }
    let full = world.means.begin_codes(&world.own_cx(), &world.nurse, "x").await;
    assert_eq!(refusal(full), Refusal::Full);
    let methods = world.means.methods_of(&world.cx(), world.nurse.id).await.unwrap();
    assert!(!methods.registrable.contains(&Mode::SoftwareOath));
    world
        .means
        .rename_codes(&world.own_cx(), world.nurse.id, ids[0].1, "Tablette")
        .await
        .unwrap();
    world
        .means
        .remove_codes(&world.own_cx(), world.nurse.id, ids[0].1)
        .await
        .unwrap();
    let again = world
        .means
        .remove_codes(&world.own_cx(), world.nurse.id, ids[0].1)
        .await;
    assert_eq!(refusal(again), Refusal::NotFound("method"));
    world
        .configure(Method::SoftwareOath, json!({"state": "disabled"}))
        .await;
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(
        refusal(check(&world, &code(&world, &ids[1].0)).await),
        Refusal::NotOffered
    );
    let methods = world.means.methods_of(&world.cx(), world.nurse.id).await.unwrap();
    assert_eq!(methods.registered, [Usage::of(Mode::Password)]);
    assert!(methods.codes.iter().all(|codes| !codes.is_usable));
}
