//! Issuers that are not ours.

use std::sync::Arc;

use hygie_access::{
    AppRole, AssigneeKind, Instance, Interaction, KeySource, Reason, Role, Scope, TrustedIssuer, derived_id,
};
use hygie_core::{ObjectId, PrincipalKind};
use hygie_jose::Protected;
use serde_json::json;

use crate::world::{AUDIENCE, World, app, assignee, object, tenant};

const KEYCLOAK: &str = "https://keycloak.example/realms/hospital";

#[tokio::test]
async fn an_openid_provider() {
    let world = World::new();
    let keys: Arc<dyn KeySource> = world.keys.clone();
    let gate = world.gate_of(Instance {
        issuers: vec![TrustedIssuer::open_id(KEYCLOAK, tenant(5), keys)],
        ..world.instance()
    });
    let claims = |changes: serde_json::Value| {
        let now = world.now().secs();
        let mut claims = json!({
            "iss": KEYCLOAK, "aud": AUDIENCE, "exp": now + 60, "sub": "f:1:nurse", "azp": "portal", "typ": "Bearer",
            "scope": "openid user_impersonation",
        });
        claims
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        format!("Bearer {}", world.key.sign(&Protected::jwt(), &claims).unwrap())
    };
    let principal = gate.authenticate(Some(&claims(json!({}))), world.now()).await.unwrap();
    assert_eq!(principal.kind, PrincipalKind::User);
    assert_eq!(principal.tenant, tenant(5));
    assert_eq!(
        principal.subject,
        ObjectId::from_uuid(derived_id(KEYCLOAK, "f:1:nurse"))
    );
    assert_eq!(principal.scopes, ["openid", "user_impersonation"]);
    // Its subjects get roles by their derived ids, in the tenant that stands for the issuer.
    let nurse = assignee(tenant(5), principal.subject, AssigneeKind::User);
    let scope: Scope = "/workspaces/demo".parse().unwrap();
    world
        .assignments
        .assign(&world.cx(tenant(1)), nurse, Role::FhirDataReader, scope)
        .await
        .unwrap();
    gate.authorize(&principal, Interaction::Read.on("Patient"))
        .await
        .unwrap();
    // It cannot speak for a tenant of ours.
    let disguised = claims(json!({"tid": tenant(1), "oid": object(1), "ver": "1.0", "appid": app(1)}));
    let principal = gate.authenticate(Some(&disguised), world.now()).await.unwrap();
    assert_eq!((principal.tenant, principal.subject == object(1)), (tenant(5), false));
    // Its id tokens open nothing.
    for id_token in [json!({"typ": "ID"}), json!({"nonce": "n"}), json!({"at_hash": "x"})] {
        let refusal = gate
            .authenticate(Some(&claims(id_token)), world.now())
            .await
            .unwrap_err();
        assert_eq!(refusal.reason(), Reason::TokenType);
    }
    // A client that acts for itself.
    let service = claims(json!({"sub": "batch", "client_id": "batch", "scope": ""}));
    let principal = gate.authenticate(Some(&service), world.now()).await.unwrap();
    assert_eq!(principal.kind, PrincipalKind::App);
}

#[tokio::test]
async fn application_roles_count_where_the_configuration_says_so() {
    let world = World::new();
    let keys: Arc<dyn KeySource> = world.keys.clone();
    let [v1, v2] = TrustedIssuer::of_entra(tenant(3), &keys);
    assert_eq!(v1.issuer, format!("https://sts.windows.net/{}/", tenant(3)));
    assert_eq!(
        v2.issuer,
        format!("https://login.microsoftonline.com/{}/v2.0", tenant(3))
    );
    let granted = AppRole {
        issuer: v1.issuer.clone(),
        tenant: tenant(3),
        value: "Fhir.Write".to_owned(),
        role: Role::FhirDataWriter,
    };
    let gate = world.gate_of(Instance {
        issuers: vec![v1.clone(), v2.clone()],
        app_roles: vec![granted],
        ..world.instance()
    });
    for (issuer, role, outcome) in [
        (&v1.issuer, "Fhir.Write", None),
        (&v1.issuer, "Fhir.Read", Some(Reason::NoRole)),
        (&v2.issuer, "Fhir.Write", Some(Reason::NoRole)),
    ] {
        let claims = json!({
            "iss": issuer, "aud": AUDIENCE, "exp": world.now().secs() + 60, "tid": tenant(3), "oid": object(1),
            "sub": object(1), "appid": app(1), "ver": "1.0", "roles": [role],
        });
        let token = format!("Bearer {}", world.key.sign(&Protected::jwt(), &claims).unwrap());
        let principal = gate.authenticate(Some(&token), world.now()).await.unwrap();
        let refused = gate
            .authorize(&principal, Interaction::Create.on("Patient"))
            .await
            .err();
        assert_eq!(refused.map(|refusal| refusal.reason()), outcome, "{issuer} {role}");
    }
}
