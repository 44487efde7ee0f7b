//! Issuers that are not ours.

use std::sync::Arc;

use hygie_access::{
    AppRole, AssigneeKind, AssignmentError, ClaimNames, EntraCloud, Instance, Interaction, KeySource,
    ProfessionalClaims, Profile, Reason, Role, Scope, Style, TrustedIssuer, derived_id,
};
use hygie_core::{ObjectId, PrincipalKind};
use hygie_jose::Protected;
use serde_json::json;

use crate::world::{AUDIENCE, LOGIN, World, app, assignee, object, tenant};

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
    for id_token in [
        json!({"typ": "ID"}),
        json!({"typ": "ID", "nonce": "n"}),
        json!({"typ": null, "nonce": "n"}),
        json!({"at_hash": "x"}),
    ] {
        let refusal = gate
            .authenticate(Some(&claims(id_token)), world.now())
            .await
            .unwrap_err();
        assert_eq!(refusal.reason(), Reason::TokenType);
    }
    // Keycloak repeated the nonce in access tokens before version 25, and marks these as such.
    let old = claims(json!({"nonce": "n"}));
    assert!(gate.authenticate(Some(&old), world.now()).await.is_ok());
    // A client that acts for itself.
    let service = claims(json!({"sub": "batch", "client_id": "batch", "scope": ""}));
    let principal = gate.authenticate(Some(&service), world.now()).await.unwrap();
    assert_eq!(principal.kind, PrincipalKind::App);
}

#[tokio::test]
async fn application_roles_count_where_the_configuration_says_so() {
    let world = World::new();
    let keys: Arc<dyn KeySource> = world.keys.clone();
    let [v1, v2] = EntraCloud::default().issuers(tenant(3), &keys);
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
            "sub": object(1), "appid": app(1), "azp": app(1), "roles": [role],
            "ver": if *issuer == v1.issuer { "1.0" } else { "2.0" },
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

#[test]
fn issuers_of_national_clouds() {
    let world = World::new();
    let keys: Arc<dyn KeySource> = world.keys.clone();
    let tid = tenant(3);
    for (authority, v1, v2) in [
        (
            "https://login.microsoftonline.us",
            format!("https://sts.windows.net/{tid}/"),
            format!("https://login.microsoftonline.us/{tid}/v2.0"),
        ),
        (
            "https://login.partner.microsoftonline.cn/",
            format!("https://sts.chinacloudapi.cn/{tid}/"),
            format!("https://login.partner.microsoftonline.cn/{tid}/v2.0"),
        ),
        (
            "https://login.other.example",
            format!("https://login.other.example/{tid}/"),
            format!("https://login.other.example/{tid}/v2.0"),
        ),
    ] {
        let issuers = EntraCloud::of(authority).issuers(tid, &keys);
        assert_eq!(issuers.map(|issuer| issuer.issuer), [v1, v2]);
    }
}

#[tokio::test]
async fn claims_of_an_openid_provider_are_read_where_the_configuration_says() {
    let world = World::new();
    let keys: Arc<dyn KeySource> = world.keys.clone();
    let names = ClaimNames {
        subject: "employee".to_owned(),
        groups: Some("/hospital/wards".to_owned()),
        roles: "/realm_access/roles".to_owned(),
        application: Some("clientHost".to_owned()),
    };
    let gate = world.gate_of(Instance {
        issuers: vec![TrustedIssuer {
            style: Style::OpenId(names),
            audiences: vec!["fhir-api".to_owned()],
            professional: Some(ProfessionalClaims {
                national_id: "rpps".to_owned(),
                professions: "/hospital/professions".to_owned(),
                structures: "/hospital/finess".to_owned(),
            }),
            ..TrustedIssuer::open_id(KEYCLOAK, tenant(5), keys)
        }],
        ..world.instance()
    });
    let open = async |changes: serde_json::Value| {
        let mut claims = json!({
            "iss": KEYCLOAK, "aud": ["account", "fhir-api"], "exp": world.now().secs() + 60, "sub": "uuid",
            "azp": "portal", "employee": "E17", "hospital": {"wards": ["cardiology"], "professions": ["10"],
            "finess": ["750000018"]}, "realm_access": {"roles": ["fhir-writer"]}, "roles": ["not-these"],
            "rpps": "899700999990",
        });
        let changes = changes.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(changes);
        let token = world.key.sign(&Protected::jwt(), &claims).unwrap();
        let authorization = format!("Bearer {token}");
        let opened = gate.authenticate(Some(authorization.as_str()), world.now()).await;
        opened.map_err(|refusal| refusal.reason())
    };
    let principal = open(json!({})).await.unwrap();
    assert_eq!(principal.subject.uuid(), derived_id(KEYCLOAK, "E17"));
    let wards: Vec<_> = principal.groups.iter().map(|group| group.uuid()).collect();
    assert_eq!(wards, [derived_id(KEYCLOAK, "cardiology")]);
    assert_eq!(principal.app_roles, ["fhir-writer"]);
    let professional = principal.professional.clone().unwrap();
    assert_eq!(professional.structures, ["750000018"]);
    assert_eq!(open(json!({"aud": "account"})).await.unwrap_err(), Reason::Audience);
    assert_eq!(open(json!({"employee": 17})).await.unwrap_err(), Reason::MissingClaim);
    let service = open(json!({"clientHost": "10.0.0.5"})).await.unwrap();
    assert_eq!((service.kind, service.professional.clone()), (PrincipalKind::App, None));
}

#[tokio::test]
async fn a_profession_counts_only_from_issuers_that_vouch_for_it() {
    let world = World::new();
    let keys: Arc<dyn KeySource> = world.keys.clone();
    let [ours, _] = TrustedIssuer::of_tenant(LOGIN, tenant(1), &keys);
    let [theirs, _] = EntraCloud::default().issuers(tenant(1), &keys);
    let gate = world.gate_of(Instance {
        issuers: vec![ours.clone(), theirs.clone()],
        ..world.instance()
    });
    let profile = Profile::new(tenant(1), ["10"], ["1750000018"]).unwrap();
    let scope: Scope = "/workspaces/demo/fhir/fhir".parse().unwrap();
    let cx = world.cx(tenant(1));
    let assigned = world
        .assignments
        .assign(&cx, profile.clone(), Role::FhirDataReader, scope.clone())
        .await
        .unwrap();
    let again = world
        .assignments
        .assign(&cx, profile, Role::FhirDataReader, scope)
        .await;
    assert!(matches!(again, Err(AssignmentError::Exists)), "{again:?}");
    let listed = world.assignments.list(&cx).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&assigned));
    let outcome = async |issuer: &TrustedIssuer, changes: serde_json::Value| {
        let mut claims = json!({
            "iss": issuer.issuer, "aud": AUDIENCE, "exp": world.now().secs() + 60, "tid": tenant(1), "oid": object(1),
            "sub": "pairwise", "appid": app(1), "ver": "1.0", "scp": "user_impersonation",
            "psc_national_id": "899700999990", "psc_professions": [{"code": "10", "category": "C"}],
            "psc_structures": ["1750000018"],
        });
        let members = claims.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        let authorization = format!("Bearer {}", world.key.sign(&Protected::jwt(), &claims).unwrap());
        let opened = gate
            .authenticate(Some(authorization.as_str()), world.now())
            .await
            .unwrap();
        let refused = gate.authorize(&opened, Interaction::Read.on("Patient")).await.err();
        refused.map(|refusal| refusal.reason())
    };
    assert_eq!(outcome(&ours, json!({})).await, None);
    assert_eq!(outcome(&theirs, json!({})).await, Some(Reason::NoRole));
    for refused in [
        json!({"psc_professions": [{"code": "60", "category": "C"}]}),
        json!({"psc_professions": [{"code": "10", "category": "E"}]}),
        json!({"psc_structures": ["1750000019"]}),
        json!({"psc_national_id": null}),
        // An application has no profession, whatever it says.
        json!({"sub": object(1), "scp": null}),
    ] {
        assert_eq!(outcome(&ours, refused.clone()).await, Some(Reason::NoRole), "{refused}");
    }
    world.assignments.remove(&cx, assigned.id).await.unwrap().unwrap();
    assert_eq!(outcome(&ours, json!({})).await, Some(Reason::NoRole));
}
