//! Signing in by a passkey: what its model counts for, and models that are let in no more.

use hygie_policy::AuthenticationStrength;
use hygie_policy::json::read;
use hygie_policy::methods::Method;
use hygie_testkit::{Answer, SoftwarePasskey};
use serde_json::json;

use crate::conditional::NURSE;
use crate::security::{done, options, signed_in, step};
use crate::world::{LOGIN, WEB, World, submit};

const MODEL: &str = "08987058-cadc-4b81-b6e1-30de50dcbe96";

/// A passkey of this model that the nurse registered.
pub async fn registered(world: &World) -> SoftwarePasskey {
    let (browser, page) = signed_in(world).await;
    let asked = step(world, (&browser, &page), "passkey", &[]).await;
    let mut key = SoftwarePasskey::new(LOGIN, MODEL.parse().unwrap());
    let credential = key.create(&options(&asked));
    let given = [("credential", credential.as_str()), ("name", "Poste")];
    let answer = step(world, (&browser, &page), "passkey-add", &given).await;
    done(&browser, &answer, "Votre clé d").await;
    key
}

/// What becomes of a sign-in of the nurse by her passkey alone.
async fn sign_in(world: &World, key: &mut SoftwarePasskey) -> Answer {
    let browser = world.browser();
    let page = browser
        .get(&world.authorize(world.portal, WEB, &[("login_hint", NURSE)]))
        .await;
    let page = submit(
        &browser,
        &page,
        &[("step", "way"), ("way", "passkey"), ("username", NURSE)],
    )
    .await;
    let credential = key.get(&options(&page));
    submit(&browser, &page, &[("username", NURSE), ("credential", &credential)]).await
}

#[tokio::test]
async fn a_model_that_the_administrator_named_is_windows_hello() {
    let world = World::new().await;
    let mut key = registered(&world).await;
    let strength = json!({ "displayName": "Hello", "allowedCombinations": ["windowsHelloForBusiness"] });
    let strength = read::<AuthenticationStrength>(&strength).unwrap();
    let directory = world.idp.directory();
    let strength = directory.create_rule(&world.here(), strength).await.unwrap();
    let id = strength.id.unwrap().to_string();
    world
        .policy(json!({ "grantControls": { "operator": "OR", "authenticationStrength": { "id": id } } }))
        .await;
    let refused = sign_in(&world, &mut key).await;
    assert!(refused.text().contains("AADSTS53003"), "{}", refused.text());
    directory
        .set_windows_hello(&world.here(), vec![MODEL.parse().unwrap()])
        .await
        .unwrap();
    assert!(sign_in(&world, &mut key).await.redirect_param("code").is_some());
}

#[tokio::test]
async fn a_model_that_is_let_in_no_more_does_not_sign_in() {
    let world = World::new().await;
    let mut key = registered(&world).await;
    assert!(sign_in(&world, &mut key).await.redirect_param("code").is_some());
    let blocked = json!({ "keyRestrictions": { "isEnforced": true, "enforcementType": "block", "aaGuids": [MODEL] } });
    let directory = world.idp.directory();
    directory
        .configure_method(&world.here(), Method::Fido2, blocked)
        .await
        .unwrap();
    let refused = sign_in(&world, &mut key).await;
    assert_eq!(refused.redirect_param("code"), None);
    assert!(refused.text().contains("n’est pas accepté ici"), "{}", refused.text());
}
