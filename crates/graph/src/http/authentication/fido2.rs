//! Passkeys that an administrator registers for somebody: options, then what the authenticator made of them.
//! <https://learn.microsoft.com/graph/api/fido2authenticationmethod-creationoptions>

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hygie_core::ObjectId;
use hygie_means::{By, Refusal};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value};

use super::super::answer::Of;
use super::super::caller::Caller;
use super::document::Members;
use super::methods::set;
use super::shown::fido2;
use crate::{Graph, GraphFault};

/// Minutes that the answer may take: from five to thirty days, as in Graph.
const MIN_TIMEOUT: u64 = 5;
const MAX_TIMEOUT: u64 = 43_200;

/// `creationOptions` or `creationOptions(challengeTimeoutInMinutes=N)`.
pub async fn creation_options(
    graph: &Graph,
    caller: &Caller,
    user: ObjectId,
    function: &str,
) -> Result<Response, GraphError> {
    let minutes = timeout(function).ok_or_else(|| GraphFault::NotFound(function.to_owned()))?;
    if !(MIN_TIMEOUT..=MAX_TIMEOUT).contains(&minutes) {
        return Err(hygie_means::MeansError::from(Refusal::Value("challengeTimeoutInMinutes")).into());
    }
    let ttl = Some(Duration::from_secs(minutes * 60));
    let options = graph
        .means()
        .begin_passkey(&caller.cx, user, By::Administrator, ttl)
        .await?;
    let mut members = Map::new();
    members.insert(
        "challengeTimeoutDateTime".to_owned(),
        options.expires_at.to_rfc3339().into(),
    );
    members.insert("publicKey".to_owned(), options.public_key);
    let of = Of {
        set: "microsoft.graph.webauthnCredentialCreationOptions",
        select: None,
    };
    let note = Note::new("graph.passkey.options", format!("user/{user}"));
    Ok(graph.one(&of, members, note))
}

/// The minutes that are asked for, or the fewest; `None` of another function.
fn timeout(function: &str) -> Option<u64> {
    let arguments = function.strip_prefix("creationOptions")?;
    if arguments.is_empty() || arguments == "()" {
        return Some(MIN_TIMEOUT);
    }
    let inner = arguments
        .strip_prefix("(challengeTimeoutInMinutes=")?
        .strip_suffix(')')?;
    inner.trim_matches('\'').parse().ok()
}

pub async fn post(graph: &Graph, caller: &Caller, user: ObjectId, body: &Value) -> Result<Response, GraphError> {
    let members = Members::of(body, &["displayName", "publicKeyCredential"])?;
    let missing = |name| hygie_means::MeansError::from(Refusal::Value(name));
    let name = members
        .find("displayName", Value::as_str)?
        .ok_or_else(|| missing("displayName"))?;
    let credential = members
        .find("publicKeyCredential", Some)?
        .ok_or_else(|| missing("publicKeyCredential"))?;
    let response = By::browser_form(credential).map_err(hygie_means::MeansError::from)?;
    let (means, cx) = (graph.means(), &caller.cx);
    let id = means
        .register_passkey(cx, user, By::Administrator, (&response, name))
        .await?;
    let methods = means.methods_of(cx, user).await?;
    let made = methods.passkeys.iter().find(|passkey| passkey.id == id);
    let shown = made
        .map(fido2)
        .ok_or_else(|| GraphFault::NotFound("passkey".to_owned()))?;
    let set = set(user, "fido2Methods");
    let of = Of {
        set: &set,
        select: None,
    };
    let Value::Object(shown) = shown else {
        return Err(GraphFault::NotFound("passkey".to_owned()).into());
    };
    Ok((StatusCode::CREATED, graph.one(&of, shown, Note::recorded())).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_the_function() {
        for (function, expected) in [
            ("creationOptions", Some(5)),
            ("creationOptions()", Some(5)),
            ("creationOptions(challengeTimeoutInMinutes=10)", Some(10)),
            ("creationOptions(challengeTimeoutInMinutes='10')", Some(10)),
            ("creationOptions(challengeTimeoutInMinutes=-1)", None),
            ("creationOptions(minutes=1)", None),
            ("creationOptionsX", None),
        ] {
            assert_eq!(timeout(function), expected, "{function}");
        }
    }
}
