//! X.509 certificates. Input: DER.
//!
//! Laws: a certificate that is read is kept byte for byte, and what follows it is not taken for a part of it; its key
//! verifies by algorithms of one kind, or by none.

use std::time::Duration;

use hygie_core::Timestamp;
use hygie_jose::{Algorithm, Certificate, JoseError, KeySet, SigningKey};

use crate::Target;

pub const TARGET: Target = Target {
    name: "certificate",
    run,
    seeds,
    words: "0\x03\x02\x01 \x06\x03U\x04\x03 \x13 \x18\x0f \x05\x00",
};

fn seeds() -> Vec<Vec<u8>> {
    let start = Timestamp::from_secs(1_790_000_000);
    let seeds = [Algorithm::Es256, Algorithm::Rs256].map(|algorithm| {
        let key = SigningKey::generate(algorithm).expect("a key");
        let end = start + Duration::from_hours(24);
        let certificate = Certificate::self_signed(&key, "login.ch-demo.example", start, end).expect("a certificate");
        certificate.der().to_vec()
    });
    seeds.to_vec()
}

fn run(input: &[u8]) {
    match Certificate::from_der(input) {
        Ok(certificate) => {
            assert_eq!(certificate.der(), input);
            let usable = Algorithm::ALL.into_iter().filter_map(|algorithm| {
                let key = certificate.jwk(algorithm).ok()?;
                assert_eq!(key.x5t_s256, Some(certificate.x5t_s256()));
                KeySet::of(&key).ok()
            });
            assert!(usable.count() <= 4, "a key is of one kind");
            assert_eq!((certificate.x5t().len(), certificate.x5t_s256().len()), (27, 43));
            assert!(
                Certificate::from_der(&[input, b"\0"].concat()).is_err(),
                "trailing bytes"
            );
        }
        Err(JoseError::Certificate(_)) => {}
        Err(error) => panic!("no fault of a certificate: {error}"),
    }
}
