//! The page on which people see and change their means of identification.

use std::time::Duration;

use hygie_core::Clock;
use hygie_policy::methods::Method;
use hygie_testkit::{Answer, Client, SoftwarePasskey, one_time_code};
use serde_json::{Value, json};

use crate::world::{LOGIN, PASSWORD, WEB, World};

const ONE: &str = "90a3ccdf-635c-4729-a248-9b709135078f";

/// The nurse's browser, in which she has just signed in, and her page.
pub async fn signed_in(world: &World) -> (Client, Answer) {
    let browser = world.browser();
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let page = browser.get(&world.path("securityinfo")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    (browser, page)
}

/// A form of a page, with these members of its own.
pub async fn step(world: &World, (browser, page): (&Client, &Answer), step: &str, more: &[(&str, &str)]) -> Answer {
    let (csrf, account) = (page.field("csrf").unwrap(), page.field("account").unwrap());
    let fields = [("csrf", csrf.as_str()), ("account", &account), ("step", step)];
    browser
        .post(&world.path("securityinfo"), &[&fields, more].concat())
        .await
}

/// Follows a change that was made back to the page, which says so.
pub async fn done(browser: &Client, answer: &Answer, text: &str) -> Answer {
    assert_eq!(answer.status, 303, "{}", answer.text());
    let page = browser.get(answer.location()).await;
    assert!(page.text().contains(text), "{text}: {}", page.text());
    page
}

/// What the page asks of the browser.
pub fn options(page: &Answer) -> Value {
    let (_, rest) = page.text().split_once("data-options=\"").unwrap();
    let (text, _) = rest.split_once('"').unwrap();
    serde_json::from_str(&text.replace("&#34;", "\"").replace("&quot;", "\"")).unwrap()
}

/// The value that a form carries for one of the means.
fn id_of(page: &Answer) -> String {
    page.field("id").unwrap()
}

#[tokio::test]
async fn a_passkey_is_added_renamed_and_removed() {
    let world = World::new().await;
    let (browser, page) = signed_in(&world).await;
    assert!(page.text().contains("Mot de passe"));
    let asked = step(&world, (&browser, &page), "passkey", &[]).await;
    let mut key = SoftwarePasskey::new(LOGIN, ONE.parse().unwrap());
    let credential = key.create(&options(&asked));
    let given = [("credential", credential.as_str()), ("name", "Clé <bleue>")];
    let answer = step(&world, (&browser, &page), "passkey-add", &given).await;
    let page = done(&browser, &answer, "Votre clé d").await;
    assert!(page.text().contains("Clé &#60;bleue&#62;"), "{}", page.text());
    // One factor is enough to add the first; now that there is more, more is asked for.
    let answer = step(&world, (&browser, &page), "passkey", &[]).await;
    assert!(answer.text().contains("Prouvez à nouveau"), "{}", answer.text());
    let id = id_of(&page);
    let named = [("kind", "passkey"), ("id", id.as_str())];
    let answer = step(&world, (&browser, &page), "removed", &named).await;
    assert!(answer.text().contains("Prouvez à nouveau"));
    // That the establishment turns a method off makes nobody weaker.
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    let state = |state: &str| json!({ "state": state });
    directory
        .configure_method(&cx, Method::Fido2, state("disabled"))
        .await
        .unwrap();
    let answer = step(&world, (&browser, &page), "removed", &named).await;
    assert!(answer.text().contains("Prouvez à nouveau"));
    directory
        .configure_method(&cx, Method::Fido2, state("enabled"))
        .await
        .unwrap();
    let asked = browser.get(&way_on(&answer)).await;
    let credential = key.get(&options(&asked));
    let answer = crate::world::submit(&browser, &asked, &[("credential", &credential)]).await;
    let page = browser.get(answer.location()).await;
    directory
        .configure_method(&cx, Method::Fido2, state("disabled"))
        .await
        .unwrap();
    let asked = step(&world, (&browser, &page), "rename", &named).await;
    assert!(asked.text().contains("Clé &#60;bleue&#62;"), "{}", asked.text());
    let renamed = [&named[..], &[("name", "Clé verte")]].concat();
    let answer = step(&world, (&browser, &page), "renamed", &renamed).await;
    let page = done(&browser, &answer, "est renommée").await;
    assert!(page.text().contains("Clé verte") && page.text().contains("admis par votre établissement"));
    let asked = step(&world, (&browser, &page), "remove", &named).await;
    assert!(asked.text().contains("Vous ne pourrez plus"), "{}", asked.text());
    let answer = step(&world, (&browser, &page), "removed", &named).await;
    let page = done(&browser, &answer, "est supprimée").await;
    assert!(page.field("id").is_none());
    assert!(page.text().contains("Clé verte"), "{}", page.text());
}

#[tokio::test]
async fn codes_are_added_by_a_first_code() {
    let world = World::new().await;
    let (browser, page) = signed_in(&world).await;
    let asked = step(&world, (&browser, &page), "codes", &[]).await;
    assert!(asked.text().contains("<svg class=\"qr\""), "{}", asked.text());
    let (_, rest) = asked.text().split_once("<code>").unwrap();
    let key: String = rest.split_once("</code>").unwrap().0.split(' ').collect();
    let token = asked.field("token").unwrap();
    let wrong = [("token", token.as_str()), ("name", "Téléphone"), ("code", "000000")];
    let answer = step(&world, (&browser, &page), "codes-add", &wrong).await;
    assert!(answer.text().contains("pas pu être vérifié"), "{}", answer.text());
    let code = one_time_code(&key, world.clock.now());
    let right = [
        ("token", token.as_str()),
        ("name", "Téléphone"),
        ("code", code.as_str()),
    ];
    let answer = step(&world, (&browser, &page), "codes-add", &right).await;
    let page = done(&browser, &answer, "application de codes est enregistrée").await;
    assert!(page.text().contains("Téléphone"), "{}", page.text());
    assert!(!page.text().contains(&key), "the key is never shown again");
}

#[tokio::test]
async fn an_old_proof_changes_nothing() {
    let world = World::new().await;
    let (browser, page) = signed_in(&world).await;
    world.clock.advance(Duration::from_secs(301));
    for word in ["passkey", "codes", "password", "passkey-add", "removed"] {
        let answer = step(&world, (&browser, &page), word, &[]).await;
        assert!(answer.text().contains("Prouvez à nouveau"), "{word}: {}", answer.text());
    }
    let seen = browser.get(&world.path("securityinfo")).await;
    assert_eq!(seen.status, 200, "to look is allowed");
}

#[tokio::test]
async fn nobody_and_forms_of_others() {
    let world = World::new().await;
    let stranger = world.browser().get(&world.path("securityinfo")).await;
    assert!(stranger.text().contains("Aucune session"), "{}", stranger.text());
    let (browser, page) = signed_in(&world).await;
    let account = page.field("account").unwrap();
    let fields = [("csrf", "x"), ("account", account.as_str()), ("step", "passkey")];
    let answer = browser.post(&world.path("securityinfo"), &fields).await;
    assert_eq!(answer.status, 400);
    // The form of a session that is not there any more.
    let csrf = page.field("csrf").unwrap();
    let fields = [("csrf", csrf.as_str()), ("account", "x"), ("step", "passkey")];
    let answer = browser.post(&world.path("securityinfo"), &fields).await;
    assert!(answer.text().contains("Aucune session"));
    let unknown = step(
        &world,
        (&browser, &page),
        "remove",
        &[("kind", "passkey"), ("id", "AAAA")],
    )
    .await;
    assert!(unknown.text().contains("existe plus"), "{}", unknown.text());
}

#[tokio::test]
async fn what_the_policy_refuses_is_not_offered() {
    let world = World::new().await;
    let directory = world.idp.directory();
    let cx = world.cx(world.tenant);
    let off = json!({"isSelfServiceRegistrationAllowed": false});
    directory.configure_method(&cx, Method::Fido2, off).await.unwrap();
    directory
        .configure_method(&cx, Method::SoftwareOath, json!({"state": "disabled"}))
        .await
        .unwrap();
    let (browser, page) = signed_in(&world).await;
    assert!(!page.text().contains("value=\"passkey\"") && !page.text().contains("value=\"codes\""));
    for word in ["passkey", "codes"] {
        let answer = step(&world, (&browser, &page), word, &[]).await;
        assert!(
            answer.text().contains("admet pas ce moyen"),
            "{word}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn another_password_by_the_present_one_ends_every_session() {
    let world = World::new().await;
    let (browser, page) = signed_in(&world).await;
    let wrong = [("current", "Wrong horse 9"), ("password", "Another horse 9")];
    let answer = step(&world, (&browser, &page), "password-set", &wrong).await;
    assert!(
        answer.text().contains("mot de passe actuel est incorrect"),
        "{}",
        answer.text()
    );
    let short = [("current", PASSWORD), ("password", "short")];
    let answer = step(&world, (&browser, &page), "password-set", &short).await;
    assert!(answer.text().contains("8 à 256"), "{}", answer.text());
    let right = [("current", PASSWORD), ("password", "Another horse 9")];
    let answer = step(&world, (&browser, &page), "password-set", &right).await;
    assert!(
        answer.text().contains("Votre mot de passe est changé"),
        "{}",
        answer.text()
    );
    world.clock.advance(Duration::from_secs(1));
    let page = browser.get(&world.path("securityinfo")).await;
    assert!(page.text().contains("Aucune session"), "{}", page.text());
}

/// The button of a page that leads on.
fn way_on(page: &Answer) -> String {
    let (_, rest) = page
        .text()
        .split_once("<a class=\"button primary\" href=\"")
        .expect("a way on");
    rest.split('"')
        .next()
        .unwrap()
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

#[tokio::test]
async fn the_page_signs_people_in_by_itself() {
    let world = World::new().await;
    let browser = world.browser();
    // By the name of the tenant as well as by its id.
    let nobody = browser.get("/ch-demo.example/securityinfo").await;
    let answer = world.sign_in(&browser, &way_on(&nobody)).await;
    let page = browser.get(answer.location()).await;
    assert!(page.text().contains("Informations de sécurité"), "{}", page.text());
    let asked = step(&world, (&browser, &page), "codes", &[]).await;
    assert!(asked.text().contains("<svg"), "{}", asked.text());
}

#[tokio::test]
async fn who_has_two_factors_proves_both_again() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let seed = world.idp.means().assign_codes(&cx, world.nurse, "Phone").await.unwrap();
    let browser = world.browser();
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let page = browser.get(&world.path("securityinfo")).await;
    let refused = step(&world, (&browser, &page), "passkey", &[]).await;
    // The password was given just now.
    let asked = browser.get(&way_on(&refused)).await;
    assert_eq!(asked.field("step").as_deref(), Some("code"), "{}", asked.text());
    let proof = one_time_code(seed.expose(), world.clock.now());
    let answer = crate::world::submit(&browser, &asked, &[("proof", &proof)]).await;
    let page = browser.get(answer.location()).await;
    let asked = step(&world, (&browser, &page), "passkey", &[]).await;
    assert!(asked.text().contains("data-options"), "{}", asked.text());
    world.clock.advance(Duration::from_secs(301));
    let late = step(&world, (&browser, &page), "passkey", &[]).await;
    assert!(!late.text().contains("data-options"), "the proof is five minutes old");
}

#[tokio::test]
async fn signing_out_everywhere_ends_what_every_browser_has() {
    let world = World::new().await;
    let (browser, page) = signed_in(&world).await;
    let elsewhere = world.browser();
    world
        .sign_in(&elsewhere, &world.authorize(world.portal, WEB, &[]))
        .await;
    let body = world.code_flow(&[]).await;
    let token = body["refresh_token"].as_str().unwrap();
    // What was proved is too old for a change; to leave wants no proof.
    world.clock.advance(Duration::from_mins(20));
    let asked = step(&world, (&browser, &page), "everywhere", &[]).await;
    assert!(asked.text().contains("partout"), "{}", asked.text());
    let open = elsewhere.get(&world.path("securityinfo")).await;
    assert!(open.field("account").is_some(), "{}", open.text());
    let ended = step(&world, (&browser, &page), "everywhere-ended", &[]).await;
    assert!(
        ended.text().contains("Toutes vos sessions sont terminées"),
        "{}",
        ended.text()
    );
    for each in [&browser, &elsewhere] {
        let page = each.get(&world.path("securityinfo")).await;
        assert!(page.text().contains("Aucune session"), "{}", page.text());
    }
    let refused = world.refresh(token, &[]).await;
    assert_eq!(refused.json()["error"], "invalid_grant");
}
