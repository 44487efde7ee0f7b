//! `appRoleAssignments` (the roles that somebody has) and `appRoleAssignedTo` (those that an application gave):
//! <https://learn.microsoft.com/graph/api/resources/approleassignment>.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::{AppId, ObjectId};
use hygie_directory::repo::RolesOf;
use hygie_directory::{AppRoleAssignment, Cursor, DIRECTORY_API, DirectoryObject, NewAppRole};
use hygie_policy::json::{At, Wrong};
use hygie_web::error::GraphError;

use super::answer::{Of, done};
use super::applications;
use super::authority::{ASSIGN_APP_ROLES, ASSIGN_PERMISSIONS};
use super::body::Body;
use super::caller::Caller;
use super::list::Listed;
use super::users::{find_own, search};
use crate::entity::{APP_ROLE_ASSIGNMENT, app_role_assignment};
use crate::{Graph, GraphFault};

/// The collection that is asked for: `users/{id}/appRoleAssignments`…
struct Place {
    path: String,
    of: RolesOf,
}

/// Permissions that show who has which roles of applications.
const READ: &[&str] = applications::READ;
/// The one that gives them.
const WRITE: &[&str] = &["AppRoleAssignment.ReadWrite.All"];

pub async fn of_user(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    read(&caller)?;
    let found = search(&graph, &caller, &id).await?;
    let found = found.ok_or_else(|| GraphFault::NotFound(id.clone()))?;
    list(&graph, &caller, place("users", "appRoleAssignments", found.id)).await
}

/// `GET /me/appRoleAssignments`.
pub async fn own(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    read(&caller)?;
    let found = find_own(&graph, &caller).await?.id;
    let place = Place {
        path: "me/appRoleAssignments".to_owned(),
        of: RolesOf::Principal(found),
    };
    list(&graph, &caller, place).await
}

pub async fn of_group(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    of_object(&graph, &caller, ("groups", "appRoleAssignments"), &id).await
}

pub async fn of_principal(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    of_object(&graph, &caller, ("servicePrincipals", "appRoleAssignments"), &id).await
}

/// `GET /servicePrincipals/{id}/appRoleAssignedTo`.
pub async fn to_resource(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    of_object(&graph, &caller, ("servicePrincipals", "appRoleAssignedTo"), &id).await
}

async fn of_object(
    graph: &Graph,
    caller: &Caller,
    (set, name): (&str, &str),
    id: &str,
) -> Result<Response, GraphError> {
    read(caller)?;
    let unknown = || GraphFault::NotFound(id.to_owned());
    let parsed: ObjectId = id.parse().map_err(|_| unknown())?;
    let found = graph.directory().find_object(&caller.cx, parsed).await?;
    let is_of = match &found {
        Some(DirectoryObject::Group(_)) => set == "groups",
        Some(DirectoryObject::ServicePrincipal(_)) => set == "servicePrincipals",
        _ => false,
    };
    if !is_of {
        return Err(unknown().into());
    }
    list(graph, caller, place(set, name, parsed)).await
}

fn read(caller: &Caller) -> Result<(), GraphFault> {
    caller.need(&[READ, WRITE].concat())
}

fn place(set: &str, name: &str, id: ObjectId) -> Place {
    Place {
        path: format!("{set}/{id}/{name}"),
        of: if name == "appRoleAssignedTo" {
            RolesOf::Resource(id)
        } else {
            RolesOf::Principal(id)
        },
    }
}

async fn list(graph: &Graph, caller: &Caller, place: Place) -> Result<Response, GraphError> {
    let query = caller.query(&APP_ROLE_ASSIGNMENT)?;
    let listed = Listed {
        set: "appRoleAssignments",
        path: &place.path,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at: Cursor| {
        let directory = graph.directory();
        let page = directory.page_app_role_assignments(&caller.cx, place.of, at).await?;
        let item = |(found, between): &(AppRoleAssignment, _)| (found.id, app_role_assignment(found, between));
        Ok(page.iter().map(item).collect())
    };
    Ok(graph.list(caller, listed, fetch).await?)
}

/// `POST` to any of the collections; the object of the path is one of the two parties.
pub async fn create(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    caller.may(&graph, &ASSIGN_APP_ROLES).await?;
    let new = read_new(&body)?;
    let resource = graph.directory().find_presence(&caller.cx, new.resource).await?;
    if resource.is_some_and(|found| found.principal.app == DIRECTORY_API) {
        caller.may(&graph, &ASSIGN_PERMISSIONS).await?;
    }
    let party = match id.parse() {
        Ok(id) => Some(id),
        Err(_) => search(&graph, &caller, &id).await?.map(|found| found.id),
    };
    if party != Some(new.principal) && party != Some(new.resource) {
        let at = At::Member(&At::Root, "principalId");
        return Err(GraphFault::from(at.refuse(Wrong::NotA("the object of the address"))).into());
    }
    let directory = graph.directory();
    let made = directory.create_app_role_assignment(&caller.cx, new).await;
    let made = made.map_err(GraphFault::from)?;
    let between = [
        directory.find_object(&caller.cx, made.principal).await?,
        directory.find_object(&caller.cx, made.resource).await?,
    ];
    let of = Of {
        set: "appRoleAssignments",
        select: None,
    };
    Ok(graph.created(&of, app_role_assignment(&made, &between)))
}

fn read_new(body: &Body) -> Result<NewAppRole, GraphFault> {
    let members = body.members(&["principalId", "resourceId", "appRoleId"])?;
    Ok(NewAppRole {
        principal: members.read("principalId")?,
        resource: members.read("resourceId")?,
        // The form of an id is that of every other.
        role: members.read::<AppId>("appRoleId")?.uuid(),
    })
}

/// `DELETE …/{assignment}`.
pub async fn delete(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, assignment)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &ASSIGN_APP_ROLES).await?;
    let unknown = || GraphFault::NotFound(assignment.clone());
    let parsed: ObjectId = assignment.parse().map_err(|_| unknown())?;
    let directory = graph.directory();
    let found = directory.find_app_role_assignment(&caller.cx, parsed).await?;
    let found = found.ok_or_else(unknown)?;
    let resource = directory.find_presence(&caller.cx, found.resource).await?;
    if resource.is_some_and(|found| found.principal.app == DIRECTORY_API) {
        caller.may(&graph, &ASSIGN_PERMISSIONS).await?;
    }
    if ![found.principal, found.resource]
        .iter()
        .any(|party| party.to_string() == id)
    {
        return Err(unknown().into());
    }
    let removed = directory.remove_app_role_assignment(&caller.cx, parsed).await;
    removed.map_err(GraphFault::from)?;
    Ok(done())
}
