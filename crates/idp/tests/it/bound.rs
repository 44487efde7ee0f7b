//! Access tokens of every grant are bound to the certificate that the client showed (RFC 8705 §3).

use std::time::Duration;

use axum::{Extension, Router};
use hygie_jose::{base64url, digest};
use hygie_testkit::{Answer, Client};
use hygie_web::client::ClientCertificate;
use serde_json::{Value, json};

use crate::world::{FHIR, LOOPBACK, WEB, World, claims, code_of, exchange};

const CERTIFICATE: &[u8] = b"a certificate";

/// The router as a listener serves it that asked for this certificate.
fn showing(world: &World) -> Router {
    let shown = ClientCertificate(CERTIFICATE.into());
    world.router.clone().layer(Extension(shown))
}

fn confirmation() -> Value {
    json!({"x5t#S256": base64url::encode(digest::sha256(CERTIFICATE))})
}

async fn ask(world: &World, router: &Router, fields: &[(&str, &str)]) -> Answer {
    Client::new(router).post(&world.path("oauth2/v2.0/token"), fields).await
}

#[tokio::test]
async fn every_grant_binds_to_the_certificate_that_is_shown() {
    let world = World::new().await;
    let back = showing(&world);
    let cx = world.cx(world.tenant);
    let granted = world
        .idp
        .directory()
        .grant_scopes(&cx, (world.api, world.fhir), None, &["user_impersonation"]);
    granted.await.unwrap();
    let life = Duration::from_hours(1);
    let of_api = world
        .idp
        .directory()
        .add_secret(&cx, world.api, "test", life)
        .await
        .unwrap();
    let (portal, api, fhir) = (
        world.portal.to_string(),
        world.api.to_string(),
        format!("{FHIR}/.default"),
    );
    let secret = ("client_secret", world.secret.as_str());
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", &portal),
        secret,
        ("scope", &fhir),
    ];
    let scope = ("scope", "openid offline_access api://records//read");
    let code = world.code(world.portal, WEB, &[scope]).await;
    let code = [&exchange(&portal, &code, WEB)[..], &[secret]].concat();
    let with_code = ask(&world, &back, &code).await.json();
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", portal.as_str()),
        secret,
        ("refresh_token", with_code["refresh_token"].as_str().unwrap()),
    ];
    let on_behalf = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", &api),
        ("client_secret", of_api.value.expose()),
        ("assertion", with_code["access_token"].as_str().unwrap()),
        ("scope", &fhir),
    ];
    assert_eq!(claims(&with_code["access_token"])["cnf"], confirmation());
    assert_eq!(claims(&with_code["id_token"])["cnf"], Value::Null);
    for fields in [&own[..], &refresh, &on_behalf] {
        let answer = ask(&world, &back, fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let bound = answer.json();
        assert_eq!(claims(&bound["access_token"])["cnf"], confirmation(), "{fields:?}");
        let free = ask(&world, &world.router, fields).await.json();
        assert_eq!(claims(&free["access_token"])["cnf"], Value::Null, "{fields:?}");
    }
}

/// RFC 8705 §4 would have their refresh tokens bound too, which they are not.
#[tokio::test]
async fn a_public_client_that_shows_a_certificate_is_refused() {
    let world = World::new().await;
    let back = showing(&world);
    let native = world.native.to_string();
    let code = world.code(world.native, LOOPBACK, &[]).await;
    let code = exchange(&native, &code, LOOPBACK);
    let answer = ask(&world, &back, &code).await;
    assert_eq!((answer.status.as_u16(), code_of(&answer)), (401, 700_025));
    let answer = ask(&world, &world.router, &code).await;
    assert_eq!(answer.status, 200, "the code was not used up: {}", answer.text());
    let token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", &native),
        ("refresh_token", &token),
    ];
    let answer = ask(&world, &back, &refresh).await;
    assert_eq!((answer.status.as_u16(), code_of(&answer)), (401, 700_025));
    assert_eq!(ask(&world, &world.router, &refresh).await.status, 200);
}

/// It is not on the back channel: what is bound does not pass where nobody can show a certificate.
#[tokio::test]
async fn userinfo_takes_a_bound_token_with_its_certificate_alone() {
    let world = World::new().await;
    let back = showing(&world);
    let other = world
        .router
        .clone()
        .layer(Extension(ClientCertificate(b"another"[..].into())));
    let portal = world.portal.to_string();
    let code = world.code(world.portal, WEB, &[("scope", "openid profile")]).await;
    let secret = [("client_secret", world.secret.as_str())];
    let fields = [&exchange(&portal, &code, WEB)[..], &secret].concat();
    let body = ask(&world, &back, &fields).await.json();
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap_or_default());
    for (router, expected) in [(&back, 200), (&other, 401), (&world.router, 401)] {
        let path = world.path("openid/userinfo");
        let answer = Client::new(router).get_with(&path, &[("authorization", &bearer)]).await;
        assert_eq!(answer.status, expected);
    }
}
