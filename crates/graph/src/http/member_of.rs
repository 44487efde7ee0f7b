//! `memberOf` and `transitiveMemberOf` of users and groups: the groups that they are in.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use hygie_core::ObjectId;
use hygie_directory::{DirectoryObject, Membership};
use hygie_web::error::GraphError;

use super::caller::Caller;
use super::list::{Item, Listed};
use super::users::typed;
use super::{groups, service_principals, users};
use crate::entity::GROUP;
use crate::{Graph, GraphFault};

/// Whose groups are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// Of a user.
    User,
    /// Of a group.
    Group,
    /// Of an application in the tenant.
    Principal,
}

/// The groups that the object of the address is in.
pub fn of(member: Member, how: Membership) -> MethodRouter<Graph> {
    get(
        async move |State(graph): State<Graph>,
                    caller: Caller,
                    Path(id): Path<String>|
                    -> Result<Response, GraphError> {
            caller.need(groups::READ)?;
            let (object, set) = match member {
                Member::User => (
                    users::search(&graph, &caller, &id).await?.map(|found| found.id),
                    "users",
                ),
                Member::Group => {
                    let found = groups::find(&graph, &caller, &id).await?;
                    (Some(ObjectId::from_uuid(found.id.uuid())), "groups")
                }
                Member::Principal => {
                    let found = service_principals::find(&graph, &caller, &id).await?;
                    (Some(found.principal.id), "servicePrincipals")
                }
            };
            let object = object.ok_or(GraphFault::NotFound(id))?;
            memberships(&graph, &caller, (object, &format!("{set}/{object}")), how).await
        },
    )
}

/// The groups that an object is in, at this path.
pub(super) async fn memberships(
    graph: &Graph,
    caller: &Caller,
    (member, path): (ObjectId, &str),
    how: Membership,
) -> Result<Response, GraphError> {
    let query = caller.query(&GROUP)?;
    let name = match how {
        Membership::Direct => "memberOf",
        Membership::Transitive => "transitiveMemberOf",
    };
    let path = format!("{path}/{name}");
    let listed = Listed {
        set: "directoryObjects",
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    let found = graph.directory().groups_of(&caller.cx, member, how).await?;
    let all: Vec<Item> = found
        .into_iter()
        .map(|group| typed(&DirectoryObject::Group(group)))
        .collect();
    Ok(graph.list_all(caller, listed, all).await?)
}
