//! The JOSE header — RFC 7515 §4, RFC 7519 §5.

use serde_json::{Map, Value};

use crate::{Algorithm, JoseError};

/// The header of a token that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// `alg`, one that we accept.
    pub alg: Algorithm,
    /// `kid`: the name of the key.
    pub kid: Option<String>,
    /// `typ`: `JWT`, `at+jwt`, `dpop+jwt`…
    pub typ: Option<String>,
    /// `x5t`: SHA-1 thumbprint of the signing certificate.
    pub x5t: Option<String>,
    /// `x5t#S256`: SHA-256 thumbprint of the signing certificate.
    pub x5t_s256: Option<String>,
    /// The other members.
    pub members: Map<String, Value>,
}

impl Header {
    pub(crate) fn from_map(mut members: Map<String, Value>) -> Result<Self, JoseError> {
        let alg = text(&mut members, "alg")?.ok_or(JoseError::Malformed("header"))?;
        let alg = Algorithm::find(&alg).ok_or(JoseError::Algorithm)?;
        if members.contains_key("crit") {
            return Err(JoseError::Critical);
        }
        Ok(Self {
            alg,
            kid: text(&mut members, "kid")?,
            typ: text(&mut members, "typ")?,
            x5t: text(&mut members, "x5t")?,
            x5t_s256: text(&mut members, "x5t#S256")?,
            members,
        })
    }
}

fn text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, JoseError> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JoseError::Malformed("header")),
    }
}

/// The header of a token to be signed: what the caller chooses beside `alg` and `kid`, which the key gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Protected {
    pub(crate) typ: Option<&'static str>,
    pub(crate) with_x5t: bool,
    pub(crate) members: Map<String, Value>,
}

impl Protected {
    /// `"typ": "JWT"`: id tokens and access tokens of version 2.
    pub fn jwt() -> Self {
        Self::typed("JWT")
    }

    /// Another `typ`: `at+jwt` (RFC 9068), `logout+jwt`, `token-introspection+jwt`…
    pub fn typed(typ: &'static str) -> Self {
        Self {
            typ: Some(typ),
            ..Self::default()
        }
    }

    /// With the thumbprint `x5t` of the key's certificate, when it has one: access tokens of version 1.
    #[must_use]
    pub fn with_x5t(self) -> Self {
        Self { with_x5t: true, ..self }
    }

    /// With one more member. `alg`, `kid`, `typ` and `x5t` stay those of the key.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }
}
