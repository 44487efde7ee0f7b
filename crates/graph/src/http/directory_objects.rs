//! `/directoryObjects`: objects of every kind by their ids. What a caller may not read is told by type and id alone.
//! <https://learn.microsoft.com/graph/api/directoryobject-getbyids>

use std::collections::{HashMap, HashSet};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use hygie_core::ObjectId;
use hygie_directory::{DirectoryObject, Owned};
use hygie_policy::RoleTemplateId;
use hygie_policy::json::{At, Wrong};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::answer::Of;
use super::body::Body;
use super::caller::Caller;
use super::expand::selected;
use super::list::Item;
use super::member_of::role_item;
use super::relations::owned_item;
use super::{applications, directory_roles, groups, route, users};
use crate::entity::shown;
use crate::{Graph, GraphFault};
use hygie_odata::QueryError;

const SET: &str = "directoryObjects";
/// Ids of one request, as in Graph.
const MAX_IDS: usize = 1_000;
/// Kinds of objects that there are here, and those of Graph of which there is none.
const KINDS: &[&str] = &["application", "directoryRole", "group", "servicePrincipal", "user"];
const OTHER_KINDS: &[&str] = &["administrativeUnit", "device", "orgContact"];
/// The kind that every object is of.
const ANY: &str = "directoryObject";

/// The addresses.
pub fn routes() -> Router<Graph> {
    Router::new()
        .route("/v1.0/directoryObjects/{id}", route(get(one)))
        .route("/v1.0/directoryObjects/getByIds", route(post(by_ids)))
}

/// Refuses who may read no kind of them, for whom an id would tell too much.
fn may(caller: &Caller) -> Result<(), GraphFault> {
    let all = [
        users::ALL,
        users::BASIC,
        groups::READ,
        applications::READ,
        directory_roles::READ,
    ];
    caller.need(&all.concat())
}

/// The members that are asked for, of whichever kind; no other option makes sense.
fn select(caller: &Caller) -> Result<Option<Vec<&'static str>>, GraphFault> {
    let mut names = None;
    for (name, value) in &caller.options {
        if names.is_some() || !name.trim_start_matches('$').eq_ignore_ascii_case("select") {
            return Err(QueryError::Option(name.clone()).into());
        }
        let given: Vec<String> = value.split(',').map(|name| name.trim().to_owned()).collect();
        names = Some(selected(&given)?);
    }
    Ok(names)
}

async fn one(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    may(&caller)?;
    let select = select(&caller)?;
    let unknown = || GraphFault::NotFound(id.clone());
    let wanted: ObjectId = id.parse().map_err(|_| unknown())?;
    let found = graph.objects(&caller, vec![wanted]).await?.remove(&wanted);
    let (_, members) = found.ok_or_else(unknown)?;
    let of = Of { set: SET, select: None };
    let note = Note::new("graph.read", format!("object/{wanted}"));
    Ok(graph.one(&of, shown(members, select.as_deref()), note))
}

/// `POST /directoryObjects/getByIds`: those of a thousand that are there and of one of the kinds, in the order asked for.
async fn by_ids(State(graph): State<Graph>, caller: Caller, body: Body) -> Result<Response, GraphError> {
    may(&caller)?;
    let select = select(&caller)?;
    let (ids, kinds) = read(&body)?;
    let mut found = graph.objects(&caller, ids.clone()).await?;
    let is_wanted = |(_, members): &Item| {
        let kind = members
            .get("@odata.type")
            .and_then(|kind| kind.as_str())
            .unwrap_or_default();
        kinds.is_empty() || kinds.iter().any(|wanted| kind == format!("#microsoft.graph.{wanted}"))
    };
    let items = ids.iter().filter_map(|id| found.remove(id)).filter(is_wanted);
    let items = items.map(|(_, members)| shown(members, select.as_deref())).collect();
    let of = Of { set: SET, select: None };
    Ok(graph.many(&of, items, (None, None), Note::new("graph.read", SET.to_owned())))
}

/// The ids, and the kinds that are looked for: all of them where none is named.
fn read(body: &Body) -> Result<(Vec<ObjectId>, Vec<String>), GraphFault> {
    let members = body.members(&["ids", "types"])?;
    let ids: Vec<ObjectId> = members.read("ids")?;
    if ids.is_empty() || ids.len() > MAX_IDS {
        let at = At::Member(&At::Root, "ids");
        return Err(at.refuse(Wrong::NotA("a list of one to 1000 ids")).into());
    }
    let mut kinds: Vec<String> = members.read::<Option<_>>("types")?.unwrap_or_default();
    let is_known = |kind: &&String| KINDS.contains(&kind.as_str()) || OTHER_KINDS.contains(&kind.as_str());
    if let Some(other) = kinds.iter().find(|kind| !is_known(kind) && *kind != ANY) {
        return Err(At::Member(&At::Root, "types").refuse(Wrong::unknown(other)).into());
    }
    if kinds.iter().any(|kind| kind == ANY) {
        kinds.clear();
    }
    Ok((ids, kinds))
}

impl Graph {
    /// These objects as the caller sees them, by id.
    async fn objects(&self, caller: &Caller, ids: Vec<ObjectId>) -> Result<HashMap<ObjectId, Item>, GraphFault> {
        let unique: HashSet<ObjectId> = ids.iter().copied().collect();
        let roles = unique
            .iter()
            .filter_map(|id| role_item(caller, RoleTemplateId::from_uuid(id.uuid())));
        let mut all: HashMap<ObjectId, Item> = roles.map(|item| (item.0, item)).collect();
        let found = self
            .directory()
            .list_objects(&caller.cx, unique.into_iter().collect())
            .await?;
        all.extend(found.iter().map(|one| (one.id(), item(caller, one))));
        Ok(all)
    }
}

/// An object that was asked for by its id: a person is shown to who may see people, not to who sees what they are in.
fn item(caller: &Caller, one: &Owned) -> Item {
    let (id, mut members) = owned_item(caller, one);
    if let Owned::Object(DirectoryObject::User(user)) = one {
        let sees = caller.has(&[users::ALL, users::BASIC].concat()) || users::is_own(caller, Some(user));
        members.retain(|name, _| sees || matches!(name.as_str(), "@odata.type" | "id"));
    }
    (id, members)
}
