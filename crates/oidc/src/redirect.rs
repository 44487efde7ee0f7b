//! Redirect URIs: what may be registered and what matches (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1).
//! <https://learn.microsoft.com/entra/identity-platform/reply-url>

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::{Aadsts, Refusal};

/// Longest redirect URI.
const MAX_LENGTH: usize = 256;
/// Most redirect URIs of an application.
const MAX_URIS: usize = 256;

/// What kind of client a redirect URI belongs to: it decides how the client authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Platform {
    /// A server that keeps a secret.
    Web,
    /// A page in a browser: PKCE and cross-origin redemption, no secret.
    Spa,
    /// An installed application: PKCE, no secret.
    PublicClient,
}

/// The redirect URIs of an application by platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RedirectUris {
    /// Of servers.
    pub web: Vec<String>,
    /// Of single-page applications.
    pub spa: Vec<String>,
    /// Of installed applications.
    pub public_client: Vec<String>,
}

/// Why a redirect URI cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleBroken {
    /// More than 256.
    #[error("an application has at most 256 redirect URIs")]
    TooMany,
    /// Longer than 256 characters.
    #[error("a redirect URI has at most 256 characters")]
    TooLong,
    /// Not an absolute URI without fragment and user.
    #[error("a redirect URI is absolute, without fragment and user")]
    Malformed,
    /// A wildcard or another character that is not supported.
    #[error("a redirect URI holds none of the characters * ! $ ' ( ) , ;")]
    Character,
    /// Neither https nor http to this machine, nor a private scheme of an installed application.
    #[error("a redirect URI is https, or http to localhost or 127.0.0.1")]
    Scheme,
}

impl RedirectUris {
    /// Whether all of them may be registered.
    pub fn check(&self) -> Result<(), RuleBroken> {
        if self.all().count() > MAX_URIS {
            return Err(RuleBroken::TooMany);
        }
        self.all().try_for_each(|(platform, uri)| check(platform, uri))
    }

    /// The platform and the URI to answer to: the requested one when it is registered, the first registered one when
    /// none was requested.
    pub fn choose(&self, requested: Option<&str>, app: &str) -> Result<(Platform, String), Refusal> {
        match requested {
            Some(uri) => self
                .find(uri)
                .map(|platform| (platform, uri.to_owned()))
                .ok_or_else(|| Refusal::about(Aadsts::RedirectMismatch, &[uri, app])),
            None => self
                .all()
                .next()
                .map(|(platform, uri)| (platform, uri.to_owned()))
                .ok_or_else(|| Refusal::new(Aadsts::NoRedirect)),
        }
    }

    /// The platform that `uri` is registered for: equal text, or equal but for the port when it is http on loopback.
    pub fn find(&self, uri: &str) -> Option<Platform> {
        if uri.len() > MAX_LENGTH {
            return None;
        }
        self.all()
            .find(|(_, registered)| *registered == uri || same_loopback(registered, uri))
            .map(|(platform, _)| platform)
    }

    /// Whether a page of this origin is registered as a single-page application.
    pub fn has_spa_origin(&self, origin: &str) -> bool {
        self.spa
            .iter()
            .filter_map(|uri| Url::parse(uri).ok())
            .any(|registered| {
                registered.origin().ascii_serialization() == origin
                    || Url::parse(origin).is_ok_and(|page| {
                        loopback_host(&registered).is_some() && loopback_host(&registered) == loopback_host(&page)
                    })
            })
    }

    fn all(&self) -> impl Iterator<Item = (Platform, &str)> {
        [
            (Platform::Web, &self.web),
            (Platform::Spa, &self.spa),
            (Platform::PublicClient, &self.public_client),
        ]
        .into_iter()
        .flat_map(|(platform, uris)| uris.iter().map(move |uri| (platform, uri.as_str())))
    }
}

fn check(platform: Platform, uri: &str) -> Result<(), RuleBroken> {
    if uri.len() > MAX_LENGTH {
        return Err(RuleBroken::TooLong);
    }
    if uri.contains(['*', '!', '$', '\'', '(', ')', ',', ';', ' ', '\\']) {
        return Err(RuleBroken::Character);
    }
    let url = Url::parse(uri).map_err(|_| RuleBroken::Malformed)?;
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(RuleBroken::Malformed);
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback_host(&url).is_some() => Ok(()),
        // RFC 8252 §7.1: a private scheme is a reversed domain name or Entra's own; never one a browser acts upon.
        "http" | "javascript" | "data" | "file" | "blob" | "about" | "ftp" | "ws" | "wss" | "vbscript" => {
            Err(RuleBroken::Scheme)
        }
        _ if platform == Platform::PublicClient => Ok(()),
        _ => Err(RuleBroken::Scheme),
    }
}

/// `localhost` or `127.0.0.1`; `[::1]` is not supported.
fn loopback_host(url: &Url) -> Option<&str> {
    if url.scheme() != "http" {
        return None;
    }
    match url.host()? {
        Host::Domain("localhost") => Some("localhost"),
        Host::Ipv4(address) if address == std::net::Ipv4Addr::LOCALHOST => Some("127.0.0.1"),
        _ => None,
    }
}

/// RFC 8252 §7.3: the port of a loopback URI is chosen at run time.
fn same_loopback(registered: &str, requested: &str) -> bool {
    let (Ok(a), Ok(b)) = (Url::parse(registered), Url::parse(requested)) else {
        return false;
    };
    loopback_host(&a).is_some()
        && loopback_host(&a) == loopback_host(&b)
        && a.path() == b.path()
        && a.query() == b.query()
        && b.fragment().is_none()
        && b.username().is_empty()
        && b.password().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uris() -> RedirectUris {
        RedirectUris {
            web: vec![
                "https://app.example/callback".into(),
                "https://app.example/q?a=1".into(),
            ],
            spa: vec!["https://spa.example/".into(), "http://localhost/spa".into()],
            public_client: vec![
                "http://localhost".into(),
                "http://127.0.0.1/cb".into(),
                "msauth.app://auth".into(),
            ],
        }
    }

    #[test]
    fn matching() {
        use Platform::{PublicClient, Spa, Web};
        let cases = [
            ("https://app.example/callback", Some(Web)),
            ("https://app.example/callback/", None),
            ("https://app.example/Callback", None),
            ("https://app.example:8443/callback", None),
            ("https://app.example/callback#x", None),
            ("https://app.example/callback?x=1", None),
            ("https://app.example/q?a=1", Some(Web)),
            ("https://app.example.evil/callback", None),
            ("https://app.example@evil.example/callback", None),
            ("http://app.example/callback", None),
            ("http://localhost:50123", Some(PublicClient)),
            ("http://localhost:50123/", Some(PublicClient)),
            ("http://localhost:50123/other", None),
            ("http://localhost:3000/spa", Some(Spa)),
            ("http://127.0.0.1:9/cb", Some(PublicClient)),
            ("http://127.0.0.2:9/cb", None),
            ("http://[::1]:9/cb", None),
            ("http://user@localhost:9/spa", None),
            ("https://localhost:9/spa", None),
            ("msauth.app://auth", Some(PublicClient)),
        ];
        for (uri, expected) in cases {
            assert_eq!(uris().find(uri), expected, "{uri}");
        }
        assert_eq!(uris().choose(None, "app").unwrap().1, "https://app.example/callback");
        let none = RedirectUris::default().choose(None, "app").unwrap_err();
        assert_eq!(none.code(), Aadsts::NoRedirect);
    }

    #[test]
    fn registration() {
        let of = |uri: &str| {
            RedirectUris {
                web: vec![uri.to_owned()],
                ..RedirectUris::default()
            }
            .check()
        };
        assert_eq!(uris().check(), Ok(()));
        for (uri, expected) in [
            ("http://app.example/", RuleBroken::Scheme),
            ("msauth.app://auth", RuleBroken::Scheme),
            ("https://*.example/", RuleBroken::Character),
            ("https://a.example/#f", RuleBroken::Malformed),
            ("https://u:p@a.example/", RuleBroken::Malformed),
            ("/relative", RuleBroken::Malformed),
        ] {
            assert_eq!(of(uri), Err(expected), "{uri}");
        }
        assert_eq!(
            of(&format!("https://a.example/{}", "x".repeat(256))),
            Err(RuleBroken::TooLong)
        );
        let script = RedirectUris {
            public_client: vec!["javascript:alert".into()],
            ..RedirectUris::default()
        };
        assert_eq!(script.check(), Err(RuleBroken::Scheme));
        let many = RedirectUris {
            web: vec!["https://a.example/".into(); 257],
            ..RedirectUris::default()
        };
        assert_eq!(many.check(), Err(RuleBroken::TooMany));
    }

    #[test]
    fn spa_origins() {
        assert!(uris().has_spa_origin("https://spa.example"));
        assert!(uris().has_spa_origin("http://localhost:3000"));
        assert!(!uris().has_spa_origin("https://app.example"));
        assert!(!uris().has_spa_origin("null"));
    }

    proptest! {
        #[test]
        fn never_panics(uri in "\\PC{0,60}") {
            let _ = uris().find(&uri);
            let _ = uris().has_spa_origin(&uri);
            let _ = check(Platform::PublicClient, &uri);
        }
    }
}
