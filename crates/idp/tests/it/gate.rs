//! Our tokens at the gate of a data service in the same process: from the token endpoint to the principal.

use std::sync::Arc;
use std::time::Duration;

use hygie_access::{Assignments, Gate, Instance, Kind, Reason, RoleSemantics, TrustedIssuer};
use hygie_core::PrincipalKind;
use hygie_testkit::{SeededRandom, TemporaryStore};
use serde_json::Value;

use crate::world::{FHIR, LOGIN, World};

fn gate(world: &World, assignments: &TemporaryStore) -> Gate {
    let random = Arc::new(SeededRandom::new(3));
    let assignments = Assignments::new(assignments.store.clone(), world.clock.clone(), random);
    let instance = Instance {
        kind: Kind::Fhir,
        workspace: "demo".to_owned(),
        name: "fhir".to_owned(),
        tenant: world.tenant,
        audiences: vec![FHIR.to_owned()],
        app: Some(world.fhir),
        authority: format!("{LOGIN}/{}", world.tenant),
        issuers: TrustedIssuer::of_tenant(LOGIN, world.tenant, &world.idp.key_source()).into(),
        semantics: RoleSemantics::Documented,
        app_roles: Vec::new(),
    };
    Gate::new(instance, Arc::new(assignments), world.idp.revocations())
}

fn header(body: &Value) -> String {
    format!("Bearer {}", body["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn persons_and_applications_are_told_apart_and_revoked() {
    let world = World::new().await;
    let store = TemporaryStore::new("assignments", hygie_access::MIGRATIONS, &world.clock);
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
