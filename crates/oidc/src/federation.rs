//! Federated client assertions: a client proves itself by a token that somebody else issued to it, whose issuer, subject
//! and audience its registration names — RFC 7523 §3, OpenID Connect Core §9.
//! <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>
//!
//! Everything is compared character by character. Only for an issuer that is named are keys asked for, so that nobody
//! makes us ask addresses of their choice.

use std::time::Duration;

use hygie_core::Timestamp;
use hygie_jose::{Claims, KeySet, Untrusted};

use crate::{Aadsts, Refusal};

/// Clocks of issuers may be off by so much.
const LEEWAY: Duration = Duration::from_mins(5);

/// Whose token about whom, for what, counts as proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trust<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sub`.
    pub subject: &'a str,
    /// `aud`, of which the token has one.
    pub audience: &'a str,
}

/// The issuer of an assertion that is not of a client itself; none where it is. Clients are called by their ids, issuers
/// by addresses (OpenID Connect Discovery 1.0 §3).
pub fn foreign_issuer(assertion: &str) -> Result<Option<String>, Refusal> {
    let token = read(assertion)?;
    Ok(token
        .issuer()
        .filter(|issuer| issuer.contains("://"))
        .map(str::to_owned))
}

/// Whether one of these is what the assertion says, before its signature is looked at.
pub fn matches(assertion: &str, trusts: &[Trust<'_>]) -> Result<(), Refusal> {
    matched(read(assertion)?.claims(), trusts)
}

/// Whether the assertion was signed by a key of its issuer, still counts, and is no person's.
pub fn verify(assertion: &str, keys: &KeySet, now: Timestamp) -> Result<(), Refusal> {
    let token = read(assertion)?;
    let bad = |why: &str| Refusal::about(Aadsts::BadAssertion, &[why]);
    let verified = token.verify(keys).map_err(|_| bad("contains an invalid signature"))?;
    if !verified
        .key_issuer
        .as_deref()
        .is_none_or(|named| signs_for(named, &verified.claims))
    {
        return Err(bad("is signed with a key for another issuer"));
    }
    check_time(&verified.claims, now)?;
    check_kind(&verified.claims)
}

/// Whether an issuer must be asked for its keys again, because none has the name that the assertion says.
pub fn needs_other_keys(assertion: &str, keys: &KeySet) -> Result<bool, Refusal> {
    Ok(!keys.knows(read(assertion)?.header()))
}

fn read(assertion: &str) -> Result<Untrusted<'_>, Refusal> {
    Untrusted::parse(assertion).map_err(|_| Refusal::about(Aadsts::BadJwt, &["client_assertion"]))
}

fn matched(claims: &Claims, trusts: &[Trust<'_>]) -> Result<(), Refusal> {
    let issuer = claims.issuer.as_deref().unwrap_or_default();
    let subject = claims.subject.as_deref().unwrap_or_default();
    let of_issuer = || trusts.iter().filter(|trust| trust.issuer == issuer);
    if of_issuer().next().is_none() {
        return Err(Refusal::about(Aadsts::FederatedIssuer, &[issuer]));
    }
    let of_subject = || of_issuer().filter(|trust| trust.subject == subject);
    if of_subject().next().is_none() {
        return Err(Refusal::about(Aadsts::FederatedSubject, &[subject]));
    }
    // One audience: a token that is for others as well may be presented by any of them.
    let audience = match claims.audience.as_slice() {
        [audience] => audience.as_str(),
        several => return Err(Refusal::about(Aadsts::FederatedAudience, &[&several.join(" ")])),
    };
    if !of_subject().any(|trust| trust.audience == audience) {
        return Err(Refusal::about(Aadsts::FederatedAudience, &[audience]));
    }
    Ok(())
}

/// Whether a key may sign for the issuer of these claims. Entra ID and we publish keys with the issuer that they sign for: all
/// tenants, or one, whose two versions have an issuer each, maybe on different hosts.
fn signs_for(named: &str, claims: &Claims) -> bool {
    let issuer = claims.issuer.as_deref().unwrap_or_default();
    let tenant = claims.members.get("tid").and_then(|tenant| tenant.as_str());
    let is_of_tenant = |tenant: &str| {
        let segment = format!("/{tenant}/");
        !tenant.is_empty() && issuer.contains(&segment) && (named.contains(&segment) || named.contains("/{tenantid}/"))
    };
    named == issuer || tenant.is_some_and(is_of_tenant)
}

fn check_time(claims: &Claims, now: Timestamp) -> Result<(), Refusal> {
    let missing = || Refusal::about(Aadsts::BadAssertion, &["must have an expiry time"]);
    let begins = claims.not_before.or(claims.issued_at).unwrap_or(now);
    let ends = claims.expires_at.ok_or_else(missing)?;
    if begins > now + LEEWAY || ends + LEEWAY <= now {
        let told = [now, begins, ends].map(Timestamp::to_rfc3339);
        return Err(Refusal::about(Aadsts::AssertionTime, &[&told[0], &told[1], &told[2]]));
    }
    Ok(())
}

/// A token of Entra ID's form (`tid`, `ver`) must be an application's own: a person's would let each of their
/// applications be this one.
fn check_kind(claims: &Claims) -> Result<(), Refusal> {
    let text = |name: &str| claims.members.get(name).and_then(|value| value.as_str());
    let is_of_entra = text("tid").is_some() && text("ver").is_some();
    let is_own = text("oid").is_some_and(|oid| claims.subject.as_deref() == Some(oid)) && text("scp").is_none();
    if is_of_entra && !is_own {
        return Err(Refusal::new(Aadsts::FederatedUser));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hygie_jose::{Algorithm, Jwks, Protected, SigningKey};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const CLIENT: &str = "0e88dda7-f7c6-4a5e-aae3-4511cd257073";
    const ISSUER: &str = "https://issuer.example/realm";
    const SUBJECT: &str = "system:serviceaccount:ward:agenda";
    const AUDIENCE: &str = "api://AzureADTokenExchange";
    const NOW: i64 = 1_795_000_000;
    const TRUSTS: &[Trust<'static>] = &[
        Trust {
            issuer: "https://other.example",
            subject: SUBJECT,
            audience: "other",
        },
        Trust {
            issuer: ISSUER,
            subject: SUBJECT,
            audience: AUDIENCE,
        },
    ];

    fn signed(key: &SigningKey, changes: &Value) -> String {
        let mut claims = json!({"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "iat": NOW, "exp": NOW + 86_400});
        let members = claims.as_object_mut().expect("an object");
        members.extend(changes.as_object().expect("an object").clone());
        members.retain(|_, value| !value.is_null());
        key.sign(&Protected::jwt(), &claims).expect("signed")
    }

    fn key() -> SigningKey {
        SigningKey::generate(Algorithm::Es256).expect("a key")
    }

    fn keys(key: &SigningKey) -> KeySet {
        KeySet::new(&Jwks {
            keys: vec![key.public_jwk()],
        })
    }

    #[test]
    fn what_it_says_is_compared_character_by_character() {
        let key = key();
        for (changes, expected) in [
            (json!({}), None),
            (json!({"aud": [AUDIENCE]}), None),
            (
                json!({"iss": "https://issuer.example/realm/"}),
                Some(Aadsts::FederatedIssuer),
            ),
            (
                json!({"iss": "https://Issuer.example/realm"}),
                Some(Aadsts::FederatedIssuer),
            ),
            (json!({"sub": SUBJECT.to_uppercase()}), Some(Aadsts::FederatedSubject)),
            (json!({"sub": null}), Some(Aadsts::FederatedSubject)),
            (
                json!({"aud": "api://azureadtokenexchange"}),
                Some(Aadsts::FederatedAudience),
            ),
            // That of another issuer with the same subject.
            (json!({"aud": "other"}), Some(Aadsts::FederatedAudience)),
            (json!({"aud": [AUDIENCE, "other"]}), Some(Aadsts::FederatedAudience)),
            (json!({"aud": null}), Some(Aadsts::FederatedAudience)),
        ] {
            let found = matches(&signed(&key, &changes), TRUSTS).err();
            assert_eq!(found.map(|refusal| refusal.code()), expected, "{changes}");
        }
    }

    #[test]
    fn it_is_signed_by_its_issuer_now_and_for_an_application() {
        let (key, other) = (key(), key());
        let user = json!({"tid": "t", "ver": "2.0", "oid": "o", "scp": "read"});
        let app = json!({"tid": "t", "ver": "2.0", "oid": SUBJECT});
        for (by, changes, expected) in [
            (&key, json!({}), None),
            (&key, app, None),
            (&key, user, Some(Aadsts::FederatedUser)),
            (&other, json!({}), Some(Aadsts::BadAssertion)),
            (&key, json!({"exp": null}), Some(Aadsts::BadAssertion)),
            (&key, json!({"exp": NOW - 299}), None),
            (&key, json!({"exp": NOW - 300}), Some(Aadsts::AssertionTime)),
            (&key, json!({"nbf": NOW + 300}), None),
            (&key, json!({"nbf": NOW + 301}), Some(Aadsts::AssertionTime)),
        ] {
            let found = verify(&signed(by, &changes), &keys(&key), Timestamp::from_secs(NOW)).err();
            assert_eq!(found.map(|refusal| refusal.code()), expected, "{changes}");
        }
    }

    #[test]
    fn a_key_signs_for_the_issuer_that_it_names() {
        let key = key();
        for (named, changes, is_good) in [
            ("https://issuer.example/realm", json!({}), true),
            ("https://issuer.example/other", json!({}), false),
            (
                "https://login.example/{tenantid}/v2.0",
                json!({"iss": "https://login.example/t/v2.0", "tid": "t", "ver": "2.0", "oid": SUBJECT}),
                true,
            ),
            (
                "https://login.example/{tenantid}/v2.0",
                json!({"iss": "https://login.example/t/", "tid": "t", "ver": "1.0", "oid": SUBJECT}),
                true,
            ),
            (
                "https://login.example/t/v2.0",
                json!({"iss": "https://sts.example/t/", "tid": "t", "ver": "1.0", "oid": SUBJECT}),
                true,
            ),
            (
                "https://login.example/u/v2.0",
                json!({"iss": "https://sts.example/t/", "tid": "t", "ver": "1.0", "oid": SUBJECT}),
                false,
            ),
            (
                "https://login.example/{tenantid}/v2.0",
                json!({"iss": "https://login.example/u/v2.0", "tid": "t", "ver": "2.0", "oid": SUBJECT}),
                false,
            ),
        ] {
            let mut jwk = key.public_jwk();
            jwk.issuer = Some(named.to_owned());
            let keys = KeySet::new(&Jwks { keys: vec![jwk] });
            let found = verify(&signed(&key, &changes), &keys, Timestamp::from_secs(NOW));
            assert_eq!(found.is_ok(), is_good, "{named} {changes}");
        }
    }

    #[test]
    fn whose_it_is() {
        let key = key();
        for (issuer, expected) in [
            (json!(ISSUER), Some(ISSUER)),
            (json!(CLIENT), None),
            (Value::Null, None),
        ] {
            let assertion = signed(&key, &json!({ "iss": issuer }));
            assert_eq!(foreign_issuer(&assertion).expect("an assertion").as_deref(), expected);
        }
        assert!(!needs_other_keys(&signed(&key, &json!({})), &keys(&key)).expect("an assertion"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,80}") {
            prop_assert!(matches(&text, TRUSTS).is_err());
            prop_assert!(verify(&text, &keys(&key()), Timestamp::from_secs(NOW)).is_err());
        }
    }
}
