//! The certificate that names a signing key: Entra publishes each key as an X.509 certificate (`x5c`) and calls it by
//! the thumbprint of that certificate (`kid` = `x5t`).

use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_core::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::{
    Algorithm, JoseError, Jwk, SigningKey, base64url, digest,
    signing::{Pair, unsigned},
};

/// An X.509 certificate, parsed once for what tokens need of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    public_key: Vec<u8>,
    /// The public key's members alone.
    key: Jwk,
    validity: (Timestamp, Timestamp),
}

impl Certificate {
    /// Reads a certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, JoseError> {
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|_| JoseError::Certificate("not an X.509 certificate"))?;
        if !rest.is_empty() {
            return Err(JoseError::Certificate("trailing bytes"));
        }
        let [not_before, not_after] = [parsed.validity().not_before, parsed.validity().not_after];
        Ok(Self {
            der: der.to_vec(),
            public_key: parsed.public_key().subject_public_key.data.to_vec(),
            key: members(parsed.public_key())?,
            validity: (
                Timestamp::from_secs(not_before.timestamp()),
                Timestamp::from_secs(not_after.timestamp()),
            ),
        })
    }

    /// A self-signed certificate of `key`, called `name`, valid for the given time.
    pub fn self_signed(
        key: &SigningKey,
        name: &str,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<Self, JoseError> {
        let refused = |_| JoseError::Certificate("cannot be made");
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = instant(not_before)?;
        params.not_after = instant(not_after)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let pkcs8 = key.to_pkcs8()?;
        let pair = KeyPair::try_from(pkcs8.expose().as_slice()).map_err(refused)?;
        Self::from_der(params.self_signed(&pair).map_err(refused)?.der())
    }

    /// The certificate itself.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// When it begins and ends.
    pub fn validity(&self) -> (Timestamp, Timestamp) {
        self.validity
    }

    /// Its public key as one that verifies by this algorithm; an error when the algorithm is for another kind of key.
    pub fn jwk(&self, algorithm: Algorithm) -> Result<Jwk, JoseError> {
        let jwk = Jwk {
            alg: Some(algorithm.name().to_owned()),
            x5t: Some(self.x5t()),
            x5t_s256: Some(self.x5t_s256()),
            ..self.key.clone()
        };
        jwk.algorithm()?;
        Ok(jwk)
    }

    /// Its text in `x5c`: base64 with padding — RFC 7517 §4.7.
    pub fn x5c(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// SHA-1 thumbprint — RFC 7515 §4.1.7.
    pub fn x5t(&self) -> String {
        base64url::encode(digest::sha1(&self.der))
    }

    /// SHA-256 thumbprint — RFC 7515 §4.1.8.
    pub fn x5t_s256(&self) -> String {
        base64url::encode(digest::sha256(&self.der))
    }

    /// Whether it certifies this key.
    pub(crate) fn is_of(&self, pair: &Pair) -> bool {
        match pair {
            Pair::Rsa(pair) => pair.public_key().as_ref() == self.public_key,
            Pair::Ecdsa(pair) => pair.public_key().as_ref() == self.public_key,
        }
    }
}

fn members(info: &SubjectPublicKeyInfo<'_>) -> Result<Jwk, JoseError> {
    let unreadable = |_| JoseError::Certificate("its key cannot be read");
    let text = |bytes: &[u8]| Some(base64url::encode(bytes));
    Ok(match info.parsed().map_err(unreadable)? {
        PublicKey::RSA(key) => Jwk {
            kty: "RSA".to_owned(),
            n: text(unsigned(key.modulus)),
            e: text(unsigned(key.exponent)),
            ..Jwk::default()
        },
        PublicKey::EC(point) => {
            let (crv, size) = match point.key_size() {
                256 => ("P-256", 32),
                384 => ("P-384", 48),
                _ => return Err(JoseError::Certificate("a curve that is not accepted")),
            };
            // Uncompressed form: 0x04 and the two coordinates (SEC 1 §2.3.3).
            let coordinates = point.data().strip_prefix(&[4]).filter(|both| both.len() == 2 * size);
            let (x, y) = coordinates
                .ok_or(JoseError::Certificate("a point in a form that is not accepted"))?
                .split_at(size);
            Jwk {
                kty: "EC".to_owned(),
                crv: Some(crv.to_owned()),
                x: text(x),
                y: text(y),
                ..Jwk::default()
            }
        }
        _ => return Err(JoseError::Certificate("a kind of key that is not accepted")),
    })
}

/// X.509 counts in seconds; finer parts are cut off.
fn instant(at: Timestamp) -> Result<OffsetDateTime, JoseError> {
    OffsetDateTime::from_unix_timestamp(at.secs()).map_err(|_| JoseError::Certificate("instant out of range"))
}
