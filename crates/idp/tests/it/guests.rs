//! Guests: invited, they sign in with the account of their own establishment.

use std::time::Duration;

use hygie_core::{ObjectId, Secret, Timestamp};
use hygie_directory::logs::LogEntry as _;
use hygie_directory::{Enabled, NewInvitation, NewUser, OptionalClaim, UserType};
use hygie_policy::Policy;
use hygie_policy::json::read;
use hygie_store::StoreError;
use hygie_testkit::{Answer, Client};
use serde_json::{Value, json};

use crate::world::{PASSWORD, WEB, World, claims, submit};

const PAUL: (&str, &str) = ("paul@ch-autre.example", PASSWORD);
const THERE: &str = "https://portal.example/bienvenue";

/// Somebody of the other establishment.
async fn paul(world: &World) -> ObjectId {
    let new = NewUser {
        user_principal_name: "Paul@ch-autre.example".to_owned(),
        display_name: "Paul Durand".to_owned(),
        mail: Some(PAUL.0.to_owned()),
        password: Some(Secret::new(PASSWORD.to_owned())),
        ..NewUser::default()
    };
    let directory = world.idp.directory();
    directory.create_user(&world.cx(world.other), new).await.unwrap().id
}

/// The guest, and the address of the invitation.
async fn invited(world: &World, user_type: UserType) -> (ObjectId, String) {
    let new = NewInvitation {
        address: PAUL.0.to_owned(),
        display_name: None,
        redirect: THERE.to_owned(),
        user_type,
        resets: false,
        message: None,
    };
    let made = world
        .idp
        .directory()
        .invite(&world.cx(world.tenant), new)
        .await
        .unwrap();
    (
        made.user.id,
        world.path(&format!("redeem?ticket={}", made.ticket.expose())),
    )
}

/// Follows an invitation, signs in at home, and accepts.
async fn accept(world: &World, browser: &Client, address: &str) -> Answer {
    let page = invitation(world, browser, address).await;
    assert!(page.text().contains("CH Demo vous invite"), "{}", page.text());
    submit(browser, &page, &[("answer", "accept")]).await
}

async fn invitation(world: &World, browser: &Client, address: &str) -> Answer {
    let sent = browser.get(address).await;
    assert!(
        sent.location().starts_with(&format!("/{}/", world.other)),
        "{}",
        sent.location()
    );
    let first = browser.get(sent.location()).await;
    assert_eq!(first.field("step").as_deref(), Some("password"), "{}", first.text());
    let back = submit(browser, &first, &[("username", PAUL.0), ("password", PASSWORD)]).await;
    assert_eq!(back.status, 303, "{}", back.text());
    browser.get(back.location()).await
}

async fn tokens(world: &World, answer: &Answer) -> Value {
    let code = answer.redirect_param("code");
    let code = code.unwrap_or_else(|| panic!("no code: {} {}", answer.status, answer.text()));
    let answer = world.redeem(&code).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// A letter has no ticket: who signs in at home is who was invited, or nobody.
#[tokio::test]
async fn who_was_written_to_accepts_by_their_account_at_home() {
    let world = World::new().await;
    paul(&world).await;
    let address = world.path(&format!("redeem?home={}", world.other));
    let come = async |browser: &Client| {
        let sent = browser.get(&address).await;
        let first = browser.get(sent.location()).await;
        let page = submit(browser, &first, &[("username", PAUL.0)]).await;
        let fields = [("username", PAUL.0), ("password", PASSWORD)];
        let back = submit(browser, &page, &fields).await;
        assert_eq!(back.status, 303, "{} {}", page.text(), back.text());
        browser.get(back.location()).await
    };
    let stranger = come(&world.browser()).await;
    assert!(
        stranger.field("answer").is_none() && stranger.text().contains("AADSTS50020"),
        "{}",
        stranger.text()
    );
    invited(&world, UserType::Guest).await;
    let browser = world.browser();
    let page = come(&browser).await;
    assert!(page.text().contains("CH Demo vous invite"), "{}", page.text());
    let done = submit(&browser, &page, &[("answer", "accept")]).await;
    assert_eq!(done.location(), THERE);
    // Nobody is led anywhere else by it.
    let gone = world
        .browser()
        .get(&world.path("redeem?home=https://evil.example"))
        .await;
    assert_eq!((gone.status.as_u16(), gone.location()), (200, ""));
}

#[tokio::test]
async fn a_guest_accepts_and_signs_in() {
    let world = World::new().await;
    let at_home = paul(&world).await;
    let (guest, address) = invited(&world, UserType::Guest).await;
    let browser = world.browser();
    let done = accept(&world, &browser, &address).await;
    assert_eq!(done.location(), THERE);
    // Signed in at home, they are not asked again.
    let answer = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    let tokens = tokens(&world, &answer).await;
    let (id, access) = (claims(&tokens["id_token"]), claims(&tokens["access_token"]));
    let home = format!("https://login.example:8441/{}/", world.other);
    for token in [&id, &access] {
        assert_eq!(token["oid"], guest.to_string());
        assert_eq!(token["tid"], world.tenant.to_string());
        assert_eq!((&token["idp"], &token["email"]), (&json!(home), &json!(PAUL.0)));
        assert_eq!(token["name"], "Paul Durand");
    }
    assert_eq!(id["preferred_username"], PAUL.0);
    assert_eq!((&access["unique_name"], &access["upn"]), (&json!(PAUL.0), &Value::Null));
    // MSAL knows the account by what it is at home.
    let info = tokens["client_info"].as_str().unwrap();
    let info: Value = serde_json::from_slice(&hygie_jose::base64url::decode(info).unwrap()).unwrap();
    assert_eq!(
        info,
        json!({ "uid": at_home.to_string(), "utid": world.other.to_string() })
    );
    let refreshed = world.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    // The log says between which tenants.
    let log = world.log().await;
    assert!(log.len() > 1, "the sign-in and the renewal");
    for entry in log {
        let shown = entry.shown();
        assert_eq!(
            (&shown["resourceTenantId"], &shown["homeTenantId"]),
            (&json!(world.tenant), &json!(world.other))
        );
    }
    // The invitation is used up.
    let again = world.browser().get(&address).await;
    assert!(again.text().contains("plus valable"), "{}", again.text());
}

#[tokio::test]
async fn who_comes_by_an_application_accepts_and_goes_back_to_it() {
    let world = World::new().await;
    paul(&world).await;
    let (guest, _) = invited(&world, UserType::Guest).await;
    let browser = world.browser();
    let request = world.authorize(world.portal, WEB, &[("state", "s 1&x"), ("prompt", "login")]);
    let sent = world.sign_in_as(&browser, &request, PAUL).await;
    let page = browser.get(sent.location()).await;
    assert!(page.text().contains("CH Demo vous invite"), "{}", page.text());
    // Another language does not lose it.
    assert!(page.text().contains("request="), "{}", page.text());
    let done = submit(&browser, &page, &[("answer", "accept")]).await;
    let back = browser.get(done.location()).await;
    assert_eq!(back.redirect_param("state").as_deref(), Some("s 1&x"));
    let tokens = tokens(&world, &back).await;
    assert_eq!(claims(&tokens["id_token"])["oid"], guest.to_string());
    // What an application did not register is not led to.
    let (browser, (_, address)) = (world.browser(), invited(&world, UserType::Guest).await);
    let foreign = address + "&version=2&request=client_id%3Dx%26redirect_uri%3Dhttps%3A%2F%2Fevil.example";
    let answer = browser.get(&foreign).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[tokio::test]
async fn a_guest_types_the_name_of_home() {
    let world = World::new().await;
    paul(&world).await;
    let (guest, address) = invited(&world, UserType::Guest).await;
    accept(&world, &world.browser(), &address).await;
    let browser = world.browser();
    let answer = world
        .sign_in_as(&browser, &world.authorize(world.portal, WEB, &[]), PAUL)
        .await;
    let first = tokens(&world, &answer).await;
    assert_eq!(claims(&first["id_token"])["oid"], guest.to_string());
    // And again where the application asks for it: by the name of home, once in the list.
    let anew = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "login")]))
        .await;
    assert!(anew.text().contains("ul@ch-autre.example"), "{}", anew.text());
    let answer = submit(&browser, &anew, &[("username", PAUL.0), ("password", PASSWORD)]).await;
    tokens(&world, &answer).await;
    let silent = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert!(silent.redirect_param("code").is_some(), "{}", silent.location());
    let list = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "select_account")]))
        .await;
    assert_eq!(list.text().matches("Paul Durand").count(), 1, "{}", list.text());
    // At all tenants they are at home.
    let home = world
        .authorize(world.portal, WEB, &[("scope", "openid profile")])
        .replace(&world.tenant.to_string(), "organizations");
    let page = browser.get(&home).await;
    assert!(page.text().contains("AADSTS90094"), "{}", page.text());
}

#[tokio::test]
async fn who_was_not_invited_is_of_another_tenant() {
    let world = World::new().await;
    paul(&world).await;
    let request = world.authorize(world.portal, WEB, &[]);
    let browser = world.browser();
    let page = world.sign_in_as(&browser, &request, PAUL).await;
    assert_eq!(page.status, 400);
    for shown in ["AADSTS50020", "select_account", "Portal"] {
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
    let wrong = (PAUL.0, "not the password");
    let page = world.sign_in_as(&world.browser(), &request, wrong).await;
    assert!(!page.text().contains("AADSTS50020"), "{}", page.text());
    // The invitation of somebody else is not theirs.
    let (_, address) = invited(&world, UserType::Guest).await;
    let new = NewUser {
        user_principal_name: "luc@ch-autre.example".to_owned(),
        display_name: "Luc".to_owned(),
        password: Some(Secret::new(PASSWORD.to_owned())),
        ..NewUser::default()
    };
    let directory = world.idp.directory();
    directory.create_user(&world.cx(world.other), new).await.unwrap();
    let browser = world.browser();
    let sent = browser.get(&address).await;
    let other = sent.location().replace("paul", "luc");
    let first = browser.get(&other).await;
    let luc = [("username", "luc@ch-autre.example"), ("password", PASSWORD)];
    let back = submit(&browser, &first, &luc).await;
    let page = browser.get(back.location()).await;
    assert!(page.text().contains("AADSTS50020"), "{}", page.text());
}

#[tokio::test]
async fn who_was_invited_comes_by_any_link() {
    let world = World::new().await;
    paul(&world).await;
    let (guest, _) = invited(&world, UserType::Guest).await;
    let browser = world.browser();
    let sent = world
        .sign_in_as(&browser, &world.authorize(world.portal, WEB, &[]), PAUL)
        .await;
    assert_eq!(sent.status, 303, "{}", sent.text());
    let page = browser.get(sent.location()).await;
    let declined = submit(&browser, &page, &[("answer", "decline")]).await;
    assert!(declined.text().contains("pas accept"), "{}", declined.text());
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    let state = async || {
        let user = directory.find_user_by_id(&cx, guest).await.unwrap().unwrap();
        user.profile.external_user_state.unwrap_or_default()
    };
    assert_eq!(state().await, "PendingAcceptance");
    // A form of another browser accepts nothing.
    let foreign = submit(&world.browser(), &page, &[("answer", "accept")]).await;
    assert!(foreign.text().contains("AADSTS50089"), "{}", foreign.text());
    let done = submit(&browser, &page, &[("answer", "accept")]).await;
    assert_eq!(state().await, "Accepted");
    // They came by an application.
    assert!(browser.get(done.location()).await.redirect_param("code").is_some());
}

#[tokio::test]
async fn a_guest_is_worth_what_the_account_at_home_is() {
    let world = World::new().await;
    let at_home = paul(&world).await;
    let (guest, address) = invited(&world, UserType::Guest).await;
    let browser = world.browser();
    accept(&world, &browser, &address).await;
    let request = world.authorize(world.portal, WEB, &[]);
    let first = tokens(&world, &browser.get(&request).await).await;
    let refresh = first["refresh_token"].as_str().unwrap();
    let (directory, there) = (world.idp.directory(), world.cx(world.other));
    world.clock.advance(std::time::Duration::from_secs(5));
    directory.revoke_user(&world.cx(world.other), at_home).await.unwrap();
    let refused = world.refresh(refresh, &[]).await;
    assert_eq!(refused.json()["error_codes"], json!([50132]), "{}", refused.text());
    let page = browser.get(&request).await;
    assert_eq!(page.status, 200, "asked to sign in again: {}", page.text());
    directory.set_user_enabled(&there, at_home, Enabled::No).await.unwrap();
    let refused = world.refresh(refresh, &[]).await;
    assert_eq!(refused.json()["error_codes"], json!([50057]), "{}", refused.text());
    directory.set_user_enabled(&there, at_home, Enabled::Yes).await.unwrap();
    let (directory, here) = (world.idp.directory(), world.cx(world.tenant));
    directory.set_user_enabled(&here, guest, Enabled::No).await.unwrap();
    let page = world.sign_in_as(&world.browser(), &request, PAUL).await;
    assert!(page.text().contains("AADSTS50057"), "{}", page.text());
}

#[tokio::test]
async fn policies_know_guests() {
    let world = World::new().await;
    paul(&world).await;
    let (_, address) = invited(&world, UserType::Guest).await;
    let browser = world.browser();
    accept(&world, &browser, &address).await;
    let policy = |tenant: String| {
        json!({
            "displayName": "No guests of there", "state": "enabled",
            "conditions": { "clientAppTypes": ["all"], "applications": { "includeApplications": ["All"] },
                "users": { "includeGuestsOrExternalUsers": {
                    "guestOrExternalUserTypes": "b2bCollaborationGuest",
                    "externalTenants": { "@odata.type": "#microsoft.graph.conditionalAccessEnumeratedExternalTenants",
                        "membershipKind": "enumerated", "members": [tenant] } } } },
            "grantControls": { "operator": "OR", "builtInControls": ["block"] },
        })
    };
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    let elsewhere: Policy = read(&policy(world.tenant.to_string())).unwrap();
    directory.create_rule(&cx, elsewhere).await.unwrap();
    let request = world.authorize(world.portal, WEB, &[]);
    tokens(&world, &browser.get(&request).await).await;
    let theirs: Policy = read(&policy(world.other.to_string())).unwrap();
    directory.create_rule(&cx, theirs).await.unwrap();
    let page = browser.get(&request).await;
    assert!(page.text().contains("AADSTS53003"), "{}", page.text());
    let nurse = world.sign_in(&world.browser(), &request).await;
    tokens(&world, &nurse).await;
}

#[tokio::test]
async fn an_application_may_ask_who_is_a_guest() {
    let world = World::new().await;
    paul(&world).await;
    let (_, address) = invited(&world, UserType::Guest).await;
    let browser = world.browser();
    accept(&world, &browser, &address).await;
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    let portal = directory.find_application(&cx, world.portal).await.unwrap().unwrap();
    let mut definition = (*portal.definition).clone();
    definition.optional_claims.id_token = vec![OptionalClaim {
        name: "acct".to_owned(),
        additional_properties: Vec::new(),
    }];
    let change = (portal.display_name.clone(), definition);
    directory.update_application(&cx, portal, change, None).await.unwrap();
    let request = world.authorize(world.portal, WEB, &[]);
    let guest = tokens(&world, &browser.get(&request).await).await;
    assert_eq!(claims(&guest["id_token"])["acct"], 1);
    let nurse = world.sign_in(&world.browser(), &request).await;
    let nurse = tokens(&world, &nurse).await;
    assert_eq!(claims(&nurse["id_token"])["acct"], 0);
}

#[tokio::test]
async fn a_second_factor_of_home_is_none_here() {
    let world = World::new().await;
    let at_home = paul(&world).await;
    let (directory, home) = (world.idp.directory(), world.cx(world.other));
    // A pass is both factors, and whoever administers means there gives it.
    let new = hygie_means::NewPass::default();
    let pass = world.idp.means().create_pass(&home, at_home, new).await.unwrap().value;
    let (_, address) = invited(&world, UserType::Guest).await;
    let browser = world.browser();
    let sent = browser.get(&address).await;
    let first = browser.get(sent.location()).await;
    let other = [("step", "way"), ("way", "pass"), ("username", PAUL.0)];
    let asked = submit(&browser, &first, &other).await;
    assert_eq!(asked.field("step").as_deref(), Some("pass"), "{}", asked.text());
    let back = submit(&browser, &asked, &[("username", PAUL.0), ("proof", pass.expose())]).await;
    let page = browser.get(back.location()).await;
    submit(&browser, &page, &[("answer", "accept")]).await;
    let request = world.authorize(world.portal, WEB, &[]);
    tokens(&world, &browser.get(&request).await).await;
    // Both factors are asked for here: whoever runs the other house could have given them any there.
    let mfa = json!({
        "displayName": "MFA", "state": "enabled",
        "conditions": { "clientAppTypes": ["all"], "applications": { "includeApplications": ["All"] },
            "users": { "includeUsers": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
    });
    let here = world.cx(world.tenant);
    directory
        .create_rule(&here, Policy::from_json(&mfa).unwrap())
        .await
        .unwrap();
    let answer = browser.get(&request).await;
    assert_eq!(answer.redirect_param("code"), None);
    assert!(answer.text().contains("AADSTS50079"), "{}", answer.text());
}

#[tokio::test]
async fn a_pass_of_a_guest_is_found_by_the_name_they_have_here() {
    let world = World::new().await;
    paul(&world).await;
    let (guest, address) = invited(&world, UserType::Guest).await;
    let browser = world.browser();
    let sent = browser.get(&address).await;
    let back = world.sign_in_as(&browser, sent.location(), PAUL).await;
    let page = browser.get(back.location()).await;
    submit(&browser, &page, &[("answer", "accept")]).await;
    let here = world.cx(world.tenant);
    let new = hygie_means::NewPass::default();
    let pass = world.idp.means().create_pass(&here, guest, new).await.unwrap().value;
    world
        .policy(json!({ "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } }))
        .await;
    let asked = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    assert_eq!(asked.field("step").as_deref(), Some("pass"), "{}", asked.text());
    let answer = submit(&browser, &asked, &[("proof", pass.expose())]).await;
    assert!(
        answer.redirect_param("code").is_some(),
        "{} {}",
        answer.status,
        answer.text()
    );
}

#[tokio::test]
async fn an_invitation_is_for_a_name_and_not_for_a_mail_address() {
    let world = World::new().await;
    let (directory, home) = (world.idp.directory(), world.cx(world.other));
    paul(&world).await;
    let new = NewUser {
        user_principal_name: "autre@ch-autre.example".to_owned(),
        display_name: "Autre".to_owned(),
        mail: Some(PAUL.0.to_owned()),
        password: Some(Secret::new(PASSWORD.to_owned())),
        ..NewUser::default()
    };
    let other = directory.create_user(&home, new).await.unwrap();
    let (guest, _) = invited(&world, UserType::Guest).await;
    let here = world.cx(world.tenant);
    let found = directory.find_guest(&here, world.other, &other).await.unwrap();
    assert!(found.is_none());
    let taken = directory.accept_invitation(&here, guest, (world.other, &other)).await;
    assert!(taken.is_err());
}

/// A device that waits for somebody of one establishment gets nobody of another, whatever session a form names.
#[tokio::test]
async fn a_device_is_answered_as_the_guest() {
    let world = World::new().await;
    paul(&world).await;
    let (guest, address) = invited(&world, UserType::Guest).await;
    let browser = world.browser();
    accept(&world, &browser, &address).await;
    let home = browser.get(&format!("/{}/securityinfo", world.other)).await;
    let at_home = home.field("account").unwrap();
    let codes = crate::device::codes(&world).await;
    let page = crate::device::typed(&browser, codes["user_code"].as_str().unwrap()).await;
    // Signed in already, they choose their account.
    let asked = match page.field("step").as_deref() {
        Some("device") => page,
        _ => submit(&browser, &page, &[("account", &at_home)]).await,
    };
    assert_eq!(asked.field("step").as_deref(), Some("device"), "{}", asked.text());
    let refused = submit(&browser, &asked, &[("answer", "yes"), ("account", &at_home)]).await;
    assert_ne!(refused.field("step"), None, "{}", refused.text());
    let done = submit(&browser, &asked, &[("answer", "yes")]).await;
    assert_eq!(done.field("step"), None, "{}", done.text());
    let tokens = crate::device::poll(&world, &codes).await.json();
    assert_eq!(claims(&tokens["access_token"])["oid"], guest.to_string(), "{tokens}");
}

/// However often they come, the stricter of both tenants says when their session ends.
#[tokio::test]
async fn a_guest_stays_no_longer_than_both_tenants_say() {
    let world = World::new().await;
    paul(&world).await;
    let (_, address) = invited(&world, UserType::Guest).await;
    let browser = world.browser();
    accept(&world, &browser, &address).await;
    let directory = world.idp.directory();
    let change = json!({ "maximumLifetimeInMinutes": 60, "inactivityTimeoutInMinutes": 10 });
    directory
        .change_session_lifetime(&world.cx(world.other), change)
        .await
        .unwrap();
    let request = world.authorize(world.portal, WEB, &[]);
    for _ in 0..2 {
        world.clock.advance(Duration::from_mins(5));
        tokens(&world, &browser.get(&request).await).await;
    }
    let here = world.cx(world.tenant);
    let ends = directory.store().read(&here, (), |(), tx| {
        Box::pin(async move {
            let sql = "SELECT MAX(expires_at) FROM idp_session WHERE {i.is}tenant = :tenant";
            let mut row = tx.query_one(sql, &[]).await?.expect("a session");
            row.take::<Timestamp>(0)
        })
    });
    let ends: Result<Timestamp, StoreError> = ends.await;
    assert_eq!(ends.unwrap(), here.now + Duration::from_mins(10));
    world.clock.advance(Duration::from_mins(11));
    let page = browser.get(&request).await;
    assert_eq!(page.status, 200, "asked to sign in again: {}", page.text());
}

/// What was issued to a guest ends with the account at home, whatever calls with it.
#[tokio::test]
async fn who_is_signed_out_at_home_is_so_where_they_are_a_guest() {
    let world = World::new().await;
    let at_home = paul(&world).await;
    let (guest, address) = invited(&world, UserType::Guest).await;
    let browser = world.browser();
    accept(&world, &browser, &address).await;
    let (secret, _) = crate::on_behalf_of::called(&world).await;
    let scope = [("scope", "openid offline_access api://records//read")];
    let answer = browser.get(&world.authorize(world.portal, WEB, &scope)).await;
    let body = tokens(&world, &answer).await;
    let ask = async || crate::on_behalf_of::ask(&world, &secret, &body["access_token"], &[]).await;
    let passed = ask().await;
    assert_eq!(passed.status, 200, "{}", passed.text());
    let (directory, here) = (world.idp.directory(), world.cx(world.tenant));
    world.clock.advance(Duration::from_secs(5));
    let there = world.cx(world.other);
    directory.revoke_user(&there, at_home).await.unwrap();
    assert_eq!(crate::world::code_of(&ask().await), 50_132);
    let user = directory.find_user_by_id(&here, guest).await.unwrap().unwrap();
    assert_eq!(user.valid_from, there.now);
}
