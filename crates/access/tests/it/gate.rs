//! Tokens that open the gate, and those that do not.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hygie_access::{Credentials, Gate, Instance, Kind, Origin, Reason, Revoked, TrustedIssuer};
use hygie_core::{ErrorKind, Fault, Principal, PrincipalKind};
use hygie_jose::{Algorithm, Jwks, Protected, SigningKey, base64url};
use serde_json::{Value, json};

use crate::world::{AUDIENCE, Keys, LOGIN, World, app, object, tenant};

/// An application's token of version 1, as our identity provider issues it, with some claims replaced (`null` removes).
fn claims(world: &World, changes: &Value) -> Value {
    let now = world.now_secs();
    let mut claims = json!({
        "aud": AUDIENCE, "iss": format!("{LOGIN}/{}/", tenant(1)), "iat": now, "nbf": now, "exp": now + 3600,
        "aio": "x", "appid": app(1), "appidacr": "1", "idp": format!("{LOGIN}/{}/", tenant(1)),
        "oid": object(1), "rh": "x", "sub": object(1), "tid": tenant(1), "uti": "x", "ver": "1.0",
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

impl World {
    fn now_secs(&self) -> i64 {
        self.now().secs()
    }

    fn token(&self, changes: &Value) -> String {
        self.key
            .sign(&Protected::jwt().with_x5t(), &claims(self, changes))
            .unwrap()
    }

    async fn open(&self, gate: &Gate, token: &str) -> Result<Arc<Principal>, Reason> {
        let header = format!("Bearer {token}");
        let opened = gate.authenticate(Some(&header), self.now()).await;
        opened.map_err(|refusal| refusal.reason())
    }
}

#[tokio::test]
async fn application_of_version_1() {
    let world = World::new();
    let principal = world
        .open(&world.gate(), &world.token(&json!({"roles": ["a", "b"]})))
        .await
        .unwrap();
    assert_eq!(principal.issuer, format!("{LOGIN}/{}/", tenant(1)));
    assert_eq!(principal.tenant, tenant(1));
    assert_eq!(principal.subject, object(1));
    assert_eq!(principal.kind, PrincipalKind::App);
    assert_eq!(principal.app, Some(app(1)));
    assert_eq!(principal.app_roles, ["a", "b"]);
    assert_eq!(principal.scopes, [""; 0]);
}

#[tokio::test]
async fn person_of_version_2() {
    let world = World::new();
    let token = world.token(&json!({
        "iss": format!("{LOGIN}/{}/v2.0", tenant(1)), "ver": "2.0", "appid": null, "azp": app(2), "aud": app(100),
        "oid": object(7), "sub": "pairwise", "scp": "user_impersonation openid", "sid": object(9),
        "groups": [object(20), "not-a-guid", object(21)],
    }));
    let principal = world.open(&world.gate(), &token).await.unwrap();
    assert_eq!(principal.kind, PrincipalKind::User);
    assert_eq!(principal.subject, object(7));
    assert_eq!(principal.app, Some(app(2)));
    assert_eq!(principal.scopes, ["user_impersonation", "openid"]);
    let groups: Vec<_> = principal.groups.iter().map(|group| group.uuid()).collect();
    assert_eq!(groups, [object(20).uuid(), object(21).uuid()]);
    assert_eq!(principal.session.unwrap().uuid(), object(9).uuid());
}

#[tokio::test]
async fn audiences_that_are_ours() {
    let world = World::new();
    let gate = world.gate();
    for audience in [
        json!(AUDIENCE),
        json!(format!("{AUDIENCE}/")),
        json!("https://fhir.azurehealthcareapis.com"),
        json!("https://fhir.azurehealthcareapis.com/"),
        json!(app(100)),
        json!(app(100).to_string().to_uppercase()),
        json!(["https://other.example", AUDIENCE]),
    ] {
        let opened = world.open(&gate, &world.token(&json!({"aud": audience}))).await;
        assert!(opened.is_ok(), "{audience}: {opened:?}");
    }
}

#[tokio::test]
async fn claims_that_are_refused() {
    let world = World::new();
    let gate = world.gate();
    let now = world.now_secs();
    for (changes, reason) in [
        (
            json!({"aud": "https://dicom.healthcareapis.azure.com"}),
            Reason::OtherKind,
        ),
        (json!({"aud": "https://fhir.example/demo/other"}), Reason::Audience),
        (json!({"aud": format!("{AUDIENCE}//")}), Reason::Audience),
        (json!({"aud": AUDIENCE.to_uppercase()}), Reason::Audience),
        (json!({"aud": app(1)}), Reason::Audience),
        (json!({"aud": null}), Reason::Audience),
        (json!({"aud": 7}), Reason::Malformed),
        (json!({"iss": null}), Reason::Issuer),
        (json!({"iss": format!("{LOGIN}/{}/", tenant(2))}), Reason::Issuer),
        (json!({"iss": format!("{LOGIN}/{}", tenant(1))}), Reason::Issuer),
        (
            json!({"iss": format!("https://sts.windows.net/{}/", tenant(1))}),
            Reason::Issuer,
        ),
        (json!({"tid": tenant(2)}), Reason::Tenant),
        (json!({"tid": "common"}), Reason::Tenant),
        (json!({"tid": null}), Reason::MissingClaim),
        (json!({"oid": null}), Reason::MissingClaim),
        (json!({"oid": "me"}), Reason::MissingClaim),
        (json!({"appid": "me"}), Reason::MissingClaim),
        (json!({"exp": null}), Reason::Expired),
        (json!({"exp": now - 60}), Reason::Expired),
        (json!({"nbf": now + 61}), Reason::NotYetValid),
        (json!({"cnf": {"x5t#S256": "x"}}), Reason::Confirmation),
    ] {
        let opened = world.open(&gate, &world.token(&changes)).await;
        assert_eq!(opened.err(), Some(reason), "{changes}");
    }
    // Clocks may be a minute apart.
    for changes in [json!({"exp": now - 59}), json!({"nbf": now + 60})] {
        assert!(world.open(&gate, &world.token(&changes)).await.is_ok(), "{changes}");
    }
}

#[tokio::test]
async fn tokens_of_another_kind() {
    let world = World::new();
    let gate = world.gate();
    for (changes, reason) in [
        // Through no application and for nobody: an id token.
        (json!({"appid": null}), Reason::TokenType),
        (json!({"appid": null, "azp": app(1)}), Reason::TokenType),
        (
            json!({"appid": null, "scp": "user_impersonation"}),
            Reason::MissingClaim,
        ),
        // Of the other version than the issuer.
        (json!({"ver": "2.0", "azp": app(1)}), Reason::Version),
        (json!({"iss": format!("{LOGIN}/{}/v2.0", tenant(1))}), Reason::Version),
        (json!({"ver": "1"}), Reason::Version),
        (json!({"ver": 1.0}), Reason::Version),
        (json!({"ver": null}), Reason::Version),
        // Neither a person's token nor an application's, or both.
        (json!({"sub": "pairwise"}), Reason::Actor),
        (json!({"sub": "pairwise", "roles": ["FHIR Data Reader"]}), Reason::Actor),
        (json!({"sub": "pairwise", "idtyp": "app"}), Reason::Actor),
        (json!({"sub": null, "oid": object(1)}), Reason::Actor),
        (json!({"idtyp": "app", "scp": "user_impersonation"}), Reason::Actor),
        (json!({"idtyp": "user"}), Reason::Actor),
        (json!({"idtyp": "device"}), Reason::Actor),
        (json!({"idtyp": 7}), Reason::Actor),
        (json!({"scp": ["user_impersonation"]}), Reason::Actor),
        (json!({"nonce": "n", "scp": "user_impersonation"}), Reason::TokenType),
        (json!({"at_hash": "h"}), Reason::TokenType),
        (json!({"c_hash": "h"}), Reason::TokenType),
    ] {
        let opened = world.open(&gate, &world.token(&changes)).await;
        assert_eq!(opened.err(), Some(reason), "{changes}");
    }
}

#[tokio::test]
async fn forged_tokens() {
    let world = World::new();
    let gate = world.gate();
    let good = world.token(&json!({}));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let other_claims = base64url::encode(claims(&world, &json!({"oid": object(2), "sub": object(2)})).to_string());
    let own_claims = base64url::encode(claims(&world, &json!({})).to_string());
    let with_alg = |alg: &str| {
        let header = json!({"typ": "JWT", "alg": alg, "kid": world.key.kid()});
        base64url::encode(header.to_string())
    };
    // HS256 with the published key as its secret: the classic confusion.
    let n = world.key.public_jwk().n.unwrap();
    let mut secret = [0; 32];
    secret.copy_from_slice(&base64url::decode(&n).unwrap()[..32]);
    let hs256 = format!("{}.{own_claims}", with_alg("HS256"));
    let mac = hygie_jose::Keyed::new(&hygie_core::Secret::new(secret)).digest(&hs256);
    let stranger = SigningKey::generate(Algorithm::Rs256).unwrap();
    let unknown_key = stranger.sign(&Protected::jwt(), &claims(&world, &json!({}))).unwrap();
    let (_, strange_signature) = unknown_key.rsplit_once('.').unwrap();
    for (what, token, reason) in [
        (
            "claims changed",
            format!("{header}.{other_claims}.{signature}"),
            Reason::Signature,
        ),
        (
            "signature of another key",
            format!("{message}.{strange_signature}"),
            Reason::Signature,
        ),
        ("no signature", format!("{message}."), Reason::Signature),
        (
            "alg none",
            format!("{}.{own_claims}.", with_alg("none")),
            Reason::Algorithm,
        ),
        (
            "alg HS256",
            format!("{hs256}.{}", base64url::encode(mac)),
            Reason::Algorithm,
        ),
        (
            "alg ES256",
            format!("{}.{own_claims}.{signature}", with_alg("ES256")),
            Reason::Algorithm,
        ),
        (
            "alg PS256",
            format!("{}.{own_claims}.{signature}", with_alg("PS256")),
            Reason::Algorithm,
        ),
        ("unknown key", unknown_key.clone(), Reason::UnknownKey),
        ("oversize", format!("{good}{}", "A".repeat(20_000)), Reason::TooLarge),
        ("not a token", "abc".to_owned(), Reason::Malformed),
        ("an encrypted token", "a.b.c.d.e".to_owned(), Reason::Malformed),
    ] {
        assert_eq!(world.open(&gate, &token).await.err(), Some(reason), "{what}");
    }
    assert!(world.open(&gate, &good).await.is_ok());
}

#[tokio::test]
async fn other_types_of_token() {
    let world = World::new();
    for typ in ["logout+jwt", "dpop+jwt", "secevent+jwt"] {
        let token = world
            .key
            .sign(&Protected::typed(typ), &claims(&world, &json!({})))
            .unwrap();
        assert_eq!(
            world.open(&world.gate(), &token).await.err(),
            Some(Reason::TokenType),
            "{typ}"
        );
    }
    let token = world
        .key
        .sign(&Protected::typed("at+jwt"), &claims(&world, &json!({})))
        .unwrap();
    assert!(world.open(&world.gate(), &token).await.is_ok());
    // An id token has neither `appid` nor `azp`.
    let id_token = world.token(&json!({
        "iss": format!("{LOGIN}/{}/v2.0", tenant(1)), "ver": "2.0", "appid": null, "aud": app(100), "sub": "pairwise",
        "nonce": "n",
    }));
    assert_eq!(
        world.open(&world.gate(), &id_token).await.err(),
        Some(Reason::TokenType)
    );
}

#[tokio::test]
async fn headers_and_challenges() {
    let world = World::new();
    let gate = world.gate();
    let base = format!(
        "Bearer authorization_uri=\"{LOGIN}/{}\", resource_id=\"{AUDIENCE}\", realm=\"{AUDIENCE}\"",
        tenant(1)
    );
    for header in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some("Basic YTpi"),
        Some("Bearerx y"),
    ] {
        let refusal = gate.authenticate(header, world.now()).await.unwrap_err();
        assert_eq!(refusal.reason(), Reason::NoToken, "{header:?}");
        assert_eq!(refusal.challenge(), Some(base.as_str()));
        assert_eq!(refusal.kind(), ErrorKind::Unauthenticated);
    }
    let refusal = gate.authenticate(Some("Bearer x.y.z"), world.now()).await.unwrap_err();
    assert_eq!(
        refusal.challenge(),
        Some(format!("{base}, error=\"invalid_token\"").as_str())
    );
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let header = format!("{scheme}  {}", world.token(&json!({})));
        assert!(gate.authenticate(Some(&header), world.now()).await.is_ok(), "{scheme}");
    }
}

#[tokio::test]
async fn a_quote_in_the_configuration_does_not_break_the_challenge() {
    let world = World::new();
    let gate = world.gate_of(Instance {
        authority: "https://a\"\r\nX: y".to_owned(),
        ..world.instance()
    });
    let refusal = gate
        .authenticate(Credentials::default(), world.now())
        .await
        .unwrap_err();
    assert!(
        refusal
            .challenge()
            .unwrap()
            .starts_with("Bearer authorization_uri=\"https://aX:y\", ")
    );
}

#[tokio::test]
async fn known_tokens_expire_too() {
    let world = World::new();
    let gate = world.gate();
    let token = world.token(&json!({}));
    for _ in 0..3 {
        assert!(world.open(&gate, &token).await.is_ok());
    }
    world.clock.advance(Duration::from_secs(3659));
    assert!(world.open(&gate, &token).await.is_ok());
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.open(&gate, &token).await.err(), Some(Reason::Expired));
}

#[tokio::test]
async fn revocations_hit_known_tokens_at_once() {
    let world = World::new();
    let gate = world.gate();
    let token = world.token(&json!({
        "scp": "user_impersonation", "sub": "pairwise", "sid": object(9), "rh": "1.Ag",
    }));
    assert!(world.open(&gate, &token).await.is_ok());
    let origin = Origin {
        tenant: tenant(1),
        subject: object(1),
        session: Some(hygie_core::SessionId::from_uuid(object(9).uuid())),
        issued_at: Some(world.now() + Duration::from_secs(1)),
        rh: Some("1.Ag".into()),
    };
    for (what, reason) in [
        (Revoked::Session, Reason::SessionRevoked),
        (Revoked::Grant, Reason::GrantRevoked),
        (Revoked::User, Reason::UserRevoked),
        (Revoked::Tenant, Reason::TenantRevoked),
    ] {
        *world.revocations.0.lock().unwrap() = Some((origin.clone(), what));
        assert_eq!(world.open(&gate, &token).await.err(), Some(reason));
        *world.revocations.0.lock().unwrap() = None;
        assert!(world.open(&gate, &token).await.is_ok());
    }
}

#[tokio::test]
async fn a_new_key_is_asked_for() {
    let world = World::new();
    let gate = world.gate();
    let next = SigningKey::generate(Algorithm::Rs256).unwrap();
    let token = next.sign(&Protected::jwt(), &claims(&world, &json!({}))).unwrap();
    assert_eq!(world.open(&gate, &token).await.err(), Some(Reason::UnknownKey));
    world.keys.rotate(&Jwks {
        keys: vec![next.public_jwk()],
    });
    assert!(world.open(&gate, &token).await.is_ok());
    assert!(world.open(&gate, &token).await.is_ok());
    assert_eq!(world.keys.asked_again.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_withdrawn_key_stops_working_within_minutes() {
    let world = World::new();
    let gate = world.gate();
    let token = world.token(&json!({}));
    assert!(world.open(&gate, &token).await.is_ok());
    world.keys.rotate(&Jwks {
        keys: vec![SigningKey::generate(Algorithm::Es256).unwrap().public_jwk()],
    });
    let invented = SigningKey::generate(Algorithm::Es256).unwrap();
    let invented = invented.sign(&Protected::jwt(), &claims(&world, &json!({}))).unwrap();
    assert_eq!(world.open(&gate, &invented).await.err(), Some(Reason::UnknownKey));
    world.clock.advance(Duration::from_mins(5));
    assert_eq!(world.open(&gate, &token).await.err(), Some(Reason::UnknownKey));
}

#[tokio::test]
async fn a_key_signs_only_for_the_issuer_it_names() {
    let world = World::new();
    for (named, outcome) in [
        (format!("{LOGIN}/{{tenantid}}/v2.0"), None),
        (format!("{LOGIN}/{}/", tenant(1)), None),
        (format!("{LOGIN}/{}/v2.0", tenant(2)), Some(Reason::KeyIssuer)),
        (
            "https://evil.example/{tenantid}/v2.0".to_owned(),
            Some(Reason::KeyIssuer),
        ),
    ] {
        let mut jwk = world.key.public_jwk();
        jwk.issuer = Some(named.clone());
        let keys: Arc<dyn hygie_access::KeySource> = Keys::of(&Jwks { keys: vec![jwk] });
        let gate = world.gate_of(Instance {
            issuers: TrustedIssuer::of_tenant(LOGIN, tenant(1), &keys).to_vec(),
            ..world.instance()
        });
        assert_eq!(
            world.open(&gate, &world.token(&json!({}))).await.err(),
            outcome,
            "{named}"
        );
    }
}

#[tokio::test]
async fn the_same_token_at_another_kind_of_service() {
    let world = World::new();
    let dicom = world.gate_of(Instance {
        kind: Kind::Dicom,
        name: "dicom".to_owned(),
        audiences: vec!["https://dicom.healthcareapis.azure.com".to_owned()],
        app: Some(app(200)),
        ..world.instance()
    });
    for (audience, reason) in [
        (json!(AUDIENCE), Some(Reason::Audience)),
        (json!("https://fhir.azurehealthcareapis.com"), Some(Reason::OtherKind)),
        (json!(app(100)), Some(Reason::Audience)),
        (json!("https://dicom.healthcareapis.azure.com/"), None),
    ] {
        let token = world.token(&json!({"aud": audience}));
        assert_eq!(world.open(&dicom, &token).await.err(), reason, "{audience}");
    }
}

#[tokio::test]
async fn a_bound_token_opens_only_with_its_certificate() {
    let world = World::new();
    let gate = world.gate();
    let (own, other): (&[u8], &[u8]) = (b"own", b"other");
    let thumbprint = base64url::encode(hygie_jose::digest::sha256(own));
    let bound = format!("Bearer {}", world.token(&json!({"cnf": {"x5t#S256": thumbprint}})));
    let free = format!("Bearer {}", world.token(&json!({})));
    // In this order: the second use of a token is one that is known already.
    for (authorization, certificate, outcome) in [
        (&bound, None, Some(Reason::Bound)),
        (&bound, Some(other), Some(Reason::OtherCertificate)),
        (&bound, Some(own), None),
        (&bound, Some(other), Some(Reason::OtherCertificate)),
        (&bound, None, Some(Reason::Bound)),
        (&free, Some(other), None),
        (&free, None, None),
    ] {
        let credentials = Credentials {
            authorization: Some(authorization),
            certificate,
        };
        let refused = gate.authenticate(credentials, world.now()).await.err();
        assert_eq!(refused.map(|refusal| refusal.reason()), outcome, "{certificate:?}");
    }
}
