//! Clients that prove themselves by a certificate (`private_key_jwt`).

use std::time::Duration;

use hygie_core::AppId;
use hygie_jose::{Algorithm, Certificate, Protected, SigningKey};
use hygie_oidc::assertion::JWT_BEARER;
use serde_json::{Value, json};

use crate::world::{FHIR, LOGIN, SPA, WEB, World, claims, code_of, exchange};

/// A client's key with its certificate.
struct Pair(SigningKey, Certificate);

impl Pair {
    fn new(world: &World, life: Duration) -> Self {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let now = world.cx(world.tenant).now;
        let certificate = Certificate::self_signed(&key, "client", now, now + life).unwrap();
        Self(key, certificate)
    }

    async fn registered(world: &World, app: AppId) -> Self {
        let pair = Self::new(world, Duration::from_hours(24));
        let cx = world.cx(world.tenant);
        let certificate = pair.1.clone();
        world
            .idp
            .directory()
            .add_certificate(&cx, app, "test", certificate)
            .await
            .unwrap();
        pair
    }

    fn sign(&self, world: &World, app: AppId, audience: &str) -> String {
        let now = world.cx(world.tenant).now.secs();
        let claims = json!({"iss": app, "sub": app, "aud": audience, "jti": "1", "nbf": now, "exp": now + 600});
        let header = Protected::jwt().with_member("x5t#S256", self.1.x5t_s256());
        self.0.sign(&header, &claims).unwrap()
    }
}

/// The fields of an assertion.
fn proof(assertion: &str) -> [(&'static str, &str); 2] {
    [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)]
}

fn endpoint(world: &World) -> String {
    format!("{LOGIN}{}", world.path("oauth2/v2.0/token"))
}

async fn ask(world: &World, assertion: &str) -> (u16, Value) {
    let id = world.portal.to_string();
    let scope = format!("{FHIR}/.default");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &id),
        ("scope", &scope),
    ];
    let answer = world.token(&[&fields[..], &proof(assertion)].concat()).await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn an_application_proves_itself_by_its_certificate() {
    let world = World::new().await;
    let pair = Pair::registered(&world, world.portal).await;
    let (status, body) = ask(&world, &pair.sign(&world, world.portal, &endpoint(&world))).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(claims(&body["access_token"])["appidacr"], "2");
    // The same proof once more: libraries keep it until it ends.
    let kept = pair.sign(&world, world.portal, &endpoint(&world));
    for _ in 0..2 {
        assert_eq!(ask(&world, &kept).await.0, 200);
    }
    // Without `client_id`: the assertion names the client.
    let scope = format!("{FHIR}/.default");
    let fields = [("grant_type", "client_credentials"), ("scope", &scope)];
    let answer = world.token(&[&fields[..], &proof(&kept)].concat()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // The secret is as good as before.
    let body = world.code_flow(&[]).await;
    assert_eq!(claims(&body["access_token"])["appidacr"], "1");
}

#[tokio::test]
async fn a_code_and_its_refresh_token_are_redeemed_by_certificate() {
    let world = World::new().await;
    let pair = Pair::registered(&world, world.portal).await;
    let code = world.code(world.portal, WEB, &[]).await;
    let id = world.portal.to_string();
    let assertion = pair.sign(&world, world.portal, &endpoint(&world));
    let fields = [&exchange(&id, &code, WEB)[..], &proof(&assertion)].concat();
    let body = world.token(&fields).await.json();
    assert_eq!(claims(&body["access_token"])["appidacr"], "2", "{body}");
    let refresh = body["refresh_token"].as_str().unwrap();
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", &id),
        ("refresh_token", refresh),
    ];
    let unproved = world.token(&fields).await;
    assert_eq!(code_of(&unproved), 7_000_218);
    let body = world.token(&[&fields[..], &proof(&assertion)].concat()).await.json();
    assert_eq!(claims(&body["access_token"])["appidacr"], "2", "{body}");
}

#[tokio::test]
async fn what_proves_nothing() {
    let world = World::new().await;
    let pair = Pair::registered(&world, world.portal).await;
    let here = endpoint(&world);
    let code = |answer: (u16, Value)| (answer.0, answer.1["error_codes"][0].as_u64().unwrap());
    // Of nobody's certificate, of another application's, of one that has ended.
    let stranger = Pair::new(&world, Duration::from_hours(1));
    let assertion = stranger.sign(&world, world.portal, &here);
    assert_eq!(code(ask(&world, &assertion).await), (401, 700_027));
    let other = Pair::registered(&world, world.api).await;
    let assertion = other.sign(&world, world.portal, &here);
    assert_eq!(code(ask(&world, &assertion).await), (401, 700_027));
    let assertion = pair.sign(&world, world.api, &here);
    assert_eq!(code(ask(&world, &assertion).await), (401, 50_012));
    // For another tenant, and for nobody we know.
    for audience in [
        format!("{LOGIN}/{}/oauth2/v2.0/token", world.other),
        "https://elsewhere.example/".to_owned(),
    ] {
        let assertion = pair.sign(&world, world.portal, &audience);
        assert_eq!(code(ask(&world, &assertion).await), (401, 50_012), "{audience}");
    }
    // Not one at all; with a secret beside it; of an unknown type.
    assert_eq!(code(ask(&world, "a.b.c").await), (400, 50_027));
    let id = world.portal.to_string();
    let scope = format!("{FHIR}/.default");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &id),
        ("scope", &scope),
    ];
    let assertion = pair.sign(&world, world.portal, &here);
    let both = [&fields[..], &proof(&assertion), &[("client_secret", &world.secret)]].concat();
    assert_eq!(code_of(&world.token(&both).await), 70_002);
    let typed = [
        &fields[..],
        &[("client_assertion", &*assertion), ("client_assertion_type", "x")],
    ]
    .concat();
    assert_eq!(code_of(&world.token(&typed).await), 90_023);
    // Too late.
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(code(ask(&world, &assertion).await), (401, 700_024));
    world.clock.advance(Duration::from_hours(24));
    let assertion = pair.sign(&world, world.portal, &here);
    assert_eq!(code(ask(&world, &assertion).await), (401, 700_027));
}

#[tokio::test]
async fn every_name_of_the_endpoint_is_an_audience() {
    let world = World::new().await;
    let pair = Pair::registered(&world, world.portal).await;
    for end in ["oauth2/v2.0/token", "oauth2/token", "v2.0", ""] {
        let audience = format!("{LOGIN}{}", world.path(end));
        let (status, body) = ask(&world, &pair.sign(&world, world.portal, &audience)).await;
        assert_eq!(status, 200, "{audience}: {body}");
    }
}

#[tokio::test]
async fn a_public_client_proves_nothing_by_certificate_either() {
    let world = World::new().await;
    let pair = Pair::registered(&world, world.spa).await;
    let code = world.code(world.spa, SPA, &[]).await;
    let id = world.spa.to_string();
    let assertion = pair.sign(&world, world.spa, &endpoint(&world));
    let fields = [&exchange(&id, &code, SPA)[..], &proof(&assertion)].concat();
    let path = world.path("oauth2/v2.0/token");
    let origin = [("origin", "https://spa.example")];
    let answer = world.browser().post_with(&path, &origin, &fields).await;
    assert_eq!(code_of(&answer), 700_025);
}
