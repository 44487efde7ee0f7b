//! `addKey` and `removeKey` of applications and service principals: another certificate by a proof that one of the present ones is had.
//! <https://learn.microsoft.com/graph/api/application-addkey>

use std::slice;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::{AppId, ObjectId, PrincipalKind, Timestamp};
use hygie_directory::KeyCredential;
use hygie_directory::repo::{CertificateRow, Holder};
use hygie_jose::Claims;
use hygie_oidc::assertion::signed;
use hygie_policy::json::{At, Members, Wrong};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::answer::{Of, done};
use super::application_changes::{may, may_prove_as};
use super::body::Body;
use super::caller::Caller;
use super::{applications, service_principals};
use crate::entity::{application, read_key, service_principal};
use crate::{Graph, GraphFault};

/// For whom a proof is: the id of the directory before Microsoft Graph, as its documentation says.
const AUDIENCE: &str = "00000002-0000-0000-c000-000000000000";
/// How long a proof says to be good at most, and by how much clocks may be off at either end: it is taken for twenty minutes.
const LONGEST: Duration = Duration::from_mins(10);
const LEEWAY: Duration = Duration::from_mins(5);

/// Who has keys: a registration, or its presence in the tenant.
#[derive(Clone, Copy)]
enum Kind {
    Application,
    Principal,
}

/// One of them, with the certificates that it has now.
struct Keyed {
    holder: Holder,
    /// Its object id, which says who a proof is by.
    id: ObjectId,
    app: AppId,
    certificates: Vec<CertificateRow>,
    /// Its JSON.
    members: Map<String, Value>,
}

impl Kind {
    async fn find(self, graph: &Graph, caller: &Caller, id: &str) -> Result<Keyed, GraphError> {
        Ok(match self {
            Self::Application => {
                let found = applications::find(graph, caller, id).await?;
                Keyed {
                    holder: found.application.app.into(),
                    id: found.application.id,
                    app: found.application.app,
                    members: application(&found),
                    certificates: found.certificates,
                }
            }
            Self::Principal => {
                let found = service_principals::find(graph, caller, id).await?;
                Keyed {
                    holder: Holder::Principal(found.principal.id),
                    id: found.principal.id,
                    app: found.principal.app,
                    members: service_principal(&found),
                    certificates: found.certificates,
                }
            }
        })
    }
}

/// `POST /applications/{id}/addKey`.
pub async fn add(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    add_to(&graph, &caller, (Kind::Application, &id), &body).await
}

/// `POST /servicePrincipals/{id}/addKey`.
pub async fn add_to_principal(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    add_to(&graph, &caller, (Kind::Principal, &id), &body).await
}

async fn add_to(graph: &Graph, caller: &Caller, (kind, id): (Kind, &str), body: &Body) -> Result<Response, GraphError> {
    let found = let_to(graph, caller, (kind, id)).await?;
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
    let directory = graph.directory();
    let added = directory
        .add_key(&caller.cx, (found.holder, proof), (name, certificate))
        .await;
    let added = added.map_err(GraphFault::from)?;
    let after = kind.find(graph, caller, id).await?;
    let key = shown(&after.members, added);
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
    remove_from(&graph, &caller, (Kind::Application, &id), &body).await
}

/// `POST /servicePrincipals/{id}/removeKey`.
pub async fn remove_from_principal(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    remove_from(&graph, &caller, (Kind::Principal, &id), &body).await
}

async fn remove_from(graph: &Graph, caller: &Caller, of: (Kind, &str), body: &Body) -> Result<Response, GraphError> {
    let found = let_to(graph, caller, of).await?;
    let members = body.members(&["keyId", "proof"])?;
    let text: String = members.read("keyId").map_err(GraphFault::from)?;
    let at = At::Member(&At::Root, "keyId");
    let key = Uuid::parse_str(&text).map_err(|_| GraphFault::from(at.refuse(Wrong::NotA("a UUID"))))?;
    let proof = proof(&found, &members, caller.cx.now)?;
    let removed = graph
        .directory()
        .remove_key(&caller.cx, (found.holder, proof), key)
        .await;
    removed.map_err(GraphFault::from)?;
    Ok(done())
}

/// The one, where the caller may change its keys: as who may give it credentials, and an application its own.
async fn let_to(graph: &Graph, caller: &Caller, (kind, id): (Kind, &str)) -> Result<Keyed, GraphError> {
    if caller.kind() == PrincipalKind::App && is_own(graph, caller, (kind, id)).await? {
        return kind.find(graph, caller, id).await;
    }
    may(graph, caller, id).await?;
    let found = kind.find(graph, caller, id).await?;
    may_prove_as(graph, caller, found.app).await?;
    Ok(found)
}

/// Whether a program asks about itself.
async fn is_own(graph: &Graph, caller: &Caller, (kind, id): (Kind, &str)) -> Result<bool, GraphError> {
    let id = id.to_ascii_lowercase();
    if let Kind::Principal = kind {
        return Ok(caller.subject().to_string() == id);
    }
    let own = graph.directory().find_presence(&caller.cx, caller.subject()).await?;
    let own = own.and_then(|presence| presence.application);
    Ok(own.is_some_and(|own| own.home == caller.cx.tenant && own.id.to_string() == id))
}

/// The certificate that signed the proof of a body. One that none of the application signed, or of something else, is refused.
fn proof(of: &Keyed, members: &Members<'_>, now: Timestamp) -> Result<Uuid, GraphFault> {
    let proof: String = members.read("proof")?;
    let wrong = |why| GraphFault::from(At::Member(&At::Root, "proof").refuse(Wrong::NotA(why)));
    let by = |row: &CertificateRow| {
        let claims = signed(&proof, slice::from_ref(&row.certificate), (of.app, now));
        claims.ok().map(|claims| (row.id, claims))
    };
    let (id, claims) = of
        .certificates
        .iter()
        .find_map(by)
        .ok_or_else(|| wrong("a token that is signed with a key of the application"))?;
    if is_proof(&claims, of.id, now) {
        Ok(id)
    } else {
        Err(wrong(
            "a proof of the application, for the directory, good now and for ten minutes at most",
        ))
    }
}

fn is_proof(claims: &Claims, of: ObjectId, now: Timestamp) -> bool {
    let id = of.to_string();
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
fn shown(members: &Map<String, Value>, id: Uuid) -> Option<Map<String, Value>> {
    let keys = members.get("keyCredentials")?.as_array()?;
    let key = keys.iter().find(|key| key["keyId"] == id.to_string())?;
    key.as_object().cloned()
}
