//! What people and programs lead to: `manager`, `directReports`, `ownedObjects`, and for who is in a group by another one.
//! <https://learn.microsoft.com/graph/api/user-list-manager>, <https://learn.microsoft.com/graph/api/user-list-ownedobjects>

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, put};
use hygie_core::ObjectId;
use hygie_directory::{Cursor, DirectoryObject, Owned, User};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::Map;

use super::answer::{Of, done};
use super::authority::WRITE_USERS;
use super::body::Body;
use super::caller::Caller;
use super::list::{Item, Listed};
use super::{applications, groups, members, route, service_principals, users};
use crate::entity::{APPLICATION, GROUP, USER, application, shown};
use crate::{Graph, GraphFault};

/// The addresses.
pub fn routes() -> Router<Graph> {
    Router::new()
        .route("/v1.0/users/{id}/manager", route(get(manager)))
        .route("/v1.0/me/manager", route(get(own_manager)))
        .route(
            "/v1.0/users/{id}/manager/$ref",
            route(put(set_manager).delete(remove_manager)),
        )
        .route("/v1.0/users/{id}/directReports", route(get(reports)))
        .route("/v1.0/me/directReports", route(get(own_reports)))
        .route("/v1.0/users/{id}/ownedObjects", route(get(owned)))
        .route("/v1.0/me/ownedObjects", route(get(own_owned)))
        .route(
            "/v1.0/servicePrincipals/{id}/ownedObjects",
            route(get(owned_by_principal)),
        )
        .route("/v1.0/groups/{id}/transitiveMembers", route(get(transitive_members)))
}

/// A user whom the caller sees whole.
async fn person(graph: &Graph, caller: &Caller, id: &str) -> Result<User, GraphError> {
    let found = users::search(graph, caller, id).await?;
    if !users::is_own(caller, found.as_ref()) {
        caller.need(users::ALL)?;
    }
    Ok(found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?)
}

async fn oneself(graph: &Graph, caller: &Caller) -> Result<User, GraphError> {
    let found = users::find_own(graph, caller).await?;
    caller.need(&[users::OWN, users::ALL].concat())?;
    Ok(found)
}

async fn manager(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    let of = person(&graph, &caller, &id).await?;
    manager_of(&graph, &caller, &of).await
}

async fn own_manager(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    let of = oneself(&graph, &caller).await?;
    manager_of(&graph, &caller, &of).await
}

async fn manager_of(graph: &Graph, caller: &Caller, of: &User) -> Result<Response, GraphError> {
    let select = caller.select(&USER)?;
    let select = select.as_deref();
    users::without_activity(&caller.query(&USER)?)?;
    let found = graph.directory().manager_of(&caller.cx, of.id).await?;
    let found = found.ok_or_else(|| GraphFault::NotFound("manager".to_owned()))?;
    // Of somebody else than the person who asks no more is told than of anybody.
    let (_, mut members) = users::typed_for(caller, &DirectoryObject::User(found));
    let of = Of {
        set: "directoryObjects",
        select,
    };
    let kind = members.remove("@odata.type").unwrap_or_default();
    let mut all = Map::from_iter([("@odata.type".to_owned(), kind)]);
    all.extend(shown(members, select));
    Ok(graph.one(&of, all, Note::new("graph.read", "manager".to_owned())))
}

async fn set_manager(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_USERS).await?;
    let of = person_of(&graph, &caller, &id).await?;
    let manager = graph.referred(&body)?;
    let set = graph.directory().set_manager(&caller.cx, of, Some(manager)).await;
    set.map_err(GraphFault::from)?;
    Ok(done())
}

async fn remove_manager(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_USERS).await?;
    let of = person_of(&graph, &caller, &id).await?;
    let removed = graph.directory().set_manager(&caller.cx, of, None).await;
    removed.map_err(GraphFault::from)?;
    Ok(done())
}

async fn person_of(graph: &Graph, caller: &Caller, id: &str) -> Result<ObjectId, GraphError> {
    let found = users::search(graph, caller, id).await?;
    Ok(found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?.id)
}

async fn reports(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.need(users::ALL)?;
    let of = person(&graph, &caller, &id).await?.id;
    reports_of(&graph, &caller, (of, &format!("users/{of}/directReports"))).await
}

async fn own_reports(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(users::ALL)?;
    let of = oneself(&graph, &caller).await?.id;
    reports_of(&graph, &caller, (of, "me/directReports")).await
}

async fn reports_of(graph: &Graph, caller: &Caller, (of, path): (ObjectId, &str)) -> Result<Response, GraphError> {
    let query = caller.query(&USER)?;
    users::without_activity(&query)?;
    let listed = Listed {
        set: "directoryObjects",
        path,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at: Cursor| {
        let page = graph.directory().page_reports(&caller.cx, of, at).await?;
        Ok(page.iter().map(|one| users::typed_for(caller, one)).collect())
    };
    Ok(graph.list(caller, listed, fetch).await?)
}

async fn owned(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    let of = person(&graph, &caller, &id).await?.id;
    owned_by(&graph, &caller, (of, &format!("users/{of}/ownedObjects"))).await
}

async fn own_owned(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    let of = oneself(&graph, &caller).await?.id;
    owned_by(&graph, &caller, (of, "me/ownedObjects")).await
}

async fn owned_by_principal(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.need(applications::READ)?;
    let of = service_principals::find(&graph, &caller, &id).await?.principal.id;
    owned_by(&graph, &caller, (of, &format!("servicePrincipals/{of}/ownedObjects"))).await
}

/// Groups, service principals and registrations, each with its type; a caller sees the kinds that they may read.
async fn owned_by(graph: &Graph, caller: &Caller, (of, path): (ObjectId, &str)) -> Result<Response, GraphError> {
    caller.need(&[groups::READ, applications::READ].concat())?;
    let query = caller.query(&GROUP)?;
    let listed = Listed {
        set: "directoryObjects",
        path,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at: Cursor| {
        let page = graph.directory().page_owned(&caller.cx, of, at).await?;
        Ok(page.iter().map(|one| owned_item(caller, one)).collect())
    };
    Ok(graph.list(caller, listed, fetch).await?)
}

/// What is owned; its type and id alone where the caller may not read its kind.
pub(super) fn owned_item(caller: &Caller, owned: &Owned) -> Item {
    let registration = match owned {
        Owned::Object(object) => return users::typed_for(caller, object),
        Owned::Application(registration) => registration,
    };
    let id = registration.application.id;
    let kind = format!("#microsoft.graph.{}", APPLICATION.name);
    let mut members = Map::from_iter([("@odata.type".to_owned(), kind.into())]);
    if caller.has(applications::READ) {
        members.extend(application(registration));
    } else {
        members.insert("id".to_owned(), id.to_string().into());
    }
    (id, members)
}

async fn transitive_members(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    members::answer(&graph, &caller, (members::Of::TransitiveMembers, &id), None).await
}
