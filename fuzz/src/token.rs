//! Tokens: read, and verified against keys. Input: a token, or the lines header, claims, signature of one, not encoded.
//!
//! Laws: only what the holder of a key signed verifies; a verified token names a known key; what we sign comes back.

use std::sync::LazyLock;
use std::time::Duration;

use hygie_core::Timestamp;
use hygie_jose::{Algorithm, Claims, JoseError, Jwks, KeySet, Protected, SigningKey, Untrusted, base64url, verify};
use serde_json::{Map, Value};

use crate::{Target, lines, texts};

pub const TARGET: Target = Target {
    name: "token",
    run,
    seeds,
    words: r#"
        "alg":"ES256" "alg":"RS256" "alg":"none" "alg":"HS256" "typ":"JWT" "kid": "crit":[ "x5t": "x5t#S256":
        "iss": "sub": "aud": "exp": "nbf": "iat": "jti": eyJ . { } [ ] 1e300 -1 null"#,
};

/// RFC 7515 §A.3: header and claims of a token, its signature, and the key it was signed with.
const MESSAGE: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const KEY: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

static EXAMPLE: LazyLock<KeySet> =
    LazyLock::new(|| KeySet::new(&Jwks::parse(KEY.as_bytes()).expect("the key of the RFC")));
static OURS: LazyLock<(SigningKey, KeySet)> = LazyLock::new(|| {
    let key = SigningKey::generate(Algorithm::Es256).expect("a key");
    let keys = Jwks {
        keys: vec![key.public_jwk()],
    };
    (key, KeySet::new(&keys))
});

fn seeds() -> Vec<Vec<u8>> {
    let example = format!("{MESSAGE}.{SIGNATURE}");
    let mut seeds = texts(&[
        &example,
        "{\"alg\":\"ES256\",\"typ\":\"JWT\"}\n{\"iss\":\"joe\",\"aud\":[\"a\",\"b\"],\"exp\":1300819380,\"nbf\":0.5}\nsignature",
        "{\"alg\":\"none\"}\n{}\n",
        "{\"alg\":\"RS256\",\"kid\":\"1\",\"crit\":[\"exp\"]}\n{\"sub\":\"x\",\"roles\":[\"a\"],\"jti\":\"j\"}\n",
        "{\"alg\":\"ES256\"}\n{\"iss\":1,\"aud\":{}}\n",
        "a.b.c.d.e",
    ]);
    seeds.push(
        [
            b"{\"alg\":\"ES256\"}\n".to_vec(),
            b"{\"a\":".repeat(17),
            b"}".repeat(17),
        ]
        .concat(),
    );
    seeds
}

fn run(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        check(text);
    }
    let [header, claims, signature] = lines(input);
    let parts = [header, claims, signature].map(base64url::encode);
    check(&parts.join("."));
    if let Ok(claims) = serde_json::from_slice(claims) {
        sign(claims);
    }
}

/// Nothing but the token of the RFC verifies with its key.
fn check(token: &str) {
    let outcome = verify(token, &EXAMPLE);
    let read = Untrusted::parse(token);
    match &outcome {
        Ok(verified) => {
            assert_eq!(
                token.rsplit_once('.').map(|(message, _)| message),
                Some(MESSAGE),
                "forged"
            );
            assert!(EXAMPLE.knows(&verified.header));
        }
        Err(JoseError::UnknownKey) => assert!(read.as_ref().is_ok_and(|token| !EXAMPLE.knows(token.header()))),
        Err(JoseError::Signature | JoseError::AlgorithmMismatch) => {
            assert!(read.as_ref().is_ok_and(|token| EXAMPLE.knows(token.header())));
        }
        Err(JoseError::Key(_) | JoseError::Certificate(_) | JoseError::Sign(_)) => {
            panic!("no fault of a token: {outcome:?}")
        }
        Err(_) => assert!(read.is_err()),
    }
    if let Ok(token) = read {
        let life = |now: i64| {
            token
                .claims()
                .check_instants(Timestamp::from_secs(now), Duration::from_mins(5))
                .is_ok()
        };
        assert!(token.claims().expires_at.is_some() || !life(0), "eternal");
        assert!(!life(i64::MAX), "alive at the end of time");
    }
}

/// What our own key signs is read back, or refused for its size, depth or types.
fn sign(map: Map<String, Value>) {
    let (key, keys) = &*OURS;
    let token = key.sign(&Protected::jwt(), &map).expect("an object is signed");
    assert!(verify(&token, &EXAMPLE).is_err(), "signed by another key");
    let expected = Claims::from_map(map);
    match (verify(&token, keys), expected) {
        (Ok(verified), Ok(expected)) => {
            let registered = |claims: &Claims| {
                let Claims {
                    issuer,
                    subject,
                    audience,
                    id,
                    members,
                    ..
                } = claims.clone();
                let names: Vec<String> = members.keys().cloned().collect();
                (issuer, subject, audience, id, names)
            };
            assert_eq!(registered(&verified.claims), registered(&expected));
        }
        (Err(JoseError::Malformed(_)), Err(_)) | (Err(JoseError::TooLarge | JoseError::TooDeep), _) => {}
        (outcome, _) => panic!("{outcome:?}"),
    }
}
