//! Several authorities at once: a bundle that is uploaded into an infrastructure, and the former address of trust stores,
//! `/organization/{id}/certificateBasedAuthConfiguration`, each of which is an infrastructure here.
//! <https://learn.microsoft.com/graph/api/certificatebasedauthpki-upload>,
//! <https://learn.microsoft.com/graph/api/certificatebasedauthconfiguration-post-certificatebasedauthconfiguration>

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get as read_by;
use hygie_core::ObjectId;
use hygie_directory::trust::{AuthorityChange, Into as Target, TrustedAuthority};
use hygie_jose::digest::sha256;
use hygie_jose::x509::{MAX_BUNDLED, Position, bundle};
use hygie_policy::json::{At, Members, Wrong};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::Value;
use uuid::Uuid;

use super::answer::Of;
use super::authority::WRITE_TRUST;
use super::caller::Caller;
use super::document::{Document, created, done};
use super::list::{Item, Listed};
use super::route;
use super::trust::{READ, key, octets};
use crate::entity::{FORMER_TRUST, former_trust, shown};
use crate::{Graph, GraphFault};

/// What an infrastructure is called that was made by the former address.
const FORMER: &str = "certificateBasedAuthConfiguration";

/// `POST …/{id}/upload`: `content` is the bundle in base64 [ours], in the place of an address to fetch it from.
pub async fn upload(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    let members = Members::of(Some(&document), &At::Root, &["content", "uploadUrl", "sha256FileHash"]);
    let members = members.map_err(GraphFault::from)?;
    let refuse = |name, wrong| GraphFault::from(At::Member(&At::Root, name).refuse(wrong));
    if members.find("uploadUrl").is_some() {
        let wrong = Wrong::NotA("absent: a bundle is sent as content, in base64; nothing is fetched");
        return Err(refuse("uploadUrl", wrong).into());
    }
    let content = octets(&members, "content")?.ok_or_else(|| refuse("content", Wrong::Missing))?;
    let hash: Option<String> = members.read("sha256FileHash").map_err(GraphFault::from)?;
    let digest: String = sha256(&content).iter().map(|octet| format!("{octet:02x}")).collect();
    if hash.is_some_and(|hash| !hash.eq_ignore_ascii_case(&digest)) {
        let wrong = Wrong::NotA("the SHA-256 of the content");
        return Err(refuse("sha256FileHash", wrong).into());
    }
    let wrong = |_| {
        refuse(
            "content",
            Wrong::NotA("a bundle of 1 to 250 certificates (PKCS #7 or PEM)"),
        )
    };
    let certificates = bundle(&content).map_err(wrong)?;
    let all = certificates.into_iter().map(|der| (der, AuthorityChange::default()));
    let directory = graph.directory();
    directory
        .add_authorities(&caller.cx, Target::Known(key(&id)?), all.collect())
        .await?;
    Ok(done())
}

/// The former address.
pub fn former() -> Router<Graph> {
    let all = "/v1.0/organization/{organization}/certificateBasedAuthConfiguration";
    Router::new()
        .route(all, route(read_by(list).post(create)))
        .route(&format!("{all}/{{id}}"), route(read_by(get).delete(delete)))
}

/// Refuses another organization than that of the token.
fn own(caller: &Caller, organization: &str) -> Result<String, GraphFault> {
    let tenant = caller.cx.tenant.to_string();
    if organization.eq_ignore_ascii_case(&tenant) {
        Ok(format!("organization/{tenant}/{FORMER}"))
    } else {
        Err(GraphFault::NotFound(organization.to_owned()))
    }
}

/// Every infrastructure with its authorities.
async fn stores(graph: &Graph, caller: &Caller) -> Result<Vec<(Uuid, Vec<TrustedAuthority>)>, GraphFault> {
    let directory = graph.directory();
    let authorities = directory.list_authorities(&caller.cx).await?;
    let of = |id: Uuid| authorities.iter().filter(|one| one.pki == id).cloned().collect();
    let pkis = directory.list_pkis(&caller.cx).await?;
    Ok(pkis.iter().map(|pki| (pki.id, of(pki.id))).collect())
}

async fn list(
    State(graph): State<Graph>,
    caller: Caller,
    Path(organization): Path<String>,
) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, READ).await?;
    let path = own(&caller, &organization)?;
    let query = caller.query_in_one_page(&FORMER_TRUST)?;
    let all = stores(&graph, &caller).await?;
    let item = |(id, authorities): &(Uuid, Vec<TrustedAuthority>)| -> Item {
        (ObjectId::from_uuid(*id), former_trust(*id, authorities))
    };
    let listed = Listed {
        set: &path,
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    Ok(graph.list_all(&caller, listed, all.iter().map(item).collect()).await?)
}

async fn get(
    State(graph): State<Graph>,
    caller: Caller,
    Path((organization, id)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, READ).await?;
    let path = own(&caller, &organization)?;
    let select = caller.select(&FORMER_TRUST)?;
    let wanted = key(&id)?;
    let all = stores(&graph, &caller).await?;
    let found = all.iter().find(|(id, _)| *id == wanted);
    let (found, authorities) = found.ok_or(GraphFault::NotFound(id))?;
    let select = select.as_deref();
    let of = Of { set: &path, select };
    let note = Note::new("graph.read", format!("pki/{found}"));
    Ok(graph.one(&of, shown(former_trust(*found, authorities), select), note))
}

async fn create(
    State(graph): State<Graph>,
    caller: Caller,
    Path(organization): Path<String>,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    let path = own(&caller, &organization)?;
    let all = read(&document)?;
    let directory = graph.directory();
    let (id, authorities) = directory
        .add_authorities(&caller.cx, Target::New(FORMER.to_owned()), all)
        .await?;
    let of = Of {
        set: &path,
        select: None,
    };
    let answer = graph.one(&of, former_trust(id, &authorities), Note::recorded());
    Ok(created(answer, &graph.address(&format!("{path}/{id}"))))
}

async fn delete(
    State(graph): State<Graph>,
    caller: Caller,
    Path((organization, id)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    own(&caller, &organization)?;
    graph.directory().delete_pki(&caller.cx, key(&id)?).await?;
    Ok(done())
}

fn read(document: &Value) -> Result<Vec<(Vec<u8>, AuthorityChange)>, GraphFault> {
    let members = Members::of(Some(document), &At::Root, &["certificateAuthorities"])?;
    let at = At::Member(&At::Root, "certificateAuthorities");
    let found = members.find("certificateAuthorities").and_then(Value::as_array);
    let found = found.filter(|all| (1..=MAX_BUNDLED).contains(&all.len()));
    let found = found.ok_or_else(|| at.refuse(Wrong::NotA("a list of 1 to 250 authorities")))?;
    let one = |(index, value): (usize, &Value)| read_one(value, &At::Item(&at, index));
    found.iter().enumerate().map(one).collect()
}

fn read_one(value: &Value, at: &At<'_>) -> Result<(Vec<u8>, AuthorityChange), GraphFault> {
    let known = [
        "certificate",
        "certificateRevocationListUrl",
        "deltaCertificateRevocationListUrl",
        "isRootAuthority",
    ];
    let members = Members::of(Some(value), at, &known)?;
    let delta: Option<String> = members.read("deltaCertificateRevocationListUrl")?;
    let is_root: bool = members.read("isRootAuthority")?;
    let certificate = octets(&members, "certificate")?;
    let certificate = certificate.ok_or_else(|| At::Member(at, "certificate").refuse(Wrong::Missing))?;
    let url: Option<String> = members.read("certificateRevocationListUrl")?;
    let change = AuthorityChange {
        position: Some(if is_root {
            Position::Root
        } else {
            Position::Intermediate
        }),
        list_url: Some(url.filter(|url| !url.is_empty())),
        delta_url: Some(delta.filter(|url| !url.is_empty())),
        ..AuthorityChange::default()
    };
    Ok((certificate, change))
}
