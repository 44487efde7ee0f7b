//! How a client authenticates at the token endpoint (RFC 6749 §2.3, OpenID Connect Core §9).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hygie_core::{AppId, Secret};

use crate::params::decode;
use crate::{Aadsts, Params, Refusal, assertion};

/// Longest `Authorization` header of a client.
const MAX_BASIC: usize = 4 * 1024;

/// What a client presented to prove itself.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Nothing: a public client.
    None,
    /// Its secret, in the body or in the header.
    Secret(Secret<String>),
    /// A signed assertion (RFC 7523), to be checked by [`crate::assertion::verify`].
    Assertion(Secret<String>),
}

/// Who the client says it is, and its proof.
#[derive(Clone, Debug)]
pub struct ClientAuth {
    /// The identifier as sent.
    pub client_id: String,
    /// The proof.
    pub credential: Credential,
}

impl ClientAuth {
    /// From the body and the `Authorization` header; two methods at once are refused (RFC 6749 §2.3).
    pub fn parse(params: &Params, authorization: Option<&str>) -> Result<Self, Refusal> {
        let twice = || Refusal::new(Aadsts::ClientCredential);
        let in_body = params.get("client_secret");
        let assertion = params.get("client_assertion");
        if let Some(header) = authorization {
            let (client_id, secret) = basic(header).ok_or_else(twice)?;
            if in_body.is_some() || assertion.is_some() || params.get("client_id").is_some_and(|id| id != client_id) {
                return Err(twice());
            }
            let credential = Credential::Secret(Secret::new(secret));
            return Ok(Self { client_id, credential });
        }
        let credential = match (in_body, assertion) {
            (Some(_), Some(_)) => return Err(twice()),
            (Some(secret), None) => Credential::Secret(Secret::new(secret.to_owned())),
            (None, Some(assertion)) => {
                if params.require("client_assertion_type")? != assertion::JWT_BEARER {
                    return Err(Refusal::about(Aadsts::BadParameter, &["client_assertion_type"]));
                }
                Credential::Assertion(Secret::new(assertion.to_owned()))
            }
            (None, None) => Credential::None,
        };
        // RFC 7521 §4.2: an assertion names the client, too.
        let client_id = match (&credential, params.get("client_id")) {
            (Credential::Assertion(assertion), None) => assertion::subject(assertion.expose())?,
            _ => params.require("client_id")?.to_owned(),
        };
        Ok(Self { client_id, credential })
    }

    /// The identifier as an application id; anything else is an unknown client.
    pub fn app(&self, tenant: &str) -> Result<AppId, Refusal> {
        self.client_id
            .parse()
            .map_err(|_| Refusal::about(Aadsts::UnknownClient, &[&self.client_id, tenant]))
    }
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
fn basic(header: &str) -> Option<(String, String)> {
    if header.len() > MAX_BASIC {
        return None;
    }
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = STANDARD.decode(encoded.trim()).ok()?;
    let colon = bytes.iter().position(|&b| b == b':')?;
    let id = decode(&bytes[..colon])?;
    let secret = decode(&bytes[colon + 1..])?;
    (!id.is_empty() && !secret.is_empty()).then_some((id, secret))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(body: &str, header: Option<&str>) -> Result<(String, Option<String>), Aadsts> {
        let auth = ClientAuth::parse(&Params::parse(body.as_bytes()).unwrap(), header).map_err(|r| r.code())?;
        let secret = match auth.credential {
            Credential::Secret(secret) => Some(secret.expose().clone()),
            Credential::None | Credential::Assertion(_) => None,
        };
        Ok((auth.client_id, secret))
    }

    #[test]
    fn methods() {
        let header = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let both = Ok(("id".to_owned(), Some("s:e cret+".to_owned())));
        assert_eq!(parse("client_id=id&client_secret=s%3Ae+cret%2B", None), both);
        assert_eq!(parse("", Some(&header("id:s%3Ae+cret%2B"))), both);
        assert_eq!(parse("client_id=id", Some(&header("id:s%3Ae+cret%2B"))), both);
        assert_eq!(parse("client_id=id", None), Ok(("id".to_owned(), None)));
        assert_eq!(parse("", None), Err(Aadsts::Missing));
        for (body, text) in [
            ("client_id=other", header("id:s")),
            ("client_secret=s", header("id:s")),
            ("", header("id")),
            ("", header(":s")),
            ("", header("id:%zz")),
            ("", "Basic %%%".to_owned()),
            ("", "Bearer x".to_owned()),
        ] {
            assert_eq!(parse(body, Some(&text)), Err(Aadsts::ClientCredential), "{body} {text}");
        }
        let double = parse("client_id=id&client_secret=s&client_assertion=a", None);
        assert_eq!(double, Err(Aadsts::ClientCredential));
        let typed = |kind: &str| {
            parse(
                &format!("client_id=id&client_assertion=a&client_assertion_type={kind}"),
                None,
            )
        };
        assert_eq!(typed(assertion::JWT_BEARER), Ok(("id".to_owned(), None)));
        assert_eq!(typed("urn:other"), Err(Aadsts::BadParameter));
        assert_eq!(parse("client_id=id&client_assertion=a", None), Err(Aadsts::Missing));
    }

    proptest! {
        #[test]
        fn never_panics(header in "\\PC{0,60}") {
            let _ = basic(&header);
            let _ = basic(&format!("Basic {}", STANDARD.encode(&header)));
        }
    }
}
