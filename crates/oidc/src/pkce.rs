//! Proof Key for Code Exchange, RFC 7636.

use hygie_jose::{base64url, digest};
use serde::{Deserialize, Serialize};

use crate::{Aadsts, Params, Refusal};

/// How the challenge was made from the verifier (§4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChallengeMethod {
    /// base64url of the SHA-256.
    S256,
    /// The verifier itself.
    #[serde(rename = "plain")]
    Plain,
}

/// The challenge of an authorization request, kept with the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Its text.
    pub value: String,
    /// Its method.
    pub method: ChallengeMethod,
}

impl Challenge {
    /// From `code_challenge` and `code_challenge_method`; `plain` when the method is absent (§4.3).
    pub fn parse(params: &Params) -> Result<Option<Self>, Refusal> {
        let method = match params.get("code_challenge_method") {
            None | Some("plain") => ChallengeMethod::Plain,
            Some("S256") => ChallengeMethod::S256,
            Some(_) => return Err(Refusal::bad("code_challenge_method")),
        };
        let Some(value) = params.get("code_challenge") else {
            return match params.get("code_challenge_method") {
                Some(_) => Err(Refusal::missing("code_challenge")),
                None => Ok(None),
            };
        };
        let fits = match method {
            ChallengeMethod::Plain => is_verifier(value),
            // A SHA-256 is always 43 characters of base64url.
            ChallengeMethod::S256 => value.len() == 43 && is_verifier(value),
        };
        if !fits {
            return Err(Refusal::new(Aadsts::ChallengeSize));
        }
        Ok(Some(Self {
            value: value.to_owned(),
            method,
        }))
    }

    /// Whether `verifier` made this challenge (§4.6).
    pub fn verify(&self, verifier: &str) -> Result<(), Refusal> {
        if !is_verifier(verifier) {
            return Err(Refusal::new(Aadsts::VerifierSize));
        }
        let made = match self.method {
            ChallengeMethod::Plain => verifier.to_owned(),
            ChallengeMethod::S256 => base64url::encode(digest::sha256(verifier)),
        };
        if digest::constant_time_eq(made, &self.value) {
            Ok(())
        } else {
            Err(Refusal::new(Aadsts::VerifierMismatch))
        }
    }
}

/// 43 to 128 unreserved characters (§4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(query: &str) -> Result<Option<Challenge>, Refusal> {
        Challenge::parse(&Params::parse(query.as_bytes()).unwrap())
    }

    #[test]
    fn the_example_of_the_rfc() {
        // RFC 7636 appendix B.
        let challenge = parse("code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256");
        let challenge = challenge.unwrap().unwrap();
        assert_eq!(challenge.verify("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), Ok(()));
        let wrong = challenge
            .verify("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl")
            .unwrap_err();
        assert_eq!(wrong.code(), Aadsts::VerifierMismatch);
        assert_eq!(challenge.verify("short").unwrap_err().code(), Aadsts::VerifierSize);
    }

    #[test]
    fn lengths_and_methods() {
        let of = |n: usize| "a".repeat(n);
        let cases = [
            (String::new(), Ok(false)),
            (format!("code_challenge={}", of(43)), Ok(true)),
            (format!("code_challenge={}", of(128)), Ok(true)),
            (format!("code_challenge={}", of(42)), Err(Aadsts::ChallengeSize)),
            (format!("code_challenge={}", of(129)), Err(Aadsts::ChallengeSize)),
            (
                format!("code_challenge={}&code_challenge_method=S256", of(44)),
                Err(Aadsts::ChallengeSize),
            ),
            (
                format!("code_challenge={}&code_challenge_method=s256", of(43)),
                Err(Aadsts::BadParameter),
            ),
            ("code_challenge_method=S256".to_owned(), Err(Aadsts::Missing)),
        ];
        for (query, expected) in cases {
            assert_eq!(
                parse(&query).map(|c| c.is_some()).map_err(|r| r.code()),
                expected,
                "{query}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_verifier_fits_its_own_challenge_only(verifier in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}") {
            for method in [ChallengeMethod::S256, ChallengeMethod::Plain] {
                let value = match method {
                    ChallengeMethod::S256 => base64url::encode(digest::sha256(&verifier)),
                    ChallengeMethod::Plain => verifier.clone(),
                };
                let challenge = Challenge { value, method };
                prop_assert!(challenge.verify(&verifier).is_ok());
                prop_assert_eq!(challenge.verify(&other).is_ok(), other == verifier);
            }
        }
    }
}
