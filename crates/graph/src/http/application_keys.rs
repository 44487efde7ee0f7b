//! `addKey` and `removeKey` of applications: another certificate by a proof that one of the present ones is had.
//! <https://learn.microsoft.com/graph/api/application-addkey>

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::{AppId, PrincipalKind, Timestamp};
use hygie_directory::{KeyCredential, Registration};
use hygie_jose::{Certificate, Claims};
use hygie_oidc::assertion::signed;
use hygie_policy::json::{At, Wrong};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::answer::{Of, done};
use super::application_changes::{may, may_prove_as};
use super::applications;
use super::body::Body;
use super::caller::Caller;
use crate::entity::{application, read_key};
use crate::{Graph, GraphFault};

/// For whom a proof is: the id of the directory before Microsoft Graph, as its documentation says.
const AUDIENCE: &str = "00000002-0000-0000-c000-000000000000";
/// How long a proof is good, and by how much clocks may be off.
const LONGEST: Duration = Duration::from_mins(10);
const LEEWAY: Duration = Duration::from_mins(5);

/// `POST /applications/{id}/addKey`.
pub async fn add(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    let found = let_to(&graph, &caller, &id).await?;
    let members = body.members(&["keyCredential", "passwordCredential", "proof"])?;
    if members.find("passwordCredential").is_some() {
        let at = At::Member(&At::Root, "passwordCredential");
        return Err(GraphFault::from(at.refuse(Wrong::NotA("null: keys are those of certificates"))).into());
    }
    let at = At::Member(&At::Root, "keyCredential");
    let missing = || GraphFault::from(at.refuse(Wrong::Missing));
    let key = read_key(members.find("keyCredential").ok_or_else(missing)?, &at).map_err(GraphFault::from)?;
    if matches!(key, KeyCredential::Kept(_)) {
        return Err(missing().into());
    }
    prove(
        &found,
        &members.read::<String>("proof").map_err(GraphFault::from)?,
        caller.cx.now,
    )?;
    let before: Vec<Uuid> = found.certificates.iter().map(|row| row.id).collect();
    let keys = kept(&before, None).chain([key]).collect();
    set(&graph, &caller, found, keys).await?;
    let after = applications::find(&graph, &caller, &id).await?;
    let added = after.certificates.iter().find(|row| !before.contains(&row.id));
    let key = added.and_then(|row| shown(&after, row.id));
    let of = Of {
        set: "microsoft.graph.keyCredential",
        select: None,
    };
    Ok(graph.one(&of, key.unwrap_or_default(), Note::recorded()))
}

/// `POST /applications/{id}/removeKey`.
pub async fn remove(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    let found = let_to(&graph, &caller, &id).await?;
    let members = body.members(&["keyId", "proof"])?;
    let key: AppId = members.read("keyId").map_err(GraphFault::from)?;
    prove(
        &found,
        &members.read::<String>("proof").map_err(GraphFault::from)?,
        caller.cx.now,
    )?;
    let before: Vec<Uuid> = found.certificates.iter().map(|row| row.id).collect();
    if !before.contains(&key.uuid()) {
        return Err(GraphFault::NotFound(key.to_string()).into());
    }
    let keys = kept(&before, Some(key.uuid())).collect();
    set(&graph, &caller, found, keys).await?;
    Ok(done())
}

/// The application, where the caller may change its keys: as who may give it credentials, and an application its own.
async fn let_to(graph: &Graph, caller: &Caller, id: &str) -> Result<Registration, GraphError> {
    if caller.kind() == PrincipalKind::App {
        let own = graph.directory().find_presence(&caller.cx, caller.subject()).await?;
        let own = own.and_then(|presence| presence.application);
        if own.is_some_and(|own| own.home == caller.cx.tenant && own.id.to_string() == id.to_ascii_lowercase()) {
            return applications::find(graph, caller, id).await;
        }
    }
    may(graph, caller, id).await?;
    let found = applications::find(graph, caller, id).await?;
    may_prove_as(graph, caller, found.application.app).await?;
    Ok(found)
}

/// Refuses a proof that no certificate of the application signed, or of something else.
fn prove(of: &Registration, proof: &str, now: Timestamp) -> Result<(), GraphFault> {
    let certificates: Vec<Certificate> = of.certificates.iter().map(|row| row.certificate.clone()).collect();
    let wrong = |why| GraphFault::from(At::Member(&At::Root, "proof").refuse(Wrong::NotA(why)));
    let claims = signed(proof, &certificates, (of.application.app, now))
        .map_err(|_| wrong("a token that is signed with a key of the application"))?;
    if is_proof(&claims, of, now) {
        Ok(())
    } else {
        Err(wrong(
            "a proof of the application, for the directory and of the last ten minutes",
        ))
    }
}

fn is_proof(claims: &Claims, of: &Registration, now: Timestamp) -> bool {
    let id = of.application.id.to_string();
    let is_own = claims
        .issuer
        .as_deref()
        .is_some_and(|issuer| issuer.eq_ignore_ascii_case(&id));
    let is_for_us = claims.audience.iter().any(|audience| audience == AUDIENCE);
    let (Some(begins), Some(ends)) = (claims.not_before, claims.expires_at) else {
        return false;
    };
    is_own && is_for_us && begins <= now + LEEWAY && now < ends + LEEWAY && ends <= begins + LONGEST
}

fn kept(before: &[Uuid], without: Option<Uuid>) -> impl Iterator<Item = KeyCredential> {
    let rest = before.iter().filter(move |id| Some(**id) != without);
    rest.copied().map(KeyCredential::Kept)
}

async fn set(graph: &Graph, caller: &Caller, found: Registration, keys: Vec<KeyCredential>) -> Result<(), GraphError> {
    let before = found.application;
    let same = (before.display_name.clone(), (*before.definition).clone());
    let changed = graph
        .directory()
        .update_application(&caller.cx, before, same, Some(keys))
        .await;
    Ok(changed.map_err(GraphFault::from)?)
}

/// A key as the application shows it.
fn shown(of: &Registration, id: Uuid) -> Option<Map<String, Value>> {
    let members = application(of);
    let keys = members.get("keyCredentials")?.as_array()?;
    let key = keys.iter().find(|key| key["keyId"] == id.to_string())?;
    key.as_object().cloned()
}
