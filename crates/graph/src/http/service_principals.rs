//! `/servicePrincipals`: <https://learn.microsoft.com/graph/api/resources/serviceprincipal>.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_directory::Presence;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::answer::Of;
use super::applications::READ;
use super::caller::Caller;
use super::list::{Item, Listed};
use crate::entity::{SERVICE_PRINCIPAL, service_principal, shown};
use crate::{Graph, GraphFault};

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let query = caller.query(&SERVICE_PRINCIPAL)?;
    let listed = Listed {
        set: "servicePrincipals",
        path: "servicePrincipals",
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at| {
        let page = graph.directory().page_presences(&caller.cx, at).await?;
        let item = |found: &Presence| -> Item { (found.principal.id, service_principal(found)) };
        Ok(page.iter().map(item).collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let found = find(&graph, &caller, &id).await?;
    one(&graph, &caller, &found).await
}

/// By object id.
pub(super) async fn find(graph: &Graph, caller: &Caller, id: &str) -> Result<Presence, GraphError> {
    let found = match id.parse() {
        Ok(id) => graph.directory().find_presence(&caller.cx, id).await?,
        Err(_) => None,
    };
    Ok(found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?)
}

async fn one(graph: &Graph, caller: &Caller, found: &Presence) -> Result<Response, GraphError> {
    let query = caller.one(&SERVICE_PRINCIPAL)?;
    let select = query.select.as_deref();
    let of = Of {
        set: "servicePrincipals",
        select,
    };
    let note = Note::new("graph.read", format!("app/{}", found.principal.app));
    let mut members = shown(service_principal(found), select);
    members.extend(graph.expanded(caller, &query.expand, found.principal.id).await?);
    Ok(graph.one(&of, members, note))
}
