//! The `claims` of a token request: what a resource told its client to bring (a claims challenge), asked for with a code, a
//! refresh token or on behalf of somebody. Policies judge what was authorized with it; what is not met is
//! `interaction_required`, with what the client asks the person for.
//! <https://learn.microsoft.com/entra/identity-platform/claims-challenge>

use std::time::Duration;

use hygie_core::Timestamp;
use hygie_directory::Authorization;
use hygie_oidc::{ClaimsRequest, Refusal};

use crate::signin::known_acr;

/// Clocks of resources may be before ours by so much.
const LEEWAY: Duration = Duration::from_mins(5);

/// What was authorized, with what is asked of these tokens.
pub(super) fn challenged(
    authorization: &Authorization,
    asked: &ClaimsRequest,
    now: Timestamp,
) -> Result<Authorization, Refusal> {
    let mut claims = authorization.claims.clone();
    add(&mut claims.contexts, &asked.contexts);
    add(&mut claims.policies, &asked.policies);
    let acr = known_acr(&asked.acr);
    if !acr.is_empty() {
        claims.acr = acr;
    }
    if !asked.capabilities.is_empty() {
        claims.capabilities.clone_from(&asked.capabilities);
    }
    // Nothing that is issued now is younger than now.
    if asked
        .not_before
        .is_some_and(|at| Timestamp::from_secs(at) > now + LEEWAY)
    {
        return Err(Refusal::bad("claims"));
    }
    claims.not_before = asked.not_before;
    Ok(Authorization {
        claims,
        ..authorization.clone()
    })
}

/// Those that are not among them yet.
fn add(all: &mut Vec<String>, asked: &[String]) {
    for one in asked {
        if !all.contains(one) {
            all.push(one.clone());
        }
    }
}
