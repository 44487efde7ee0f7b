//! `tokenLifetimePolicy`: how long access and id tokens live, as an administrator says for one application or for all.
//! <https://learn.microsoft.com/graph/api/resources/tokenlifetimepolicy>
//!
//! # Deviations
//!
//! - Lifetimes of refresh tokens and sessions, which Entra ID took out of these policies, are refused with the reason, where
//!   Entra ID ignores them.

use std::time::Duration;

use hygie_core::Timestamp;
use serde_json::Value;
use thiserror::Error;

use crate::check::{Broken, named};
use crate::json::{At, Members, ReadError, Wrong, record};
use crate::{Patch, TokenLifetimePolicyId};

/// The shortest and the longest life of a token.
const BOUNDS: (Duration, Duration) = (Duration::from_mins(10), Duration::from_hours(24));
/// Signs of a definition: there are two members in it.
const MAX_DEFINITION: usize = 1_024;
/// What such a definition once said too.
const RETIRED: &[&str] = &[
    "MaxInactiveTime",
    "MaxAgeSingleFactor",
    "MaxAgeMultiFactor",
    "MaxAgeSessionSingleFactor",
    "MaxAgeSessionMultiFactor",
];

record! {
    /// A policy for the lifetime of tokens.
    TokenLifetimePolicy {
        /// Its id, given by the service.
        id: Option<TokenLifetimePolicyId> = "id",
        /// Always nothing: one that is removed is gone.
        deleted_at: Option<Timestamp> = "deletedDateTime",
        /// Its name.
        display_name: String = "displayName",
        /// What it is for.
        description: Option<String> = "description",
        /// One text of JSON.
        definition: Vec<String> = "definition",
        /// Whether it is for every application without one of its own.
        is_default: Option<bool> = "isOrganizationDefault",
    }
}

/// Only one of the tenant may be for all.
impl Patch for TokenLifetimePolicy {
    const READ_ONLY: &'static [&'static str] = &["id", "deletedDateTime"];
}

/// Why a definition says no lifetime.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotALifetime {
    /// There are several, or none.
    #[error(" must have one text")]
    Number,
    /// It is no JSON, or very long.
    #[error("[0] must be the text of a JSON object")]
    Text,
    /// It says something else.
    #[error("[0]: {0}")]
    Shape(Box<ReadError>),
    /// It says what such policies once said.
    #[error(
        "[0]: {0} was retired: lifetimes of refresh tokens and of sessions are said by the sign-in frequency of \
         conditional access"
    )]
    Retired(&'static str),
    /// Of another version.
    #[error("[0]: Version must be 1")]
    Version,
    /// No span of time.
    #[error("[0]: AccessTokenLifetime must be a span of time such as 04:00:00 or 1.00:00:00")]
    Form,
    /// Too short or too long.
    #[error("[0]: AccessTokenLifetime must be from ten minutes (00:10:00) to one day (1.00:00:00)")]
    Range,
}

impl TokenLifetimePolicy {
    /// Whether it may be kept.
    pub fn check(&self) -> Result<(), Broken> {
        named(&self.display_name, self.description.as_ref())?;
        self.lifetime().map(drop).map_err(Broken::Definition)
    }

    /// How long tokens live by it.
    pub fn lifetime(&self) -> Result<Duration, NotALifetime> {
        let [definition] = self.definition.as_slice() else {
            return Err(NotALifetime::Number);
        };
        lifetime(definition)
    }

    /// Whether it is for every application without one of its own.
    pub fn is_default(&self) -> bool {
        self.is_default == Some(true)
    }
}

/// What a definition says.
fn lifetime(definition: &str) -> Result<Duration, NotALifetime> {
    let parsed = (definition.len() <= MAX_DEFINITION).then(|| serde_json::from_str::<Value>(definition));
    let document = parsed.and_then(Result::ok).ok_or(NotALifetime::Text)?;
    let shape = |error: ReadError| NotALifetime::Shape(Box::new(error));
    let all = Members::of(Some(&document), &At::Root, &["TokenLifetimePolicy"]).map_err(shape)?;
    let at = At::Member(&At::Root, "TokenLifetimePolicy");
    let found = all.find("TokenLifetimePolicy");
    let old = |name: &&&str| found.is_some_and(|policy| policy.get(**name).is_some());
    if let Some(name) = RETIRED.iter().find(old) {
        return Err(NotALifetime::Retired(name));
    }
    let members = Members::of(found, &at, &["Version", "AccessTokenLifetime"]).map_err(shape)?;
    if members.read::<u32>("Version").map_err(shape)? != 1 {
        return Err(NotALifetime::Version);
    }
    let text: Option<String> = members.read("AccessTokenLifetime").map_err(shape)?;
    let missing = || shape(At::Member(&at, "AccessTokenLifetime").refuse(Wrong::Missing));
    let span = span(&text.ok_or_else(missing)?).ok_or(NotALifetime::Form)?;
    let (shortest, longest) = BOUNDS;
    if (shortest..=longest).contains(&span) {
        Ok(span)
    } else {
        Err(NotALifetime::Range)
    }
}

/// A span of time as .NET writes it: `[d.]hh:mm:ss`.
fn span(text: &str) -> Option<Duration> {
    let (days, rest) = text.split_once('.').unwrap_or(("0", text));
    let mut parts = rest.split(':');
    let mut part = |most: u64| number(parts.next()?).filter(|number| *number <= most);
    let (hours, minutes, seconds) = (part(23)?, part(59)?, part(59)?);
    let is_whole = parts.next().is_none();
    let days = number(days)?;
    is_whole.then(|| Duration::from_secs(((days * 24 + hours) * 60 + minutes) * 60 + seconds))
}

/// One to three digits.
fn number(text: &str) -> Option<u64> {
    let is_number = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn says(lifetime: &str) -> String {
        json!({ "TokenLifetimePolicy": { "Version": 1, "AccessTokenLifetime": lifetime } }).to_string()
    }

    #[test]
    fn a_definition_says_a_lifetime() {
        for (text, expected) in [
            ("00:10:00", Ok(600)),
            ("4:00:00", Ok(4 * 3_600)),
            ("04:30:15", Ok(4 * 3_600 + 30 * 60 + 15)),
            ("1.00:00:00", Ok(86_400)),
            ("0.02:00:00", Ok(7_200)),
            ("00:09:59", Err(NotALifetime::Range)),
            ("1.00:00:01", Err(NotALifetime::Range)),
            ("999.00:00:00", Err(NotALifetime::Range)),
            ("24:00:00", Err(NotALifetime::Form)),
            ("00:60:00", Err(NotALifetime::Form)),
            ("04:00", Err(NotALifetime::Form)),
            ("04:00:00:00", Err(NotALifetime::Form)),
            ("-04:00:00", Err(NotALifetime::Form)),
            ("until-revoked", Err(NotALifetime::Form)),
            ("", Err(NotALifetime::Form)),
        ] {
            assert_eq!(lifetime(&says(text)), expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn what_a_definition_does_not_say_is_refused_with_its_place() {
        for (definition, expected) in [
            ("4:00:00", "[0] must be the text of a JSON object"),
            ("[]", "[0]: the document: must be an object"),
            ("{}", "[0]: TokenLifetimePolicy: is required"),
            (
                r#"{"TokenLifetimePolicy":{"Version":2,"AccessTokenLifetime":"4:00:00"}}"#,
                "[0]: Version must be 1",
            ),
            (
                r#"{"TokenLifetimePolicy":{"Version":1}}"#,
                "[0]: TokenLifetimePolicy.AccessTokenLifetime: is required",
            ),
            (
                r#"{"TokenLifetimePolicy":{"Version":1,"RefreshTokenLifetime":"4:00:00"}}"#,
                "[0]: TokenLifetimePolicy.RefreshTokenLifetime: there is no such member",
            ),
        ] {
            assert_eq!(lifetime(definition).unwrap_err().to_string(), expected, "{definition}");
        }
        let retired = json!({ "TokenLifetimePolicy": { "Version": 1, "MaxInactiveTime": "30.00:00:00" } });
        assert_eq!(
            lifetime(&retired.to_string()),
            Err(NotALifetime::Retired("MaxInactiveTime"))
        );
        assert_eq!(lifetime(&" ".repeat(2_000)), Err(NotALifetime::Text));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,60}") {
            let _ = lifetime(&text);
            let _ = lifetime(&says(&text));
        }

        #[test]
        fn what_is_written_is_read(seconds in 600_u64..=86_400) {
            let (days, rest) = (seconds / 86_400, seconds % 86_400);
            let text = format!("{days}.{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60);
            prop_assert_eq!(lifetime(&says(&text)), Ok(Duration::from_secs(seconds)));
        }
    }
}
