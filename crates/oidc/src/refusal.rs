//! A refused request: code and text, and the bodies they are reported in (RFC 6749 §5.2 with Entra's members).

use hygie_core::{ErrorKind, Fault, RequestId, Timestamp};
use serde::Serialize;

use crate::Aadsts;

/// Longest piece of a request that is repeated in a message.
const MAX_ECHO: usize = 256;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: Aadsts,
    text: String,
    claims: Option<String>,
}

impl Refusal {
    /// With a text that names nothing of the request.
    pub fn new(code: Aadsts) -> Self {
        Self::about(code, &[])
    }

    /// With pieces of the request in the text: shortened, without control characters.
    pub fn about(code: Aadsts, words: &[&str]) -> Self {
        let mut text = String::with_capacity(code.text().len());
        let mut rest = code.text();
        // One pass, so that a brace in a word is never taken for a mark.
        while let Some(at) = rest.find('{') {
            text.push_str(&rest[..at]);
            let (index, after) = match rest.get(at + 1..at + 3) {
                Some("0}") => (0, at + 3),
                Some("1}") => (1, at + 3),
                _ => (usize::MAX, at + 1),
            };
            let word = words.get(index).copied().unwrap_or_default();
            text.extend(word.chars().filter(|c| !c.is_control()).take(MAX_ECHO));
            rest = &rest[after..];
        }
        text.push_str(rest);
        Self {
            code,
            text,
            claims: None,
        }
    }

    /// With a claims request (JSON) that a client sends to the authorization endpoint to overcome it.
    #[must_use]
    pub fn with_claims(self, claims: String) -> Self {
        Self {
            claims: Some(claims),
            ..self
        }
    }

    /// The parameter is missing.
    pub fn missing(parameter: &str) -> Self {
        Self::about(Aadsts::Missing, &[parameter])
    }

    /// The parameter has a value that it cannot have.
    pub fn bad(parameter: &str) -> Self {
        Self::about(Aadsts::BadParameter, &[parameter])
    }

    /// Its code.
    pub fn code(&self) -> Aadsts {
        self.code
    }

    /// Its text without the code.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `AADSTSnnnnn: text Trace ID: … Correlation ID: … Timestamp: …`.
    pub fn description(&self, at: &Occurrence<'_>) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.code.number(),
            self.text,
            at.trace,
            at.correlation,
            timestamp(at.at)
        )
    }

    /// The page that explains the code.
    pub fn uri(&self, at: &Occurrence<'_>) -> String {
        format!("{}/error?code={}", at.login, self.code.number())
    }

    /// The body at the token endpoint and of other JSON answers.
    pub fn body(&self, at: &Occurrence<'_>) -> ErrorBody {
        ErrorBody {
            error: self.code.error(),
            error_description: self.description(at),
            error_codes: [self.code.number()],
            timestamp: timestamp(at.at),
            trace_id: at.trace,
            correlation_id: at.correlation,
            error_uri: self.uri(at),
            suberror: self.code.suberror(),
            claims: self.claims.clone(),
        }
    }

    /// The members of an error response of the authorization endpoint, `state` apart (RFC 6749 §4.1.2.1).
    pub fn members(&self, at: &Occurrence<'_>) -> Vec<(&'static str, String)> {
        vec![
            ("error", self.code.authorize_error().to_owned()),
            ("error_description", self.description(at)),
            ("error_uri", self.uri(at)),
        ]
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Logged: the code tells all, the text may repeat what a stranger sent.
        write!(f, "refused with AADSTS{}", self.code.number())
    }
}

impl std::error::Error for Refusal {}

impl Fault for Refusal {
    fn kind(&self) -> ErrorKind {
        match self.code.status() {
            401 => ErrorKind::Unauthenticated,
            405 => ErrorKind::NotSupported,
            429 => ErrorKind::TooMany,
            500 => ErrorKind::Internal,
            503 => ErrorKind::Unavailable,
            _ => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        self.code.error()
    }

    fn public(&self) -> String {
        format!("AADSTS{}: {}", self.code.number(), self.text)
    }
}

/// Where and when a refusal happened.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence<'a> {
    /// Base URL of the login host, without a final slash.
    pub login: &'a str,
    /// The request, as in our log.
    pub trace: RequestId,
    /// The request, as in the client's log (`client-request-id`).
    pub correlation: RequestId,
    /// When.
    pub at: Timestamp,
}

/// The JSON body of a refusal.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorBody {
    /// OAuth error.
    pub error: &'static str,
    /// Code, text, trace and correlation ids, timestamp.
    pub error_description: String,
    /// The number of the code.
    pub error_codes: [u32; 1],
    /// `yyyy-MM-dd HH:mm:ssZ`.
    pub timestamp: String,
    /// The request in our log.
    pub trace_id: RequestId,
    /// The request in the client's log.
    pub correlation_id: RequestId,
    /// The page that explains the code.
    pub error_uri: String,
    /// What a client library should do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suberror: Option<&'static str>,
    /// A claims request (JSON) that the client sends to the authorization endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
}

/// `yyyy-MM-dd HH:mm:ssZ`.
fn timestamp(at: Timestamp) -> String {
    let mut text = at.to_rfc3339().replacen('T', " ", 1);
    text.truncate("yyyy-MM-dd HH:mm:ss".len());
    text.push('Z');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurrence() -> Occurrence<'static> {
        Occurrence {
            login: "https://login.example",
            trace: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
            correlation: "00000000-0000-4000-8000-000000000002".parse().unwrap(),
            at: Timestamp::from_millis(1_795_249_800_007),
        }
    }

    #[test]
    fn body_has_the_members_of_entra() {
        let body = Refusal::about(Aadsts::UnknownTenant, &["nowhere"]).body(&occurrence());
        let json = serde_json::to_value(&body).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "error": "invalid_tenant",
                "error_description": "AADSTS90002: Tenant 'nowhere' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Trace ID: 00000000-0000-4000-8000-000000000001 Correlation ID: 00000000-0000-4000-8000-000000000002 Timestamp: 2026-11-21 08:30:00Z",
                "error_codes": [90002],
                "timestamp": "2026-11-21 08:30:00Z",
                "trace_id": "00000000-0000-4000-8000-000000000001",
                "correlation_id": "00000000-0000-4000-8000-000000000002",
                "error_uri": "https://login.example/error?code=90002",
            })
        );
    }

    #[test]
    fn words_are_bounded_and_not_read_again() {
        let refusal = Refusal::about(Aadsts::UnknownClient, &["{1}\r\nx", "tenant"]);
        assert!(refusal.text().contains("'{1}x'"), "{}", refusal.text());
        assert!(refusal.text().contains("'tenant'"));
        let long = "é".repeat(5_000);
        assert!(Refusal::about(Aadsts::BadScope, &[&long]).text().len() < 1_000);
    }
}
