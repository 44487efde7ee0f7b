//! `/servicePrincipals/{id}/delegatedPermissionClassifications`: permissions of low impact.
//! <https://learn.microsoft.com/graph/api/serviceprincipal-list-delegatedpermissionclassifications>
//!
//! # Deviations
//!
//! Other classes than `low` are refused: no policy asks for them.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::Cursor;
use hygie_policy::json::{At, Wrong};
use hygie_web::error::GraphError;
use uuid::Uuid;

use super::super::answer::{Of, done};
use super::super::authority::CLASSIFY_PERMISSIONS;
use super::super::body::Body;
use super::super::caller::Caller;
use super::super::list::{Item, Listed};
use super::super::service_principals::find;
use crate::entity::{CLASSIFICATION, classification};
use crate::{Graph, GraphFault};

/// Permissions that show them.
const READ: &[&str] = &[
    "Policy.Read.All",
    "Policy.ReadWrite.PermissionGrant",
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
];

pub async fn list(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let resource = find(&graph, &caller, &id).await?.principal.id;
    let query = caller.query_in_one_page(&CLASSIFICATION)?;
    let path = format!("servicePrincipals/{resource}/delegatedPermissionClassifications");
    let listed = Listed {
        set: "delegatedPermissionClassifications",
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    let found = graph.directory().low_impact(&caller.cx, resource).await;
    let mut found = found.map_err(GraphFault::from)?;
    found.sort_by_key(|found| found.id);
    let fetch = async |at: Cursor| {
        let rest = found
            .iter()
            .filter(|found| at.after.is_none_or(|after| found.id > after));
        Ok(rest
            .map(|found| -> Item { (found.id, classification(found)) })
            .collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

pub async fn create(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    caller.may(&graph, &CLASSIFY_PERMISSIONS).await?;
    let resource = find(&graph, &caller, &id).await?.principal.id;
    let wanted = read(&body)?;
    let made = graph.directory().classify_low(&caller.cx, resource, wanted).await;
    let made = made.map_err(GraphFault::from)?;
    let of = Of {
        set: "delegatedPermissionClassifications",
        select: None,
    };
    Ok(graph.created(&of, classification(&made)))
}

fn read(body: &Body) -> Result<(Option<Uuid>, Option<String>), GraphFault> {
    let members = body.members(&["permissionId", "permissionName", "classification"])?;
    let class: String = members.read("classification")?;
    if class != "low" {
        let at = At::Member(&At::Root, "classification");
        return Err(at.refuse(Wrong::unknown(&class)).into());
    }
    let id: Option<ObjectId> = members.read("permissionId")?;
    Ok((id.map(ObjectId::uuid), members.read("permissionName")?))
}

pub async fn delete(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, classification)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &CLASSIFY_PERMISSIONS).await?;
    let resource = find(&graph, &caller, &id).await?.principal.id;
    let classification = classification
        .parse()
        .map_err(|_| GraphFault::NotFound(classification))?;
    let removed = graph.directory().declassify(&caller.cx, resource, classification).await;
    removed.map_err(GraphFault::from)?;
    Ok(done())
}
