//! The keys of an issuer, parsed once and found by name.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::signature::{ParsedPublicKey, RsaPublicKeyComponents};

use crate::{Algorithm, Header, JoseError, Jwk, Jwks, base64url};

/// A public key that verifies by exactly one algorithm.
pub(crate) struct VerificationKey {
    algorithm: Algorithm,
    key: ParsedPublicKey,
    /// Entra: the issuer this key signs for.
    pub(crate) issuer: Option<Arc<str>>,
}

impl VerificationKey {
    fn parse(jwk: &Jwk) -> Result<Self, JoseError> {
        let algorithm = jwk.algorithm()?;
        Ok(Self {
            algorithm,
            key: match algorithm.rsa() {
                Some(_) => rsa(jwk, algorithm)?,
                None => point(jwk, algorithm)?,
            },
            issuer: jwk.issuer.as_deref().map(Arc::from),
        })
    }

    /// Whether `signature` is this key's over `message`, made by the algorithm that both name.
    pub(crate) fn verify(&self, named: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        if named != self.algorithm {
            return Err(JoseError::AlgorithmMismatch);
        }
        self.key
            .verify_sig(message, signature)
            .map_err(|_| JoseError::Signature)
    }
}

fn member(value: Option<&String>) -> Result<Vec<u8>, JoseError> {
    base64url::decode(value.ok_or(JoseError::Key("members missing"))?)
}

fn rsa(jwk: &Jwk, algorithm: Algorithm) -> Result<ParsedPublicKey, JoseError> {
    let parameters = algorithm.rsa().ok_or(JoseError::Key("not an RSA algorithm"))?;
    // Some issuers send the leading zero of a signed integer, which RFC 7518 §6.3.1.1 forbids: harmless.
    let stripped = |bytes: Vec<u8>| -> Vec<u8> { bytes.into_iter().skip_while(|byte| *byte == 0).collect() };
    let (n, e) = (stripped(member(jwk.n.as_ref())?), stripped(member(jwk.e.as_ref())?));
    if !(256..=1024).contains(&n.len()) || e.len() > 4 {
        return Err(JoseError::Key("RSA key of a size not accepted"));
    }
    RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(parameters)
        .map_err(|_| JoseError::Key("not an RSA key"))
}

fn point(jwk: &Jwk, algorithm: Algorithm) -> Result<ParsedPublicKey, JoseError> {
    let (verifier, _, size) = algorithm.curve().ok_or(JoseError::Key("not a curve's algorithm"))?;
    let (x, y) = (member(jwk.x.as_ref())?, member(jwk.y.as_ref())?);
    if x.len() != size || y.len() != size {
        return Err(JoseError::Key("coordinates of a wrong length"));
    }
    // Uncompressed form: 0x04 and the two coordinates (SEC 1 §2.3.3).
    let point = [&[4][..], &x, &y].concat();
    ParsedPublicKey::new(verifier, point).map_err(|_| JoseError::Key("not a point of the curve"))
}

/// The keys of one issuer, by `kid` and by thumbprint of certificate.
#[derive(Default)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    by_kid: HashMap<String, usize>,
    by_thumbprint: HashMap<String, usize>,
}

impl KeySet {
    /// The usable keys of a document: signing keys of an accepted kind and size. The others are left out (RFC 7517 §5).
    pub fn new(jwks: &Jwks) -> Self {
        let mut set = Self::default();
        for jwk in &jwks.keys {
            if jwk.usage.as_deref().is_none_or(|usage| usage == "sig") {
                // A key that cannot be used is as good as absent: its tokens are refused as signed by an unknown key.
                let _ = set.add(jwk);
            }
        }
        set
    }

    /// One key, for instance the one that a client registered; an error when it cannot be used.
    pub fn of(jwk: &Jwk) -> Result<Self, JoseError> {
        let mut set = Self::default();
        set.add(jwk)?;
        Ok(set)
    }

    fn add(&mut self, jwk: &Jwk) -> Result<(), JoseError> {
        let key = VerificationKey::parse(jwk)?;
        let at = self.keys.len();
        self.keys.push(key);
        if let Some(kid) = &jwk.kid {
            self.by_kid.entry(kid.clone()).or_insert(at);
        }
        for thumbprint in [&jwk.x5t, &jwk.x5t_s256].into_iter().flatten() {
            self.by_thumbprint.entry(thumbprint.clone()).or_insert(at);
        }
        Ok(())
    }

    /// Number of usable keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is usable.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether this set has the key that the header names.
    pub fn knows(&self, header: &Header) -> bool {
        self.find(header).is_some()
    }

    /// The key that the header names by `kid`, else by thumbprint; a header that names none means the only key.
    pub(crate) fn find(&self, header: &Header) -> Option<&VerificationKey> {
        let at = match (&header.kid, &header.x5t, &header.x5t_s256) {
            (Some(kid), ..) => self.by_kid.get(kid).copied()?,
            (None, Some(name), _) | (None, None, Some(name)) => self.by_thumbprint.get(name).copied()?,
            (None, None, None) if self.keys.len() == 1 => 0,
            (None, None, None) => return None,
        };
        self.keys.get(at)
    }
}

impl From<&Jwks> for KeySet {
    fn from(jwks: &Jwks) -> Self {
        Self::new(jwks)
    }
}
