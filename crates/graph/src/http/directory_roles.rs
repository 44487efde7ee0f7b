//! `/directoryRoles` and `/directoryRoleTemplates`: <https://learn.microsoft.com/graph/api/resources/directoryrole>.
//!
//! # Deviations
//!
//! Every built-in role is there without being activated, under the id of its template.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::{DIRECTORY_ROLES, DirectoryRole};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::answer::{Of, done};
use super::authority::MANAGE_ROLES;
use super::body::Body;
use super::caller::Caller;
use super::list::{Item, Listed};
use super::users;
use crate::entity::{
    DIRECTORY_ROLE, DIRECTORY_ROLE_TEMPLATE, GROUP, directory_role, directory_role_template, role_id, shown,
};
use crate::{Graph, GraphFault};

/// Permissions that show roles and who has them.
pub(super) const READ: &[&str] = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let query = caller.query(&DIRECTORY_ROLE)?;
    let listed = Listed {
        set: "directoryRoles",
        path: "directoryRoles",
        query: &query,
        default: None,
        total: None,
    };
    let roles = DIRECTORY_ROLES.iter().map(|role| (role_id(role), directory_role(role)));
    Ok(graph.list_all(&caller, listed, roles.collect()).await?)
}

pub async fn templates(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let query = caller.query(&DIRECTORY_ROLE_TEMPLATE)?;
    let listed = Listed {
        set: "directoryRoleTemplates",
        path: "directoryRoleTemplates",
        query: &query,
        default: None,
        total: None,
    };
    let item = |role: &'static DirectoryRole| -> Item { (role_id(role), directory_role_template(role)) };
    let all = DIRECTORY_ROLES.iter().map(item).collect();
    Ok(graph.list_all(&caller, listed, all).await?)
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let role = find(&id)?;
    let select = caller.select(&DIRECTORY_ROLE)?;
    let of = Of {
        set: "directoryRoles",
        select: select.as_deref(),
    };
    let note = Note::new("graph.read", format!("role/{}", role.template));
    Ok(graph.one(&of, shown(directory_role(role), of.select), note))
}

pub async fn template(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let role = find(&id)?;
    let select = caller.select(&DIRECTORY_ROLE_TEMPLATE)?;
    let of = Of {
        set: "directoryRoleTemplates",
        select: select.as_deref(),
    };
    let note = Note::new("graph.read", format!("role/{}", role.template));
    Ok(graph.one(&of, shown(directory_role_template(role), of.select), note))
}

pub async fn members(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let role = find(&id)?;
    let query = caller.query(&GROUP)?;
    let path = format!("directoryRoles/{}/members", role.template);
    let listed = Listed {
        set: "directoryObjects",
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at| {
        let page = graph
            .directory()
            .page_role_members(&caller.cx, role.template, at)
            .await?;
        Ok(page.iter().map(|one| users::typed_for(&caller, one)).collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

/// `POST …/members/$ref`.
pub async fn add(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    caller.may(&graph, &MANAGE_ROLES).await?;
    let role = find(&id)?;
    let principal = graph.referred(&body)?;
    let directory = graph.directory();
    directory
        .assign_directory_role(&caller.cx, principal, role.template)
        .await
        .map_err(GraphFault::from)?;
    Ok(done())
}

/// `DELETE …/members/{id}/$ref`.
pub async fn remove(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, member)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &MANAGE_ROLES).await?;
    let role = find(&id)?;
    let principal: ObjectId = member.parse().map_err(|_| GraphFault::NotFound(member))?;
    let directory = graph.directory();
    directory
        .remove_directory_role(&caller.cx, principal, role.template)
        .await
        .map_err(GraphFault::from)?;
    Ok(done())
}

/// The role with this id.
pub(super) fn find(id: &str) -> Result<&'static DirectoryRole, GraphFault> {
    let template = id.parse().ok();
    let found = template.and_then(hygie_directory::directory_role);
    found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))
}
