//! `addKey` and `removeKey` of applications: another certificate by a proof that one of the present ones is had.
//! <https://learn.microsoft.com/graph/api/application-addkey>

use std::slice;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::{PrincipalKind, Timestamp};
use hygie_directory::repo::CertificateRow;
use hygie_directory::{KeyCredential, Registration};
use hygie_jose::Claims;
use hygie_oidc::assertion::signed;
use hygie_policy::json::{At, Members, Wrong};
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
/// How long a proof says to be good at most, and by how much clocks may be off at either end: it is taken for twenty minutes.
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
    let KeyCredential::New(name, certificate) = key else {
        return Err(missing().into());
    };
    let proof = proof(&found, &members, caller.cx.now)?;
    let app = found.application.app;
    let directory = graph.directory();
    let added = directory.add_key(&caller.cx, (app, proof), (name, certificate)).await;
    let added = added.map_err(GraphFault::from)?;
    let after = applications::find(&graph, &caller, &id).await?;
    let key = shown(&after, added);
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
    let text: String = members.read("keyId").map_err(GraphFault::from)?;
    let at = At::Member(&At::Root, "keyId");
    let key = Uuid::parse_str(&text).map_err(|_| GraphFault::from(at.refuse(Wrong::NotA("a UUID"))))?;
    let proof = proof(&found, &members, caller.cx.now)?;
    let app = found.application.app;
    let removed = graph.directory().remove_key(&caller.cx, (app, proof), key).await;
    removed.map_err(GraphFault::from)?;
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

/// The certificate that signed the proof of a body. One that none of the application signed, or of something else, is refused.
fn proof(of: &Registration, members: &Members<'_>, now: Timestamp) -> Result<Uuid, GraphFault> {
    let proof: String = members.read("proof")?;
    let wrong = |why| GraphFault::from(At::Member(&At::Root, "proof").refuse(Wrong::NotA(why)));
    let by = |row: &CertificateRow| {
        let claims = signed(&proof, slice::from_ref(&row.certificate), (of.application.app, now));
        claims.ok().map(|claims| (row.id, claims))
    };
    let (id, claims) = of
        .certificates
        .iter()
        .find_map(by)
        .ok_or_else(|| wrong("a token that is signed with a key of the application"))?;
    if is_proof(&claims, of, now) {
        Ok(id)
    } else {
        Err(wrong(
            "a proof of the application, for the directory, good now and for ten minutes at most",
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

/// A key as the application shows it.
fn shown(of: &Registration, id: Uuid) -> Option<Map<String, Value>> {
    let members = application(of);
    let keys = members.get("keyCredentials")?.as_array()?;
    let key = keys.iter().find(|key| key["keyId"] == id.to_string())?;
    key.as_object().cloned()
}
