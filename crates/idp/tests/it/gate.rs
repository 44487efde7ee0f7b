//! Our tokens at the gate of a data service in the same process: from the token endpoint to the principal.

use std::sync::Arc;
use std::time::Duration;

use hygie_access::{
    Assignments, Gate, Instance, Kind, Origin, Reason, Revocations, Revoked, RoleSemantics, TrustedIssuer,
};
use hygie_core::{AppId, PrincipalKind};
use hygie_testkit::{SeededRandom, TemporaryStore};
use serde_json::Value;

use crate::world::{FHIR, LOGIN, WEB, World, code_of, open};

fn gate(world: &World, assignments: &TemporaryStore) -> Gate {
    service_of(world, world.fhir, assignments)
}

/// The gate of a service that is this application.
fn service_of(world: &World, app: AppId, assignments: &TemporaryStore) -> Gate {
    let random = Arc::new(SeededRandom::new(3));
    let assignments = Assignments::new(assignments.store.clone(), world.clock.clone(), random);
    let instance = Instance {
        kind: Kind::Fhir,
        workspace: "demo".to_owned(),
        name: "fhir".to_owned(),
        tenant: world.tenant,
        audiences: vec![FHIR.to_owned()],
        app: Some(app),
        authority: format!("{LOGIN}/{}", world.tenant),
        issuers: TrustedIssuer::of_tenant(LOGIN, world.tenant, &world.idp.key_source()).into(),
        semantics: RoleSemantics::Documented,
        app_roles: Vec::new(),
    };
    Gate::new(instance, Arc::new(assignments), Arc::new(world.idp.directory().clone()))
}

fn header(body: &Value) -> String {
    format!("Bearer {}", body["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn persons_and_applications_are_told_apart_and_revoked() {
    let world = World::new().await;
    let store = TemporaryStore::new("assignments", hygie_access::MIGRATIONS, &world.clock).await;
    let gate = gate(&world, &store);
    let now = world.cx(world.tenant).now;
    let person = header(&world.code_flow(&[]).await);
    let principal = gate.authenticate(Some(&person), now).await.unwrap();
    assert_eq!(
        (principal.kind, principal.subject, principal.app),
        (PrincipalKind::User, world.nurse, Some(world.portal))
    );
    assert_eq!(principal.scopes, ["user_impersonation"]);
    assert!(principal.session.is_some());

    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &world.portal.to_string()),
        ("client_secret", &world.secret),
        ("scope", &format!("{FHIR}/.default")),
    ];
    let app = header(&world.token(&fields).await.json());
    let principal = gate.authenticate(Some(&app), now).await.unwrap();
    assert_eq!((principal.kind, principal.tenant), (PrincipalKind::App, world.tenant));

    let elsewhere = header(&world.code_flow(&[("scope", "openid api://records//read")]).await);
    let refused = gate.authenticate(Some(&elsewhere), now).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::Audience, "a token for another resource");

    // Keys made after the gate was are found when a token names them.
    world.clock.advance(Duration::from_secs(10));
    for _ in 0..2 {
        world.idp.rotate_keys(hygie_idp::Rotation::Now).await.unwrap();
    }
    let later = header(&world.token(&fields).await.json());
    assert!(gate.authenticate(Some(&later), now).await.is_ok());

    world
        .idp
        .directory()
        .revoke_user(&world.cx(world.tenant), world.nurse)
        .await
        .unwrap();
    let revoked = gate.authenticate(Some(&person), now).await.unwrap_err();
    assert_eq!(
        revoked.reason(),
        Reason::UserRevoked,
        "though the token is known and alive"
    );
    assert!(
        gate.authenticate(Some(&app), now).await.is_ok(),
        "the application is not the person"
    );
}

#[tokio::test]
async fn what_came_of_a_stolen_grant_is_accepted_no_more() {
    let world = World::new().await;
    let store = TemporaryStore::new("assignments", hygie_access::MIGRATIONS, &world.clock).await;
    let gate = gate(&world, &store);
    let now = || world.cx(world.tenant).now;
    let code = async |scope: &str| {
        let request = world.authorize(world.portal, WEB, &[("scope", scope)]);
        let answer = world.sign_in(&world.browser(), &request).await;
        answer.redirect_param("code").expect("a code")
    };
    let refused =
        async |gate: &Gate, token: &str| gate.authenticate(Some(token), now()).await.err().map(|r| r.reason());

    // A code used twice, with and without a refresh token: all of its tokens, and no other's, in the same second.
    let other = header(&world.code_flow(&[]).await);
    for scope in [
        format!("openid {FHIR}/user_impersonation"),
        format!("openid offline_access {FHIR}/user_impersonation"),
    ] {
        let code = code(&scope).await;
        let body = world.redeem(&code).await.json();
        let mut tokens = vec![header(&body)];
        if let Some(refresh) = body["refresh_token"].as_str() {
            tokens.push(header(&world.refresh(refresh, &[]).await.json()));
        }
        for token in &tokens {
            assert_eq!(refused(&gate, token).await, None, "{scope}");
        }
        assert_eq!(code_of(&world.redeem(&code).await), 54_005);
        for token in &tokens {
            assert_eq!(refused(&gate, token).await, Some(Reason::GrantRevoked), "{scope}");
        }
    }
    assert_eq!(refused(&gate, &other).await, None, "another grant of the same person");

    // A refresh token used again after its grace.
    let first = world.code_flow(&[]).await;
    let refresh = first["refresh_token"].as_str().unwrap();
    let second = header(&world.refresh(refresh, &[]).await.json());
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(code_of(&world.refresh(refresh, &[]).await), 50_173);
    for token in [&header(&first), &second] {
        assert_eq!(refused(&gate, token).await, Some(Reason::GrantRevoked));
    }

    // Another process reads it from the store; nothing is kept longer than the tokens live.
    let random = Arc::new(SeededRandom::new(4));
    let elsewhere = open(&world.store, &world.clock, &random).await.directory().clone();
    let rh = |header: &str| {
        let token = Value::from(header.trim_start_matches("Bearer "));
        world.verified(&token).claims.text("rh").map(Box::from)
    };
    let origin = |header: &str| Origin {
        tenant: world.tenant,
        subject: world.nurse,
        session: None,
        issued_at: None,
        rh: rh(header),
    };
    assert_eq!(elsewhere.revoked(&origin(&second)), Some(Revoked::Grant));
    assert_eq!(elsewhere.revoked(&origin(&other)), None);
    world.clock.advance(Duration::from_hours(6));
    world.idp.maintain().await.unwrap();
    assert_eq!(world.idp.directory().revoked(&origin(&second)), None);
}

#[tokio::test]
async fn an_id_token_opens_nothing() {
    let world = World::new().await;
    let store = TemporaryStore::new("assignments", hygie_access::MIGRATIONS, &world.clock).await;
    let now = world.cx(world.tenant).now;
    let body = world.code_flow(&[]).await;
    let id_token = format!("Bearer {}", body["id_token"].as_str().unwrap());
    let refused = gate(&world, &store)
        .authenticate(Some(&id_token), now)
        .await
        .unwrap_err();
    assert_eq!(refused.reason(), Reason::Audience);
    // Nor where people sign in to the application of the service itself, whose id is an audience of it.
    let itself = service_of(&world, world.portal, &store);
    let refused = itself.authenticate(Some(&id_token), now).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::TokenType);
    // Version 1 of it neither.
    let request = world.authorize(
        world.portal,
        WEB,
        &[("response_type", "id_token"), ("resource", FHIR), ("scope", "")],
    );
    let request = request.replace("oauth2/v2.0/authorize", "oauth2/authorize");
    let answer = world.sign_in(&world.browser(), &request).await;
    let id_token = format!("Bearer {}", answer.redirect_param("id_token").expect("an id token"));
    let refused = itself.authenticate(Some(&id_token), now).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::TokenType);
}
