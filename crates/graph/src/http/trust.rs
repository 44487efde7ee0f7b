//! `/directory/publicKeyInfrastructure`: the trust store by which certificates of people are judged.
//! <https://learn.microsoft.com/graph/api/resources/publickeyinfrastructureroot>
//!
//! `certificateRevocationList` of an authority is ours: what is known of it (`GET`), a list for a house that does not reach its
//! address (`PUT`, `content` in base64), the hours in which the last one counts after its end (`PATCH`, `graceInHours`), and a
//! live check (`POST …/refresh`).

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get as read_by, post as act_by};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_core::ObjectId;
use hygie_directory::trust::{AuthorityChange, ListSource, Pki, TrustedAuthority};
use hygie_jose::x509::Position;
use hygie_means::FetchFirst;
use hygie_policy::json::{At, Members, Wrong};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::Value;
use uuid::Uuid;

use super::answer::Of;
use super::authority::WRITE_TRUST;
use super::caller::Caller;
use super::document::{Document, created, done, large};
use super::list::{Item, Listed};
use super::{conditional, unsupported};
use crate::entity::{AUTHORITY, PKI, authority, pki, revocation_list, shown};
use crate::{Graph, GraphFault, MAX_BODY};

const SET: &str = "directory/publicKeyInfrastructure/certificateBasedAuthConfigurations";
/// Permissions that show trust stores.
pub(super) const READ: &[&str] = &[
    "PublicKeyInfrastructure.Read.All",
    "PublicKeyInfrastructure.ReadWrite.All",
];
/// What is told of an authority and never written.
const READ_ONLY: [&str; 7] = [
    "id",
    "displayName",
    "issuer",
    "issuerSubjectKeyIdentifier",
    "createdDateTime",
    "expirationDateTime",
    "thumbprint",
];

/// The addresses of trust stores.
pub fn routes() -> Router<Graph> {
    let only = |route: MethodRouter<Graph>| route.fallback(unsupported::any);
    let all = format!("/v1.0/{SET}");
    let one = format!("{all}/{{id}}");
    let authorities = format!("{one}/certificateAuthorities");
    let list = format!("{authorities}/{{authority}}/certificateRevocationList");
    let of_pki = read_by(get_pki).patch(patch_pki).delete(delete_pki);
    let of_authority = read_by(get_authority).patch(patch_authority).delete(delete_authority);
    let attempt = only(act_by(super::trust_trial::post));
    Router::new()
        .route("/v1.0/directory/publicKeyInfrastructure/tryCertificate", attempt)
        .route(&all, only(read_by(list_pkis).post(post_pki)))
        .route(&one, only(of_pki))
        .route(&authorities, only(read_by(list_authorities).post(post_authority)))
        .route(&format!("{authorities}/{{authority}}"), only(of_authority))
        .route(&format!("{one}/upload"), only(act_by(super::trust_bundle::upload)))
        .route(&list, only(read_by(get_list).patch(patch_list).put(put_list)))
        .route(&format!("{list}/refresh"), only(act_by(refresh_list)))
}

fn missing(id: &str) -> GraphFault {
    GraphFault::NotFound(id.to_owned())
}

/// The id in an address.
pub(super) fn key(id: &str) -> Result<Uuid, GraphFault> {
    id.parse().map_err(|_| missing(id))
}

fn authorities_of(id: Uuid) -> String {
    format!("{SET}/{id}/certificateAuthorities")
}

async fn find_pki(graph: &Graph, caller: &Caller, id: &str) -> Result<Pki, GraphError> {
    let wanted = key(id)?;
    let all = graph
        .directory()
        .list_pkis(&caller.cx)
        .await
        .map_err(GraphFault::from)?;
    Ok(all
        .into_iter()
        .find(|one| one.id == wanted)
        .ok_or_else(|| missing(id))?)
}

async fn find_authority(
    graph: &Graph,
    caller: &Caller,
    (id, authority): (&str, &str),
) -> Result<TrustedAuthority, GraphError> {
    let wanted = (key(id)?, key(authority)?);
    let all = graph.directory().list_authorities(&caller.cx).await;
    let all = all.map_err(GraphFault::from)?;
    let found = all.into_iter().find(|one| (one.pki, one.id) == wanted);
    Ok(found.ok_or_else(|| missing(authority))?)
}

async fn list_pkis(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, READ).await?;
    let query = caller.query_in_one_page(&PKI)?;
    let all = graph
        .directory()
        .list_pkis(&caller.cx)
        .await
        .map_err(GraphFault::from)?;
    let all: Vec<Item> = all.iter().map(|one| (ObjectId::from_uuid(one.id), pki(one))).collect();
    let listed = Listed {
        set: SET,
        path: SET,
        query: &query,
        default: None,
        total: None,
    };
    Ok(graph
        .list(&caller, listed, async |at| Ok(conditional::page(&all, at)))
        .await?)
}

fn one_pki(graph: &Graph, found: &Pki, select: Option<&[&'static str]>, note: Note) -> Response {
    graph.one(&Of { set: SET, select }, shown(pki(found), select), note)
}

async fn get_pki(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, READ).await?;
    let select = caller.select(&PKI)?;
    let found = find_pki(&graph, &caller, &id).await?;
    let note = Note::new("graph.read", format!("pki/{}", found.id));
    Ok(one_pki(&graph, &found, select.as_deref(), note))
}

/// The name that a body gives.
fn name_of(document: &Value) -> Result<String, GraphFault> {
    let members = Members::of(Some(document), &At::Root, &["displayName"])?;
    Ok(members.read("displayName")?)
}

async fn post_pki(
    State(graph): State<Graph>,
    caller: Caller,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    let name = name_of(&document)?;
    let made = graph.directory().create_pki(&caller.cx, &name).await?;
    let address = graph.address(&format!("{SET}/{}", made.id));
    Ok(created(one_pki(&graph, &made, None, Note::recorded()), &address))
}

async fn patch_pki(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    let name = name_of(&document)?;
    graph.directory().rename_pki(&caller.cx, key(&id)?, &name).await?;
    Ok(done())
}

async fn delete_pki(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    graph.directory().delete_pki(&caller.cx, key(&id)?).await?;
    Ok(done())
}

async fn list_authorities(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, READ).await?;
    let query = caller.query_in_one_page(&AUTHORITY)?;
    let found = find_pki(&graph, &caller, &id).await?;
    let all = graph.directory().list_authorities(&caller.cx).await;
    let all = all.map_err(GraphFault::from)?;
    let all: Vec<Item> = all
        .iter()
        .filter(|one| one.pki == found.id)
        .map(|one| (ObjectId::from_uuid(one.id), authority(one)))
        .collect();
    let set = authorities_of(found.id);
    let listed = Listed {
        set: &set,
        path: &set,
        query: &query,
        default: None,
        total: None,
    };
    Ok(graph
        .list(&caller, listed, async |at| Ok(conditional::page(&all, at)))
        .await?)
}

async fn get_authority(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, which)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, READ).await?;
    let select = caller.select(&AUTHORITY)?;
    let found = find_authority(&graph, &caller, (&id, &which)).await?;
    let set = authorities_of(found.pki);
    let of = Of {
        set: &set,
        select: select.as_deref(),
    };
    let note = Note::new("graph.read", format!("authority/{}", found.id));
    Ok(graph.one(&of, shown(authority(&found), select.as_deref()), note))
}

/// Octets in base64.
pub(super) fn octets(members: &Members<'_>, name: &'static str) -> Result<Option<Vec<u8>>, GraphFault> {
    let wrong = || At::Member(&At::Root, name).refuse(Wrong::NotA("octets in base64"));
    match members.find(name) {
        None => Ok(None),
        Some(value) => {
            let text = value.as_str().ok_or_else(wrong)?;
            Ok(Some(STANDARD.decode(text).map_err(|_| wrong())?))
        }
    }
}

/// What a body says of an authority. What the service sets is not written.
fn change_of(document: &Value) -> Result<AuthorityChange, GraphFault> {
    let written = [
        "certificate",
        "certificateAuthorityType",
        "certificateRevocationListUrl",
        "deltaCertificateRevocationListUrl",
        "isIssuerHintEnabled",
    ];
    let known = [&written[..], &READ_ONLY].concat();
    let members = Members::of(Some(document), &At::Root, &known)?;
    if let Some(name) = READ_ONLY.into_iter().find(|name| members.find(name).is_some()) {
        return Err(At::Member(&At::Root, name).refuse(Wrong::ReadOnly).into());
    }
    let kind: Option<String> = members.read("certificateAuthorityType")?;
    let position = match kind.as_deref() {
        None => None,
        Some("root") => Some(Position::Root),
        Some("intermediate") => Some(Position::Intermediate),
        Some(other) => {
            let at = At::Member(&At::Root, "certificateAuthorityType");
            return Err(at.refuse(Wrong::unknown(other)).into());
        }
    };
    let url = |name: &'static str| {
        let url: Option<String> = members.read(name)?;
        let is_said = document.get(name).is_some();
        Ok::<_, GraphFault>(is_said.then(|| url.filter(|url| !url.is_empty())))
    };
    Ok(AuthorityChange {
        certificate: octets(&members, "certificate")?,
        position,
        list_url: url("certificateRevocationListUrl")?,
        delta_url: url("deltaCertificateRevocationListUrl")?,
        is_hint_enabled: members.read("isIssuerHintEnabled")?,
    })
}

async fn post_authority(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    let mut change = change_of(&document)?;
    let missing = |name: &'static str| GraphFault::from(At::Member(&At::Root, name).refuse(Wrong::Missing));
    let certificate = change.certificate.take().ok_or_else(|| missing("certificate"))?;
    change.position.ok_or_else(|| missing("certificateAuthorityType"))?;
    let directory = graph.directory();
    let made = directory
        .add_authority(&caller.cx, key(&id)?, &certificate, change)
        .await?;
    let set = authorities_of(made.pki);
    let of = Of {
        set: &set,
        select: None,
    };
    let address = graph.address(&format!("{set}/{}", made.id));
    Ok(created(graph.one(&of, authority(&made), Note::recorded()), &address))
}

async fn patch_authority(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, which)): Path<(String, String)>,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    let (place, change) = ((key(&id)?, key(&which)?), change_of(&document)?);
    graph.directory().update_authority(&caller.cx, place, change).await?;
    Ok(done())
}

async fn delete_authority(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, which)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    let place = (key(&id)?, key(&which)?);
    graph.directory().delete_authority(&caller.cx, place).await?;
    Ok(done())
}

async fn state(
    graph: &Graph,
    caller: &Caller,
    (id, which): (&str, &str),
    (fetch, note): (FetchFirst, Note),
) -> Result<Response, GraphError> {
    let found = find_authority(graph, caller, (id, which)).await?;
    let state = graph.means().list_state(&caller.cx, &found, fetch).await?;
    let set = format!("{}/{}/certificateRevocationList", authorities_of(found.pki), found.id);
    let of = Of {
        set: &set,
        select: None,
    };
    Ok(graph.one(&of, revocation_list(&found, &state), note))
}

async fn get_list(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, which)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, READ).await?;
    let note = Note::new("graph.read", format!("authority/{which}/list"));
    state(&graph, &caller, (&id, &which), (FetchFirst::No, note)).await
}

async fn refresh_list(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, which)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    let note = Note::new("idp.crl.refresh", format!("authority/{which}"));
    state(&graph, &caller, (&id, &which), (FetchFirst::Yes, note)).await
}

async fn patch_list(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, which)): Path<(String, String)>,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    let members = Members::of(Some(&document), &At::Root, &["graceInHours"]).map_err(GraphFault::from)?;
    let hours: u32 = members.read("graceInHours").map_err(GraphFault::from)?;
    let place = (key(&id)?, key(&which)?);
    graph.directory().set_revocation_grace(&caller.cx, place, hours).await?;
    Ok(done())
}

async fn put_list(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, which)): Path<(String, String)>,
    request: Request,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    let found = find_authority(&graph, &caller, (&id, &which)).await?;
    let document = large(request, MAX_BODY).await?;
    let members = Members::of(Some(&document), &At::Root, &["content"]).map_err(GraphFault::from)?;
    let missing = || GraphFault::from(At::Member(&At::Root, "content").refuse(Wrong::Missing));
    let content = octets(&members, "content")?.ok_or_else(missing)?;
    let directory = graph.directory();
    directory
        .keep_revocation_list(&caller.cx, &found, content, ListSource::Uploaded)
        .await?;
    Ok(done())
}
