//! `/identity/conditionalAccess/deletedItems`: policies and named locations that were removed less than thirty days ago.
//! <https://learn.microsoft.com/graph/api/resources/policydeletableitem>

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get as read_by, post as act_by};
use hygie_core::Timestamp;
use hygie_directory::{AccessRules, Cursor};
use hygie_policy::{NamedLocation, Policy};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value};

use super::super::answer::Of;
use super::super::caller::Caller;
use super::super::document::done;
use super::super::list::Listed;
use super::super::route;
use super::Collection;
use crate::entity::{deleted, shown};
use crate::{Graph, GraphFault};

/// The addresses.
pub fn routes() -> Router<Graph> {
    of::<NamedLocation>(of::<Policy>(Router::new()))
}

fn of<T: Collection>(routes: Router<Graph>) -> Router<Graph> {
    let all = format!("/v1.0/{}", path::<T>());
    routes
        .route(&all, route(read_by(list::<T>)))
        .route(&format!("{all}/{{id}}"), route(read_by(get::<T>).delete(forget::<T>)))
        .route(&format!("{all}/{{id}}/restore"), route(act_by(restore::<T>)))
}

/// The address of a collection, after `/v1.0/`.
fn path<T: Collection>() -> String {
    T::SET.replace("conditionalAccess/", "conditionalAccess/deletedItems/")
}

fn members<T: Collection>(rule: T, rules: &AccessRules, at: Timestamp) -> Map<String, Value> {
    deleted(rule.members(rules), at)
}

async fn list<T: Collection>(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, T::READ).await?;
    let query = caller.query(T::ENTITY)?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let path = path::<T>();
    let listed = Listed {
        set: &path,
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at: Cursor| {
        let page = graph.directory().page_deleted_rules::<T>(&caller.cx, at).await?;
        let item = |(id, rule, at)| (id, members(rule, &rules, at));
        Ok(page.into_iter().map(item).collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

async fn get<T: Collection>(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, T::READ).await?;
    let select = caller.select(T::ENTITY)?;
    let found = graph.directory().find_deleted_rule::<T>(&caller.cx, &id).await?;
    let (found, at) = found.ok_or_else(|| GraphFault::NotFound(id.clone()))?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let select = select.as_deref();
    let of = Of {
        set: &path::<T>(),
        select,
    };
    let note = Note::new("graph.read", format!("deleted/{id}"));
    Ok(graph.one(&of, shown(members(found, &rules, at), select), note))
}

/// `POST …/{id}/restore`: it is kept again as it was, and enforced where it was.
async fn restore<T: Collection>(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    let permissions = [T::WRITE, T::NAME].concat();
    caller.may_change_policies(&graph, &permissions).await?;
    let id = id.to_ascii_lowercase();
    let restored = graph.directory().restore_rule::<T>(&caller.cx, &id).await?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let of = Of {
        set: T::SET,
        select: None,
    };
    Ok(graph.one(&of, restored.members(&rules), Note::recorded()))
}

/// `DELETE …/{id}`: it is gone for good.
async fn forget<T: Collection>(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, T::WRITE).await?;
    graph.directory().forget_rule::<T>(&caller.cx, &id).await?;
    Ok(done())
}
