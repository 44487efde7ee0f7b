//! Client assertions: a client proves itself by a signature with the key of a certificate that it registered — RFC 7523
//! §3, OpenID Connect Core §9 (`private_key_jwt`).
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
//!
//! An assertion may be used until it ends: libraries of Microsoft keep one for ten minutes, so a `jti` that comes again
//! is no replay. What is stolen is good for that time, in one tenant.

use std::time::Duration;

use hygie_core::{AppId, Timestamp};
use hygie_jose::{Certificate, Claims, Header, KeySet, Untrusted};

use crate::{Aadsts, Refusal};

/// `client_assertion_type` of a JWT — RFC 7523 §2.2.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An assertion ends at most so long from now. Entra ID has no limit; one that is good for years is a password in clear.
const LONGEST: Duration = Duration::from_hours(1);
/// Clocks of clients may be off by so much.
const LEEWAY: Duration = Duration::from_mins(5);

/// What an assertion must say.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Of whom it must be.
    pub app: AppId,
    /// For whom it may be: see [`crate::discovery::Provider::token_audiences`].
    pub audiences: Vec<String>,
    /// When it is looked at.
    pub now: Timestamp,
}

/// The client that an assertion says to be of, before anything is checked.
pub fn subject(assertion: &str) -> Result<String, Refusal> {
    let claims = read(assertion)?.claims().subject.clone();
    claims.ok_or_else(malformed)
}

/// Whether the assertion was signed with the key of one of the certificates, and says what it must.
pub fn verify(assertion: &str, certificates: &[Certificate], expected: &Expected) -> Result<(), Refusal> {
    let claims = signed(assertion, certificates, (expected.app, expected.now))?;
    check(&claims, expected)
}

/// What a token says that an application signed with the key of one of its certificates that is good now.
pub fn signed(
    assertion: &str,
    certificates: &[Certificate],
    (app, now): (AppId, Timestamp),
) -> Result<Claims, Refusal> {
    let token = read(assertion)?;
    let is_valid = |certificate: &&Certificate| {
        let (begins, ends) = certificate.validity();
        (begins..ends).contains(&now)
    };
    let certificate = certificates
        .iter()
        .filter(is_valid)
        .find(|certificate| names(token.header(), certificate))
        .ok_or_else(|| Refusal::about(Aadsts::UnknownAssertionKey, &[&app.to_string()]))?;
    let bad = |why: &str| Refusal::about(Aadsts::BadAssertion, &[why]);
    let mut key = certificate
        .jwk(token.header().alg)
        .map_err(|_| bad("is signed by an algorithm for another kind of key"))?;
    // It has been chosen: from here on it is called what the client calls it.
    let header = token.header();
    (key.kid, key.x5t, key.x5t_s256) = (header.kid.clone(), header.x5t.clone(), header.x5t_s256.clone());
    let keys = KeySet::of(&key).map_err(|_| bad("is signed with a key of a size that is not accepted"))?;
    let verified = token.verify(&keys).map_err(|_| bad("contains an invalid signature"))?;
    Ok(verified.claims)
}

fn malformed() -> Refusal {
    Refusal::about(Aadsts::BadJwt, &["client_assertion"])
}

fn read(assertion: &str) -> Result<Untrusted<'_>, Refusal> {
    Untrusted::parse(assertion).map_err(|_| malformed())
}

/// Whether the header means this certificate; the stronger thumbprint counts where there are two. Against RFC 7515 §2, MSAL for
/// Python pads its base64url, and MSAL for Java writes base64.
fn names(header: &Header, certificate: &Certificate) -> bool {
    let is =
        |sent: &str, thumbprint: String| sent.trim_end_matches('=').replace('+', "-").replace('/', "_") == thumbprint;
    match (&header.x5t_s256, &header.x5t, &header.kid) {
        (Some(sent), ..) => is(sent, certificate.x5t_s256()),
        (None, Some(sent), _) | (None, None, Some(sent)) => is(sent, certificate.x5t()),
        (None, None, None) => false,
    }
}

fn check(claims: &Claims, expected: &Expected) -> Result<(), Refusal> {
    let bad = |why: &str| Refusal::about(Aadsts::BadAssertion, &[why]);
    let app = expected.app.to_string();
    let is_app = |claim: &Option<String>| claim.as_ref().is_some_and(|text| text.eq_ignore_ascii_case(&app));
    if !is_app(&claims.issuer) || !is_app(&claims.subject) {
        return Err(bad("must have the client as its issuer and subject"));
    }
    let is_ours = |audience: &String| expected.audiences.contains(audience);
    if !claims.audience.iter().any(is_ours) {
        return Err(bad("has an audience that is not the token endpoint of the tenant"));
    }
    let begins = claims.not_before.or(claims.issued_at).unwrap_or(expected.now);
    let ends = claims.expires_at.ok_or_else(|| bad("must have an expiry time"))?;
    let now = expected.now;
    if begins > now + LEEWAY || ends + LEEWAY <= now || ends > now + LONGEST + LEEWAY {
        let told = [now, begins, ends].map(Timestamp::to_rfc3339);
        return Err(Refusal::about(Aadsts::AssertionTime, &[&told[0], &told[1], &told[2]]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hygie_jose::{Algorithm, Protected, SigningKey};
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    const APP: &str = "0e88dda7-f7c6-4a5e-aae3-4511cd257073";
    const ENDPOINT: &str = "https://login.example/t/oauth2/v2.0/token";
    const NOW: i64 = 1_795_000_000;

    fn certified(algorithm: Algorithm, ends: i64) -> (SigningKey, Certificate) {
        let key = SigningKey::generate(algorithm).expect("a key");
        let at = |secs| Timestamp::from_secs(NOW + secs);
        let certificate = Certificate::self_signed(&key, "client", at(-60), at(ends)).expect("a certificate");
        (key, certificate)
    }

    fn expected() -> Expected {
        Expected {
            app: APP.parse().expect("an id"),
            audiences: vec![ENDPOINT.to_owned(), "https://login.example/t/v2.0".to_owned()],
            now: Timestamp::from_secs(NOW),
        }
    }

    fn claims() -> Map<String, Value> {
        let claims =
            json!({"iss": APP, "sub": APP, "aud": ENDPOINT, "jti": "1", "nbf": NOW, "iat": NOW, "exp": NOW + 600});
        claims.as_object().expect("an object").clone()
    }

    fn signed((key, certificate): &(SigningKey, Certificate), claims: &Map<String, Value>) -> String {
        let header = Protected::jwt().with_member("x5t#S256", certificate.x5t_s256());
        key.sign(&header, claims).expect("signed")
    }

    fn refused(assertion: &str, certificates: &[Certificate]) -> Option<Aadsts> {
        verify(assertion, certificates, &expected())
            .err()
            .map(|refusal| refusal.code())
    }

    #[test]
    fn every_kind_of_key_proves_its_client() {
        for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
            let mine = certified(algorithm, 86_400);
            let other = certified(algorithm, 86_400);
            let all = [other.1.clone(), mine.1.clone()];
            let assertion = signed(&mine, &claims());
            assert_eq!(refused(&assertion, &all), None);
            assert_eq!(subject(&assertion).expect("a subject"), APP);
            assert_eq!(refused(&assertion, &all[..1]), Some(Aadsts::UnknownAssertionKey));
            // Signed with another key than the one it names.
            let forged = signed(&(other.0, mine.1.clone()), &claims());
            assert_eq!(refused(&forged, &all), Some(Aadsts::BadAssertion));
        }
    }

    #[test]
    fn a_certificate_is_found_by_each_of_its_names_and_not_without() {
        let (key, certificate) = certified(Algorithm::Es256, 86_400);
        for (name, value) in [
            ("x5t", Some(certificate.x5t())),
            ("x5t#S256", Some(certificate.x5t_s256())),
            ("x5t#S256", Some(certificate.x5t_s256() + "=")),
            ("x5t#S256", Some(base64(&certificate.x5t_s256()))),
            ("x5t", Some(base64(&certificate.x5t()))),
            ("other", None),
        ] {
            let header = Protected::jwt().with_member(name, value.clone());
            let header = match &value {
                Some(_) => header,
                None => Protected::jwt(),
            };
            let assertion = key.sign(&header, &claims()).expect("signed");
            let found = refused(&assertion, std::slice::from_ref(&certificate));
            // The key of a test names itself by `kid`, which is not the thumbprint.
            let expected = value.is_none().then_some(Aadsts::UnknownAssertionKey);
            assert_eq!(found, expected, "{name}");
        }
    }

    /// base64 of what base64url says.
    fn base64(url: &str) -> String {
        url.replace('-', "+").replace('_', "/") + "="
    }

    #[test]
    fn an_expired_certificate_proves_nothing() {
        let ended = certified(Algorithm::Es256, 0);
        let assertion = signed(&ended, &claims());
        assert_eq!(refused(&assertion, &[ended.1]), Some(Aadsts::UnknownAssertionKey));
    }

    #[test]
    fn what_it_must_say() {
        let mine = certified(Algorithm::Es256, 86_400);
        let changed = |name: &str, value: Value| {
            let mut claims = claims();
            match value {
                Value::Null => drop(claims.remove(name)),
                value => drop(claims.insert(name.to_owned(), value)),
            }
            refused(&signed(&mine, &claims), std::slice::from_ref(&mine.1))
        };
        let bad = Some(Aadsts::BadAssertion);
        let late = Some(Aadsts::AssertionTime);
        for (name, value, expected) in [
            ("jti", Value::Null, None),
            ("nbf", Value::Null, None),
            ("iss", json!(APP.to_uppercase()), None),
            (
                "aud",
                json!(["https://other.example", "https://login.example/t/v2.0"]),
                None,
            ),
            ("iss", Value::Null, bad),
            ("sub", json!("another"), bad),
            ("aud", json!("https://login.example/u/v2.0"), bad),
            ("aud", Value::Null, bad),
            ("exp", Value::Null, bad),
            ("exp", json!(NOW - 299), None),
            ("exp", json!(NOW - 300), late),
            ("exp", json!(NOW + 3900), None),
            ("exp", json!(NOW + 3901), late),
            ("nbf", json!(NOW + 300), None),
            ("nbf", json!(NOW + 301), late),
        ] {
            assert_eq!(changed(name, value.clone()), expected, "{name} = {value}");
        }
    }

    proptest! {
        #[test]
        fn what_is_no_assertion_is_malformed(text in "[A-Za-z0-9_.-]{0,60}") {
            prop_assert_eq!(refused(&text, &[]), Some(Aadsts::BadJwt));
            prop_assert!(subject(&text).is_err());
        }
    }
}
