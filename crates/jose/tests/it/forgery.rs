//! Tokens that must not pass.

use hygie_jose::{Algorithm, JoseError, Jwks, KeySet, MAX_TOKEN, Protected, SigningKey, Untrusted, base64url, verify};
use serde_json::{Value, json};

use crate::published;

fn forged(header: &Value, claims: &Value, signature: impl AsRef<[u8]>) -> String {
    [
        base64url::encode(header.to_string()),
        base64url::encode(claims.to_string()),
        base64url::encode(signature),
    ]
    .join(".")
}

#[test]
fn every_changed_character_is_noticed() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let keys = published(&[&key]);
    let token = key.sign(&Protected::jwt(), &json!({"sub": "me"})).unwrap();
    assert!(verify(&token, &keys).is_ok());
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(verify(&changed, &keys).is_err(), "changed at {at}: {changed}");
    }
}

#[test]
fn the_key_fixes_the_algorithm() {
    let (rsa, curve) = (
        SigningKey::generate(Algorithm::Rs256).unwrap(),
        SigningKey::generate(Algorithm::Es256).unwrap(),
    );
    let keys = published(&[&rsa, &curve]);
    let claims = json!({"sub": "me"});
    // Signed by the curve's key under the name of the RSA key, and the reverse.
    for (name, alg) in [(&rsa, "ES256"), (&curve, "RS256"), (&rsa, "PS256"), (&rsa, "RS512")] {
        let token = forged(&json!({"alg": alg, "kid": name.kid()}), &claims, [1; 64]);
        assert_eq!(verify(&token, &keys), Err(JoseError::AlgorithmMismatch), "{alg}");
    }
}

#[test]
fn symmetric_and_none_are_refused_however_they_are_written() {
    let key = SigningKey::generate(Algorithm::Rs256).unwrap();
    let keys = published(&[&key]);
    for alg in [
        "none", "None", "NONE", "HS256", "HS384", "HS512", "hs256", "rs256", "", "RS256 ",
    ] {
        let token = forged(&json!({"alg": alg, "kid": key.kid()}), &json!({}), []);
        assert_eq!(verify(&token, &keys), Err(JoseError::Algorithm), "{alg}");
    }
}

#[test]
fn a_symmetric_key_in_a_document_is_no_key() {
    let document = json!({"keys": [{"kty": "oct", "kid": "k", "alg": "HS256", "k": "c2VjcmV0"}]});
    assert!(KeySet::new(&Jwks::parse(document.to_string().as_bytes()).unwrap()).is_empty());
}

#[test]
fn a_key_in_the_token_is_not_used() {
    let (ours, theirs) = (
        SigningKey::generate(Algorithm::Es256).unwrap(),
        SigningKey::generate(Algorithm::Es256).unwrap(),
    );
    let header = Protected::jwt().with_member("jwk", serde_json::to_value(theirs.public_jwk()).unwrap());
    let token = theirs.sign(&header, &json!({"sub": "me"})).unwrap();
    assert_eq!(verify(&token, &published(&[&ours])), Err(JoseError::UnknownKey));
}

#[test]
fn headers_that_are_refused() {
    for (header, error) in [
        (json!({"alg": "RS256", "crit": ["exp"]}), JoseError::Critical),
        (json!({"alg": 7}), JoseError::Malformed("header")),
        (json!({"kid": "k"}), JoseError::Malformed("header")),
        (json!({"alg": "RS256", "kid": 7}), JoseError::Malformed("header")),
        (json!(["alg"]), JoseError::Malformed("header")),
    ] {
        let token = forged(&header, &json!({}), "s");
        assert_eq!(Untrusted::parse(&token).err(), Some(error), "{header}");
    }
}

#[test]
fn shapes_that_are_refused() {
    let object = base64url::encode("{}");
    let header = base64url::encode(r#"{"alg":"RS256"}"#);
    for token in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        header.clone(),
        format!("{header}.{object}"),
        format!("{header}.{object}.AA.AA"),
        format!("{header}.{object}.AA.AA.AA"),
        format!("{header}={object}.AA"),
        format!("{header}.{object}=.AA"),
        format!("{header}.{object}.AA=="),
        format!("{header}.{object}. AA"),
        format!("{header}.{}.AA", base64url::encode("[]")),
        format!("{header}.{}.AA", base64url::encode("{} {}")),
        format!("{header}.{}.AA", base64url::encode([0xff])),
    ] {
        assert!(
            matches!(Untrusted::parse(&token).err(), Some(JoseError::Malformed(_))),
            "{token}"
        );
    }
}

#[test]
fn limits() {
    let long = forged(&json!({"alg": "RS256"}), &json!({"a": "x".repeat(MAX_TOKEN)}), "s");
    assert_eq!(Untrusted::parse(&long).err(), Some(JoseError::TooLarge));
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let claims = format!(r#"{{"a":{deep}}}"#);
    let token = format!(
        "{}.{}.AA",
        base64url::encode(r#"{"alg":"RS256"}"#),
        base64url::encode(claims)
    );
    assert_eq!(Untrusted::parse(&token).err(), Some(JoseError::TooDeep));
}
