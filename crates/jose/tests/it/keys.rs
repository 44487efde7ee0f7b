//! Keys: their names, their documents, their storage.

use hygie_core::Secret;
use hygie_jose::{Algorithm, JoseError, Jwks, KeySet, Protected, SigningKey, verify};
use serde_json::{Value, json};

use crate::{certified, published};

const SIGNERS: [Algorithm; 2] = [Algorithm::Rs256, Algorithm::Es256];

#[test]
fn sign_and_verify_keep_header_and_claims() {
    for algorithm in SIGNERS {
        let key = certified(algorithm);
        let header = Protected::typed("at+jwt").with_x5t().with_member("nonce", "n");
        let token = key
            .sign(&header, &json!({"aud": ["a", "b"], "exp": 5, "tid": "t"}))
            .unwrap();
        let verified = verify(&token, &published(&[&key])).unwrap();
        assert_eq!(verified.header.alg, algorithm);
        assert_eq!(verified.header.typ.as_deref(), Some("at+jwt"));
        assert_eq!(verified.header.kid.as_deref(), Some(key.kid()));
        assert_eq!(verified.header.x5t.as_deref(), Some(key.kid()), "Entra: kid is x5t");
        assert_eq!(verified.header.members["nonce"], "n");
        assert_eq!(verified.claims.audience, ["a", "b"]);
        assert_eq!(verified.claims.text("tid"), Some("t"));
    }
}

#[test]
fn members_do_not_replace_those_of_the_key() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let header = Protected::jwt().with_member("alg", "none").with_member("kid", "other");
    let token = key.sign(&header, &json!({})).unwrap();
    let verified = verify(&token, &published(&[&key])).unwrap();
    assert_eq!(verified.header.kid.as_deref(), Some(key.kid()));
}

#[test]
fn only_objects_are_claims() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    for claims in [json!([]), json!("text"), Value::Null] {
        assert!(key.sign(&Protected::jwt(), &claims).is_err(), "{claims}");
    }
}

#[test]
fn the_document_has_entras_members() {
    let key = certified(Algorithm::Rs256);
    let mut jwk = key.public_jwk();
    jwk.issuer = Some("https://login.example/{tenantid}/v2.0".to_owned());
    let document = serde_json::to_value(Jwks { keys: vec![jwk] }).unwrap();
    let members: Vec<&String> = document["keys"][0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["kty", "use", "kid", "x5t", "n", "e", "x5c", "issuer"]);
    assert_eq!(document["keys"][0]["e"], "AQAB");
    assert_eq!(document["keys"][0]["kid"], document["keys"][0]["x5t"]);
    // And the issuer of the key reaches the one who verifies.
    let keys = KeySet::new(&Jwks::parse(document.to_string().as_bytes()).unwrap());
    let token = key.sign(&Protected::jwt(), &json!({})).unwrap();
    assert_eq!(
        verify(&token, &keys).unwrap().key_issuer.as_deref(),
        Some("https://login.example/{tenantid}/v2.0")
    );
}

#[test]
fn stored_keys_come_back() {
    for algorithm in SIGNERS {
        let key = SigningKey::generate(algorithm).unwrap();
        let stored = key.to_pkcs8().unwrap();
        let back = SigningKey::from_pkcs8(algorithm, &stored).unwrap();
        assert_eq!(back.public_jwk(), key.public_jwk());
        let token = back.sign(&Protected::jwt(), &json!({})).unwrap();
        assert!(verify(&token, &published(&[&key])).is_ok());
        let other = SIGNERS.into_iter().find(|other| *other != algorithm).unwrap();
        assert!(SigningKey::from_pkcs8(other, &stored).is_err());
    }
    assert!(SigningKey::from_pkcs8(Algorithm::Rs256, &Secret::new(vec![0x30, 0])).is_err());
}

#[test]
fn a_certificate_names_only_its_own_key() {
    let (one, other) = (certified(Algorithm::Es256), certified(Algorithm::Es256));
    let certificate = one.certificate().unwrap().clone();
    assert_eq!(
        other.with_certificate(certificate).err(),
        Some(JoseError::Certificate("of another key"))
    );
}

#[test]
fn keys_are_found_by_name() {
    let (one, other) = (certified(Algorithm::Es256), certified(Algorithm::Es256));
    let token = one.sign(&Protected::jwt(), &json!({})).unwrap();
    assert!(verify(&token, &published(&[&other, &one])).is_ok());
    assert_eq!(verify(&token, &published(&[&other])), Err(JoseError::UnknownKey));
    assert_eq!(verify(&token, &KeySet::default()), Err(JoseError::UnknownKey));
}

#[test]
fn keys_that_cannot_be_used_are_left_out() {
    let good = SigningKey::generate(Algorithm::Rs256).unwrap().public_jwk();
    let mut for_encryption = good.clone();
    for_encryption.usage = Some("enc".to_owned());
    let mut small = good.clone();
    small.n = small.n.map(|n| n[..170].to_owned());
    let mut huge_exponent = good.clone();
    huge_exponent.e = Some("AQAAAAAAAAAAAAAAAQ".to_owned());
    let mut without = good.clone();
    without.n = None;
    let mut off_curve = SigningKey::generate(Algorithm::Es256).unwrap().public_jwk();
    off_curve.y.clone_from(&off_curve.x);
    for bad in [for_encryption, small, huge_exponent, without, off_curve] {
        assert!(
            KeySet::new(&Jwks {
                keys: vec![bad.clone()]
            })
            .is_empty(),
            "{bad:?}"
        );
    }
    assert_eq!(KeySet::new(&Jwks { keys: vec![good] }).len(), 1);
}

#[test]
fn nothing_secret_is_printed() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    assert_eq!(format!("{key:?}"), format!("SigningKey(ES256 {})", key.kid()));
}
