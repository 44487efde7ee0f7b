//! `/servicePrincipals`: <https://learn.microsoft.com/graph/api/resources/serviceprincipal>.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::AppId;
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
    one(&graph, &caller, &id, Some(found))
}

/// By object id.
pub(super) async fn find(graph: &Graph, caller: &Caller, id: &str) -> Result<Presence, GraphError> {
    let found = match id.parse() {
        Ok(id) => graph.directory().find_presence(&caller.cx, id).await?,
        Err(_) => None,
    };
    Ok(found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?)
}

/// By client id.
pub(super) async fn of_app(graph: &Graph, caller: &Caller, app: AppId) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let found = graph.directory().find_presence_of(&caller.cx, app).await?;
    one(graph, caller, &app.to_string(), found)
}

fn one(graph: &Graph, caller: &Caller, id: &str, found: Option<Presence>) -> Result<Response, GraphError> {
    let found = found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?;
    let select = caller.select(&SERVICE_PRINCIPAL)?;
    let select = select.as_deref();
    let of = Of {
        set: "servicePrincipals",
        select,
    };
    let note = Note::new("graph.read", format!("app/{}", found.principal.app));
    Ok(graph.one(&of, shown(service_principal(&found), select), note))
}
