//! Key documents that issuers publish. Input: the document.
//!
//! Laws: what was read is written and read again unchanged; a usable key is a public key of an algorithm we accept, is
//! found by its name, and a private member never stays.

use hygie_jose::{Algorithm, JoseError, Jwk, Jwks, KeySet, SigningKey, json};

use crate::{Target, texts};

pub const TARGET: Target = Target {
    name: "jwks",
    run,
    seeds,
    words: r#"
        {"keys":[ "kty":"RSA" "kty":"EC" "kty":"oct" "crv":"P-256" "crv":"P-384" "use":"sig" "use":"enc"
        "alg":"RS256" "alg":"PS256" "alg":"ES384" "kid": "x5t": "x5t#S256": "x5c":[ "n": "e":"AQAB" "x": "y":
        "d": "k": "issuer":"#,
};

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = texts(&[
        "{\"keys\":[]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\",\"alg\":\"HS256\"},{\"kty\":7},3]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"enc\",\"kid\":\"a\",\"x\":\"AA\",\"y\":\"AA\",\"d\":\"AA\"}]}",
    ]);
    let keys = [Algorithm::Rs256, Algorithm::Es256].map(|algorithm| {
        let key = SigningKey::generate(algorithm).expect("a key");
        Jwk {
            issuer: Some("https://login.example/{tenantid}/v2.0".to_owned()),
            ..key.public_jwk()
        }
    });
    seeds.push(serde_json::to_vec(&Jwks { keys: keys.to_vec() }).expect("JSON"));
    seeds
}

fn run(input: &[u8]) {
    let jwks = match Jwks::parse(input) {
        Ok(jwks) => jwks,
        Err(JoseError::Malformed(_) | JoseError::TooDeep | JoseError::TooLarge) => return,
        Err(error) => panic!("no fault of a document: {error}"),
    };
    assert!(json::is_within(input, json::MAX_DEPTH));
    let text = serde_json::to_vec(&jwks).expect("JSON");
    assert!(matches!(serde_json::from_slice::<Jwks>(&text), Ok(again) if again == jwks));
    let set = KeySet::new(&jwks);
    let usable = jwks
        .keys
        .iter()
        .filter(|jwk| jwk.usage.as_deref().is_none_or(|usage| usage == "sig") && is_usable(jwk));
    assert_eq!(set.len(), usable.count());
}

fn is_usable(jwk: &Jwk) -> bool {
    let usable = KeySet::of(jwk).is_ok();
    let thumbprint = jwk.thumbprint();
    if usable {
        assert!(jwk.algorithm().is_ok(), "usable without an algorithm");
        assert_eq!(thumbprint.map(|text| text.len()), Ok(43));
        assert!(jwk.kty == "RSA" || jwk.kty == "EC");
    }
    usable
}
