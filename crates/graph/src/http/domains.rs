//! `/domains`: the domains of the tenant, each of which is verified; the operator of the installation gives and takes them.
//! <https://learn.microsoft.com/graph/api/resources/domain>

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::answer::Of;
use super::caller::Caller;
use super::list::Listed;
use crate::entity::{DOMAIN, domains, shown};
use crate::{Graph, GraphFault};

/// Permissions that show domains.
const READ: &[&str] = &["Domain.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"];

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let query = caller.query_in_one_page(&DOMAIN)?;
    let listed = Listed {
        set: "domains",
        path: "domains",
        query: &query,
        default: None,
        total: None,
    };
    // A domain is named by itself: its place is that among the domains of its tenant.
    let place = |n: u128| ObjectId::from_uuid(Uuid::from_u128(n));
    let items = (1..).map(place).zip(find(&graph, &caller).await?);
    Ok(graph.list_all(&caller, listed, items.collect()).await?)
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(name): Path<String>) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let select = caller.select(&DOMAIN)?;
    let of = Of {
        set: "domains",
        select: select.as_deref(),
    };
    let all = find(&graph, &caller).await?;
    let is_it = |one: &Map<String, Value>| one["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(&name));
    let found = all.into_iter().find(is_it);
    let members = found.ok_or_else(|| GraphFault::NotFound(name.clone()))?;
    let note = Note::new("graph.read", "domain".to_owned());
    Ok(graph.one(&of, shown(members, of.select), note))
}

async fn find(graph: &Graph, caller: &Caller) -> Result<Vec<Map<String, Value>>, GraphError> {
    let found = graph.directory().find_tenant(&caller.cx).await?;
    let (_, names) = found.ok_or_else(|| GraphFault::NotFound(caller.cx.tenant.to_string()))?;
    Ok(domains(&names))
}
