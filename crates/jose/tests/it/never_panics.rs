//! Arbitrary input is refused or read, never a panic; what is written is read back.

use std::sync::LazyLock;

use hygie_core::Timestamp;
use hygie_jose::{Algorithm, Certificate, Claims, Jwk, Jwks, KeySet, Protected, SigningKey, base64url, json, verify};
use proptest::prelude::*;

use crate::published;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());
static KEYS: LazyLock<KeySet> = LazyLock::new(|| published(&[&KEY]));

/// JSON of a few levels, with the names that matter.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let name = prop_oneof![
        "alg|kid|typ|crit|x5t|iss|sub|aud|exp|nbf|iat|kty|use|n|e|crv|x|y|x5c|keys",
        "[a-z]{0,3}"
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        // serde_json does not promise the last digit of every double; eighths are exact.
        any::<i32>().prop_map(|eighths| (f64::from(eighths) / 8.0).into()),
        "RS256|ES256|RSA|EC|P-256|sig|AQAB".prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_as_token(text in ".{0,400}") {
        prop_assert!(verify(&text, &KEYS).is_err());
    }

    #[test]
    fn any_json_in_a_token(header in value(), claims in value(), signature in prop::collection::vec(any::<u8>(), 0..80)) {
        let token = [header.to_string(), claims.to_string()].map(base64url::encode).join(".");
        let token = format!("{token}.{}", base64url::encode(signature));
        prop_assert!(verify(&token, &KEYS).is_err());
    }

    #[test]
    fn any_bytes_as_document_certificate_or_json(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Jwks::parse(&bytes).map(|jwks| KeySet::new(&jwks));
        prop_assert!(Certificate::from_der(&bytes).is_err());
        let _ = json::read::<serde_json::Value>(&bytes, "text");
        let _ = base64url::decode(&bytes);
    }

    #[test]
    fn any_json_as_document(keys in prop::collection::vec(value(), 0..4)) {
        let text = serde_json::json!({ "keys": keys }).to_string();
        if let Ok(jwks) = Jwks::parse(text.as_bytes()) {
            let _ = KeySet::new(&jwks);
            let _: Vec<_> = jwks.keys.iter().map(Jwk::thumbprint).collect();
        }
    }

    #[test]
    fn base64url_round_trips(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(base64url::decode(base64url::encode(&bytes)).unwrap(), bytes);
    }

    #[test]
    fn signed_claims_come_back(
        issuer in prop::option::of(".{0,20}"),
        audience in prop::collection::vec(".{0,20}", 0..3),
        instants in prop::array::uniform3(prop::option::of(-10_000_000_000_i64..10_000_000_000)),
        extra in value(),
    ) {
        let [expires_at, not_before, issued_at] = instants.map(|secs| secs.map(Timestamp::from_secs));
        let mut claims = Claims { issuer, audience, expires_at, not_before, issued_at, ..Claims::default() };
        claims.members.insert("extra".to_owned(), extra);
        // Compared as JSON text, because a number may change its type and not its value.
        let text = serde_json::to_string(&claims).unwrap();
        let token = KEY.sign(&Protected::jwt(), &claims).unwrap();
        let back = verify(&token, &KEYS).unwrap().claims;
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }
}
