//! `/users`: <https://learn.microsoft.com/graph/api/resources/user>.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::repo::ByName;
use hygie_directory::{Cursor, DirectoryObject, User};
use hygie_store::StoreError;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value};

use super::answer::Of;
use super::authority::READ_LOGS;
use super::caller::Caller;
use super::list::{Item, Listed};
use super::{applications, groups};
use crate::entity::{USER, USER_DEFAULT, directory_object, shown, sign_in_activity, user};
use crate::{Graph, GraphFault};
use hygie_odata::{Direction, Filter, Pin, Query, QueryError};

/// Permissions that show every user whole, and with the basic members only.
pub(super) const ALL: &[&str] = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
pub(super) const BASIC: &[&str] = &["User.ReadBasic.All"];
/// The permission to see oneself.
pub(super) const OWN: &[&str] = &["User.Read", "User.ReadWrite"];
/// Permissions that show the groups of a user.
pub(super) const GROUPS: &[&str] = groups::READ;
/// The basic members.
pub(super) const BASIC_MEMBERS: &[&str] = &["id", "displayName", "givenName", "surname", "userPrincipalName", "mail"];

/// The member that tells when somebody signed in last, where it is asked for.
pub(super) const ACTIVITY: &str = "signInActivity";

/// How much of a user the caller sees.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    Whole,
    Basic,
}

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    let sight = match (caller.has(ALL), caller.has(BASIC)) {
        (true, _) => Sight::Whole,
        (false, true) => Sight::Basic,
        (false, false) => return Err(GraphFault::Denied.into()),
    };
    let query = caller.query(&USER)?;
    let needs_activity = query.asks(ACTIVITY);
    if needs_activity {
        caller.may(&graph, &READ_LOGS).await?;
    }
    let listed = Listed {
        set: "users",
        path: "users",
        query: &query,
        default: Some(USER_DEFAULT),
        total: total(&query, graph.directory().count_users(&caller.cx)).await?,
    };
    if let Some((prefix, direction)) = query.walks_by("displayName").filter(|_| !needs_activity) {
        let fetch = async |after, limit| {
            let at = ByName {
                after,
                limit,
                prefix: prefix.clone(),
                is_descending: direction == Direction::Descending,
            };
            let page = graph.directory().page_users_by_name(&caller.cx, at).await?;
            Ok(page
                .into_iter()
                .map(|(place, found)| (place, seen(&found, sight)))
                .collect())
        };
        return Ok(graph.list_by_name(&caller, listed, fetch).await?);
    }
    let fetch = async |at| {
        let mut items = items(page(&graph, &caller, &query, at).await?, sight);
        if needs_activity {
            let ids = items.iter().map(|(id, _)| *id).collect();
            let found = graph.directory().sign_in_activities(&caller.cx, ids).await?;
            for (id, members) in &mut items {
                let activity = found.get(id).copied().unwrap_or_default();
                members.insert(ACTIVITY.to_owned(), sign_in_activity(&activity));
            }
        }
        Ok(items)
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

/// Refuses the member that tells when somebody signed in last, where it is not kept.
pub(super) fn without_activity(query: &Query) -> Result<(), GraphFault> {
    if query.asks(ACTIVITY) {
        return Err(QueryError::Unknown {
            name: ACTIVITY.to_owned(),
            entity: "user",
        }
        .into());
    }
    Ok(())
}

/// How many objects there are, where the query asks for it and nothing but all are counted.
pub(super) async fn total(
    query: &Query,
    count: impl Future<Output = Result<i64, StoreError>>,
) -> Result<Option<usize>, StoreError> {
    let is_wanted = query.counts && query.filter.is_none() && query.search.is_none() && query.skip_token.is_none();
    if is_wanted {
        Ok(usize::try_from(count.await?).ok())
    } else {
        Ok(None)
    }
}

/// A page of users; where the query demands a name or an id, those that have it.
async fn page(graph: &Graph, caller: &Caller, query: &Query, at: Cursor) -> Result<Vec<User>, StoreError> {
    let (directory, cx) = (graph.directory(), &caller.cx);
    let pinned = |property| match query.filter.as_ref()?.pin(property)? {
        Pin::OneOf(texts) => Some(texts),
        Pin::StartsWith(_) => None,
    };
    let mut users = Vec::new();
    if let Some(names) = pinned("userPrincipalName") {
        for name in names {
            users.extend(directory.find_user(cx, name).await?);
        }
    } else if let Some(ids) = pinned("id") {
        for id in ids.into_iter().filter_map(|id| id.parse::<ObjectId>().ok()) {
            users.extend(directory.find_user_by_id(cx, id).await?);
        }
    } else if let Some(values) = query.filter.as_ref().and_then(Filter::certificate_user_ids) {
        for value in values {
            users.extend(directory.find_user_by_certificate_user_id(cx, value).await?);
        }
    } else {
        return directory.page_users(cx, at).await;
    }
    users.sort_by_key(|user| user.id);
    users.dedup_by_key(|user| user.id);
    users.retain(|user| at.after.is_none_or(|after| user.id > after));
    Ok(users)
}

fn items(users: Vec<User>, sight: Sight) -> Vec<Item> {
    let item = |found: User| (found.id, seen(&found, sight));
    users.into_iter().map(item).collect()
}

fn seen(found: &User, sight: Sight) -> Map<String, Value> {
    let members = user(found);
    match sight {
        Sight::Whole => members,
        Sight::Basic => shown(members, Some(BASIC_MEMBERS)),
    }
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    let found = search(&graph, &caller, &id).await?;
    let sight = if caller.has(ALL) || is_own(&caller, found.as_ref()) {
        Sight::Whole
    } else {
        // Said alike of who is there and who is not.
        caller.need(BASIC)?;
        Sight::Basic
    };
    let found = found.ok_or_else(|| GraphFault::NotFound(id))?;
    one(&graph, &caller, &found, sight).await
}

/// The caller itself.
pub(super) async fn own(graph: &Graph, caller: &Caller) -> Result<Response, GraphError> {
    let found = find_own(graph, caller).await?;
    caller.need(&[OWN, ALL].concat())?;
    one(graph, caller, &found, Sight::Whole).await
}

pub(super) async fn find_own(graph: &Graph, caller: &Caller) -> Result<User, GraphError> {
    // As Graph says to an application: nobody is "me".
    let id = caller.person().ok_or_else(|| GraphFault::NotFound("me".to_owned()))?;
    let found = graph.directory().find_user_by_id(&caller.cx, id).await?;
    Ok(found.ok_or_else(|| GraphFault::NotFound(id.to_string()))?)
}

async fn one(graph: &Graph, caller: &Caller, found: &User, sight: Sight) -> Result<Response, GraphError> {
    let query = caller.one(&USER)?;
    let select = query.select.as_deref();
    let mut members = seen(found, sight);
    if select.is_some_and(|select| select.contains(&ACTIVITY)) {
        // As in Graph: it is of the logs, and nobody's but who reads them.
        caller.may(graph, &READ_LOGS).await?;
        let all = graph.directory().sign_in_activities(&caller.cx, vec![found.id]).await?;
        let activity = all.get(&found.id).copied().unwrap_or_default();
        members.insert(ACTIVITY.to_owned(), sign_in_activity(&activity));
    }
    let mut members = shown(members, Some(select.unwrap_or(USER_DEFAULT)));
    members.extend(graph.expanded(caller, &query.expand, found.id).await?);
    let of = Of { set: "users", select };
    Ok(graph.one(&of, members, Note::new("graph.read", format!("user/{}", found.id))))
}

/// Whether the caller asks for themselves, and may.
pub(super) fn is_own(caller: &Caller, found: Option<&User>) -> bool {
    found.is_some_and(|found| caller.person() == Some(found.id)) && caller.has(OWN)
}

/// An object that may be of several types, with the name of its own.
pub(super) fn typed(object: &DirectoryObject) -> Item {
    let (entity, members) = directory_object(object);
    let mut named = Map::new();
    named.insert(
        "@odata.type".to_owned(),
        format!("#microsoft.graph.{}", entity.name).into(),
    );
    named.extend(members);
    (object.id(), named)
}

/// The same as the caller sees it by itself: of people the basic members without a permission to see them whole, of what else
/// they may not read its type and id.
pub(super) fn typed_for(caller: &Caller, object: &DirectoryObject) -> Item {
    let (id, mut members) = typed(object);
    let shown: &[&str] = match object {
        DirectoryObject::User(user) if !caller.has(ALL) && !is_own(caller, Some(user)) => BASIC_MEMBERS,
        DirectoryObject::Group(_) if !caller.has(groups::READ) => &["id"],
        DirectoryObject::ServicePrincipal(_) if !caller.has(applications::READ) => &["id"],
        _ => return (id, members),
    };
    members.retain(|name, _| name == "@odata.type" || shown.contains(&name.as_str()));
    (id, members)
}

/// By id or user principal name.
pub(super) async fn search(graph: &Graph, caller: &Caller, id: &str) -> Result<Option<User>, GraphError> {
    let directory = graph.directory();
    Ok(match id.parse() {
        Ok(id) => directory.find_user_by_id(&caller.cx, id).await?,
        Err(_) => directory.find_user(&caller.cx, id).await?,
    })
}
