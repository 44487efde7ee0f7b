//! A device without a browser: its codes, the person who types one, and the tokens that it fetches (RFC 8628).

use std::time::Duration;

use hygie_core::AppId;
use hygie_directory::{Audience, Definition};
use hygie_testkit::{Answer, Client};
use serde_json::Value;

use crate::ciba::made;
use crate::world::{FHIR, PASSWORD, World, claims, code_of, submit};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const NURSE: &str = "anna.martin@ch-demo.example";

async fn codes_of(world: &World, client: AppId, segment: &str) -> Value {
    let scope = format!("openid profile offline_access {FHIR}/user_impersonation");
    let path = format!("/{segment}/oauth2/v2.0/devicecode");
    let fields = [("client_id", &*client.to_string()), ("scope", &*scope)];
    let answer = world.browser().post(&path, &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

pub async fn codes(world: &World) -> Value {
    codes_of(world, world.native, &world.tenant.to_string()).await
}

/// What the device is told, as MSAL asks.
pub async fn poll(world: &World, codes: &Value) -> Answer {
    let code = codes["device_code"].as_str().unwrap();
    let id = world.native.to_string();
    world
        .token(&[
            ("grant_type", GRANT),
            ("client_id", &id),
            ("device_code", code),
            ("code", code),
            ("client_info", "1"),
        ])
        .await
}

pub async fn typed(browser: &Client, code: &str) -> Answer {
    let page = browser.get("/device").await;
    assert_eq!(page.status, 200, "{}", page.text());
    submit(browser, &page, &[("user_code", code)]).await
}

/// Signs the nurse in for this code: the page that asks whether the device is hers.
pub async fn confirmed(browser: &Client, codes: &Value) -> Answer {
    let first = typed(browser, codes["user_code"].as_str().unwrap()).await;
    let second = submit(browser, &first, &[("username", NURSE)]).await;
    let last = submit(browser, &second, &[("username", NURSE), ("password", PASSWORD)]).await;
    assert_eq!(last.field("step").as_deref(), Some("device"), "{}", last.text());
    last
}

/// A server of another house, which nobody here consented to yet, proves itself by what is registered there.
#[tokio::test]
async fn a_server_from_elsewhere_proves_itself_before_it_gets_codes() {
    let world = World::new().await;
    let definition = Definition {
        sign_in_audience: Audience::Tenants,
        ..Definition::default()
    };
    let (app, secret) = made(&world, world.other, ("Agenda", definition)).await;
    let id = app.to_string();
    for segment in [&*world.tenant.to_string(), "organizations"] {
        for (secret, expected) in [("anything", 401), (secret.as_str(), 200)] {
            let fields = [("client_id", &*id), ("client_secret", secret), ("scope", "openid")];
            let path = format!("/{segment}/oauth2/v2.0/devicecode");
            let answer = world.browser().post(&path, &fields).await;
            assert_eq!(answer.status, expected, "{segment} {}", answer.text());
            if expected == 401 {
                assert_eq!(code_of(&answer), 7_000_215, "{segment}");
            }
        }
    }
}

#[tokio::test]
async fn a_person_signs_in_for_a_device() {
    let world = World::new().await;
    let codes = codes(&world).await;
    assert_eq!(codes["verification_uri"], "https://login.example:8441/device");
    assert_eq!((&codes["expires_in"], &codes["interval"]), (&900.into(), &5.into()));
    let user_code = codes["user_code"].as_str().unwrap();
    let message = codes["message"].as_str().unwrap();
    assert!(
        message.contains(user_code) && message.starts_with("To sign in"),
        "{message}"
    );
    assert_eq!(code_of(&poll(&world, &codes).await), 70_016);
    let browser = world.browser();
    let page = confirmed(&browser, &codes).await;
    // The person sees what they allow: application, code and account.
    let grouped = [&user_code[..3], &user_code[3..6], &user_code[6..]].join(" ");
    for shown in ["Native", grouped.as_str(), "Anna Martin"] {
        assert!(page.text().contains(shown), "{shown}");
    }
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(code_of(&poll(&world, &codes).await), 70_016);
    let done = submit(&browser, &page, &[("answer", "yes")]).await;
    assert_eq!(done.status, 200, "{}", done.text());
    world.clock.advance(Duration::from_secs(5));
    let answer = poll(&world, &codes).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let access = claims(&body["access_token"]);
    assert_eq!(
        (&access["aud"], &access["scp"], &access["appidacr"]),
        (&FHIR.into(), &"user_impersonation".into(), &"0".into())
    );
    assert_eq!(access["oid"], world.nurse.to_string());
    assert_eq!(
        claims(&body["id_token"])["preferred_username"],
        "Anna.Martin@ch-demo.example"
    );
    assert!(body["client_info"].is_string() && body["refresh_token"].is_string());
    // A device code is good once, as any code: used again it takes along what came of it.
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(code_of(&poll(&world, &codes).await), 54_005);
    let id = world.native.to_string();
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", id.as_str()),
        ("refresh_token", body["refresh_token"].as_str().unwrap()),
    ];
    assert_eq!(code_of(&world.token(&refresh).await), 50_173);
}

#[tokio::test]
async fn a_person_declines() {
    let world = World::new().await;
    let codes = codes(&world).await;
    let browser = world.browser();
    let page = confirmed(&browser, &codes).await;
    let done = submit(&browser, &page, &[("answer", "no")]).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let refused = poll(&world, &codes).await;
    assert_eq!(refused.json()["error"], "authorization_declined");
    // The answer stands.
    let again = submit(&browser, &page, &[("answer", "yes")]).await;
    assert!(again.text().contains("AADSTS70019"), "{}", again.text());
    assert_eq!(poll(&world, &codes).await.json()["error"], "authorization_declined");
}

#[tokio::test]
async fn a_device_waits_as_it_is_told() {
    let world = World::new().await;
    let codes = codes(&world).await;
    let mut told = Vec::new();
    // At once, too soon, then as slowly as it was told; then too late.
    for wait in [0, 2, 9, 8, 15, 900] {
        world.clock.advance(Duration::from_secs(wait));
        told.push(poll(&world, &codes).await.json()["error"].as_str().unwrap().to_owned());
    }
    let (pending, slow) = ("authorization_pending", "slow_down");
    assert_eq!(told, [pending, slow, pending, slow, pending, "expired_token"]);
    let late = typed(&world.browser(), codes["user_code"].as_str().unwrap()).await;
    assert!(late.text().contains("aria-invalid=\"true\""), "{}", late.text());
}

/// Beyond the longest wait, who asks too soon is only told so: nothing is written, and it counts for nothing.
#[tokio::test]
async fn asking_on_and_on_writes_nothing() {
    let world = World::new().await;
    let codes = codes(&world).await;
    let ask = async |wait: u64| {
        world.clock.advance(Duration::from_secs(wait));
        poll(&world, &codes).await.json()["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(ask(0).await, "authorization_pending");
    for _ in 0..20 {
        assert_eq!(ask(0).await, "slow_down");
    }
    assert_eq!(ask(40).await, "slow_down");
    assert_eq!(
        ask(25).await,
        "authorization_pending",
        "65 seconds after the last that counted"
    );
}

#[tokio::test]
async fn codes_are_of_their_client() {
    let world = World::new().await;
    let codes = codes(&world).await;
    let browser = world.browser();
    let page = confirmed(&browser, &codes).await;
    submit(&browser, &page, &[("answer", "yes")]).await;
    let code = codes["device_code"].as_str().unwrap();
    let (spa, native) = (world.spa.to_string(), world.native.to_string());
    let ask = |id: &str, code: &str| {
        let fields = [("grant_type", GRANT), ("client_id", id), ("device_code", code)].map(|(n, v)| (n, v.to_owned()));
        let world = &world;
        async move {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            code_of(&world.token(&fields).await)
        }
    };
    assert_eq!(ask(&spa, code).await, 70_018);
    assert_eq!(ask(&native, "unknown").await, 70_018);
    assert_eq!(ask(&native, "").await, 900_144);
    // At another tenant.
    let path = format!("/{}/oauth2/v2.0/token", world.other);
    let fields = [("grant_type", GRANT), ("client_id", &*native), ("device_code", code)];
    assert_eq!(code_of(&world.browser().post(&path, &fields).await), 70_018);
    assert_eq!(poll(&world, &codes).await.status, 200);
}

#[tokio::test]
async fn which_clients_may_ask() {
    let world = World::new().await;
    let path = world.path("oauth2/v2.0/devicecode");
    let scope = format!("{FHIR}/user_impersonation");
    let (portal, spa, native) = (
        world.portal.to_string(),
        world.spa.to_string(),
        world.native.to_string(),
    );
    let secret = world.secret.clone();
    for (fields, code) in [
        // Not registered for it: a secret is needed, a right one.
        (&[("client_id", &*portal), ("scope", &*scope)][..], 7_000_218),
        (&[("client_id", &*spa), ("scope", &*scope)], 7_000_218),
        (
            &[("client_id", &*portal), ("client_secret", "wrong"), ("scope", &*scope)],
            7_000_215,
        ),
        (&[("client_id", &*native)], 900_144),
        (
            &[
                ("client_id", "7d1f4c7e-58c3-4a3b-9f0e-2b6a1c9d8e11"),
                ("scope", &*scope),
            ],
            700_016,
        ),
        (&[("scope", &*scope)], 900_144),
    ] {
        let answer = world.browser().post(&path, fields).await;
        assert_eq!(code_of(&answer), code, "{fields:?} {}", answer.text());
    }
    let proved = [("client_id", &*portal), ("client_secret", &*secret), ("scope", &*scope)];
    let codes = world.browser().post(&path, &proved).await.json();
    // Nor does it fetch without.
    let device_code = codes["device_code"].as_str().unwrap();
    let fetch = [
        ("grant_type", GRANT),
        ("client_id", &*portal),
        ("device_code", device_code),
    ];
    assert_eq!(code_of(&world.token(&fetch).await), 7_000_218);
    let fetch = [&fetch[..], &[("client_secret", &*secret)]].concat();
    assert_eq!(code_of(&world.token(&fetch).await), 70_016);
    // A page of another site is no device.
    let origin = [("origin", "https://evil.example")];
    let fields = [("client_id", &*native), ("scope", &*scope)];
    assert_eq!(
        code_of(&world.browser().post_with(&path, &origin, &fields).await),
        9_002_326
    );
}

#[tokio::test]
async fn any_tenant_and_version_1() {
    let world = World::new().await;
    let world = &world;
    // The application of one tenant is no matter of all.
    let scope = format!("{FHIR}/user_impersonation");
    let fields = [("client_id", &*world.native.to_string()), ("scope", &*scope)];
    let refused = world
        .browser()
        .post("/organizations/oauth2/v2.0/devicecode", &fields)
        .await;
    assert_eq!(code_of(&refused), 50_194);
    let portal = world.portal.to_string();
    let fields = [
        ("client_id", &*portal),
        ("client_secret", &*world.secret),
        ("resource", FHIR),
    ];
    let path = "/organizations/oauth2/devicecode?mkt=fr-FR";
    let codes = world.browser().post(path, &fields).await.json();
    assert_eq!((&codes["expires_in"], &codes["interval"]), (&"900".into(), &"5".into()));
    assert_eq!(codes["verification_url"], "https://login.example:8441/device");
    assert!(
        codes["message"].as_str().unwrap().starts_with("Pour vous connecter"),
        "{codes}"
    );
    // The tenant is that of the person.
    let browser = world.browser();
    let page = confirmed(&browser, &codes).await;
    submit(&browser, &page, &[("answer", "yes")]).await;
    let fields = [
        ("grant_type", "device_code"),
        ("client_id", &*portal),
        ("client_secret", &*world.secret),
        ("code", codes["device_code"].as_str().unwrap()),
    ];
    let answer = world.browser().post("/common/oauth2/token", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(claims(&body["access_token"])["tid"], world.tenant.to_string());
    assert_eq!(
        (&body["resource"], body["expires_in"].is_string()),
        (&FHIR.into(), true)
    );
}

#[tokio::test]
async fn who_is_signed_in_chooses_and_confirms() {
    let world = World::new().await;
    let browser = world.browser();
    let first = codes(&world).await;
    confirmed(&browser, &first).await;
    // Signed in already: the account is asked for all the same, and nothing happens without the confirmation.
    let codes = codes(&world).await;
    let choice = typed(&browser, codes["user_code"].as_str().unwrap()).await;
    let session = choice.text().split("name=\"account\" value=\"").nth(1).unwrap();
    let session = session.split('"').next().unwrap().to_owned();
    let page = submit(&browser, &choice, &[("account", &session)]).await;
    assert_eq!(page.field("step").as_deref(), Some("device"), "{}", page.text());
    assert_eq!(code_of(&poll(&world, &codes).await), 70_016);
    submit(&browser, &page, &[("answer", "yes")]).await;
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(poll(&world, &codes).await.status, 200);
}

#[tokio::test]
async fn forms_of_others_are_refused() {
    let world = World::new().await;
    let codes = codes(&world).await;
    let user_code = codes["user_code"].as_str().unwrap();
    let browser = world.browser();
    let forged = browser.post("/device", &[("user_code", user_code)]).await;
    assert!(forged.text().contains("AADSTS50089"), "{}", forged.text());
    // The confirmation of one browser is worth nothing in another.
    let page = confirmed(&browser, &codes).await;
    let other = submit(&world.browser(), &page, &[("answer", "yes")]).await;
    assert!(other.text().contains("AADSTS50089"), "{}", other.text());
    // Nor without the session that it names.
    let stranger = world.browser();
    let strange = stranger.get("/device").await;
    let (csrf, session) = (strange.field("csrf").unwrap(), page.field("account").unwrap());
    let fields = [
        ("csrf", csrf.as_str()),
        ("step", "device"),
        ("version", "device"),
        ("request", user_code),
        ("account", &session),
        ("answer", "yes"),
    ];
    let asked = stranger.post(&world.path("login"), &fields).await;
    assert_eq!(asked.field("step").as_deref(), Some("username"), "{}", asked.text());
    assert_eq!(code_of(&poll(&world, &codes).await), 70_016);
    // A link of another site fills in nothing; the language switch brings back what was typed, if it is a code.
    let link = format!("/device?user_code={user_code}");
    for site in ["cross-site", "same-site", "none"] {
        let linked = browser.get_with(&link, &[("sec-fetch-site", site)]).await;
        assert!(!linked.text().contains(user_code), "{site}");
    }
    assert!(
        !browser.get(&link).await.text().contains(user_code),
        "of an old browser"
    );
    let ours = [("sec-fetch-site", "same-origin")];
    let again = browser.get_with(&link, &ours).await;
    assert!(again.text().contains(user_code) && again.field("step").is_none());
    let words = browser.get_with("/device?user_code=Call+0900", &ours).await;
    assert!(!words.text().contains("Call"), "{}", words.text());
}

#[tokio::test]
async fn guesses_are_recorded() {
    let world = World::new().await;
    let browser = world.browser();
    let page = browser.get("/device").await;
    for wrong in ["BBB BBB BBB", "AEIOU", "<script>"] {
        let answer = submit(&browser, &page, &[("user_code", wrong)]).await;
        assert!(answer.text().contains("aria-invalid=\"true\""), "{}", answer.text());
    }
    let refused: u32 = world
        .recorded()
        .await
        .iter()
        .filter(|record| record.reason.as_deref() == Some("AADSTS70018"))
        .map(|record| record.count)
        .sum();
    assert_eq!(refused, 3);
}

#[tokio::test]
async fn what_is_revoked_meanwhile_is_revoked() {
    let world = World::new().await;
    let codes = codes(&world).await;
    let browser = world.browser();
    let page = confirmed(&browser, &codes).await;
    submit(&browser, &page, &[("answer", "yes")]).await;
    world.clock.advance(Duration::from_secs(1));
    world
        .idp
        .directory()
        .revoke_user(&world.cx(world.tenant), world.nurse)
        .await
        .unwrap();
    assert_eq!(code_of(&poll(&world, &codes).await), 50_132);
}
