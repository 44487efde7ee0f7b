//! Signing and verifying, from outside.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod examples;
mod forgery;
mod keys;
mod never_panics;
mod x509;

use hygie_core::Timestamp;
use hygie_jose::{Algorithm, Certificate, Jwks, KeySet, SigningKey};

/// A key called by a certificate, as the identity provider makes them.
fn certified(algorithm: Algorithm) -> SigningKey {
    let key = SigningKey::generate(algorithm).unwrap();
    let certificate = Certificate::self_signed(
        &key,
        "accounts.example",
        Timestamp::from_secs(1_790_000_000),
        Timestamp::from_secs(1_950_000_000),
    )
    .unwrap();
    key.with_certificate(certificate).unwrap()
}

fn published(keys: &[&SigningKey]) -> KeySet {
    KeySet::new(&Jwks {
        keys: keys.iter().map(|key| key.public_jwk()).collect(),
    })
}
