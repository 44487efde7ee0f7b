//! X.509 certificates and revocation lists. Input: DER.
//!
//! Laws: a certificate that is read is kept byte for byte, and what follows it is not taken for a part of it; its key
//! verifies by algorithms of one kind, or by none. No octets but those that an authority signed are a list of its, and a
//! certificate leads to no root but its own.

use std::sync::OnceLock;
use std::time::Duration;

use hygie_core::Timestamp;
use hygie_jose::x509::{Authority, Holder, Position, RevocationList, path};
use hygie_jose::{Algorithm, Certificate, JoseError, KeySet, SigningKey};

use hygie_testkit::CardAuthority;

use crate::Target;

/// Whose lists the input may be.
static CARDS: OnceLock<CardAuthority> = OnceLock::new();

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
    let cards = CARDS.get_or_init(|| CardAuthority::root("HYGIE TEST", start));
    let list = cards.list(&[&[0x4a, 0x01], &[0x4a]], start, Duration::from_hours(24));
    [seeds.to_vec(), vec![cards.certificate.clone(), list]].concat()
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
    let now = Timestamp::from_secs(1_790_000_000);
    if let Ok(holder) = Holder::of(input) {
        assert_eq!((holder.thumbprint.len(), holder.sha1_public_key.len()), (40, 40));
    }
    let found = Authority::from_der(input);
    let trusted: Vec<&Authority> = found.iter().collect();
    assert!(path(input, &[], now).is_err(), "nobody is trusted");
    if let Ok(authority) = &found {
        assert_eq!(authority.der(), input);
        assert!(path(input, &trusted, now).is_err() || authority.position == Position::Root);
        assert!(
            RevocationList::read(input, authority).is_err(),
            "an authority is no list"
        );
    }
    let cards = CARDS.get_or_init(|| CardAuthority::root("HYGIE TEST", now));
    let authority = Authority::from_der(&cards.certificate).expect("an authority");
    if let Ok(list) = RevocationList::read(input, &authority) {
        assert_eq!(list.revokes(&cards.certificate).map(|_| list.len()), Some(list.len()));
    }
}
