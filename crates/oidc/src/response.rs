//! The authorization response on its way to the application (OAuth 2.0 Multiple Response Types, Form Post).

use url::Url;

use crate::{Occurrence, Refusal, ResponseMode};

/// An authorization response, good or bad.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// Where it goes.
    pub redirect_uri: String,
    /// How.
    pub mode: ResponseMode,
    /// Its members in order; `state` last.
    pub members: Vec<(&'static str, String)>,
}

/// Names of the members only: codes and tokens are among them.
impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("redirect_uri", &self.redirect_uri)
            .field("mode", &self.mode)
            .field(
                "members",
                &self.members.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            )
            .finish()
    }
}

/// What the browser is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Go to this address.
    Redirect(String),
    /// Post these fields to this address.
    Form {
        /// The redirect URI.
        action: String,
        /// Names and values.
        fields: Vec<(&'static str, String)>,
    },
}

impl Response {
    /// A refusal, told to the application.
    pub fn refusal(redirect_uri: String, mode: ResponseMode, refusal: &Refusal, at: &Occurrence<'_>) -> Self {
        Self {
            redirect_uri,
            mode,
            members: refusal.members(at),
        }
    }

    /// With the `state` of the request, and the session the response belongs to.
    #[must_use]
    pub fn with_state(mut self, state: Option<&str>) -> Self {
        self.members.extend(state.map(|state| ("state", state.to_owned())));
        self
    }

    /// Encodes it.
    pub fn deliver(self) -> Delivery {
        if self.mode == ResponseMode::FormPost {
            return Delivery::Form {
                action: self.redirect_uri,
                fields: self.members,
            };
        }
        let encoded = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.members)
            .finish();
        // A URI without path gets its slash, as browsers and Entra write it.
        let mut uri = Url::parse(&self.redirect_uri).map_or(self.redirect_uri, String::from);
        if self.mode == ResponseMode::Fragment {
            uri.push('#');
        } else {
            uri.push(if uri.contains('?') { '&' } else { '?' });
        }
        Delivery::Redirect(uri + &encoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliver(uri: &str, mode: ResponseMode) -> Delivery {
        let members = vec![("code", "a b&c".to_owned())];
        Response {
            redirect_uri: uri.to_owned(),
            mode,
            members,
        }
        .with_state(Some("s"))
        .deliver()
    }

    #[test]
    fn modes() {
        let redirect = |uri: &str| Delivery::Redirect(uri.to_owned());
        assert_eq!(
            deliver("https://a.example", ResponseMode::Query),
            redirect("https://a.example/?code=a+b%26c&state=s")
        );
        assert_eq!(
            deliver("https://a.example/x?y=1", ResponseMode::Query),
            redirect("https://a.example/x?y=1&code=a+b%26c&state=s")
        );
        assert_eq!(
            deliver("https://a.example/x", ResponseMode::Fragment),
            redirect("https://a.example/x#code=a+b%26c&state=s")
        );
        assert_eq!(
            deliver("my.app://auth", ResponseMode::Query),
            redirect("my.app://auth?code=a+b%26c&state=s")
        );
        let form = deliver("https://a.example/x", ResponseMode::FormPost);
        let fields = vec![("code", "a b&c".to_owned()), ("state", "s".to_owned())];
        assert_eq!(
            form,
            Delivery::Form {
                action: "https://a.example/x".to_owned(),
                fields
            }
        );
    }
}
