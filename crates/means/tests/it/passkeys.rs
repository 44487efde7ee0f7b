//! Passkeys, of an authenticator in software that was written apart.

use std::time::Duration;

use hygie_core::Cx;
use hygie_directory::Enabled;
use hygie_means::{By, MAX_PASSKEYS, MeansError, Metadata, Proven, Refusal};
use hygie_policy::Aaguid;
use hygie_policy::methods::{Method, PasskeyType};
use hygie_policy::strength::{Details, Mode, Usage};
use hygie_testkit::{Maker, SoftwarePasskey};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{LOGIN, World, refusal};

const ONE: &str = "90a3ccdf-635c-4729-a248-9b709135078f";
const OTHER: &str = "de1e552d-db1d-4423-a619-566b625cdc84";

fn model(text: &str) -> Uuid {
    text.parse().unwrap()
}

fn passkey() -> SoftwarePasskey {
    SoftwarePasskey::new(LOGIN, model(ONE))
}

async fn register(world: &World, passkey: &mut SoftwarePasskey) -> Result<Vec<u8>, MeansError> {
    let (cx, user) = (world.own_cx(), world.nurse.id);
    let options = world.means.begin_passkey(&cx, user, By::Person, None).await?;
    let response = passkey.create(&options.public_key);
    world
        .means
        .register_passkey(&cx, user, By::Person, (&response, "Clé"))
        .await
}

async fn options(world: &World, cx: &Cx, is_named: bool) -> Value {
    let user = is_named.then_some(world.nurse.id);
    world.means.begin_sign_in(cx, user).await.unwrap().public_key
}

async fn sign_in(world: &World, passkey: &mut SoftwarePasskey, is_named: bool) -> Result<Proven, MeansError> {
    let options = options(world, &world.cx(), is_named).await;
    world.means.check_passkey(&world.cx(), &passkey.get(&options)).await
}

#[tokio::test]
async fn a_passkey_signs_in_with_and_without_a_name() {
    let world = World::new().await;
    let mut key = passkey();
    let id = register(&world, &mut key).await.unwrap();
    let usage = Usage {
        mode: Mode::Fido2,
        details: Details::Passkey(Aaguid::from_uuid(model(ONE))),
    };
    for is_named in [true, false] {
        let proven = sign_in(&world, &mut key, is_named).await.unwrap();
        assert_eq!(
            (proven.tenant, proven.user.id, &proven.usage),
            (world.tenant, world.nurse.id, &usage)
        );
    }
    // At the address for everybody the passkey says the tenant too.
    let nowhere = world.means.directory().provider_cx();
    let asked = options(&world, &nowhere, false).await;
    assert_eq!(asked["allowCredentials"], json!([]));
    let proven = world.means.check_passkey(&nowhere, &key.get(&asked)).await.unwrap();
    assert_eq!(proven.tenant, world.tenant);
    let methods = world.means.methods_of(&world.cx(), world.nurse.id).await.unwrap();
    assert_eq!(methods.registered, [Usage::of(Mode::Password), usage]);
    assert_eq!(
        (&methods.passkeys[0].id, methods.passkeys[0].kind),
        (&id, PasskeyType::DeviceBound)
    );
    assert!(methods.passkeys[0].used_at.is_some() && !methods.passkeys[0].is_attested);
    assert_eq!(world.recorded("idp.passkey.use", None).await, 3);
}

#[tokio::test]
async fn what_is_asked_of_an_authenticator() {
    let world = World::new().await;
    register(&world, &mut passkey()).await.unwrap();
    let cx = world.own_cx();
    let asked = world
        .means
        .begin_passkey(&cx, world.nurse.id, By::Person, None)
        .await
        .unwrap();
    let selection = &asked.public_key["authenticatorSelection"];
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(selection["userVerification"], "required");
    assert_eq!(asked.public_key["rp"]["id"], "login.example");
    assert_eq!(asked.public_key["attestation"], "direct");
    assert_eq!(asked.public_key["excludeCredentials"].as_array().unwrap().len(), 1);
    assert_eq!(asked.expires_at, cx.now + Duration::from_mins(5));
    let asked = options(&world, &world.cx(), true).await;
    assert_eq!(asked["userVerification"], "required");
    assert_eq!(asked["allowCredentials"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_is_good_once_and_in_time() {
    let world = World::new().await;
    let mut key = passkey();
    let (cx, user) = (world.own_cx(), world.nurse.id);
    let asked = world.means.begin_passkey(&cx, user, By::Person, None).await.unwrap();
    let response = key.create(&asked.public_key);
    let again = async || {
        world
            .means
            .register_passkey(&cx, user, By::Person, (&response, "Clé"))
            .await
    };
    again().await.unwrap();
    assert!(again().await.is_err());
    let asked = options(&world, &world.cx(), true).await;
    let response = key.get(&asked);
    world.means.check_passkey(&world.cx(), &response).await.unwrap();
    assert!(matches!(
        world.means.check_passkey(&world.cx(), &response).await,
        Err(MeansError::Recorded(_))
    ));
    // Even with a counter that has grown.
    let again = key.get(&asked);
    assert_eq!(
        refusal(world.means.check_passkey(&world.cx(), &again).await),
        Refusal::Expired
    );
    let asked = options(&world, &world.cx(), true).await;
    world.clock.advance(Duration::from_mins(5));
    assert_eq!(
        refusal(world.means.check_passkey(&world.cx(), &key.get(&asked)).await),
        Refusal::Expired
    );
}

#[tokio::test]
async fn what_proves_nothing() {
    let world = World::new().await;
    let mut key = passkey();
    register(&world, &mut key).await.unwrap();
    let check = async |response: String| refusal(world.means.check_passkey(&world.cx(), &response).await);
    // Without PIN or finger; and a counter that does not grow.
    let asked = options(&world, &world.cx(), true).await;
    key.verifies = false;
    assert_eq!(check(key.get(&asked)).await, Refusal::Wrong);
    key.verifies = true;
    sign_in(&world, &mut key, true).await.unwrap();
    key.counter -= 1;
    assert_eq!(refusal(sign_in(&world, &mut key, true).await), Refusal::Wrong);
    // A question of nobody's, of another purpose, of another place; a passkey that is not ours.
    let mut forged = asked.clone();
    forged["challenge"] = "AAAA".into();
    assert_eq!(check(key.get(&forged)).await, Refusal::Wrong);
    let mut registering = asked.clone();
    let offer = world
        .means
        .begin_passkey(&world.own_cx(), world.nurse.id, By::Person, None)
        .await
        .unwrap();
    registering["challenge"] = offer.public_key["challenge"].clone();
    assert_eq!(check(key.get(&registering)).await, Refusal::Wrong);
    let elsewhere = options(&world, &world.cx_of(world.other), false).await;
    assert_eq!(check(key.get(&elsewhere)).await, Refusal::Wrong);
    let mut unknown = passkey();
    unknown.create(&offer.public_key);
    let asked = options(&world, &world.cx(), false).await;
    assert_eq!(check(unknown.get(&asked)).await, Refusal::Wrong);
    for text in ["", "{}", "null", &"[".repeat(100_000)] {
        assert_eq!(check(text.to_owned()).await, Refusal::Wrong);
    }
    let mut elsewhere = SoftwarePasskey::new("https://login.example.org", model(ONE));
    assert_eq!(refusal(register(&world, &mut elsewhere).await), Refusal::Wrong);
}

#[tokio::test]
async fn models_are_refused_at_registration_and_at_sign_in() {
    let world = World::new().await;
    let mut key = passkey();
    register(&world, &mut key).await.unwrap();
    let only = json!({"keyRestrictions": {"isEnforced": true, "enforcementType": "allow", "aaGuids": [OTHER]}});
    world.configure(Method::Fido2, only).await;
    assert_eq!(refusal(sign_in(&world, &mut key, false).await), Refusal::Model);
    assert_eq!(refusal(register(&world, &mut passkey()).await), Refusal::Model);
    let methods = world.means.methods_of(&world.cx(), world.nurse.id).await.unwrap();
    assert!(!methods.passkeys[0].is_usable);
    assert_eq!(methods.registered, [Usage::of(Mode::Password)]);
    register(&world, &mut SoftwarePasskey::new(LOGIN, model(OTHER)))
        .await
        .unwrap();
    world.configure(Method::Fido2, json!({"state": "disabled"})).await;
    assert_eq!(refusal(sign_in(&world, &mut key, false).await), Refusal::NotOffered);
}

#[tokio::test]
async fn synced_passkeys_where_a_profile_admits_them() {
    let world = World::new().await;
    let bound = json!({
        "defaultPasskeyProfile": "p",
        "passkeyProfiles": [{"id": "p", "passkeyTypes": "deviceBound"}],
    });
    world.configure(Method::Fido2, bound).await;
    assert_eq!(refusal(register(&world, &mut passkey().synced()).await), Refusal::Model);
    register(&world, &mut passkey()).await.unwrap();
}

#[tokio::test]
async fn the_maker_vouches_where_the_policy_wants_it() {
    let maker = Maker::new();
    let file = json!([maker.statement(model(ONE), "Clé du fabricant")]).to_string();
    let world = World::with_metadata(Some(Metadata::from_json(file.as_bytes()).unwrap())).await;
    world
        .configure(Method::Fido2, json!({"isAttestationEnforced": true}))
        .await;
    assert_eq!(refusal(register(&world, &mut passkey()).await), Refusal::Attestation);
    let stranger = Maker::new();
    assert_eq!(
        refusal(register(&world, &mut passkey().vouched_by(&stranger)).await),
        Refusal::Attestation
    );
    // A model that the statements of this maker do not name.
    let mut other = SoftwarePasskey::new(LOGIN, model(OTHER)).vouched_by(&maker);
    assert_eq!(refusal(register(&world, &mut other).await), Refusal::Attestation);
    let mut key = passkey().vouched_by(&maker);
    register(&world, &mut key).await.unwrap();
    sign_in(&world, &mut key, false).await.unwrap();
    let methods = world.means.methods_of(&world.cx(), world.nurse.id).await.unwrap();
    assert!(methods.passkeys[0].is_attested);
    assert_eq!(methods.passkeys[0].model.as_deref(), Some("Clé du fabricant"));
}

#[tokio::test]
async fn without_metadata_nothing_is_taken_for_vouched() {
    let world = World::new().await;
    let maker = Maker::new();
    world
        .configure(Method::Fido2, json!({"isAttestationEnforced": true}))
        .await;
    assert_eq!(
        refusal(register(&world, &mut passkey().vouched_by(&maker)).await),
        Refusal::NoMetadata
    );
}

#[tokio::test]
async fn self_service_is_of_the_policy_and_administrators_provide() {
    let world = World::new().await;
    world
        .configure(Method::Fido2, json!({"isSelfServiceRegistrationAllowed": false}))
        .await;
    assert_eq!(refusal(register(&world, &mut passkey()).await), Refusal::NotOffered);
    let methods = world.means.methods_of(&world.cx(), world.nurse.id).await.unwrap();
    assert!(!methods.registrable.contains(&Mode::Fido2));
    // As the directory API does it: the answer has neither `rawId` nor `type`.
    let (cx, user, mut key) = (world.cx(), world.nurse.id, passkey());
    let day = Some(Duration::from_hours(24));
    let asked = world
        .means
        .begin_passkey(&cx, user, By::Administrator, day)
        .await
        .unwrap();
    world.clock.advance(Duration::from_hours(23));
    let whole: Value = serde_json::from_str(&key.create(&asked.public_key)).unwrap();
    let short = json!({
        "id": whole["id"],
        "response": {
            "attestationObject": whole["response"]["attestationObject"],
            "clientDataJSON": whole["response"]["clientDataJSON"],
        },
    });
    let response = By::browser_form(&short).unwrap();
    let cx = world.cx();
    world
        .means
        .register_passkey(&cx, user, By::Administrator, (&response, "Clé"))
        .await
        .unwrap();
    sign_in(&world, &mut key, false).await.unwrap();
    let mut odd = short.clone();
    odd["colour"] = 1.into();
    assert_eq!(By::browser_form(&odd), Err(Refusal::Value("publicKeyCredential")));
}

#[tokio::test]
async fn of_one_person_and_one_tenant() {
    let world = World::new().await;
    let mut key = passkey();
    let id = register(&world, &mut key).await.unwrap();
    let (other, stranger) = (world.cx_of(world.other), world.stranger.id);
    let methods = world.means.methods_of(&other, stranger).await.unwrap();
    assert!(methods.passkeys.is_empty());
    for outcome in [
        world.means.remove_passkey(&other, world.nurse.id, &id).await,
        world.means.remove_passkey(&world.cx(), stranger, &id).await,
        world.means.rename_passkey(&other, stranger, &id, "x").await,
    ] {
        assert_eq!(refusal(outcome), Refusal::NotFound("method"));
    }
    let asked = options(&world, &other, false).await;
    assert_eq!(
        refusal(world.means.check_passkey(&other, &key.get(&asked)).await),
        Refusal::Wrong
    );
    world
        .means
        .rename_passkey(&world.own_cx(), world.nurse.id, &id, "Clé bleue")
        .await
        .unwrap();
    let directory = world.means.directory();
    directory
        .set_user_enabled(&world.cx(), world.nurse.id, Enabled::No)
        .await
        .unwrap();
    assert_eq!(refusal(sign_in(&world, &mut key, true).await), Refusal::Disabled);
    directory
        .set_user_enabled(&world.cx(), world.nurse.id, Enabled::Yes)
        .await
        .unwrap();
    world
        .means
        .remove_passkey(&world.own_cx(), world.nurse.id, &id)
        .await
        .unwrap();
    assert_eq!(refusal(sign_in(&world, &mut key, false).await), Refusal::Wrong);
    for _ in 0..MAX_PASSKEYS {
        register(&world, &mut passkey()).await.unwrap();
    }
    assert_eq!(refusal(register(&world, &mut passkey()).await), Refusal::Full);
}

/// An answer with other octets in one member of its `response`.
fn altered(response: &str, member: &str, octets: &[u8]) -> String {
    let mut answer: Value = serde_json::from_str(response).unwrap();
    answer["response"][member] = hygie_jose::base64url::encode(octets).into();
    answer.to_string()
}

fn octets(response: &str, member: &str) -> Vec<u8> {
    let answer: Value = serde_json::from_str(response).unwrap();
    hygie_jose::base64url::decode(answer["response"][member].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn no_octet_of_an_answer_may_change() {
    let world = World::new().await;
    let mut key = passkey();
    register(&world, &mut key).await.unwrap();
    let asked = options(&world, &world.cx(), false).await;
    let answer = key.get(&asked);
    for member in ["authenticatorData", "clientDataJSON", "signature", "userHandle"] {
        let good = octets(&answer, member);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let outcome = world
                .means
                .check_passkey(&world.cx(), &altered(&answer, member, &bad))
                .await;
            assert!(outcome.is_err(), "{member} at {at}");
        }
    }
    world.means.check_passkey(&world.cx(), &answer).await.unwrap();
}

#[tokio::test]
async fn attestation_objects_that_are_none() {
    let world = World::new().await;
    let (cx, user, mut key) = (world.own_cx(), world.nurse.id, passkey());
    let asked = world.means.begin_passkey(&cx, user, By::Person, None).await.unwrap();
    let answer = key.create(&asked.public_key);
    let good = octets(&answer, "attestationObject");
    let deep = |byte: u8| vec![byte; 40_000];
    let mut bad = vec![
        deep(0x81),
        deep(0xa1),
        deep(0xc1),
        deep(0x9f),
        vec![0x5b; 9],
        vec![0xff; 40],
    ];
    bad.extend((0..good.len()).map(|length| good[..length].to_vec()));
    for object in bad {
        let response = altered(&answer, "attestationObject", &object);
        let outcome = world
            .means
            .register_passkey(&cx, user, By::Person, (&response, "x"))
            .await;
        assert_eq!(refusal(outcome), Refusal::Wrong, "{object:02x?}");
    }
    world
        .means
        .register_passkey(&cx, user, By::Person, (&answer, "x"))
        .await
        .unwrap();
    // Heads and lengths that lie, all over the object; what nobody signed may be read, and is too late here.
    for at in 0..good.len() {
        let mut lying = good.clone();
        lying[at] |= 0x5b;
        let response = altered(&answer, "attestationObject", &lying);
        let outcome = world
            .means
            .register_passkey(&cx, user, By::Person, (&response, "x"))
            .await;
        assert!(matches!(outcome, Err(MeansError::Refused(_))), "{at}: {outcome:?}");
    }
}
