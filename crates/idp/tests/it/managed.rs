//! Managed identities: a program of this machine shows the secret of its workload and gets tokens of its identities.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hygie_access::OwnIdentity;
use hygie_core::{AppId, ObjectId};
use hygie_idp::token::Recognised;
use hygie_testkit::{Answer, Client};
use serde_json::Value;

use crate::world::{FHIR, World, claims, code_of};

const NAME: &str = "fhir-export";

struct Managed {
    world: World,
    header: String,
    own: (ObjectId, AppId),
    shared: (ObjectId, AppId),
    /// The listener with both forms.
    router: Router,
}

async fn managed() -> Managed {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let made = world.idp.directory().create_workload(&cx, NAME).await.unwrap();
    let shared = world
        .idp
        .directory()
        .create_user_assigned_identity(&cx, "exports")
        .await
        .unwrap();
    world
        .idp
        .directory()
        .assign_identity(&cx, NAME, shared.id)
        .await
        .unwrap();
    let imds = Recognised {
        tenant: world.tenant,
        workload: NAME.to_owned(),
    };
    let router = hygie_idp::managed_identity_router(world.idp.clone(), Some(imds));
    Managed {
        router: hygie_web::layers::layers(router, &world.layers),
        header: made.header.expose().clone(),
        own: (made.identity.id, made.identity.app),
        shared: (shared.id, shared.app),
        world,
    }
}

impl Managed {
    async fn ask(&self, header: &str, query: &[(&str, &str)]) -> Answer {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        let headers = [("x-identity-header", header)];
        Client::new(&self.router)
            .get_with(&format!("/msi/token?{query}"), &headers)
            .await
    }

    async fn token(&self, more: &[(&str, &str)]) -> Answer {
        let usual = [("api-version", "2019-08-01"), ("resource", FHIR)];
        self.ask(&self.header, &[&usual, more].concat()).await
    }

    async fn imds(&self, headers: &[(&str, &str)], query: &str) -> Answer {
        let address = format!("/metadata/identity/oauth2/token?{query}");
        Client::new(&self.router).get_with(&address, headers).await
    }
}

fn message(answer: &Answer) -> (u64, String) {
    let body = answer.json();
    assert_eq!(body["statusCode"], answer.status.as_u16(), "{body}");
    (
        body["statusCode"].as_u64().unwrap(),
        body["message"].as_str().unwrap().to_owned(),
    )
}

#[tokio::test]
async fn a_program_gets_a_token_of_its_own_identity() {
    let managed = managed().await;
    let cx = managed.world.cx(managed.world.tenant);
    let idp = &managed.world.idp;
    idp.directory()
        .assign_app_role(&cx, managed.world.fhir, managed.own.0, "Reader")
        .await
        .unwrap();
    let answer = managed.token(&[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let said = claims(&body["access_token"]);
    managed.world.verified(&body["access_token"]);
    let tenant = managed.world.tenant;
    let mirid = format!("/subscriptions/{tenant}/resourcegroups/hygie/providers/Microsoft.Web/sites/{NAME}");
    for (claim, expected) in [
        ("aud", FHIR),
        ("ver", "1.0"),
        ("appid", &managed.own.1.to_string()),
        ("appidacr", "2"),
        ("idtyp", "app"),
        ("oid", &managed.own.0.to_string()),
        ("sub", &managed.own.0.to_string()),
        ("tid", &tenant.to_string()),
        ("xms_mirid", &mirid),
    ] {
        assert_eq!(said[claim], expected, "{claim}");
    }
    assert_eq!(said["roles"], serde_json::json!(["Reader"]));
    assert_eq!(body["client_id"], managed.own.1.to_string());
    assert_eq!(
        (&body["resource"], &body["token_type"]),
        (&FHIR.into(), &"Bearer".into())
    );
    assert_eq!(body["expires_on"], said["exp"].to_string());
    assert_eq!(answer.header("cache-control"), "no-store");
    let recorded = managed.world.recorded().await;
    let token = recorded
        .iter()
        .find(|record| record.action == "idp.token.identity")
        .unwrap();
    let actor = token.actor.as_ref().unwrap();
    assert_eq!(actor.subject, managed.own.0);
}

#[tokio::test]
async fn its_identities_are_named_in_each_way() {
    let managed = managed().await;
    let tenant = managed.world.tenant;
    let mirid = format!(
        "/subscriptions/{tenant}/resourceGroups/hygie/providers/Microsoft.ManagedIdentity/userAssignedIdentities/exports"
    );
    let (object, app) = (managed.shared.0.to_string(), managed.shared.1.to_string());
    for (name, value) in [
        ("client_id", &app),
        ("object_id", &object),
        ("principal_id", &object),
        ("mi_res_id", &mirid),
    ] {
        let body = managed.token(&[(name, value)]).await.json();
        assert_eq!(claims(&body["access_token"])["oid"], object.as_str(), "{name}");
    }
}

#[tokio::test]
async fn what_is_refused() {
    let managed = managed().await;
    let cx = managed.world.cx(managed.world.tenant);
    let other = managed
        .world
        .idp
        .directory()
        .create_workload(&cx, "other")
        .await
        .unwrap();
    let good = [("api-version", "2019-08-01"), ("resource", FHIR)];
    for header in ["", "wrong", &managed.header[1..], &"x".repeat(300)] {
        let (status, told) = message(&managed.ask(header, &good).await);
        assert_eq!(status, 401, "{header} {told}");
    }
    let app = other.identity.app.to_string();
    for (query, status, part) in [
        // The identity of another workload, one that nobody has, two at once.
        (
            &[good[0], good[1], ("client_id", app.as_str())][..],
            400,
            "Identity not found",
        ),
        (&[good[0], good[1], ("client_id", "x")], 400, "Identity not found"),
        (&[good[0], good[1], ("mi_res_id", "/x")], 400, "Identity not found"),
        (
            &[good[0], good[1], ("client_id", app.as_str()), ("mi_res_id", "/x")],
            400,
            "More than one",
        ),
        (&[good[0], ("resource", "https://nobody.example")], 400, "AADSTS500011"),
        (&[good[0]], 400, "resource is missing"),
        (&[("api-version", "2017-09-01"), good[1]], 400, "api-version"),
        (&[good[1]], 400, "api-version"),
        (&[good[0], good[1], good[1]], 400, "AADSTS9002313"),
    ] {
        let told = message(&managed.ask(&managed.header, query).await);
        assert!(told.0 == status && told.1.contains(part), "{query:?} {told:?}");
    }
    // What is its own is assigned to nobody else.
    let assigned = managed
        .world
        .idp
        .directory()
        .assign_identity(&cx, "other", managed.own.0)
        .await;
    assert!(assigned.is_err());
    // Nor does a managed identity have a secret for the token endpoint.
    let client = managed.own.1.to_string();
    let scope = format!("{FHIR}/.default");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client.as_str()),
        ("client_secret", &managed.header),
        ("scope", &scope),
    ];
    assert_eq!(code_of(&managed.world.token(&fields).await), 7_000_215);
}

#[tokio::test]
async fn a_workload_ends_and_its_secret_changes() {
    let managed = managed().await;
    let cx = managed.world.cx(managed.world.tenant);
    let renewed = managed
        .world
        .idp
        .directory()
        .renew_workload_header(&cx, NAME)
        .await
        .unwrap();
    assert_eq!(managed.token(&[]).await.status, 401);
    let good = [("api-version", "2019-08-01"), ("resource", FHIR)];
    assert_eq!(managed.ask(renewed.expose(), &good).await.status, 200);
    managed.world.idp.directory().remove_workload(&cx, NAME).await.unwrap();
    assert_eq!(managed.ask(renewed.expose(), &good).await.status, 401);
    // Its own identity is gone, the shared one is not.
    let found = |app| managed.world.idp.directory().find_service_principal(&cx, app);
    assert!(found(managed.own.1).await.unwrap().is_none());
    assert!(found(managed.shared.1).await.unwrap().is_some());
}

#[tokio::test]
async fn tenants_do_not_see_each_other() {
    let managed = managed().await;
    let cx = managed.world.cx(managed.world.other);
    assert!(
        managed
            .world
            .idp
            .directory()
            .find_workload(&cx, NAME)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        managed
            .world
            .idp
            .directory()
            .find_user_assigned_identity(&cx, "exports")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        managed
            .world
            .idp
            .directory()
            .renew_workload_header(&cx, NAME)
            .await
            .is_err()
    );
    assert!(managed.world.idp.directory().remove_workload(&cx, NAME).await.is_err());
    // The same name there is another workload.
    let other = managed.world.idp.directory().create_workload(&cx, NAME).await.unwrap();
    let body = managed
        .ask(
            other.header.expose(),
            &[("api-version", "2019-08-01"), ("resource", FHIR)],
        )
        .await;
    assert_eq!(message(&body).0, 400);
    assert_eq!(managed.token(&[]).await.status, 200);
    assert!(
        managed
            .world
            .idp
            .directory()
            .assign_identity(&cx, NAME, managed.shared.0)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn the_form_of_virtual_machines() {
    let managed = managed().await;
    let query = format!("api-version=2018-02-01&resource={FHIR}");
    let here = [("metadata", "true"), ("host", "127.0.0.1:8454")];
    let answer = managed.imds(&here, &query).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    for member in ["expires_in", "expires_on", "not_before", "refresh_token"] {
        assert!(body[member].is_string(), "{member}");
    }
    assert_eq!(claims(&body["access_token"])["oid"], managed.own.0.to_string());
    let forwarded = [here[0], here[1], ("x-forwarded-for", "192.0.2.1")];
    let renamed = [here[0], ("host", "rebound.example:8454")];
    for (headers, error) in [
        (&here[1..], "bad_request_102"),
        (&forwarded[..], "bad_request_103"),
        (&renamed, "bad_request_103"),
    ] {
        let refused = managed.imds(headers, &query).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]),
            (400, &Value::from(error))
        );
    }
    let unknown = managed
        .imds(&here, "api-version=2018-02-01&resource=https://x.example")
        .await;
    assert_eq!(unknown.json()["error"], "invalid_resource");
    // It is not there where it is not asked for.
    let router = hygie_idp::managed_identity_router(managed.world.idp.clone(), None);
    let router = hygie_web::layers::layers(router, &managed.world.layers);
    let answer = Client::new(&router)
        .get_with("/metadata/identity/oauth2/token?x=1", &here)
        .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn our_own_services_have_an_identity_too() {
    let managed = managed().await;
    let own: Arc<dyn OwnIdentity> = managed.world.idp.own_identity(managed.world.tenant, NAME);
    let token = own.token(FHIR).await.unwrap();
    let said = claims(&Value::from(token.token.expose().as_str()));
    assert_eq!(said["oid"], managed.own.0.to_string());
    // Kept for half of its life.
    managed.world.clock.advance(Duration::from_mins(29));
    assert_eq!(own.token(FHIR).await.unwrap().token.expose(), token.token.expose());
    managed.world.clock.advance(Duration::from_mins(17));
    assert_ne!(own.token(FHIR).await.unwrap().token.expose(), token.token.expose());
    let refused = own.token("https://nobody.example").await.unwrap_err();
    assert_eq!(refused.resource, "https://nobody.example");
    let nobody = managed.world.idp.own_identity(managed.world.other, NAME);
    assert!(nobody.token(FHIR).await.is_err());
}
