//! Changes of `/groups`, their members and owners: <https://learn.microsoft.com/graph/api/group-post-groups>,
//! <https://learn.microsoft.com/graph/api/group-post-members>.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::{GroupId, ObjectId};
use hygie_directory::{Group, GroupChange, GroupProfile, NewGroup};
use hygie_policy::json::{At, Member, Wrong};
use hygie_web::error::GraphError;
use serde_json::{Map, Value, json};

use super::answer::{Of, done};
use super::authority::{MANAGE_ROLES, Operation, WRITE_GROUPS, WRITE_MEMBERS};
use super::body::Body;
use super::caller::Caller;
use super::groups::find;
use super::members;
use crate::entity::{GROUP, group};
use crate::{Graph, GraphFault};

/// Objects that one request refers to, at most.
const MAX_BOUND: usize = 20;
/// Members that the directory alone sets.
const READ_ONLY: &[&str] = &[
    "id",
    "createdDateTime",
    "deletedDateTime",
    "mail",
    "membershipRuleProcessingState",
    "securityIdentifier",
];

/// What a body says of a group.
#[derive(Default)]
struct Read {
    display_name: Option<String>,
    profile: Map<String, Value>,
    members: Vec<ObjectId>,
    owners: Vec<ObjectId>,
}

/// Refuses who may not change this group. One that was made for roles is changed by who may give roles, and by its owners:
/// whoever is in it has its roles.
async fn may(graph: &Graph, caller: &Caller, id: &str, operation: &'static Operation) -> Result<ObjectId, GraphError> {
    let object: ObjectId = id.parse().map_err(|_| GraphFault::NotFound(id.to_owned()))?;
    caller.may_with(graph, operation, object).await?;
    let found = graph
        .directory()
        .find_group(&caller.cx, GroupId::from_uuid(object.uuid()))
        .await?;
    if found.is_some_and(|group| group.profile.is_assignable_to_role) {
        caller.may_with(graph, &MANAGE_ROLES, object).await?;
    }
    Ok(object)
}

pub async fn create(State(graph): State<Graph>, caller: Caller, body: Body) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_GROUPS).await?;
    for required in ["displayName", "mailEnabled", "mailNickname", "securityEnabled"] {
        if body.0.get(required).is_none_or(Value::is_null) {
            return Err(GraphFault::from(At::Member(&At::Root, required).refuse(Wrong::Missing)).into());
        }
    }
    let read = read(&graph, &body)?;
    if read.profile.get("isAssignableToRole") == Some(&json!(true)) {
        caller.may(&graph, &MANAGE_ROLES).await?;
    }
    let new = NewGroup {
        display_name: read.display_name.unwrap_or_default(),
        profile: GroupProfile::of(&read.profile).map_err(GraphFault::from)?,
        members: read.members,
        owners: read.owners,
    };
    let made = graph.directory().create_group_with(&caller.cx, new).await;
    let made: Group = made.map_err(GraphFault::from)?;
    let of = Of {
        set: "groups",
        select: None,
    };
    Ok(graph.created(&of, group(&made)))
}

pub async fn update(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    let read = read(&graph, &body)?;
    let operation = if read.display_name.is_none() && read.profile.is_empty() {
        &WRITE_MEMBERS
    } else {
        &WRITE_GROUPS
    };
    may(&graph, &caller, &id, operation).await?;
    let found = find(&graph, &caller, &id).await?;
    if !read.owners.is_empty() {
        let at = At::Member(&At::Root, "owners@odata.bind");
        return Err(GraphFault::from(at.refuse(Wrong::ReadOnly)).into());
    }
    let change = GroupChange {
        display_name: read.display_name,
        profile: read.profile,
        members: read.members,
    };
    let changed = graph.directory().update_group(&caller.cx, found.id, change).await;
    changed.map_err(GraphFault::from)?;
    Ok(done())
}

pub async fn delete(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id, &WRITE_GROUPS).await?;
    let found = find(&graph, &caller, &id).await?;
    let deleted = graph.directory().delete_group(&caller.cx, found.id).await;
    deleted.map_err(GraphFault::from)?;
    Ok(done())
}

/// `POST /groups/{id}/members/$ref`.
pub async fn add_member(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id, &WRITE_MEMBERS).await?;
    let found = find(&graph, &caller, &id).await?;
    let member = graph.referred(&body)?;
    let added = graph.directory().add_member(&caller.cx, found.id, member).await;
    added.map_err(GraphFault::of_reference("members"))?;
    Ok(done())
}

/// `DELETE /groups/{id}/members/{member}/$ref`.
pub async fn remove_member(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, member)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id, &WRITE_MEMBERS).await?;
    let found = find(&graph, &caller, &id).await?;
    let member = member.parse().map_err(|_| GraphFault::NotFound(member))?;
    let removed = graph.directory().remove_member(&caller.cx, found.id, member).await;
    removed.map_err(GraphFault::from)?;
    Ok(done())
}

/// `GET /groups/{id}/owners`.
pub async fn owners(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    members::answer(&graph, &caller, (members::Of::GroupOwners, &id), None).await
}

/// `POST /groups/{id}/owners/$ref`.
pub async fn add_owner(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    let object = may(&graph, &caller, &id, &WRITE_GROUPS).await?;
    find(&graph, &caller, &id).await?;
    let owner = graph.referred(&body)?;
    let added = graph.directory().add_owner(&caller.cx, object, owner).await;
    added.map_err(GraphFault::of_reference("owners"))?;
    Ok(done())
}

/// `DELETE /groups/{id}/owners/{owner}/$ref`.
pub async fn remove_owner(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, owner)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    let object = may(&graph, &caller, &id, &WRITE_GROUPS).await?;
    find(&graph, &caller, &id).await?;
    let owner = owner.parse().map_err(|_| GraphFault::NotFound(owner))?;
    let removed = graph.directory().remove_owner(&caller.cx, object, owner).await;
    removed.map_err(GraphFault::from)?;
    Ok(done())
}

/// The members of a body. What makes a group another kind than a security group without mail is refused.
fn read(graph: &Graph, body: &Body) -> Result<Read, GraphFault> {
    let Some(all) = body.0.as_object() else {
        return Err(At::Root.refuse(Wrong::NotA("an object")).into());
    };
    let mut read = Read::default();
    for (name, value) in all {
        let at = At::Member(&At::Root, name);
        let only = |expected: Value| {
            let wrong = Wrong::NotA("as it is of a security group without mail");
            if *value == expected {
                Ok(())
            } else {
                Err(at.refuse(wrong))
            }
        };
        match name.as_str() {
            "displayName" => read.display_name = Some(Member::read((!value.is_null()).then_some(value), &at)?),
            "members@odata.bind" => read.members = bound(graph, value, &at)?,
            "owners@odata.bind" => read.owners = bound(graph, value, &at)?,
            "mailEnabled" => only(json!(false))?,
            "securityEnabled" => only(json!(true))?,
            "groupTypes" => only(json!([]))?,
            "membershipRule" => only(Value::Null)?,
            name if name.contains("@odata.") => {}
            name if READ_ONLY.contains(&name) => return Err(at.refuse(Wrong::ReadOnly).into()),
            name if GROUP.properties.iter().any(|known| known.name == name) => {
                read.profile.insert(name.to_owned(), value.clone());
            }
            _ => return Err(at.refuse(Wrong::UnknownMember).into()),
        }
    }
    Ok(read)
}

/// The objects of `…@odata.bind`.
fn bound(graph: &Graph, value: &Value, at: &At<'_>) -> Result<Vec<ObjectId>, GraphFault> {
    let Some(addresses) = value.as_array().filter(|all| all.len() <= MAX_BOUND) else {
        return Err(at.refuse(Wrong::NotA("a list of at most 20 addresses")).into());
    };
    let read = |(index, address): (usize, &Value)| {
        let at = At::Item(at, index);
        match address {
            Value::String(address) => graph.object_at(address, &at),
            _ => Err(at.refuse(Wrong::NotA("a text")).into()),
        }
    };
    addresses.iter().enumerate().map(read).collect()
}
