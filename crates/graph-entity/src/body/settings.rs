//! Settings of an application that are as they are: their usual values are taken, others refused with the reason.
//! <https://learn.microsoft.com/graph/api/resources/application>

use hygie_policy::ReadError;
use hygie_policy::json::{At, Wrong};
use serde_json::{Value, json};

/// Why such a setting has no other value.
const SETTINGS: &[(&str, &str)] = &[
    (
        "isDeviceOnlyAuthSupported",
        "false or null: no device signs in here without a person",
    ),
    (
        "oauth2RequirePostResponse",
        "false or null: a client asks for its answer by POST itself (response_mode=form_post)",
    ),
    (
        "servicePrincipalLockConfiguration",
        "null or not enabled: credentials of a service principal are good in its own tenant alone",
    ),
    (
        "parentalControlSettings",
        "left out or as usual: accounts of minors are not told apart here",
    ),
];

/// Whether a member is one of them.
pub(super) fn is_one(name: &str) -> bool {
    SETTINGS.iter().any(|(known, _)| *known == name)
}

/// Refuses another value than the usual one.
pub(super) fn check(name: &str, found: Option<&Value>, at: &At<'_>) -> Result<(), ReadError> {
    let is_usual = found.is_none_or(|found| match name {
        "servicePrincipalLockConfiguration" => found["isEnabled"] == json!(false),
        "parentalControlSettings" => *found == json!({ "countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow" }),
        _ => *found == json!(false),
    });
    match SETTINGS.iter().find(|(known, _)| *known == name) {
        Some((_, reason)) if !is_usual => Err(at.refuse(Wrong::NotA(reason))),
        _ => Ok(()),
    }
}
