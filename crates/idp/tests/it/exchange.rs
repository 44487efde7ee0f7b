//! An access token of Pro Santé Connect becomes one of ours, over HTTP to a stand-in of it.

use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hygie_access::{
    Discovered, Document, EgressPolicy, Origin, Outgoing, Revocations as _, Revoked, ThumbprintForm, derived_id,
};
use hygie_core::{AppId, Clock, ObjectId, Secret, Timestamp};
use hygie_directory::Enabled;
use hygie_idp::{Exchanges, Idp, PscClient, TrustedPsc};
use hygie_jose::{base64url, digest};
use hygie_store::audit::Outcome;
use hygie_testkit::{Answer, Client, FakePsc, PSC_CLIENT, PSC_SERVICE, SeededRandom};
use hygie_web::client::ClientCertificate;
use serde_json::{Value, json};

use crate::world::{FHIR, SPA, World, claims, code_of, edge, open_with};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const DOCTOR: &str = "899700999990";
const HERE: &str = "F0B0999999";
const CERTIFICATE: &[u8] = b"a certificate";

/// A tenant whose portal exchanges the tokens of one service.
pub struct Exchange {
    pub world: World,
    psc: FakePsc,
    idp: Idp,
    router: Router,
}

impl Exchange {
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut TrustedPsc)) -> Self {
        Self::with_world(|_, trusted| change(trusted)).await
    }

    async fn with_world(change: impl FnOnce(&World, &mut TrustedPsc)) -> Self {
        let world = World::new().await;
        let psc = FakePsc::start(world.clock.clone()).await;
        let outgoing = Outgoing::new(EgressPolicy {
            private_hosts: vec![psc.host()],
            ..EgressPolicy::default()
        });
        let outgoing = outgoing.unwrap();
        let document = Document::of_psc(psc.issuer());
        let (client_id, client_secret) = PSC_CLIENT;
        let mut trusted = TrustedPsc {
            tenant: world.tenant,
            issuer: psc.issuer(),
            metadata: Discovered::new(outgoing.clone(), document, world.clock.clone()),
            client_id: client_id.to_owned(),
            client_secret: Secret::new(client_secret.to_owned()),
            clients: vec![of(world.portal, &[PSC_SERVICE])],
            thumbprint: ThumbprintForm::HexText,
            life: None,
        };
        change(&world, &mut trusted);
        let clock: Arc<dyn Clock> = world.clock.clone();
        let exchanges = Exchanges::new(&outgoing, &clock, vec![trusted]);
        let random = Arc::new(SeededRandom::new(7));
        let idp = open_with(&world.store, (&world.clock, &random), Some(exchanges)).await;
        let layers = edge(&world.trail, &world.clock, &random);
        let router = hygie_web::layers::layers(hygie_idp::router(idp.clone()), &layers);
        Self {
            world,
            psc,
            idp,
            router,
        }
    }

    /// A token of the doctor, with these claims changed.
    pub fn token(&self, changes: &Value) -> String {
        let mut claims = self.psc.claims(DOCTOR);
        let members = claims.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        self.psc.issue(&claims, &FakePsc::person(DOCTOR, ("10", "C"), &[HERE]))
    }

    /// Asks as the portal; `changed` replaces or adds fields, an empty value removes one.
    pub async fn ask(&self, token: &str, changed: &[(&str, &str)]) -> Answer {
        self.ask_at(&self.router, token, changed).await
    }

    async fn ask_at(&self, router: &Router, token: &str, changed: &[(&str, &str)]) -> Answer {
        let id = self.world.portal.to_string();
        let scope = format!("{FHIR}/user_impersonation");
        let usual = [
            ("grant_type", GRANT),
            ("client_id", id.as_str()),
            ("client_secret", self.world.secret.as_str()),
            ("subject_token", token),
            ("subject_token_type", ACCESS_TOKEN),
            ("scope", scope.as_str()),
        ];
        let kept = usual
            .iter()
            .filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        let fields: Vec<_> = kept
            .chain(changed)
            .filter(|(_, value)| !value.is_empty())
            .copied()
            .collect();
        let path = self.world.path("oauth2/v2.0/token");
        Client::new(router).post(&path, &fields).await
    }

    /// The router as a listener serves it that asked for this certificate.
    fn showing(&self, certificate: &[u8]) -> Router {
        self.router
            .clone()
            .layer(Extension(ClientCertificate(certificate.into())))
    }
}

fn of(app: AppId, services: &[&str]) -> PscClient {
    PscClient {
        app,
        services: services.iter().map(|&service| service.to_owned()).collect(),
    }
}

/// As the Agence du Numérique en Santé writes it.
fn hex_thumbprint(certificate: &[u8]) -> String {
    let digits: String = digest::sha256(certificate)
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    STANDARD.encode(digits)
}

fn error(answer: &Answer) -> (u16, String, u64) {
    let error = answer.json()["error"].as_str().unwrap().to_owned();
    (answer.status.as_u16(), error, code_of(answer))
}

#[tokio::test]
async fn a_token_tells_who_the_professional_is() {
    let exchange = Exchange::new().await;
    let answer = exchange.ask(&exchange.token(&json!({})), &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body["issued_token_type"], ACCESS_TOKEN);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 120, "no longer than the token that was exchanged");
    assert_eq!(body["scope"], format!("{FHIR}/user_impersonation"));
    assert_eq!(
        (&body["refresh_token"], &body["id_token"]),
        (&Value::Null, &Value::Null)
    );
    let told = exchange.world.verified(&body["access_token"]).claims;
    let now = exchange.world.clock.now();
    assert_eq!(told.audience, [FHIR]);
    assert_eq!(told.expires_at, Some(now + Duration::from_mins(2)));
    let person = derived_id(&exchange.psc.issuer(), DOCTOR).to_string();
    for (name, value) in [
        ("oid", json!(person)),
        ("appid", json!(exchange.world.portal)),
        ("appidacr", json!("1")),
        ("idp", json!(exchange.psc.issuer())),
        ("tid", json!(exchange.world.tenant)),
        ("scp", json!("user_impersonation")),
        ("name", json!("ALIX EXEMPLE")),
        ("psc_national_id", json!(DOCTOR)),
        ("psc_professions", json!([{"code": "10", "category": "C"}])),
        ("psc_structures", json!([HERE])),
    ] {
        assert_eq!(told.members.get(name), Some(&value), "{name}");
    }
    for absent in ["cnf", "act", "roles", "groups", "upn"] {
        assert_eq!(told.members.get(absent), None, "{absent}");
    }
    // The same person has the same id, whatever Pro Santé Connect calls them.
    let renamed = exchange.psc.claims(DOCTOR);
    let mut user = FakePsc::person(DOCTOR, ("10", "C"), &[HERE]);
    user["sub"] = json!("00000000-0000-4000-8000-000000000009");
    let renamed = json!({"sub": user["sub"], "azp": renamed["azp"]});
    let mut claims_of = exchange.psc.claims(DOCTOR);
    claims_of
        .as_object_mut()
        .unwrap()
        .extend(renamed.as_object().unwrap().clone());
    let token = exchange.psc.issue(&claims_of, &user);
    let body = exchange.ask(&token, &[]).await.json();
    assert_eq!(claims(&body["access_token"])["oid"], person);
}

#[tokio::test]
async fn a_token_of_version_2_and_the_ways_to_name_the_resource() {
    let exchange = Exchange::new().await;
    let (world, cx) = (&exchange.world, exchange.world.cx(exchange.world.tenant));
    let pair = (world.portal, world.api);
    world
        .idp
        .directory()
        .grant_scopes(&cx, pair, None, &["read", "write"])
        .await
        .unwrap();
    let api = "api://records/";
    for (fields, scope) in [
        (vec![("scope", "api://records//read")], "read"),
        (vec![("scope", ""), ("audience", api)], "read write"),
        (vec![("scope", "read"), ("resource", api)], "read"),
        (vec![("scope", "write"), ("resource", api), ("audience", api)], "write"),
        (vec![("scope", "api://records//.default")], "read write"),
    ] {
        let answer = exchange.ask(&exchange.token(&json!({})), &fields).await;
        assert_eq!(answer.status, 200, "{fields:?} {}", answer.text());
        let told = claims(&answer.json()["access_token"]);
        assert_eq!(
            (&told["scp"], &told["aud"]),
            (&json!(scope), &json!(world.api)),
            "{fields:?}"
        );
        assert_eq!(told["azp"], json!(world.portal));
        assert_eq!(told["psc_national_id"], DOCTOR);
        assert_eq!(told["ver"], "2.0");
    }
}

fn invalid(code: u64) -> (u16, String, u64) {
    (400, "invalid_request".to_owned(), code)
}

#[tokio::test]
async fn requests_that_are_refused() {
    let exchange = Exchange::new().await;
    let before = exchange.psc.requests();
    let token = exchange.token(&json!({}));
    let target = || (400, "invalid_target".to_owned(), 50_001);
    for (fields, expected) in [
        (vec![("subject_token", "")], invalid(900_144)),
        (vec![("subject_token_type", "")], invalid(900_144)),
        (
            vec![("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")],
            invalid(90_023),
        ),
        (
            vec![("requested_token_type", "urn:ietf:params:oauth:token-type:saml2")],
            invalid(90_023),
        ),
        (vec![("actor_token", "a.b.c")], invalid(90_023)),
        (vec![("scope", "")], invalid(900_144)),
        (vec![("scope", "openid")], (400, "invalid_scope".to_owned(), 700_023)),
        (
            vec![(
                "scope",
                "api://records//read https://fhir.example/demo/fhir/user_impersonation",
            )],
            (400, "invalid_scope".to_owned(), 700_022),
        ),
        (vec![("scope", ""), ("audience", "api://nothing")], target()),
        // The directory API knows people of the directory only.
        (vec![("scope", "User.Read")], target()),
        // Granted for one person of the directory, who is not this one.
        (
            vec![("scope", "api://records//read")],
            (400, "invalid_grant".to_owned(), 65_001),
        ),
    ] {
        let answer = exchange.ask(&token, &fields).await;
        assert_eq!(error(&answer), expected, "{fields:?} {}", answer.text());
    }
    assert_eq!(exchange.psc.requests(), before, "nothing was asked for them");
}

#[tokio::test]
async fn clients_that_are_refused() {
    let exchange = Exchange::new().await;
    let world = &exchange.world;
    let (spa, native) = (world.spa.to_string(), world.native.to_string());
    let (cx, life) = (world.cx(world.tenant), Duration::from_hours(1));
    let other = world
        .idp
        .directory()
        .add_secret(&cx, world.api, "test", life)
        .await
        .unwrap();
    let (api, other) = (world.api.to_string(), other.value.expose().clone());
    let before = exchange.psc.requests();
    let token = exchange.token(&json!({}));
    let unproved = |code| (401, "invalid_client".to_owned(), code);
    for (fields, expected) in [
        (vec![("client_secret", "")], unproved(7_000_218)),
        (vec![("client_secret", "wrong")], unproved(7_000_215)),
        // Who has not proved to be the client is not told which resources there are.
        (
            vec![("client_secret", "wrong"), ("scope", ""), ("audience", "api://nothing")],
            unproved(7_000_215),
        ),
        (vec![("client_id", &spa), ("client_secret", "")], unproved(7_000_218)),
        (vec![("client_id", &native), ("client_secret", "")], unproved(7_000_218)),
        (
            vec![("client_id", &api), ("client_secret", &other)],
            (400, "unauthorized_client".to_owned(), 70_001),
        ),
    ] {
        let answer = exchange.ask(&token, &fields).await;
        assert_eq!(error(&answer), expected, "{fields:?} {}", answer.text());
    }
    // In a page of another origin there is no secret.
    let path = world.path("oauth2/v2.0/token");
    let id = world.portal.to_string();
    let fields = [
        ("grant_type", GRANT),
        ("client_id", id.as_str()),
        ("client_secret", world.secret.as_str()),
        ("subject_token", token.as_str()),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", FHIR),
    ];
    let origin = SPA.trim_end_matches('/');
    let answer = Client::new(&exchange.router)
        .post_with(&path, &[("origin", origin)], &fields)
        .await;
    assert_eq!(error(&answer), invalid(9_002_326));
    assert_eq!(exchange.psc.requests(), before, "nothing was asked for them");
}

/// One that two portals may present would let each act with the tokens that people gave to the other.
#[tokio::test]
async fn a_client_presents_the_tokens_of_its_own_service_alone() {
    let mut api = None;
    let exchange = Exchange::with_world(|world, trusted| {
        api = Some(world.api);
        trusted.clients.push(of(world.api, &["imaging", "laboratory"]));
    })
    .await;
    let (world, api) = (&exchange.world, api.unwrap());
    let (cx, life) = (world.cx(world.tenant), Duration::from_hours(1));
    let granted = world
        .idp
        .directory()
        .grant_scopes(&cx, (api, world.fhir), None, &["user_impersonation"]);
    granted.await.unwrap();
    let secret = world.idp.directory().add_secret(&cx, api, "test", life).await.unwrap();
    let (id, secret) = (api.to_string(), secret.value.expose().clone());
    let as_api = [("client_id", id.as_str()), ("client_secret", secret.as_str())];
    let as_portal: [(&str, &str); 0] = [];
    for (service, fields, expected) in [
        (PSC_SERVICE, &as_portal[..], 200),
        (PSC_SERVICE, &as_api, 400),
        ("imaging", &as_api, 200),
        ("laboratory", &as_api, 200),
        ("imaging", &as_portal, 400),
    ] {
        let token = exchange.token(&json!({"azp": service}));
        let before = exchange.psc.requests();
        world.recorded().await;
        let answer = exchange.ask(&token, fields).await;
        assert_eq!(answer.status, expected, "{service} {}", answer.text());
        if expected == 400 {
            assert_eq!(error(&answer), invalid(50_027));
            let reason = world.recorded().await[0].reason.clone();
            assert_eq!(reason.as_deref(), Some("subject_service"));
            assert_eq!(exchange.psc.requests(), before);
        }
    }
}

#[tokio::test]
async fn a_tenant_that_trusts_nobody_offers_no_exchange() {
    let exchange = Exchange::new().await;
    let world = &exchange.world;
    let token = exchange.token(&json!({}));
    let unsupported = (400, "unsupported_grant_type".to_owned(), 70_003);
    let answer = exchange.ask_at(&world.router, &token, &[]).await;
    assert_eq!(error(&answer), unsupported);
    let grants = async |router: &Router, segment: &str| {
        let path = format!("/{segment}/v2.0/.well-known/openid-configuration");
        let document = Client::new(router).get(&path).await.json();
        document["grant_types_supported"]
            .as_array()
            .unwrap()
            .contains(&json!(GRANT))
    };
    assert!(grants(&exchange.router, &world.tenant.to_string()).await);
    assert!(!grants(&exchange.router, &world.other.to_string()).await);
    assert!(!grants(&exchange.router, "organizations").await);
    assert!(!grants(&world.router, &world.tenant.to_string()).await);
    let id = world.portal.to_string();
    let fields = [
        ("grant_type", GRANT),
        ("client_id", id.as_str()),
        ("subject_token", &token),
    ];
    let fields = [&fields[..], &[("subject_token_type", ACCESS_TOKEN), ("audience", FHIR)]].concat();
    for (path, expected) in [
        (format!("/{}/oauth2/v2.0/token", world.other), unsupported.clone()),
        (
            "/organizations/oauth2/v2.0/token".to_owned(),
            (400, "invalid_request".to_owned(), 50_059),
        ),
        (world.path("oauth2/token"), unsupported),
    ] {
        let answer = Client::new(&exchange.router).post(&path, &fields).await;
        assert_eq!(error(&answer), expected, "{path}");
    }
}

#[tokio::test]
async fn who_must_be_assigned_is_not_a_stranger() {
    let exchange = Exchange::new().await;
    let (world, cx) = (&exchange.world, exchange.world.cx(exchange.world.tenant));
    for app in [world.portal, world.fhir] {
        world
            .idp
            .directory()
            .set_requires_assignment(&cx, app, Enabled::Yes)
            .await
            .unwrap();
        let answer = exchange.ask(&exchange.token(&json!({})), &[]).await;
        assert_eq!(error(&answer), (400, "invalid_grant".to_owned(), 50_105));
        world
            .idp
            .directory()
            .set_requires_assignment(&cx, app, Enabled::No)
            .await
            .unwrap();
    }
}

/// RFC 8693 §2.2.2: `invalid_request`. The trail has the reason, and the client that presented it.
#[tokio::test]
async fn subject_tokens_that_are_not_taken() {
    let exchange = Exchange::new().await;
    let world = &exchange.world;
    let forger = FakePsc::start(world.clock.clone()).await;
    let mut forged = exchange.psc.claims(DOCTOR);
    forged["iss"] = json!(exchange.psc.issuer());
    let revoked = exchange.token(&json!({"jti": "revoked"}));
    exchange.psc.revoke(&revoked);
    let not_of_token = exchange.psc.issue(
        &exchange.psc.claims(DOCTOR),
        &FakePsc::person("899700999982", ("10", "C"), &[HERE]),
    );
    let now = world.clock.now().secs();
    let good = exchange.token(&json!({"jti": "good"}));
    let (message, _) = good.rsplit_once('.').unwrap();
    world.recorded().await;
    for (token, reason) in [
        ("not a token".to_owned(), "subject_signature"),
        (format!("{message}."), "subject_signature"),
        (format!("{message}.AAAA"), "subject_signature"),
        ("a".repeat(17 * 1024), "subject_signature"),
        (forger.issue(&forged, &json!({})), "subject_signature"),
        (forger.issue(&forger.claims(DOCTOR), &json!({})), "subject_issuer"),
        (exchange.token(&json!({"typ": "ID"})), "subject_type"),
        (exchange.token(&json!({"aud": "account"})), "subject_audience"),
        (exchange.token(&json!({"azp": "another-service"})), "subject_service"),
        (exchange.token(&json!({"exp": now})), "subject_time"),
        (exchange.token(&json!({"nbf": now + 3600})), "subject_time"),
        (revoked, "subject_inactive"),
        (exchange.token(&json!({"cnf": {"jkt": "x"}})), "subject_confirmation"),
        (not_of_token, "subject_person"),
    ] {
        let answer = exchange.ask(&token, &[]).await;
        assert_eq!(error(&answer), (400, "invalid_request".to_owned(), 50_027), "{reason}");
        let records = world.recorded().await;
        let [record] = records.as_slice() else {
            panic!("one record of {reason}: {records:?}");
        };
        assert_eq!(record.action, "idp.token.exchange");
        assert_eq!(
            (record.outcome, record.reason.as_deref()),
            (Outcome::Refused, Some(reason))
        );
        let actor = record.actor.as_ref().unwrap();
        assert_eq!(actor.app, Some(world.portal), "{reason}");
        assert!(!format!("{record:?}").contains(&token[..10]), "{reason}");
    }
}

#[tokio::test]
async fn each_exchange_is_recorded_with_its_professional_and_without_its_tokens() {
    let exchange = Exchange::new().await;
    let world = &exchange.world;
    let token = exchange.token(&json!({}));
    world.recorded().await;
    let body = exchange.ask(&token, &[]).await.json();
    let records = world.recorded().await;
    let [record] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(
        (&*record.action, record.outcome),
        ("idp.token.exchange", Outcome::Success)
    );
    assert_eq!(record.object, format!("app/{}/professional/{DOCTOR}", world.fhir));
    let actor = record.actor.as_ref().unwrap();
    assert_eq!(actor.subject.to_string(), claims(&body["access_token"])["oid"]);
    assert_eq!((actor.app, actor.tenant), (Some(world.portal), world.tenant));
    let text = format!("{record:?}");
    for secret in [token.as_str(), body["access_token"].as_str().unwrap(), &world.secret] {
        let end = secret.rsplit('.').next().unwrap();
        assert!(!text.contains(end), "{text}");
    }
    assert!(!text.contains("EXEMPLE"), "{text}");
}

#[tokio::test]
async fn a_bound_token_needs_its_certificate_and_what_is_issued_is_bound_to_it() {
    let exchange = Exchange::new().await;
    let hex = json!({"cnf": {"x5t#S256": hex_thumbprint(CERTIFICATE)}});
    let octets = base64url::encode(digest::sha256(CERTIFICATE));
    let (bound, free) = (exchange.token(&hex), exchange.token(&json!({})));
    let unread = exchange.token(&json!({"cnf": {"x5t#S256": octets}}));
    let (own, other) = (exchange.showing(CERTIFICATE), exchange.showing(b"another"));
    for (router, token, expected) in [
        (&own, &bound, Ok(json!({"x5t#S256": octets}))),
        (&own, &free, Ok(json!({"x5t#S256": octets}))),
        (&exchange.router, &free, Ok(Value::Null)),
        (
            &exchange.router,
            &bound,
            Err("it is bound to a certificate that was not shown"),
        ),
        (&other, &bound, Err("it is bound to a certificate that was not shown")),
        (&own, &unread, Err("it is bound to something that cannot be checked")),
    ] {
        let answer = exchange.ask_at(router, token, &[]).await;
        match expected {
            Ok(cnf) => {
                assert_eq!(answer.status, 200, "{}", answer.text());
                assert_eq!(claims(&answer.json()["access_token"])["cnf"], cnf);
            }
            Err(text) => {
                assert_eq!(error(&answer), (400, "invalid_request".to_owned(), 50_027));
                assert!(answer.text().contains(text), "{}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn it_may_be_away_and_its_keys_may_roll() {
    let exchange = Exchange::new().await;
    let first = exchange.token(&json!({}));
    assert_eq!(exchange.ask(&first, &[]).await.status, 200);
    assert_eq!(exchange.psc.requests(), 4, "metadata and keys, introspection, userinfo");
    assert_eq!(exchange.ask(&first, &[]).await.status, 200);
    assert_eq!(exchange.psc.requests(), 6, "metadata and keys are kept");
    exchange.world.clock.advance(Duration::from_mins(1));
    exchange.psc.roll();
    let second = exchange.token(&json!({}));
    assert_eq!(exchange.ask(&second, &[]).await.status, 200);
    exchange.psc.set_down(true);
    let answer = exchange.ask(&second, &[]).await;
    assert_eq!(error(&answer), (503, "temporarily_unavailable".to_owned(), 90_033));
    assert_eq!(answer.header("retry-after"), "5");
    exchange.psc.set_down(false);
    // It is left alone for as long as the client is told to wait.
    let before = exchange.psc.requests();
    assert_eq!(exchange.ask(&second, &[]).await.status, 503);
    assert_eq!(exchange.psc.requests(), before);
    exchange.world.clock.advance(Duration::from_secs(5));
    assert_eq!(exchange.ask(&second, &[]).await.status, 200);
    // Not known there any more: our own fault, not the token's.
    let stranger = Exchange::with(|trusted| trusted.client_secret = Secret::new("wrong".to_owned())).await;
    let answer = stranger.ask(&stranger.token(&json!({})), &[]).await;
    assert_eq!(error(&answer), (503, "temporarily_unavailable".to_owned(), 90_033));
}

/// Each request that waits holds a place of the login host, where people sign in.
#[tokio::test]
async fn few_wait_for_one_that_does_not_answer() {
    let exchange = Exchange::new().await;
    let token = exchange.token(&json!({}));
    assert_eq!(
        exchange.ask(&token, &[]).await.status,
        200,
        "keys and metadata are there"
    );
    let before = exchange.psc.requests();
    exchange.psc.set_hanging(true);
    let all = futures_util::future::join_all((0..16).map(|_| exchange.ask(&token, &[])));
    let one_more = async {
        while exchange.psc.requests() < before + 16 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::timeout(Duration::from_secs(2), exchange.ask(&token, &[])).await
    };
    let answer = tokio::select! {
        _ = all => panic!("nobody answers them"),
        answer = one_more => answer.expect("refused without waiting"),
    };
    assert_eq!(error(&answer), (503, "temporarily_unavailable".to_owned(), 90_033));
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(exchange.psc.requests(), before + 16);
    // Those that waited are gone with their clients.
    exchange.psc.set_hanging(false);
    assert_eq!(exchange.ask(&token, &[]).await.status, 200);
}

/// What a token tells of whom and what it comes from.
fn origin(exchange: &Exchange, body: &Value) -> Origin {
    let told = claims(&body["access_token"]);
    Origin {
        tenant: exchange.world.tenant,
        subject: told["oid"].as_str().unwrap().parse().unwrap(),
        session: told["sid"].as_str().map(|sid| sid.parse().unwrap()),
        issued_at: told["iat"].as_i64().map(Timestamp::from_secs),
        rh: None,
    }
}

/// The one who revokes and the one who issues are two processes.
#[tokio::test]
async fn a_professional_is_revoked_by_the_id_of_their_tokens() {
    let exchange = Exchange::with(|trusted| trusted.life = Some(Duration::from_hours(4))).await;
    let (world, idp) = (&exchange.world, &exchange.idp);
    let theirs = exchange.token(&json!({}));
    let first = origin(&exchange, &exchange.ask(&theirs, &[]).await.json());
    assert_eq!(idp.directory().revoked(&first), None);
    world.clock.advance(Duration::from_secs(10));
    let cx = world.cx(world.tenant);
    assert!(
        !world.idp.directory().revoke_user(&cx, first.subject).await.unwrap(),
        "no user"
    );
    assert_eq!(world.idp.directory().revoked(&first), Some(Revoked::User));
    idp.directory().refresh_revocations().await.unwrap();
    assert_eq!(idp.directory().revoked(&first), Some(Revoked::User));
    let other = ObjectId::from_uuid(derived_id(&exchange.psc.issuer(), "899700999982"));
    let other = Origin {
        subject: other,
        ..first.clone()
    };
    assert_eq!(idp.directory().revoked(&other), None);
    // The session that they have there is no way around it: they sign in again.
    world.recorded().await;
    for auth_time in [json!(world.clock.now().secs()), json!(null)] {
        let same = exchange.token(&json!({"auth_time": auth_time, "jti": "same"}));
        assert_eq!(error(&exchange.ask(&same, &[]).await), invalid(50_027));
        let reason = world.recorded().await[0].reason.clone();
        assert_eq!(reason.as_deref(), Some("subject_revoked"));
    }
    world.clock.advance(Duration::from_secs(1));
    let again = exchange.token(&json!({"auth_time": world.clock.now().secs()}));
    let again = origin(&exchange, &exchange.ask(&again, &[]).await.json());
    assert_eq!(idp.directory().revoked(&again), None);
    // Known as long as a token of theirs may live, and no session outlives it.
    world.clock.advance(Duration::from_hours(4) - Duration::from_secs(30));
    idp.maintain().await.unwrap();
    assert_eq!(idp.directory().revoked(&first), Some(Revoked::User));
    world.clock.advance(Duration::from_mins(1));
    let untold = exchange.token(&json!({"auth_time": null}));
    assert_eq!(exchange.ask(&untold, &[]).await.status, 200);
}

#[tokio::test]
async fn a_session_there_is_one_session_here() {
    let exchange = Exchange::new().await;
    let sid = async |changes: Value| {
        let body = exchange.ask(&exchange.token(&changes), &[]).await.json();
        origin(&exchange, &body).session.expect("sid")
    };
    let one = sid(json!({"sid": "one"})).await;
    assert_eq!(sid(json!({"sid": "one", "jti": "next"})).await, one);
    let others = [
        sid(json!({"sid": "two"})).await,
        sid(json!({"sid": null})).await,
        sid(json!({"sid": 7, "jti": "odd"})).await,
    ];
    assert!(!others.contains(&one));
    assert_eq!(others[1], others[2], "the person's, where none is told");
    assert_ne!(others[0], others[1]);
}

#[tokio::test]
async fn a_longer_life_ends_with_the_session() {
    let exchange = Exchange::with(|trusted| trusted.life = Some(Duration::from_hours(1))).await;
    let now = exchange.world.clock.now().secs();
    let hours = |hours: i64| now - hours * 3600;
    for (auth_time, expected) in [
        (json!(hours(0)), Some(3600)),
        (json!(hours(3) - 1800), Some(1800)),
        (json!(hours(4) + 1), Some(1)),
        (json!(hours(4)), None),
        // Nothing says when the session ends: not later than the token.
        (json!(null), Some(120)),
        (json!("yesterday"), Some(120)),
        (json!(0.5), Some(120)),
    ] {
        let answer = exchange
            .ask(&exchange.token(&json!({"auth_time": auth_time})), &[])
            .await;
        match expected {
            Some(life) => assert_eq!(answer.json()["expires_in"], life, "{auth_time}"),
            None => assert_eq!(error(&answer), (400, "invalid_request".to_owned(), 50_027)),
        }
    }
}

/// What the gate of a data service makes of it is in the tests of `server`; here that ours is ours.
#[tokio::test]
async fn it_is_no_token_of_a_person_of_the_directory() {
    let exchange = Exchange::new().await;
    let body = exchange.ask(&exchange.token(&json!({})), &[]).await.json();
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let path = exchange.world.path("openid/userinfo");
    let answer = Client::new(&exchange.router)
        .get_with(&path, &[("authorization", &bearer)])
        .await;
    assert_eq!(answer.status, 401, "{}", answer.text());
    // Nor does an application act on its behalf: it has no session with us.
    let world = &exchange.world;
    let cx = world.cx(world.tenant);
    let secret = exchange
        .idp
        .directory()
        .add_secret(&cx, world.fhir, "test", Duration::from_hours(1))
        .await
        .unwrap();
    let id = world.fhir.to_string();
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", id.as_str()),
        ("client_secret", secret.value.expose()),
        ("assertion", body["access_token"].as_str().unwrap()),
        ("scope", "api://records//read"),
    ];
    let answer = Client::new(&exchange.router)
        .post(&world.path("oauth2/v2.0/token"), &fields)
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["error"], "invalid_grant");
}
