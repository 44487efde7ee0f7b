//! Tokens bound to a client certificate — RFC 8705 §3, RFC 7800 §3.1.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_jose::{Claims, base64url, digest};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Reason;

/// How an issuer writes `x5t#S256`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThumbprintForm {
    /// Base64url of the 32 octets, as RFC 8705 §3.1 says.
    #[default]
    Octets,
    /// Padded base64 of the digest in lower-case hexadecimal digits, as the examples and services of the French
    /// Agence du Numérique en Santé write it.
    HexText,
}

impl ThumbprintForm {
    /// The digest of a thumbprint in this form, and in no other.
    fn read(self, text: &str) -> Option<[u8; 32]> {
        match self {
            Self::Octets => base64url::decode(text).ok()?.try_into().ok(),
            Self::HexText => octets(&STANDARD.decode(text).ok()?),
        }
    }
}

/// 64 lower-case hexadecimal digits.
fn octets(digits: &[u8]) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = digits.try_into().ok()?;
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut octets = [0; 32];
    for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
        *octet = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(octets)
}

/// The certificate that a token is bound to, by its SHA-256 thumbprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmation([u8; 32]);

impl Confirmation {
    /// By this certificate (DER).
    pub fn by(certificate: &[u8]) -> Self {
        Self(digest::sha256(certificate))
    }

    /// The claim `cnf`, as RFC 8705 §3.1 says.
    pub fn claim(self) -> Value {
        json!({ "x5t#S256": base64url::encode(self.0) })
    }

    /// What `cnf` asks for; nothing when the token has none. A confirmation by anything else than a certificate alone
    /// is one that we cannot check.
    pub fn of(claims: &Claims, form: ThumbprintForm) -> Result<Option<Self>, Reason> {
        let Some(cnf) = claims.members.get("cnf") else {
            return Ok(None);
        };
        let thumbprint = match cnf.as_object() {
            Some(members) if members.len() == 1 => members.get("x5t#S256").and_then(Value::as_str),
            _ => None,
        };
        let digest = thumbprint.and_then(|text| form.read(text));
        digest.map(|digest| Some(Self(digest))).ok_or(Reason::Confirmation)
    }

    /// Whether this certificate (DER), which the client proved to hold in its TLS handshake, is the one.
    pub fn check(self, certificate: Option<&[u8]>) -> Result<(), Reason> {
        let certificate = certificate.ok_or(Reason::Bound)?;
        if digest::sha256(certificate) == self.0 {
            Ok(())
        } else {
            Err(Reason::OtherCertificate)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &[u8] = b"a certificate";

    fn hex() -> String {
        digest::sha256(CERTIFICATE)
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect()
    }

    #[test]
    fn each_form_is_taken_from_its_issuers_only() {
        let octets = base64url::encode(digest::sha256(CERTIFICATE));
        let text = STANDARD.encode(hex());
        let of = |thumbprint: &str, form| {
            let claims = json!({"cnf": {"x5t#S256": thumbprint}});
            Confirmation::of(&Claims::from_map(claims.as_object().unwrap().clone()).unwrap(), form)
        };
        let (rfc, ans) = (ThumbprintForm::Octets, ThumbprintForm::HexText);
        let confirmation = Confirmation(digest::sha256(CERTIFICATE));
        let good = Ok(Some(confirmation));
        for (thumbprint, form, outcome) in [
            (octets.as_str(), rfc, &good),
            (&text, ans, &good),
            (&octets, ans, &Err(Reason::Confirmation)),
            (&text, rfc, &Err(Reason::Confirmation)),
            (&hex(), ans, &Err(Reason::Confirmation)),
            (&STANDARD.encode(hex().to_uppercase()), ans, &Err(Reason::Confirmation)),
            (text.trim_end_matches('='), ans, &Err(Reason::Confirmation)),
            (&format!("{octets}="), rfc, &Err(Reason::Confirmation)),
            (&octets[..42], rfc, &Err(Reason::Confirmation)),
            ("", rfc, &Err(Reason::Confirmation)),
            ("", ans, &Err(Reason::Confirmation)),
        ] {
            assert_eq!(&of(thumbprint, form), outcome, "{thumbprint} {form:?}");
        }
        assert_eq!(confirmation.check(Some(CERTIFICATE)), Ok(()));
        assert_eq!(confirmation.check(Some(b"another")), Err(Reason::OtherCertificate));
        assert_eq!(confirmation.check(None), Err(Reason::Bound));
        assert_eq!(Confirmation::by(CERTIFICATE).claim(), json!({"x5t#S256": octets}));
    }

    #[test]
    fn what_cannot_be_checked_is_refused() {
        let thumbprint = base64url::encode(digest::sha256(CERTIFICATE));
        for cnf in [
            json!({}),
            json!(null),
            json!(thumbprint),
            json!([{"x5t#S256": thumbprint}]),
            json!({"x5t#S256": 7}),
            json!({"jkt": thumbprint}),
            json!({"x5t#S256": thumbprint, "jkt": thumbprint}),
        ] {
            let claims = json!({"cnf": cnf});
            let claims = Claims::from_map(claims.as_object().unwrap().clone()).unwrap();
            let outcome = Confirmation::of(&claims, ThumbprintForm::Octets);
            assert_eq!(outcome, Err(Reason::Confirmation), "{cnf}");
        }
    }
}
