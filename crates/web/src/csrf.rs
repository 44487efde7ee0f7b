//! Tokens against cross-site request forgery: HMAC of what ties the form to the browser (its session or, before
//! sign-in, a random cookie), so that nothing is stored. OWASP: signed double-submit cookie.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hygie_core::{ErrorKind, Fault, Random, Secret, random_array};

/// The form field that carries the token.
pub const FIELD: &str = "csrf";

/// The cookie that ties a form to the browser while there is no session yet.
pub const COOKIE: &str = "__Host-hygie-form";

/// A form that was not made for this browser and purpose.
#[derive(Debug, thiserror::Error)]
#[error("the form token does not match the session")]
pub struct CsrfError;

impl Fault for CsrfError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Forbidden
    }

    fn code(&self) -> &'static str {
        "csrf"
    }

    fn public(&self) -> String {
        self.to_string()
    }
}

/// Makes and checks form tokens under one key, which all processes of a service share.
pub struct Csrf(hmac::Key);

impl Csrf {
    /// Under this key.
    pub fn new(key: &Secret<[u8; 32]>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// The token of a form. `binding` is the value of the session cookie, or of [`COOKIE`] before sign-in; `purpose`
    /// names the form, so that the token of one does not serve another.
    pub fn token(&self, binding: &str, purpose: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, &message(binding, purpose)))
    }

    /// Whether `token` was made for this browser and purpose.
    pub fn verify(&self, binding: &str, purpose: &str, token: &str) -> Result<(), CsrfError> {
        let expected = self.token(binding, purpose);
        constant_time::verify_slices_are_equal(expected.as_bytes(), token.as_bytes()).map_err(|_| CsrfError)
    }
}

/// A new value for [`COOKIE`].
pub fn new_binding(random: &dyn Random) -> String {
    URL_SAFE_NO_PAD.encode(random_array::<32>(random))
}

/// The lengths first, so that no two pairs make the same message.
fn message(binding: &str, purpose: &str) -> Vec<u8> {
    format!("{}:{purpose}{binding}", purpose.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_serves_one_browser_and_one_form() {
        let csrf = Csrf::new(&Secret::new([7; 32]));
        let token = csrf.token("session", "sign-in");
        assert!(csrf.verify("session", "sign-in", &token).is_ok());
        for (key, binding, purpose, token) in [
            (7, "other", "sign-in", token.as_str()),
            (7, "session", "consent", token.as_str()),
            (7, "nsession", "sign-i", token.as_str()),
            (7, "session", "sign-in", ""),
            (8, "session", "sign-in", token.as_str()),
        ] {
            let csrf = Csrf::new(&Secret::new([key; 32]));
            assert!(
                csrf.verify(binding, purpose, token).is_err(),
                "{key} {binding} {purpose} {token}"
            );
        }
    }
}
