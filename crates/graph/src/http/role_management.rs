//! `/roleManagement/directory`: <https://learn.microsoft.com/graph/api/resources/rolemanagement>.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::{Cursor, DIRECTORY_ROLES, RoleAssignment};
use hygie_policy::RoleTemplateId;
use hygie_policy::json::{At, Wrong};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::answer::{Of, done};
use super::authority::MANAGE_ROLES;
use super::body::Body;
use super::caller::Caller;
use super::directory_roles::{READ, find};
use super::list::Listed;
use crate::entity::{ROLE_ASSIGNMENT, ROLE_DEFINITION, role_assignment, role_definition, role_id, shown};
use crate::{Graph, GraphFault};

const DEFINITIONS: &str = "roleManagement/directory/roleDefinitions";
const ASSIGNMENTS: &str = "roleManagement/directory/roleAssignments";

pub async fn definitions(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let query = caller.query(&ROLE_DEFINITION)?;
    let listed = Listed {
        set: DEFINITIONS,
        path: DEFINITIONS,
        query: &query,
        default: None,
        total: None,
    };
    let roles = DIRECTORY_ROLES
        .iter()
        .map(|role| (role_id(role), role_definition(role)));
    Ok(graph.list_all(&caller, listed, roles.collect()).await?)
}

pub async fn definition(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let role = find(&id)?;
    let select = caller.select(&ROLE_DEFINITION)?;
    let of = Of {
        set: DEFINITIONS,
        select: select.as_deref(),
    };
    let note = Note::new("graph.read", format!("role/{}", role.template));
    Ok(graph.one(&of, shown(role_definition(role), of.select), note))
}

pub async fn assignments(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let query = caller.query(&ROLE_ASSIGNMENT)?;
    let listed = Listed {
        set: ASSIGNMENTS,
        path: ASSIGNMENTS,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at: Cursor| {
        let page = graph.directory().page_role_assignments(&caller.cx, at).await?;
        Ok(page.iter().map(|found| (found.id, role_assignment(found))).collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

pub async fn assignment(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let found = match id.parse() {
        Ok(id) => graph.directory().find_role_assignment(&caller.cx, id).await?,
        Err(_) => None,
    };
    let found = found.ok_or(GraphFault::NotFound(id))?;
    let query = caller.one(&ROLE_ASSIGNMENT)?;
    let of = Of {
        set: ASSIGNMENTS,
        select: query.select.as_deref(),
    };
    let note = Note::new("graph.read", format!("role_assignment/{}", found.id));
    let mut members = shown(role_assignment(&found), of.select);
    members.extend(graph.expanded(&caller, &query.expand, found.id).await?);
    Ok(graph.one(&of, members, note))
}

pub async fn create(State(graph): State<Graph>, caller: Caller, body: Body) -> Result<Response, GraphError> {
    caller.may(&graph, &MANAGE_ROLES).await?;
    let (principal, role) = read(&body)?;
    let directory = graph.directory();
    let made: RoleAssignment = directory
        .assign_directory_role(&caller.cx, principal, role)
        .await
        .map_err(GraphFault::from)?;
    let of = Of {
        set: ASSIGNMENTS,
        select: None,
    };
    Ok(graph.created(&of, role_assignment(&made)))
}

fn read(body: &Body) -> Result<(ObjectId, RoleTemplateId), GraphFault> {
    let members = body.members(&["principalId", "roleDefinitionId", "directoryScopeId"])?;
    let scope: Option<String> = members.read("directoryScopeId")?;
    let is_tenant = scope.as_deref() == Some("/");
    if !is_tenant {
        let at = At::Member(&At::Root, "directoryScopeId");
        return Err(at
            .refuse(Wrong::NotA("\"/\": roles are given in the whole tenant"))
            .into());
    }
    Ok((members.read("principalId")?, members.read("roleDefinitionId")?))
}

pub async fn delete(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &MANAGE_ROLES).await?;
    let parsed = id.parse().map_err(|_| GraphFault::NotFound(id))?;
    let directory = graph.directory();
    directory
        .remove_role_assignment(&caller.cx, parsed)
        .await
        .map_err(GraphFault::from)?;
    Ok(done())
}
