//! `/groups`: <https://learn.microsoft.com/graph/api/resources/group>.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::{GroupId, ObjectId};
use hygie_directory::Group;
use hygie_directory::repo::ByName;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::answer::Of;
use super::caller::Caller;
use super::list::{Item, Listed};
use super::{members, users};
use crate::entity::{GROUP, group, shown};
use crate::{Graph, GraphFault};
use hygie_odata::Direction;

/// Permissions that show groups, and who is in them.
pub(super) const READ: &[&str] = &[
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let query = caller.query(&GROUP)?;
    let listed = Listed {
        set: "groups",
        path: "groups",
        query: &query,
        default: None,
        total: users::total(&query, graph.directory().count_groups(&caller.cx)).await?,
    };
    if let Some((prefix, direction)) = query.walks_by("displayName") {
        let fetch = async |after, limit| {
            let at = ByName {
                after,
                limit,
                prefix: prefix.clone(),
                is_descending: direction == Direction::Descending,
            };
            let page = graph.directory().page_groups_by_name(&caller.cx, at).await?;
            Ok(page.into_iter().map(|(place, found)| (place, group(&found))).collect())
        };
        return Ok(graph.list_by_name(&caller, listed, fetch).await?);
    }
    let fetch = async |at| {
        let page = graph.directory().page_groups(&caller.cx, at).await?;
        let item = |found: Group| -> Item { (ObjectId::from_uuid(found.id.uuid()), group(&found)) };
        Ok(page.into_iter().map(item).collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let found = find(&graph, &caller, &id).await?;
    let query = caller.one(&GROUP)?;
    let select = query.select.as_deref();
    let of = Of { set: "groups", select };
    let note = Note::new("graph.read", format!("group/{}", found.id));
    let mut members = shown(group(&found), select);
    let object = ObjectId::from_uuid(found.id.uuid());
    members.extend(graph.expanded(&caller, &query.expand, object).await?);
    Ok(graph.one(&of, members, note))
}

pub async fn members(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    members::answer(&graph, &caller, (members::Of::Members, &id), None).await
}

pub(super) async fn find(graph: &Graph, caller: &Caller, id: &str) -> Result<Group, GraphError> {
    let unknown = || GraphFault::NotFound(id.to_owned());
    let parsed: GroupId = id.parse().map_err(|_| unknown())?;
    let found = graph.directory().find_group(&caller.cx, parsed).await?;
    Ok(found.ok_or_else(unknown)?)
}
