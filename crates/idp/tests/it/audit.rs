//! What is recorded, and what is not.

use hygie_directory::Enabled;
use hygie_idp::IdpError;
use hygie_store::audit::Outcome;
use hygie_testkit::TestEngine;
use serde_json::Value;

use crate::world::{PASSWORD, WEB, World};

/// The entries of the write chain.
pub async fn entries(world: &World) -> Vec<String> {
    world
        .store
        .store
        .read(&world.cx(world.tenant), (), |(), tx| {
            Box::pin(async move {
                let mut texts = Vec::new();
                for mut row in tx.query("SELECT entry FROM audit ORDER BY seq", &[]).await? {
                    texts.push(String::from_utf8_lossy(&row.take::<Vec<u8>>(0)?).into_owned());
                }
                Ok::<_, IdpError>(texts)
            })
        })
        .await
        .unwrap()
}

/// What an entry says was done, and what came of it.
fn told(entry: &str) -> String {
    let entry: Value = serde_json::from_str(entry).unwrap();
    [&entry["action"], &entry["outcome"]]
        .map(|text| text.as_str().unwrap())
        .join(" ")
}

#[tokio::test]
async fn sign_ins_and_tokens_are_recorded_without_secrets() {
    let world = World::new().await;
    let before = entries(&world).await;
    let browser = world.browser();
    let request = world.authorize(world.portal, WEB, &[]);
    world
        .sign_in_as(&browser, &request, ("anna.martin@ch-demo.example", "a wrong guess"))
        .await;
    let answer = world.sign_in(&browser, &request).await;
    let code = answer.redirect_param("code").unwrap();
    let body = world.redeem(&code).await.json();
    let refresh = body["refresh_token"].as_str().unwrap();
    world.refresh(refresh, &[]).await;
    world.redeem(&code).await;
    browser.get(&world.path("oauth2/v2.0/logout")).await;
    let mut entries = entries(&world).await;
    entries.retain(|entry| !before.contains(entry));
    let mut told: Vec<_> = entries.iter().map(|entry| told(entry)).collect();
    let mut expected = [
        "idp.signin refused",
        "idp.signin success",
        "idp.authorize success",
        "idp.token success",
        "idp.token.refresh success",
        "idp.token refused",
        "idp.signout success",
    ];
    // There, a chain for each write that runs at once: the entries of all have no order of their own.
    if TestEngine::of_this_run() == TestEngine::Postgres {
        told.sort_unstable();
        expected.sort_unstable();
    }
    assert_eq!(told, expected);
    let all = entries.join("\n");
    assert!(all.contains(&world.nurse.to_string()), "by id");
    let cookie = browser.cookie("__Host-hygie-form").unwrap();
    for secret in [
        PASSWORD,
        "a wrong guess",
        &code,
        refresh,
        &world.secret,
        &cookie,
        "anna.martin",
        "Anna",
    ] {
        assert!(!all.to_lowercase().contains(&secret.to_lowercase()), "{secret}");
    }
    for token in ["access_token", "id_token"] {
        let signature = body[token].as_str().unwrap().rsplit('.').next().unwrap();
        assert!(!all.contains(signature));
    }
}

#[tokio::test]
async fn who_is_refused_is_recorded_once_with_the_reason() {
    let world = World::new().await;
    let (browser, request) = (world.browser(), world.authorize(world.portal, WEB, &[]));
    let anna = "anna.martin@ch-demo.example";
    let told = async || {
        let records = world.recorded().await.into_iter().map(|record| {
            assert_eq!(record.outcome, Outcome::Refused);
            let reason = record.reason.unwrap_or_default();
            (record.action.into_owned(), record.object, reason.into_owned())
        });
        records.collect::<Vec<_>>()
    };
    let one =
        |action: &str, object: &str, reason: &str| vec![(action.to_owned(), object.to_owned(), reason.to_owned())];
    world.sign_in_as(&browser, &request, (anna, "a wrong guess")).await;
    assert_eq!(told().await, [], "the transaction that counted it recorded it");
    world
        .sign_in_as(&browser, &request, ("nobody@ch-demo.example", "a wrong guess"))
        .await;
    assert_eq!(told().await, one("idp.signin", "", "AADSTS50126"));
    // Signed in, and refused by the application: on a page, and by a redirect.
    world
        .idp
        .directory()
        .set_requires_assignment(&world.cx, world.portal, Enabled::Yes)
        .await
        .unwrap();
    world.sign_in(&browser, &request).await;
    let app = format!("app/{}", world.portal);
    assert_eq!(told().await, one("idp.authorize", &app, "AADSTS50105"));
    browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert_eq!(told().await, one("idp.authorize", &app, "AADSTS50105"));
}

#[tokio::test]
async fn nothing_lies_in_clear_on_the_disk() {
    if TestEngine::of_this_run() != TestEngine::Embedded {
        // A database that others keep holds clear values: whoever keeps it encrypts the volume.
        return;
    }
    let world = World::new().await;
    let body = world.code_flow(&[]).await;
    let refresh = body["refresh_token"].as_str().unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(world.store.path())
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_file())
    {
        let bytes = std::fs::read(entry.path()).unwrap();
        files += 1;
        for word in ["anna.martin", "Martin", "CH Demo", refresh, &world.secret] {
            let found = bytes
                .windows(word.len())
                .any(|window| window.eq_ignore_ascii_case(word.as_bytes()));
            assert!(!found, "{word} in {}", entry.path().display());
        }
    }
    assert!(files >= 2, "database and keyring");
}
