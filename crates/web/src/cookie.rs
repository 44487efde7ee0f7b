//! Cookies: always `__Host-` (RFC 6265bis §4.1.3.2), so `Secure`, for this host only and the whole of it.

use std::fmt::Write as _;
use std::time::Duration;

use axum::http::header::{COOKIE, InvalidHeaderValue};
use axum::http::{HeaderMap, HeaderValue};

/// When a browser sends a cookie with a request that another site began (RFC 6265bis §5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Only with requests of our own pages.
    Strict,
    /// Also when a person follows a link or a redirect to us: sessions of an identity provider need it.
    Lax,
    /// Always: only for what must come back from a cross-site form post, or is asked about in another site's frame.
    None,
}

/// A cookie to set. `Secure`, `HttpOnly` and `Path=/` are not choices.
#[derive(Clone, Debug)]
pub struct Cookie<'a> {
    /// The name, with its prefix `__Host-`.
    pub name: &'a str,
    /// The value: base64url or another text without separators.
    pub value: &'a str,
    /// Cross-site rule.
    pub same_site: SameSite,
    /// How long it lives; until the browser closes when absent.
    pub max_age: Option<Duration>,
}

impl<'a> Cookie<'a> {
    /// A cookie that ends with the browser's session.
    pub const fn session(name: &'a str, value: &'a str, same_site: SameSite) -> Self {
        Self {
            name,
            value,
            same_site,
            max_age: None,
        }
    }

    /// Takes the cookie away.
    pub const fn removed(name: &'a str) -> Self {
        Self {
            name,
            value: "",
            same_site: SameSite::Lax,
            max_age: Some(Duration::ZERO),
        }
    }

    /// The value of a `Set-Cookie` header; an error when name or value have control characters.
    pub fn header(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        debug_assert!(
            self.name.starts_with("__Host-"),
            "{} is not bound to its host",
            self.name
        );
        debug_assert!(
            !self.value.contains([';', ',', ' ', '"']),
            "a separator in {}",
            self.name
        );
        let same_site = match self.same_site {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        };
        let mut text = format!(
            "{}={}; Path=/; Secure; HttpOnly; SameSite={same_site}",
            self.name, self.value
        );
        if let Some(age) = self.max_age {
            let _ = write!(text, "; Max-Age={}", age.as_secs());
        }
        HeaderValue::try_from(text)
    }
}

/// The value of a cookie of the request.
pub fn get<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_bound_to_its_host() {
        let cookie = Cookie {
            name: "__Host-hygie-idp",
            value: "abc",
            same_site: SameSite::Lax,
            max_age: Some(Duration::from_mins(1)),
        };
        assert_eq!(
            cookie.header().expect("plain text"),
            "__Host-hygie-idp=abc; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60"
        );
        let removed = Cookie::removed("__Host-x").header().expect("plain text");
        assert!(removed.to_str().expect("text").ends_with("Max-Age=0"));
    }

    #[test]
    fn cookies_are_read_by_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("xid=1; id=2=3"));
        headers.append(COOKIE, HeaderValue::from_static("other=4"));
        assert_eq!(get(&headers, "id"), Some("2=3"));
        assert_eq!(get(&headers, "other"), Some("4"));
        assert_eq!(get(&headers, "d"), None);
    }
}
