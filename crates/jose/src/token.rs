//! A token in compact form: read without trust, then verified — RFC 7515 §5.2, RFC 7519 §7.2.

use std::sync::Arc;

use crate::{Claims, Header, JoseError, KeySet, base64url, json};

/// Largest token that is looked at; an Entra token with two hundred groups has about 10 KiB.
pub const MAX_TOKEN: usize = 16 * 1024;

/// A token whose signature has not been checked. What it says may be used only to choose the keys that check it.
#[derive(Clone)]
pub struct Untrusted<'a> {
    message: &'a str,
    header: Header,
    claims: Claims,
    signature: Vec<u8>,
}

/// Not the token, which opens doors, nor what it says of a person.
impl std::fmt::Debug for Untrusted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Untrusted")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// A token whose signature was made by a key of the set that it was checked against.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// Its header.
    pub header: Header,
    /// Its claims. Issuer, audience and instants are the caller's to check.
    pub claims: Claims,
    /// Entra: the issuer that the key signs for, possibly a template with `{tenantid}`.
    pub key_issuer: Option<Arc<str>>,
}

impl<'a> Untrusted<'a> {
    /// Reads header and claims within the limits on size and nesting.
    pub fn parse(token: &'a str) -> Result<Self, JoseError> {
        if token.len() > MAX_TOKEN {
            return Err(JoseError::TooLarge);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(JoseError::Malformed("token"))?;
        let (header, claims) = message.split_once('.').ok_or(JoseError::Malformed("token"))?;
        if claims.contains('.') {
            // Five parts are an encrypted token (RFC 7516), anything else is not a token.
            return Err(JoseError::Malformed("token"));
        }
        Ok(Self {
            message,
            header: Header::from_map(json::read(&base64url::decode(header)?, "header")?)?,
            claims: Claims::from_map(json::read(&base64url::decode(claims)?, "claims")?)?,
            signature: base64url::decode(signature)?,
        })
    }

    /// What its header says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Who it says to be from.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.issuer.as_deref()
    }

    /// What it says.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Checks the signature with the key of this name, by the algorithm of that key.
    pub fn verify(self, keys: &KeySet) -> Result<Verified, JoseError> {
        let key = keys.find(&self.header).ok_or(JoseError::UnknownKey)?;
        key.verify(self.header.alg, self.message.as_bytes(), &self.signature)?;
        Ok(Verified {
            key_issuer: key.issuer.clone(),
            header: self.header,
            claims: self.claims,
        })
    }
}

/// Reads a token and checks its signature with these keys.
pub fn verify(token: &str, keys: &KeySet) -> Result<Verified, JoseError> {
    Untrusted::parse(token)?.verify(keys)
}
