//! `/applications`: <https://learn.microsoft.com/graph/api/resources/application>.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_directory::Registration;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::answer::Of;
use super::caller::Caller;
use super::list::{Item, Listed};
use crate::entity::{APPLICATION, application, shown};
use crate::{Graph, GraphFault};

/// Permissions that show applications and service principals.
pub(super) const READ: &[&str] = &[
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let query = caller.query(&APPLICATION)?;
    let listed = Listed {
        set: "applications",
        path: "applications",
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at| {
        let page = graph.directory().page_registrations(&caller.cx, at).await?;
        let item = |found: &Registration| -> Item { (found.application.id, application(found)) };
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
pub(super) async fn find(graph: &Graph, caller: &Caller, id: &str) -> Result<Registration, GraphError> {
    let found = match id.parse() {
        Ok(id) => graph.directory().find_registration(&caller.cx, id).await?,
        Err(_) => None,
    };
    Ok(found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?)
}

async fn one(graph: &Graph, caller: &Caller, found: &Registration) -> Result<Response, GraphError> {
    let query = caller.one(&APPLICATION)?;
    let select = query.select.as_deref();
    let of = Of {
        set: "applications",
        select,
    };
    let note = Note::new("graph.read", format!("app/{}", found.application.app));
    let mut members = shown(application(found), select);
    members.extend(graph.expanded(caller, &query.expand, found.application.id).await?);
    Ok(graph.one(&of, members, note))
}
