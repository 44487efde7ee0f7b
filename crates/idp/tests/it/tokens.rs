//! The client credentials grant, and the claims of access tokens.

use hygie_directory::Enabled;
use hygie_testkit::Answer;
use hygie_web::layers::layers;
use serde_json::{Value, json};

use crate::world::{FHIR, LOGIN, World, code_of, open};

async fn app_token(world: &World, other: &[(&str, &str)]) -> Answer {
    let id = world.portal.to_string();
    let scope = format!("{FHIR}/.default");
    let usual = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", world.secret.as_str()),
        ("scope", scope.as_str()),
    ];
    let kept = usual
        .iter()
        .filter(|(name, _)| !other.iter().any(|(changed, _)| changed == name));
    let fields: Vec<(&str, &str)> = kept
        .chain(other.iter().filter(|(_, value)| !value.is_empty()))
        .copied()
        .collect();
    world.token(&fields).await
}

/// The names of the claims in order, and the values but for opaque ones.
fn shown(world: &World, token: &Value) -> Value {
    let token = token.as_str().unwrap();
    let claims = token.split('.').nth(1).unwrap();
    let mut claims: Value = serde_json::from_slice(&hygie_jose::base64url::decode(claims).unwrap()).unwrap();
    let now = world.cx(world.tenant).now.secs();
    for name in ["aio", "rh", "uti", "sid", "sub", "oid"] {
        if let Some(value) = claims.get_mut(name) {
            assert!(value.as_str().unwrap().len() >= 22, "{name} {value}");
            *value = json!("…");
        }
    }
    let exp = claims["exp"].as_i64().unwrap() - now;
    assert!((3600..=5400).contains(&exp), "{exp}");
    claims["exp"] = json!("60 to 90 minutes");
    claims
}

#[tokio::test]
async fn an_application_gets_a_token_of_version_1() {
    let world = World::new().await;
    let principal = world
        .idp
        .directory()
        .find_service_principal(&world.cx, world.portal)
        .await
        .unwrap()
        .unwrap();
    world
        .idp
        .directory()
        .assign_app_role(&world.cx, world.fhir, principal.id, "Reader")
        .await
        .unwrap();
    let answer = app_token(&world, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        (answer.header("cache-control"), answer.header("pragma")),
        ("no-store", "no-cache")
    );
    let body = answer.json();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["token_type", "expires_in", "ext_expires_in", "access_token"]);
    let verified = world.verified(&body["access_token"]);
    assert_eq!(verified.claims.text("oid"), Some(principal.id.to_string().as_str()));
    assert_eq!(verified.claims.subject, Some(principal.id.to_string()));
    let header = body["access_token"]
        .as_str()
        .unwrap()
        .split('.')
        .next()
        .unwrap()
        .to_owned();
    let header: Value = serde_json::from_slice(&hygie_jose::base64url::decode(header).unwrap()).unwrap();
    assert_eq!(
        (&header["typ"], &header["alg"], &header["kid"]),
        (&json!("JWT"), &json!("RS256"), &header["x5t"])
    );
    let claims = serde_json::to_string_pretty(&shown(&world, &body["access_token"])).unwrap();
    insta::assert_snapshot!("app_only_v1", claims.replace(&world.portal.to_string(), "[portal]"));
}

#[tokio::test]
async fn the_resource_decides_the_version_not_the_endpoint() {
    let world = World::new().await;
    let v2_resource = app_token(&world, &[("scope", "api://records//.default")]).await.json();
    let claims = serde_json::to_string_pretty(&shown(&world, &v2_resource["access_token"])).unwrap();
    let claims = claims
        .replace(&world.portal.to_string(), "[portal]")
        .replace(&world.api.to_string(), "[api]");
    insta::assert_snapshot!("app_only_v2", claims);
    // v1 endpoint, v1 resource: numbers as strings.
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &world.portal.to_string()),
        ("client_secret", &world.secret),
        ("resource", FHIR),
    ];
    let v1 = world.browser().post(&world.path("oauth2/token"), &fields).await.json();
    assert_eq!(v1["resource"], FHIR);
    let on: i64 = v1["expires_on"].as_str().unwrap().parse().unwrap();
    let within: i64 = v1["expires_in"].as_str().unwrap().parse().unwrap();
    assert_eq!(on - within, world.cx(world.tenant).now.secs());
    assert_eq!(world.verified(&v1["access_token"]).claims.text("ver"), Some("1.0"));
}

#[tokio::test]
async fn the_audience_is_the_resource_as_asked() {
    let world = World::new().await;
    for (scope, audience) in [
        (format!("{FHIR}/.default"), FHIR.to_owned()),
        (format!("{FHIR}//.default"), format!("{FHIR}/")),
        (format!("{}/.default", world.fhir), world.fhir.to_string()),
    ] {
        let body = app_token(&world, &[("scope", &scope)]).await.json();
        assert_eq!(
            world.verified(&body["access_token"]).claims.audience,
            [audience],
            "{scope}"
        );
    }
}

#[tokio::test]
async fn refusals_of_applications() {
    let world = World::new().await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    let native = world.native.to_string();
    let scope = |text: &str| text.to_owned();
    let fhir = scope(FHIR);
    for (other, status, code, error) in [
        (vec![("client_secret", "wrong")], 401, 7_000_215, "invalid_client"),
        // Whether the resource exists is not told to who has not proved to be the client.
        (
            vec![
                ("client_secret", "wrong"),
                ("scope", "https://nowhere.example/.default"),
            ],
            401,
            7_000_215,
            "invalid_client",
        ),
        (vec![("client_secret", "")], 401, 7_000_218, "invalid_client"),
        (
            vec![("client_secret", ""), ("client_assertion", "a.b.c")],
            400,
            900_144,
            "invalid_request",
        ),
        (vec![("client_id", unknown)], 400, 700_016, "unauthorized_client"),
        (vec![("client_id", "not-a-guid")], 400, 700_016, "unauthorized_client"),
        (vec![("client_id", native.as_str())], 401, 7_000_215, "invalid_client"),
        (vec![("client_id", "")], 400, 900_144, "invalid_request"),
        (
            vec![("scope", "https://nowhere.example/.default")],
            400,
            500_011,
            "invalid_resource",
        ),
        (vec![("scope", fhir.as_str())], 400, 1_002_012, "invalid_scope"),
        (vec![("scope", "openid")], 400, 1_002_012, "invalid_scope"),
        (
            vec![("scope", "api://records//.default api://x/.default")],
            400,
            700_022,
            "invalid_scope",
        ),
        (vec![("scope", "")], 400, 900_144, "invalid_request"),
        (vec![("scope", "a\"b")], 400, 70_011, "invalid_scope"),
        (vec![("resource", FHIR)], 400, 901_002, "invalid_request"),
        (vec![("grant_type", "magic")], 400, 70_003, "unsupported_grant_type"),
        (vec![("grant_type", "")], 400, 900_144, "invalid_request"),
    ] {
        let answer = app_token(&world, &other).await;
        assert_eq!(answer.status, status, "{other:?} {}", answer.text());
        assert_eq!(
            (code_of(&answer), answer.json()["error"].as_str()),
            (code, Some(error)),
            "{other:?}"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(!answer.text().contains(&world.secret), "no secret in an error");
    }
}

#[tokio::test]
async fn malformed_requests() {
    let world = World::new().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let long = format!("grant_type={}", "x".repeat(70_000));
    for (headers, body, status, code) in [
        (vec![form], "grant_type=a&grant_type=a".to_owned(), 400, 9_002_313),
        (vec![form], "grant_type=%ff".to_owned(), 400, 9_002_313),
        (vec![form], long, 400, 9_002_313),
        (
            vec![("content-type", "application/json")],
            "{\"grant_type\":\"client_credentials\"}".to_owned(),
            400,
            9_002_313,
        ),
        (vec![], "grant_type=client_credentials".to_owned(), 400, 9_002_313),
        (vec![form], String::new(), 400, 900_144),
    ] {
        let answer = world
            .browser()
            .send(
                http::Method::POST,
                &world.path("oauth2/v2.0/token"),
                &headers,
                body.clone().into(),
            )
            .await;
        assert_eq!(
            (answer.status.as_u16(), code_of(&answer)),
            (status, code),
            "{headers:?}"
        );
    }
    let get = world.browser().get(&world.path("oauth2/v2.0/token")).await;
    assert_eq!((get.status.as_u16(), code_of(&get)), (405, 900_561));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &world.portal.to_string()),
        ("client_secret", &world.secret),
        ("scope", &format!("{FHIR}/.default")),
    ];
    let common = world.browser().post("/common/oauth2/v2.0/token", &fields).await;
    assert_eq!(code_of(&common), 9_001_023);
    // Who is there already is not told to go there.
    let any = world.browser().post("/organizations/oauth2/v2.0/token", &fields).await;
    assert_eq!((any.status.as_u16(), code_of(&any)), (400, 50_059));
}

#[tokio::test]
async fn the_basic_header_is_url_decoded_and_challenged() {
    use base64::Engine as _;
    let world = World::new().await;
    let body = [
        ("grant_type", "client_credentials"),
        ("scope", &format!("{FHIR}/.default")),
    ];
    let basic = |text: String| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
    let escaped: String = world.secret.chars().map(|c| format!("%{:02X}", c as u32)).collect();
    let good = basic(format!("{}:{escaped}", world.portal));
    let token = world.path("oauth2/v2.0/token");
    let answer = world
        .browser()
        .post_with(&token, &[("authorization", &good)], &body)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let wrong = basic(format!("{}:wrong", world.portal));
    let answer = world
        .browser()
        .post_with(&token, &[("authorization", &wrong)], &body)
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("www-authenticate")),
        (401, "Basic realm=\"login\"")
    );
}

#[tokio::test]
async fn secrets_expire_and_applications_are_disabled() {
    let world = World::new().await;
    world
        .idp
        .directory()
        .set_app_enabled(&world.cx, world.fhir, Enabled::No)
        .await
        .unwrap();
    assert_eq!(code_of(&app_token(&world, &[]).await), 7_000_112);
    world
        .idp
        .directory()
        .set_app_enabled(&world.cx, world.fhir, Enabled::Yes)
        .await
        .unwrap();
    world
        .idp
        .directory()
        .set_requires_assignment(&world.cx, world.fhir, Enabled::Yes)
        .await
        .unwrap();
    assert_eq!(code_of(&app_token(&world, &[]).await), 50_105);
    let principal = world
        .idp
        .directory()
        .find_service_principal(&world.cx, world.portal)
        .await
        .unwrap()
        .unwrap();
    world
        .idp
        .directory()
        .assign_app_role(&world.cx, world.fhir, principal.id, "Writer")
        .await
        .unwrap();
    assert_eq!(app_token(&world, &[]).await.status, 200);
    world.clock.advance(std::time::Duration::from_hours(24 * 365));
    let late = app_token(&world, &[]).await;
    assert_eq!((late.status.as_u16(), code_of(&late)), (401, 7_000_222));
}

#[tokio::test]
async fn ids_of_the_request_are_echoed() {
    let world = World::new().await;
    let id = "7d1f4c7e-58c3-4a3b-9f0e-2b6a1c9d8e11";
    let headers = [("client-request-id", id), ("x-client-current-telemetry", "1|0|")];
    let answer = world
        .browser()
        .post_with(&world.path("oauth2/v2.0/token"), &headers, &[("client_id", "x")])
        .await;
    let body = answer.json();
    assert_eq!(body["correlation_id"], id);
    assert_eq!(body["trace_id"], answer.header("x-ms-request-id"));
    assert_eq!(
        (answer.header("client-request-id"), answer.header("x-ms-clitelem")),
        (id, "1,0,0,,")
    );
    let description = body["error_description"].as_str().unwrap();
    let expected = format!(
        "Trace ID: {} Correlation ID: {id} Timestamp: 2026-11-21 08:30:00Z",
        answer.header("x-ms-request-id")
    );
    assert!(
        description.starts_with("AADSTS900144: ") && description.ends_with(&expected),
        "{description}"
    );
}

#[tokio::test]
async fn another_tenant_needs_its_own_service_principal() {
    let world = World::new().await;
    let fields = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", world.portal.to_string()),
        ("client_secret", world.secret.clone()),
        ("scope", format!("{}/.default", hygie_directory::DIRECTORY_API)),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let path = format!("/{}/oauth2/v2.0/token", world.other);
    assert_eq!(code_of(&world.browser().post(&path, &fields).await), 700_016);
    let other = world.cx(world.other);
    let principal = world
        .idp
        .directory()
        .create_service_principal(&other, world.portal)
        .await
        .unwrap();
    let answer = world.browser().post(&path, &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let claims = world.verified(&answer.json()["access_token"]).claims;
    assert_eq!(claims.issuer, Some(format!("{LOGIN}/{}/", world.other)));
    assert_eq!(claims.text("oid"), Some(principal.id.to_string().as_str()));
    // The FHIR application is for its own tenant only, and the resource is not there.
    assert!(
        world
            .idp
            .directory()
            .create_service_principal(&other, world.fhir)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn changes_are_seen_at_once_here_and_within_a_second_elsewhere() {
    let world = World::new().await;
    let random = std::sync::Arc::new(hygie_testkit::SeededRandom::new(7));
    let second = open(&world.store, &world.clock, &random).await;
    let elsewhere = hygie_testkit::Client::new(&layers(hygie_idp::router(second), &world.layers));
    let (id, path) = (world.portal.to_string(), world.path("oauth2/v2.0/token"));
    let scope = format!("{FHIR}/.default");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", world.secret.as_str()),
        ("scope", scope.as_str()),
    ];
    assert_eq!(app_token(&world, &[]).await.status, 200);
    assert_eq!(elsewhere.post(&path, &fields).await.status, 200);
    world
        .idp
        .directory()
        .set_app_enabled(&world.cx, world.portal, Enabled::No)
        .await
        .unwrap();
    assert_eq!(code_of(&app_token(&world, &[]).await), 7_000_112);
    world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(code_of(&elsewhere.post(&path, &fields).await), 7_000_112);
}

/// The directory API takes its id in any case; no other application may have it for a name, nor is it told so in a token.
#[tokio::test]
async fn a_guid_is_one_name_in_any_spelling() {
    let world = World::new().await;
    let directory = world.idp.directory();
    let cx = world.cx(world.tenant);
    let name = "00000003-0000-0000-C000-000000000000";
    let new = hygie_directory::NewApplication {
        app: None,
        display_name: "Impostor".to_owned(),
        definition: hygie_directory::Definition {
            identifier_uris: vec![name.to_owned()],
            ..hygie_directory::Definition::default()
        },
    };
    assert!(directory.create_application(&cx, new).await.is_err());
    let id = world.portal.to_string();
    let scope = format!("{name}/.default");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", world.secret.as_str()),
        ("scope", scope.as_str()),
    ];
    let token = world.token(&fields).await.json();
    assert_eq!(crate::world::claims(&token["access_token"])["aud"], name.to_lowercase());
}
