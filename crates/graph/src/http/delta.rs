//! `/users/delta` and `/groups/delta`: <https://learn.microsoft.com/graph/delta-query-overview>.
//!
//! First every object, page by page, then, from the `@odata.deltaLink` on, what changed since the first page was asked
//! for, in order: an object as it is now, or that it was removed. An object may come again though it did not change.
//!
//! # Deviations
//!
//! `$filter` is refused. Of groups it is told that they changed when their members did; who the members are is read of the
//! group.

use axum::extract::State;
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::repo::{Became, Followed};
use hygie_directory::{Cursor, DirectoryObject};
use hygie_jose::base64url;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value, json};

use super::answer::{Of, respond};
use super::caller::Caller;
use super::{groups, users};
use crate::entity::{GROUP, USER, USER_DEFAULT, group, shown, user};
use crate::{Graph, GraphFault};
use hygie_odata::{Consistency, EntityType, Query, QueryError};

/// What is followed.
struct Collection {
    set: &'static str,
    kind: Followed,
    entity: &'static EntityType,
    default: Option<&'static [&'static str]>,
}

static USERS: Collection = Collection {
    set: "users",
    kind: Followed::Users,
    entity: &USER,
    default: Some(USER_DEFAULT),
};
static GROUPS: Collection = Collection {
    set: "groups",
    kind: Followed::Groups,
    entity: &GROUP,
    default: None,
};

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// Among all objects, after this one; afterwards come the changes after the number.
    All(i64, Option<ObjectId>),
    /// Among the changes, after this number.
    Changes(i64),
}

/// A page and where it goes on: at once, or later.
struct Page {
    items: Vec<Map<String, Value>>,
    next: Position,
    is_last: bool,
}

pub async fn of_users(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(users::ALL)?;
    delta(&graph, &caller, &USERS).await
}

pub async fn of_groups(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(groups::READ)?;
    delta(&graph, &caller, &GROUPS).await
}

async fn delta(graph: &Graph, caller: &Caller, of: &Collection) -> Result<Response, GraphError> {
    let (query, token) = read(caller, of)?;
    users::without_activity(&query)?;
    let last = graph.directory().last_change(&caller.cx).await?;
    let position = match token.as_deref() {
        None => Position::All(last, None),
        Some("latest") => Position::Changes(last),
        Some(token) => Position::read(token).ok_or(GraphFault::PageToken)?,
    };
    let is_latest = token.as_deref() == Some("latest");
    let page = match position {
        Position::Changes(_) if is_latest => Page {
            items: Vec::new(),
            next: position,
            is_last: true,
        },
        Position::All(number, after) => all(graph, caller, of, (number, after, query.top)).await?,
        Position::Changes(after) => changes(graph, caller, of, (after, query.top)).await?,
    };
    let view = query.select.as_deref().or(of.default);
    let items = page.items.into_iter().map(|members| visible(members, view));
    let address = |name: &str| {
        let select = query
            .select
            .as_ref()
            .map(|names| format!("$select={}&", names.join(",")));
        let token = page.next.token();
        format!(
            "{}/v1.0/{}/delta?{}${name}={token}",
            graph.0.base,
            of.set,
            select.unwrap_or_default()
        )
    };
    let link = if page.is_last {
        ("@odata.deltaLink", address("deltatoken"))
    } else {
        ("@odata.nextLink", address("skiptoken"))
    };
    let context = graph.context(&Of {
        set: of.set,
        select: query.select.as_deref(),
    });
    let body = Map::from_iter([
        ("@odata.context".to_owned(), context.into()),
        (link.0.to_owned(), link.1.into()),
        ("value".to_owned(), items.map(Value::Object).collect()),
    ]);
    Ok(respond(body, Note::new("graph.delta", of.set.to_owned())))
}

/// The members that are selected, and what tells that an object is gone.
fn visible(members: Map<String, Value>, view: Option<&[&'static str]>) -> Map<String, Value> {
    if members.contains_key("@removed") {
        return members;
    }
    // Without its id nobody knows which object it is.
    let mut names = view.map(<[_]>::to_vec);
    if let Some(names) = &mut names {
        names.push("id");
    }
    shown(members, names.as_deref())
}

/// The options, of which only the selection and the size of a page have a meaning here, and the token.
fn read(caller: &Caller, of: &Collection) -> Result<(Query, Option<String>), GraphFault> {
    let (mut rest, mut token) = (Vec::new(), None);
    for (name, value) in &caller.options {
        match name.trim_start_matches('$').to_ascii_lowercase().as_str() {
            "deltatoken" | "skiptoken" if token.is_none() => token = Some(value.clone()),
            "select" | "top" => rest.push((name.as_str(), value.as_str())),
            _ => return Err(QueryError::Option(name.clone()).into()),
        }
    }
    Ok((Query::parse(rest, of.entity, Consistency::Default)?, token))
}

async fn all(
    graph: &Graph,
    caller: &Caller,
    of: &Collection,
    (number, after, limit): (i64, Option<ObjectId>, u32),
) -> Result<Page, GraphFault> {
    let (directory, at) = (graph.directory(), Cursor { after, limit });
    let items: Vec<(ObjectId, Map<String, Value>)> = match of.kind {
        Followed::Users => {
            let page = directory.page_users(&caller.cx, at).await?;
            page.iter().map(|found| (found.id, user(found))).collect()
        }
        Followed::Groups => {
            let page = directory.page_groups(&caller.cx, at).await?;
            let item = |found: &hygie_directory::Group| (ObjectId::from_uuid(found.id.uuid()), group(found));
            page.iter().map(item).collect()
        }
    };
    let is_last = items.len() < limit as usize;
    let end = items.last().map(|(id, _)| *id);
    Ok(Page {
        items: items.into_iter().map(|(_, members)| members).collect(),
        next: if is_last {
            Position::Changes(number)
        } else {
            Position::All(number, end)
        },
        is_last,
    })
}

async fn changes(
    graph: &Graph,
    caller: &Caller,
    of: &Collection,
    (after, limit): (i64, u32),
) -> Result<Page, GraphFault> {
    let found = graph
        .directory()
        .page_changes(&caller.cx, of.kind, (after, limit))
        .await?;
    let is_last = found.len() < limit as usize;
    let end = found.last().map_or(after, |(change, _)| change.number);
    let item = |(change, object): (hygie_directory::repo::Change, Option<DirectoryObject>)| match object {
        Some(DirectoryObject::User(found)) => user(&found),
        Some(DirectoryObject::Group(found)) => group(&found),
        _ => {
            let reason = match change.became {
                Became::Forgotten => "deleted",
                Became::Deleted | Became::Different => "changed",
            };
            Map::from_iter([
                ("id".to_owned(), change.object.to_string().into()),
                ("@removed".to_owned(), json!({ "reason": reason })),
            ])
        }
    };
    Ok(Page {
        items: found.into_iter().map(item).collect(),
        next: Position::Changes(end),
        is_last,
    })
}

impl Position {
    fn token(self) -> String {
        base64url::encode(match self {
            Self::All(number, after) => {
                let after = after.map(|after| after.to_string());
                format!("a{number}.{}", after.unwrap_or_default())
            }
            Self::Changes(number) => format!("c{number}"),
        })
    }

    fn read(token: &str) -> Option<Self> {
        let text = String::from_utf8(base64url::decode(token).ok()?).ok()?;
        if let Some(number) = text.strip_prefix('c') {
            return Some(Self::Changes(number.parse().ok()?));
        }
        let (number, after) = text.strip_prefix('a')?.split_once('.')?;
        Some(Self::All(number.parse().ok()?, Some(after.parse().ok()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let id = ObjectId::from_uuid(uuid::Uuid::from_u128(7));
        for position in [
            Position::All(3, Some(id)),
            Position::Changes(0),
            Position::Changes(i64::MAX),
        ] {
            assert_eq!(Position::read(&position.token()), Some(position));
        }
        for wrong in ["", "x", "YQ", "YTEu", "YzE", "Y3g"] {
            let is_read = Position::read(wrong).is_some_and(|position| position.token() != wrong);
            assert!(!is_read, "{wrong}");
        }
        assert_eq!(Position::read("YTEu"), None);
    }
}
