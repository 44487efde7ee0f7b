//! Security headers of every answer.

use std::time::Duration;

use axum::response::{IntoResponseParts, ResponseParts};
use http::HeaderMap;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// Where the forms of a page may lead; put beside the response.
///
/// Browsers differ: Chromium applies `form-action` not only to the address a form posts to but to every redirect that
/// follows, also those of other hosts (seen in Chromium 156; CSP3 §6.3.1 leaves it open, Firefox looks at the first
/// address only). A sign-in form posts to us and ends
/// with a redirect to the application, which often redirects again, to places we cannot know (an identity provider
/// behind a federator behind an application). With the default `'self'` the person would stand before a dead button.
///
/// So the pages of an authorization request, and only these, also allow `https:` and the redirect URI they already
/// checked when it is not https (a loopback address or the scheme of a native application). Posting to plain http
/// elsewhere stays forbidden, and so do injected scripts that would change a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormAction(String);

impl FormAction {
    /// The page may end at this redirect URI, which was compared with the registered ones before.
    pub fn to(redirect_uri: &str) -> Self {
        let source = match url::Url::parse(redirect_uri) {
            Ok(uri) if uri.scheme() == "https" => String::new(),
            Ok(uri) if uri.scheme() == "http" => format!(" {}", uri.origin().ascii_serialization()),
            Ok(uri) if !matches!(uri.scheme(), "javascript" | "data" | "vbscript" | "blob" | "filesystem") => {
                format!(" {}:", uri.scheme())
            }
            _ => String::new(),
        };
        Self(format!("'self' https:{source}"))
    }
}

impl IntoResponseParts for FormAction {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        parts.extensions_mut().insert(self);
        Ok(parts)
    }
}

/// No script, style, picture or connection but from us; no frame around us; no base; nothing inline.
macro_rules! policy {
    ($forms:literal) => {
        concat!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; ",
            "base-uri 'none'; frame-ancestors 'none'; form-action ",
            $forms
        )
    };
}

const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// Puts them on an answer, where the service did not decide by itself.
pub(super) fn secure(headers: &mut HeaderMap, form_action: Option<&FormAction>) {
    let policy = match form_action {
        None => HeaderValue::from_static(policy!("'self'")),
        Some(forms) => HeaderValue::try_from(format!(policy!("{}"), forms.0)).expect("a policy and a URL are ASCII"),
    };
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // Data of patients and people is kept by no browser or cache; what may be kept says so itself.
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            PERMISSIONS,
            HeaderValue::from_static("camera=(), microphone=(), geolocation=()"),
        ),
    ] {
        headers.entry(name).or_insert(value);
    }
}

/// Whether the request came to the local host's name.
pub(super) fn is_local(request: &HeaderMap) -> bool {
    let host = request
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name.ends_with(".localhost")
}

/// `Strict-Transport-Security` (RFC 6797). The caller spares the local host: browsers ignore the port, so it would cut
/// off every plain-http service of the machine, our own health address among them.
pub(super) fn transport(response: &mut HeaderMap, max_age: Option<Duration>) {
    if let Some(age) = max_age {
        let value = HeaderValue::try_from(format!("max-age={}", age.as_secs())).expect("digits");
        response.insert(STRICT_TRANSPORT_SECURITY, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_may_lead_to_the_redirect_uri() {
        for (uri, expected) in [
            ("https://app.example/cb", "'self' https:"),
            ("http://localhost:5000/cb", "'self' https: http://localhost:5000"),
            ("http://127.0.0.1/cb;x", "'self' https: http://127.0.0.1"),
            ("msauth.com.example://auth", "'self' https: msauth.com.example:"),
            ("javascript:alert(1)", "'self' https:"),
            ("not a uri; script-src *", "'self' https:"),
        ] {
            assert_eq!(FormAction::to(uri).0, expected, "{uri}");
        }
    }

    #[test]
    fn nothing_inline_and_no_frames_by_default() {
        let mut headers = HeaderMap::new();
        secure(&mut headers, None);
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().expect("ASCII");
        assert!(
            policy.ends_with("frame-ancestors 'none'; form-action 'self'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
    }

    #[test]
    fn transport_security_spares_the_local_host() {
        for (host, local) in [
            ("login.example", false),
            ("login.example:8441", false),
            ("localhost:8441", true),
            ("a.localhost", true),
            ("notlocalhost", false),
        ] {
            let mut request = HeaderMap::new();
            request.insert(HOST, host.parse().expect("a header value"));
            assert_eq!(is_local(&request), local, "{host}");
        }
    }
}
