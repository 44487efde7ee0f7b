//! Public keys as JSON — RFC 7517, RFC 7518 §6, thumbprints RFC 7638, and Entra's member `issuer`.

use serde::{Deserialize, Serialize};

use crate::{Algorithm, JoseError, base64url, digest, json};

/// Largest key document that is read: Entra's has about 20 KiB.
const MAX_DOCUMENT: usize = 256 * 1024;
/// More keys than any issuer publishes.
const MAX_KEYS: usize = 200;

/// A public key. Members that we do not know, private ones among them, are dropped when it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Kind of key: `RSA`, `EC`.
    pub kty: String,
    /// `sig` or `enc`.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// Its name; Entra's is `x5t`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The one algorithm it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// SHA-1 thumbprint of its certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x5t: Option<String>,
    /// SHA-256 thumbprint of its certificate.
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
    /// RSA modulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA exponent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// Curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// First coordinate of the point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Second coordinate of the point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Certificate chain, base64 (not base64url) of DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x5c: Option<Vec<String>>,
    /// Entra: the issuer this key signs for, possibly a template with `{tenantid}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

impl Jwk {
    /// The algorithm that this key verifies by: its `alg`, or the usual one of its kind (RS256 for RSA, as Entra
    /// publishes none). An `alg` of another kind is an error, not a choice.
    pub fn algorithm(&self) -> Result<Algorithm, JoseError> {
        let usual = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Algorithm::Rs256,
            ("EC", Some("P-256")) => Algorithm::Es256,
            ("EC", Some("P-384")) => Algorithm::Es384,
            _ => return Err(JoseError::Key("kind of key not accepted")),
        };
        let Some(named) = &self.alg else { return Ok(usual) };
        let named = Algorithm::find(named).ok_or(JoseError::Key("algorithm not accepted"))?;
        let same_kind = match usual {
            Algorithm::Rs256 => named.rsa().is_some(),
            _ => named == usual,
        };
        if same_kind {
            Ok(named)
        } else {
            Err(JoseError::Key("algorithm of another kind of key"))
        }
    }

    /// SHA-256 thumbprint of the key itself — RFC 7638 §3: the `jkt` of DPoP, the name of keys without certificate.
    pub fn thumbprint(&self) -> Result<String, JoseError> {
        // The required members in lexicographic order; base64url text needs no escaping in JSON.
        let members = match (self.kty.as_str(), &self.n, &self.e, &self.crv, &self.x, &self.y) {
            ("RSA", Some(n), Some(e), ..) => vec![("e", e), ("kty", &self.kty), ("n", n)],
            ("EC", _, _, Some(crv), Some(x), Some(y)) => vec![("crv", crv), ("kty", &self.kty), ("x", x), ("y", y)],
            _ => return Err(JoseError::Key("members missing")),
        };
        let members: Vec<String> = members
            .into_iter()
            .map(|(name, value)| {
                let value = serde_json::to_string(value).map_err(|_| JoseError::Malformed("key"))?;
                Ok(format!(r#""{name}":{value}"#))
            })
            .collect::<Result<_, JoseError>>()?;
        Ok(base64url::encode(digest::sha256(format!("{{{}}}", members.join(",")))))
    }
}

/// A key document — RFC 7517 §5.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwks {
    /// Its keys, in no particular order.
    pub keys: Vec<Jwk>,
}

impl Jwks {
    /// Reads a key document from outside, within its limits. Keys of a shape that we do not know are left out, as
    /// §5 asks: one of them must not take the issuer down.
    pub fn parse(bytes: &[u8]) -> Result<Self, JoseError> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<serde_json::Value>,
        }
        if bytes.len() > MAX_DOCUMENT {
            return Err(JoseError::TooLarge);
        }
        let document: Document = json::read(bytes, "key document")?;
        if document.keys.len() > MAX_KEYS {
            return Err(JoseError::TooLarge);
        }
        Ok(Self {
            keys: document
                .keys
                .into_iter()
                .filter_map(|key| serde_json::from_value(key).ok())
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprint_example_of_rfc_7638() {
        let key = Jwk {
            kty: "RSA".to_owned(),
            n: Some(
                "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n\
                 3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgd\
                 AZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur\
                 -kEgU8awapJzKnqDKgw"
                    .to_owned(),
            ),
            e: Some("AQAB".to_owned()),
            alg: Some("RS256".to_owned()),
            kid: Some("2011-04-29".to_owned()),
            ..Jwk::default()
        };
        assert_eq!(
            key.thumbprint().as_deref(),
            Ok("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
        );
    }

    #[test]
    fn the_key_fixes_its_algorithm() {
        let algorithm = |kty: &str, crv: Option<&str>, alg: Option<&str>| {
            Jwk {
                kty: kty.to_owned(),
                crv: crv.map(str::to_owned),
                alg: alg.map(str::to_owned),
                ..Jwk::default()
            }
            .algorithm()
            .ok()
        };
        for (kty, crv, alg, expected) in [
            ("RSA", None, None, Some(Algorithm::Rs256)),
            ("RSA", None, Some("PS256"), Some(Algorithm::Ps256)),
            ("RSA", None, Some("ES256"), None),
            ("RSA", None, Some("HS256"), None),
            ("RSA", None, Some("none"), None),
            ("RSA", None, Some("RSA-OAEP"), None),
            ("EC", Some("P-256"), None, Some(Algorithm::Es256)),
            ("EC", Some("P-384"), Some("ES384"), Some(Algorithm::Es384)),
            ("EC", Some("P-256"), Some("RS256"), None),
            ("EC", Some("P-521"), None, None),
            ("oct", None, Some("HS256"), None),
        ] {
            assert_eq!(algorithm(kty, crv, alg), expected, "{kty} {crv:?} {alg:?}");
        }
    }

    #[test]
    fn a_strange_key_does_not_spoil_the_document() {
        let document = br#"{"keys":[{"kty":7},{"kty":"RSA","n":"AA","e":"AQAB","d":"secret","future":{}},"?"]}"#;
        let jwks = Jwks::parse(document).unwrap();
        assert_eq!(jwks.keys.len(), 1);
        assert!(!serde_json::to_string(&jwks).unwrap().contains("secret"));
        assert!(Jwks::parse(br#"{"keys":{}}"#).is_err());
        assert_eq!(Jwks::parse(&vec![b' '; MAX_DOCUMENT + 1]), Err(JoseError::TooLarge));
    }
}
