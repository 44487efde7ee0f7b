//! `/directory/deletedItems`: <https://learn.microsoft.com/graph/api/resources/directory>.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::{Cursor, DeletedKind, DeletedObject, Presence, Registration};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value};

use super::answer::{Of, done};
use super::authority::{DELETE_USERS, MANAGE_ROLES, Operation, WRITE_APPLICATIONS, WRITE_GROUPS};
use super::caller::Caller;
use super::list::Listed;
use super::{applications, groups, users};
use crate::entity::{
    APPLICATION, GROUP, SERVICE_PRINCIPAL, USER, application, deleted, group, service_principal, user,
};
use crate::{Graph, GraphFault};
use hygie_odata::EntityType;

/// A kind of deleted objects, who sees them, and who may bring them back or forget them.
struct Sort {
    kind: DeletedKind,
    entity: &'static EntityType,
    read: &'static [&'static str],
    write: &'static Operation,
}

static SORTS: &[Sort] = &[
    Sort {
        kind: DeletedKind::User,
        entity: &USER,
        read: users::ALL,
        write: &DELETE_USERS,
    },
    Sort {
        kind: DeletedKind::Group,
        entity: &GROUP,
        read: groups::READ,
        write: &WRITE_GROUPS,
    },
    Sort {
        kind: DeletedKind::Application,
        entity: &APPLICATION,
        read: applications::READ,
        write: &WRITE_APPLICATIONS,
    },
    Sort {
        kind: DeletedKind::ServicePrincipal,
        entity: &SERVICE_PRINCIPAL,
        read: applications::READ,
        write: &WRITE_APPLICATIONS,
    },
];

/// `GET …/microsoft.graph.user` lists a kind, `GET …/{id}` shows one object.
pub async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    match id.strip_prefix("microsoft.graph.") {
        Some(name) => {
            let sort = SORTS.iter().find(|sort| sort.entity.name == name);
            let sort = sort.ok_or_else(|| GraphFault::NotFound(name.to_owned()))?;
            list(&graph, &caller, sort).await
        }
        None => one(&graph, &caller, &id).await,
    }
}

async fn list(graph: &Graph, caller: &Caller, sort: &Sort) -> Result<Response, GraphError> {
    caller.need(sort.read)?;
    let query = caller.query(sort.entity)?;
    users::without_activity(&query)?;
    let path = format!("directory/deletedItems/microsoft.graph.{}", sort.entity.name);
    let listed = Listed {
        set: "directoryObjects",
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at: Cursor| {
        let page = graph.directory().page_deleted(&caller.cx, sort.kind, at).await?;
        let shown = |(object, at): &(DeletedObject, _)| (object.id(), deleted(members(object), *at));
        Ok(page.iter().map(shown).collect())
    };
    Ok(graph.list(caller, listed, fetch).await?)
}

async fn one(graph: &Graph, caller: &Caller, id: &str) -> Result<Response, GraphError> {
    let (object, sort, at) = find(graph, caller, id).await?;
    let of = Of {
        set: "directoryObjects",
        select: None,
    };
    let note = Note::new("graph.read", format!("deleted/{}", object.id()));
    Ok(graph.one(&of, typed(sort, deleted(members(&object), at)), note))
}

pub async fn restore(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    let (object, sort) = to_change(&graph, &caller, &id).await?;
    let restored = graph.directory().restore(&caller.cx, object.id()).await;
    let restored = restored.map_err(GraphFault::from)?;
    let of = Of {
        set: "directoryObjects",
        select: None,
    };
    Ok(graph.one(&of, typed(sort, members(&restored)), Note::recorded()))
}

pub async fn forget(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    let (object, _) = to_change(&graph, &caller, &id).await?;
    let forgotten = graph.directory().forget(&caller.cx, object.id()).await;
    forgotten.map_err(GraphFault::from)?;
    Ok(done())
}

/// A deleted object that the caller may bring back or forget; a group that was made for roles as it was changed.
async fn to_change(graph: &Graph, caller: &Caller, id: &str) -> Result<(DeletedObject, &'static Sort), GraphError> {
    let (object, sort, _) = find(graph, caller, id).await?;
    caller.may(graph, sort.write).await?;
    if matches!(&object, DeletedObject::Group(group) if group.profile.is_assignable_to_role) {
        caller.may(graph, &MANAGE_ROLES).await?;
    }
    Ok((object, sort))
}

/// A deleted object of a kind that the caller sees; of others they are not told whether there is one.
async fn find(
    graph: &Graph,
    caller: &Caller,
    id: &str,
) -> Result<(DeletedObject, &'static Sort, hygie_core::Timestamp), GraphError> {
    if !SORTS.iter().any(|sort| caller.has(sort.read)) {
        return Err(GraphFault::Denied.into());
    }
    let parsed: Option<ObjectId> = id.parse().ok();
    let found = match parsed {
        Some(id) => graph.directory().find_deleted(&caller.cx, id).await?,
        None => None,
    };
    let (object, at) = found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?;
    let kind = match &object {
        DeletedObject::User(_) => DeletedKind::User,
        DeletedObject::Group(_) => DeletedKind::Group,
        DeletedObject::Application(_) => DeletedKind::Application,
        DeletedObject::ServicePrincipal(..) => DeletedKind::ServicePrincipal,
    };
    let sort = SORTS.iter().find(|sort| sort.kind == kind && caller.has(sort.read));
    let sort = sort.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?;
    Ok((object, sort, at))
}

fn members(object: &DeletedObject) -> Map<String, Value> {
    match object {
        DeletedObject::User(found) => user(found),
        DeletedObject::Group(found) => group(found),
        DeletedObject::Application(found) => application(&Registration {
            application: found.clone(),
            secrets: Vec::new(),
            certificates: Vec::new(),
        }),
        DeletedObject::ServicePrincipal(found, names) => service_principal(&Presence {
            principal: found.clone(),
            names: names.clone(),
            application: None,
            secrets: Vec::new(),
            certificates: Vec::new(),
        }),
    }
}

fn typed(sort: &Sort, members: Map<String, Value>) -> Map<String, Value> {
    let mut named = Map::new();
    named.insert(
        "@odata.type".to_owned(),
        format!("#microsoft.graph.{}", sort.entity.name).into(),
    );
    named.extend(members);
    named
}
