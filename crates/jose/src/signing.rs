//! The key that signs: parsed once, used for every token (parsing an RSA key costs more than a signature).

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256};
use hygie_core::Secret;
use serde::Serialize;
use serde_json::{Map, Value};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::RSAPublicKey;

use crate::{Algorithm, Certificate, JoseError, Jwk, Protected, base64url};

/// The parsed key pair.
pub(crate) enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl Pair {
    /// The members of the public key (RFC 7518 §6).
    fn public(&self) -> Result<Jwk, JoseError> {
        let signing = Jwk {
            usage: Some("sig".to_owned()),
            ..Jwk::default()
        };
        match self {
            Self::Rsa(pair) => {
                let (_, public) = RSAPublicKey::from_der(pair.public_key().as_ref())
                    .map_err(|_| JoseError::Key("cannot be written"))?;
                Ok(Jwk {
                    kty: "RSA".to_owned(),
                    n: Some(base64url::encode(unsigned(public.modulus))),
                    e: Some(base64url::encode(unsigned(public.exponent))),
                    ..signing
                })
            }
            Self::Ecdsa(pair) => {
                // An uncompressed point: 0x04 and the two coordinates (SEC 1 §2.3.3).
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at((point.len() - 1) / 2);
                Ok(Jwk {
                    kty: "EC".to_owned(),
                    alg: Some(Algorithm::Es256.name().to_owned()),
                    crv: Some("P-256".to_owned()),
                    x: Some(base64url::encode(x)),
                    y: Some(base64url::encode(y)),
                    ..signing
                })
            }
        }
    }
}

/// DER's integers are signed, JWK's are not: without the leading zero.
pub(crate) fn unsigned(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(&[0]).unwrap_or(bytes)
}

/// A private key with its name and, usually, its certificate.
pub struct SigningKey {
    pair: Pair,
    public: Jwk,
    kid: String,
    certificate: Option<Certificate>,
}

impl SigningKey {
    /// A new key, with the randomness of the cryptographic library. RSA has 2048 bits and takes about 60 ms of CPU:
    /// call it where blocking is allowed.
    pub fn generate(algorithm: Algorithm) -> Result<Self, JoseError> {
        let failed = |_| JoseError::Key("cannot be generated");
        Self::named_by_itself(match algorithm {
            Algorithm::Rs256 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?),
            Algorithm::Es256 => Pair::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?),
            _ => return Err(JoseError::Key("not an algorithm we sign with")),
        })
    }

    /// Reads a key that [`SigningKey::to_pkcs8`] wrote.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: &Secret<Vec<u8>>) -> Result<Self, JoseError> {
        let refused = |_| JoseError::Key("not a PKCS#8 key of this algorithm");
        let der = pkcs8.expose();
        Self::named_by_itself(match algorithm {
            Algorithm::Rs256 => Pair::Rsa(RsaKeyPair::from_pkcs8(der).map_err(refused)?),
            Algorithm::Es256 => {
                Pair::Ecdsa(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(refused)?)
            }
            _ => return Err(JoseError::Key("not an algorithm we sign with")),
        })
    }

    fn named_by_itself(pair: Pair) -> Result<Self, JoseError> {
        if let Pair::Rsa(rsa) = &pair
            && rsa.public_modulus_len() < 256
        {
            return Err(JoseError::Key("RSA key of less than 2048 bits"));
        }
        let public = pair.public()?;
        Ok(Self {
            kid: public.thumbprint()?,
            pair,
            public,
            certificate: None,
        })
    }

    /// The same key called by its certificate, as Entra does: `kid` and `x5t` are its SHA-1 thumbprint.
    pub fn with_certificate(self, certificate: Certificate) -> Result<Self, JoseError> {
        if !certificate.is_of(&self.pair) {
            return Err(JoseError::Certificate("of another key"));
        }
        Ok(Self {
            kid: certificate.x5t(),
            certificate: Some(certificate),
            ..self
        })
    }

    /// The private key as PKCS#8, to be stored sealed.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, JoseError> {
        let failed = |_| JoseError::Key("cannot be written");
        Ok(Secret::new(match &self.pair {
            Pair::Rsa(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map_err(failed)?.as_ref().to_vec(),
            Pair::Ecdsa(pair) => pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec(),
        }))
    }

    /// Its name: the thumbprint of the certificate, or of the key itself (RFC 7638) when it has none.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::Rs256,
            Pair::Ecdsa(_) => Algorithm::Es256,
        }
    }

    /// Its certificate.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// The public key as published, without Entra's `issuer`.
    pub fn public_jwk(&self) -> Jwk {
        let mut jwk = self.public.clone();
        jwk.kid = Some(self.kid.clone());
        if let Some(certificate) = &self.certificate {
            jwk.x5t = Some(certificate.x5t());
            jwk.x5c = Some(vec![certificate.x5c()]);
        }
        jwk
    }

    /// A signed token in compact form (RFC 7515 §7.1) with these claims, in their order.
    ///
    /// One RS256 signature is about 0.3 ms of CPU: call it where blocking is allowed.
    pub fn sign(&self, header: &Protected, claims: &impl Serialize) -> Result<String, JoseError> {
        let claims = serde_json::to_vec(claims).map_err(|_| JoseError::Sign("claims are not JSON"))?;
        if claims.first() != Some(&b'{') {
            return Err(JoseError::Sign("claims are not an object"));
        }
        let header = serde_json::to_vec(&self.header(header)).map_err(|_| JoseError::Sign("the header is not JSON"))?;
        let mut token = String::with_capacity((header.len() + claims.len()) * 4 / 3 + 360);
        base64url::encode_to(header, &mut token);
        token.push('.');
        base64url::encode_to(claims, &mut token);
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        base64url::encode_to(signature, &mut token);
        Ok(token)
    }

    fn header(&self, header: &Protected) -> Map<String, Value> {
        let mut members = Map::new();
        if let Some(typ) = header.typ {
            members.insert("typ".to_owned(), typ.into());
        }
        members.insert("alg".to_owned(), self.algorithm().name().into());
        if header.with_x5t && self.certificate.is_some() {
            members.insert("x5t".to_owned(), self.kid.clone().into());
        }
        members.insert("kid".to_owned(), self.kid.clone().into());
        for (name, value) in &header.members {
            members.entry(name.clone()).or_insert_with(|| value.clone());
        }
        members
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        let failed = |_| JoseError::Sign("the signer failed");
        // PKCS#1 v1.5 is deterministic and the library's ECDSA makes its own nonce; the argument is a formality.
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
            Pair::Ecdsa(pair) => Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm(), self.kid)
    }
}
