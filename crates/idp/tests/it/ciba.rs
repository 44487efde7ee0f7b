//! A client asks for a person whom it names (OpenID CIBA), who answers on a page of ours.

use std::time::Duration;

use hygie_core::{AppId, TenantId};
use hygie_directory::logs::LogEntry;
use hygie_directory::{Audience, Definition, ExtraGrant, NewApplication, PrincipalChange};
use hygie_testkit::{Answer, Client, one_time_code};
use serde_json::{Value, json};

use crate::world::{FHIR, PASSWORD, World, claims, code_of, submit};

const GRANT: &str = "urn:openid:params:grant-type:ciba";
const NURSE: &str = "anna.martin@ch-demo.example";

/// A world whose portal may ask for people.
async fn world() -> World {
    let world = World::new().await;
    let change = |definition: &mut Definition| definition.allow(ExtraGrant::Ciba, true);
    world.registered_with(world.portal, change).await;
    world
}

/// Asks as the portal; `changed` replaces or adds fields, an empty value removes one.
async fn ask(world: &World, changed: &[(&str, &str)]) -> Answer {
    let id = world.portal.to_string();
    let scope = format!("openid profile offline_access {FHIR}/user_impersonation");
    let usual = [
        ("client_id", id.as_str()),
        ("client_secret", world.secret.as_str()),
        ("scope", scope.as_str()),
        ("login_hint", NURSE),
        ("binding_message", "K7 42"),
    ];
    let kept = usual
        .iter()
        .filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    let fields: Vec<_> = kept
        .chain(changed)
        .filter(|(_, value)| !value.is_empty())
        .copied()
        .collect();
    let path = world.path("oauth2/v2.0/bc-authorize");
    world.browser().post(&path, &fields).await
}

async fn asked(world: &World) -> String {
    let answer = ask(world, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!((&body["expires_in"], &body["interval"]), (&json!(300), &json!(5)));
    let id = body["auth_req_id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 43, "256 bits");
    id
}

async fn poll(world: &World, id: &str, grant: &str) -> Answer {
    let client = world.portal.to_string();
    world
        .token(&[
            ("grant_type", grant),
            ("client_id", &client),
            ("client_secret", &world.secret),
            (if grant == GRANT { "auth_req_id" } else { "device_code" }, id),
        ])
        .await
}

fn error(answer: &Answer) -> (u16, String) {
    let error = answer.json()["error"].as_str().unwrap_or("?").to_owned();
    (answer.status.as_u16(), error)
}

/// The page of requests, for a browser in which the nurse signs in.
async fn approvals(world: &World, browser: &Client) -> Answer {
    let page = browser.get(&world.path("approvals")).await;
    assert!(page.status.is_redirection(), "{}", page.text());
    let landed = world.sign_in(browser, page.location()).await;
    let list = browser.get(landed.location()).await;
    assert_eq!(list.status, 200, "{}", list.text());
    list
}

/// The first request of the page, after what is asked first.
async fn opened(browser: &Client, list: &Answer) -> Answer {
    let code = list.field("user_code").expect("a request");
    submit(browser, list, &[("user_code", &code)]).await
}

#[tokio::test]
async fn a_person_confirms_what_a_client_asks() {
    let world = world().await;
    let id = asked(&world).await;
    assert_eq!(
        error(&poll(&world, &id, GRANT).await),
        (400, "authorization_pending".to_owned())
    );
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(error(&poll(&world, &id, GRANT).await), (400, "slow_down".to_owned()));
    let browser = world.browser();
    let list = approvals(&world, &browser).await;
    assert!(
        list.text().contains("Portal") && list.text().contains("K7 42"),
        "{}",
        list.text()
    );
    for own in ["myapplications", "securityinfo"] {
        let told = browser.get(&world.path(own)).await;
        assert!(told.text().contains("/approvals?account="), "{own} {}", told.text());
    }
    // The sign-in is younger than the request: it is proof enough.
    let page = opened(&browser, &list).await;
    assert_eq!(page.field("step").as_deref(), Some("device"), "{}", page.text());
    assert!(page.text().contains("K7 42"));
    let done = submit(&browser, &page, &[("answer", "yes")]).await;
    assert_eq!(done.status, 200, "{}", done.text());
    world.clock.advance(Duration::from_secs(11));
    let answer = poll(&world, &id, GRANT).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tokens = answer.json();
    let access = world.verified(&tokens["access_token"]).claims;
    assert_eq!(access.members["oid"], json!(world.nurse));
    assert_eq!(claims(&tokens["id_token"])["aud"], json!(world.portal));
    assert!(tokens["refresh_token"].is_string());
    // Once.
    world.clock.advance(Duration::from_secs(11));
    assert_eq!(
        error(&poll(&world, &id, GRANT).await),
        (400, "invalid_grant".to_owned())
    );
    // Nothing waits any more.
    let list = browser.get(&world.path("approvals")).await;
    assert!(list.field("user_code").is_none(), "{}", list.text());
    let log = world.log().await;
    assert!(
        log.iter()
            .any(|entry| entry.app == world.portal && !entry.is_by_device_code)
    );
}

#[tokio::test]
async fn an_older_proof_is_not_enough() {
    let world = world().await;
    let browser = world.browser();
    let page = browser.get(&world.path("approvals")).await;
    let landed = world.sign_in(&browser, page.location()).await;
    let session = landed.location().split("account=").nth(1).unwrap().to_owned();
    world.clock.advance(Duration::from_mins(1));
    let id = asked(&world).await;
    world.clock.advance(Duration::from_secs(10));
    let list = browser.get(&world.path("approvals")).await;
    let page = opened(&browser, &list).await;
    assert_eq!(page.field("step").as_deref(), Some("password"), "{}", page.text());
    // Whoever passes over the question is refused, though the form is this browser's.
    let code = list.field("user_code").unwrap();
    let csrf = page.field("csrf").unwrap();
    let fields = [
        ("csrf", csrf.as_str()),
        ("step", "device"),
        ("version", "device"),
        ("request", code.as_str()),
        ("answer", "yes"),
    ];
    let forged = [&fields[..], &[("account", session.as_str())]].concat();
    let refused = browser.post(&world.path("login"), &forged).await;
    assert_eq!(refused.field("step").as_deref(), Some("password"), "{}", refused.text());
    assert_eq!(
        error(&poll(&world, &id, GRANT).await),
        (400, "authorization_pending".to_owned())
    );
    let confirm = submit(&browser, &page, &[("username", NURSE), ("password", PASSWORD)]).await;
    assert_eq!(confirm.field("step").as_deref(), Some("device"), "{}", confirm.text());
    submit(&browser, &confirm, &[("answer", "no")]).await;
    world.clock.advance(Duration::from_secs(11));
    assert_eq!(
        error(&poll(&world, &id, GRANT).await),
        (400, "access_denied".to_owned())
    );
}

#[tokio::test]
async fn it_is_for_the_one_who_was_named() {
    let world = world().await;
    let directory = world.idp.directory();
    let new = hygie_directory::NewUser {
        user_principal_name: "luc.petit@ch-demo.example".to_owned(),
        display_name: "Luc Petit".to_owned(),
        password: Some(hygie_core::Secret::new(PASSWORD.to_owned())),
        ..hygie_directory::NewUser::default()
    };
    directory.create_user(&world.cx(world.tenant), new).await.unwrap();
    let id = asked(&world).await;
    let nurse = world.browser();
    let list = approvals(&world, &nurse).await;
    let code = list.field("user_code").unwrap();
    // Another person does not see it, and does not answer it by its code.
    let other = world.browser();
    let page = other.get(&world.path("approvals")).await;
    let luc = ("luc.petit@ch-demo.example", PASSWORD);
    let landed = world.sign_in_as(&other, page.location(), luc).await;
    let list = other.get(landed.location()).await;
    assert!(list.field("user_code").is_none(), "{}", list.text());
    let typed = other.get("/device").await;
    let page = submit(&other, &typed, &[("user_code", &code)]).await;
    let page = submit(&other, &page, &[("username", luc.0), ("password", luc.1)]).await;
    assert_ne!(page.field("step").as_deref(), Some("device"), "{}", page.text());
    world.clock.advance(Duration::from_secs(6));
    assert_eq!(
        error(&poll(&world, &id, GRANT).await),
        (400, "authorization_pending".to_owned())
    );
    // Nor is it a device's.
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    assert_eq!(
        error(&poll(&world, &id, device).await),
        (400, "bad_verification_code".to_owned())
    );
}

#[tokio::test]
async fn policies_step_up_before_the_question() {
    let world = world().await;
    let seed = world.codes().await;
    world
        .policy(json!({ "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } }))
        .await;
    let id = asked(&world).await;
    world.clock.advance(Duration::from_secs(1));
    let browser = world.browser();
    let list = approvals(&world, &browser).await;
    let page = opened(&browser, &list).await;
    assert_eq!(page.field("step").as_deref(), Some("code"), "{}", page.text());
    world.clock.advance(Duration::from_secs(30));
    let proof = one_time_code(seed.expose(), hygie_core::Clock::now(&*world.clock));
    let page = submit(&browser, &page, &[("proof", &proof)]).await;
    assert_eq!(page.field("step").as_deref(), Some("device"), "{}", page.text());
    submit(&browser, &page, &[("answer", "yes")]).await;
    world.clock.advance(Duration::from_secs(6));
    let tokens: Value = poll(&world, &id, GRANT).await.json();
    assert_eq!(claims(&tokens["access_token"])["amr"], json!(["pwd", "otp", "mfa"]));
}

/// A browser at which nobody sits says yes to nothing.
#[tokio::test]
async fn a_proof_answers_one_request_and_not_for_long() {
    let world = world().await;
    let (first, second) = (asked(&world).await, asked(&world).await);
    world.clock.advance(Duration::from_secs(1));
    let browser = world.browser();
    let list = approvals(&world, &browser).await;
    let page = opened(&browser, &list).await;
    assert_eq!(page.field("step").as_deref(), Some("device"), "{}", page.text());
    submit(&browser, &page, &[("answer", "yes")]).await;
    world.clock.advance(Duration::from_secs(6));
    let answers = [poll(&world, &first, GRANT).await, poll(&world, &second, GRANT).await];
    let open = answers.iter().position(|answer| answer.status == 400).unwrap();
    assert_eq!(answers[1 - open].status, 200, "{}", answers[1 - open].text());
    // What was proved before the first answer is worth nothing for the second.
    let list = browser.get(&world.path("approvals")).await;
    let page = opened(&browser, &list).await;
    assert_eq!(page.field("step").as_deref(), Some("password"), "{}", page.text());
    let confirm = submit(&browser, &page, &[("username", NURSE), ("password", PASSWORD)]).await;
    assert_eq!(confirm.field("step").as_deref(), Some("device"), "{}", confirm.text());
    submit(&browser, &confirm, &[("answer", "yes")]).await;
    world.clock.advance(Duration::from_secs(6));
    let ids = [&first, &second];
    assert_eq!(poll(&world, ids[open], GRANT).await.status, 200);
    // Nor is a proof worth anything on a page that was left open.
    let changed = [("requested_expiry", "900")];
    let id = ask(&world, &changed).await.json()["auth_req_id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.clock.advance(Duration::from_secs(1));
    let list = browser.get(&world.path("approvals")).await;
    let page = opened(&browser, &list).await;
    let confirm = submit(&browser, &page, &[("username", NURSE), ("password", PASSWORD)]).await;
    world.clock.advance(Duration::from_secs(301));
    let late = submit(&browser, &confirm, &[("answer", "yes")]).await;
    assert_eq!(late.field("step").as_deref(), Some("password"), "{}", late.text());
    assert_eq!(
        error(&poll(&world, &id, GRANT).await),
        (400, "authorization_pending".to_owned())
    );
}

#[tokio::test]
async fn what_is_refused() {
    let world = world().await;
    for (changed, code, name) in [
        (vec![("client_secret", "")], 7_000_218, "invalid_client"),
        (vec![("client_secret", "wrong")], 7_000_215, "invalid_client"),
        (
            vec![("login_hint", "nobody@ch-demo.example")],
            9_900_001,
            "unknown_user_id",
        ),
        (
            vec![("login_hint", ""), ("id_token_hint", "a.b.c")],
            9_900_001,
            "unknown_user_id",
        ),
        (vec![("login_hint", "")], 900_144, "invalid_request"),
        (vec![("login_hint_token", "a.b.c")], 90_023, "invalid_request"),
        (vec![("binding_message", "a\nb")], 9_900_002, "invalid_binding_message"),
        (vec![("requested_expiry", "0")], 90_023, "invalid_request"),
        (vec![("scope", "profile")], 70_011, "invalid_scope"),
    ] {
        let answer = ask(&world, &changed).await;
        assert_eq!(
            (code_of(&answer), error(&answer).1.as_str()),
            (code, name),
            "{changed:?}"
        );
    }
    let change = |definition: &mut Definition| definition.allow(ExtraGrant::Ciba, false);
    world.registered_with(world.portal, change).await;
    assert_eq!(error(&ask(&world, &[]).await).1, "unauthorized_client");
    assert_eq!(
        error(&poll(&world, "unknown", GRANT).await),
        (400, "invalid_grant".to_owned())
    );
}

#[tokio::test]
async fn an_id_token_names_its_person_and_requests_end() {
    let world = world().await;
    let tokens = world.code_flow(&[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let changed = [("login_hint", ""), ("id_token_hint", hint), ("requested_expiry", "60")];
    let answer = ask(&world, &changed).await;
    assert_eq!(answer.json()["expires_in"], 60, "{}", answer.text());
    let id = answer.json()["auth_req_id"].as_str().unwrap().to_owned();
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(
        error(&poll(&world, &id, GRANT).await),
        (400, "expired_token".to_owned())
    );
}

/// Another application of the house that may ask for people, with its secret.
async fn another(world: &World, name: &str) -> (AppId, String) {
    let mut definition = Definition::default();
    definition.allow(ExtraGrant::Ciba, true);
    made(world, world.tenant, (name, definition)).await
}

/// An application with its secret.
pub async fn made(world: &World, home: TenantId, (name, definition): (&str, Definition)) -> (AppId, String) {
    let new = NewApplication {
        app: None,
        display_name: name.to_owned(),
        definition,
    };
    let (directory, cx) = (world.idp.directory(), world.cx(home));
    let app = directory.create_application(&cx, new).await.unwrap().0.app;
    let secret = directory.add_secret(&cx, app, "test", Duration::from_hours(24)).await;
    (app, secret.unwrap().value.expose().clone())
}

/// Asks as that application, which says who signs in and no more.
async fn ask_as(world: &World, (app, secret): &(AppId, String), changed: &[(&str, &str)]) -> Answer {
    let id = app.to_string();
    let own = [
        ("client_id", id.as_str()),
        ("client_secret", secret),
        ("scope", "openid profile"),
    ];
    let usual = own
        .iter()
        .filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    let fields: Vec<_> = usual.chain(changed).copied().collect();
    ask(world, &fields).await
}

#[tokio::test]
async fn a_client_that_is_not_of_the_house_asks_nobody() {
    let world = world().await;
    let mut definition = Definition {
        sign_in_audience: Audience::Tenants,
        ..Definition::default()
    };
    definition.allow(ExtraGrant::Ciba, true);
    let known = made(&world, world.other, ("Agenda", definition)).await;
    // Whatever it presents, and whomever it names.
    for secret in ["anything", known.1.as_str()] {
        for person in [NURSE, "nobody@ch-demo.example"] {
            let changed = [("client_secret", secret), ("login_hint", person)];
            assert_eq!(code_of(&ask_as(&world, &known, &changed).await), 700_016, "{person}");
        }
    }
    // Its registration says so for its own house alone.
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    directory.create_service_principal(&cx, known.0).await.unwrap();
    let wrong = ask_as(&world, &known, &[("client_secret", "anything")]).await;
    assert_eq!(code_of(&wrong), 7_000_215);
    assert_eq!(code_of(&ask_as(&world, &known, &[]).await), 9_900_004);
}

#[tokio::test]
async fn few_requests_wait_for_a_person() {
    let world = world().await;
    let (first, second, third) = tokio::join!(ask(&world, &[]), ask(&world, &[]), ask(&world, &[]));
    let mut statuses = [first, second, third].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 429]);
    let [lab, ward] = [another(&world, "Labo").await, another(&world, "Service").await];
    for (client, expected) in [(&lab, 200), (&lab, 200), (&lab, 429), (&ward, 200), (&ward, 429)] {
        assert_eq!(ask_as(&world, client, &[]).await.status, expected);
    }
}

#[tokio::test]
async fn who_said_no_is_left_alone() {
    let world = world().await;
    let id = asked(&world).await;
    world.clock.advance(Duration::from_secs(1));
    let browser = world.browser();
    let list = approvals(&world, &browser).await;
    let page = opened(&browser, &list).await;
    submit(&browser, &page, &[("answer", "no")]).await;
    world.clock.advance(Duration::from_mins(4));
    let refused = ask(&world, &[]).await;
    assert_eq!((refused.status.as_u16(), code_of(&refused)), (429, 90_055));
    assert_eq!(
        error(&poll(&world, &id, GRANT).await),
        (400, "access_denied".to_owned())
    );
    let other = another(&world, "Labo").await;
    assert_eq!(ask_as(&world, &other, &[]).await.status, 200);
    world.clock.advance(Duration::from_mins(1));
    asked(&world).await;
}

#[tokio::test]
async fn nobody_is_asked_about_what_they_could_not_allow() {
    let world = world().await;
    let other = another(&world, "Labo").await;
    let scope = format!("openid {FHIR}/user_impersonation");
    let refused = ask_as(&world, &other, &[("scope", &scope)]).await;
    assert_eq!(code_of(&refused), 65_001, "{}", refused.text());
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    let principal = directory.find_service_principal(&cx, other.0).await.unwrap().unwrap();
    let change = PrincipalChange {
        requires_assignment: Some(true),
        ..PrincipalChange::default()
    };
    directory
        .update_service_principal(&cx, principal.id, change)
        .await
        .unwrap();
    let refused = ask_as(&world, &other, &[]).await;
    assert_eq!(code_of(&refused), 50_105, "{}", refused.text());
    let list = approvals(&world, &world.browser()).await;
    assert!(list.field("user_code").is_none(), "{}", list.text());
}

#[tokio::test]
async fn an_application_that_is_gone_leaves_the_others() {
    let world = world().await;
    let other = another(&world, "Labo").await;
    assert_eq!(ask_as(&world, &other, &[]).await.status, 200);
    asked(&world).await;
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    let principal = directory.find_service_principal(&cx, other.0).await.unwrap().unwrap();
    let change = PrincipalChange {
        is_enabled: Some(false),
        ..PrincipalChange::default()
    };
    directory
        .update_service_principal(&cx, principal.id, change)
        .await
        .unwrap();
    let list = approvals(&world, &world.browser()).await;
    assert!(list.text().contains("Portal"), "{}", list.text());
    assert!(!list.text().contains("Labo"), "{}", list.text());
}

#[tokio::test]
async fn a_policy_of_device_codes_is_one_of_these_requests() {
    let world = world().await;
    world
        .policy(json!({
            "conditions": { "users": { "includeUsers": ["All"] }, "clientAppTypes": ["all"],
                "applications": { "includeApplications": [world.fhir.to_string()] },
                "authenticationFlows": { "transferMethods": "deviceCodeFlow" } },
            "grantControls": { "operator": "OR", "builtInControls": ["block"] },
        }))
        .await;
    asked(&world).await;
    world.clock.advance(Duration::from_secs(1));
    let browser = world.browser();
    let list = approvals(&world, &browser).await;
    let page = opened(&browser, &list).await;
    assert!(page.text().contains("AADSTS53003"), "{}", page.text());
    let log = world.log().await;
    let refused = log.iter().find(|entry| entry.error_code == 53_003).unwrap();
    assert_eq!(LogEntry::shown(refused)["authenticationProtocol"], "ciba");
}
