//! `/oauth2PermissionGrants`: <https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant>.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::repo::GrantsOf;
use hygie_directory::{Cursor, NewGrant, PermissionGrant};
use hygie_policy::json::{At, Wrong};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::answer::{Of, done};
use super::authority::GRANT_SCOPES;
use super::body::Body;
use super::caller::Caller;
use super::list::Listed;
use super::{service_principals, users};
use crate::entity::{PERMISSION_GRANT, permission_grant, shown};
use crate::{Graph, GraphFault};
use hygie_odata::{Pin, Query};

const SET: &str = "oauth2PermissionGrants";
/// Permissions that show grants.
const READ: &[&str] = &[
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    page(&graph, &caller, SET, None).await
}

/// `GET /users/{id}/oauth2PermissionGrants`: what somebody granted for themselves.
pub async fn of_user(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let found = users::search(&graph, &caller, &id).await?;
    let user = found.ok_or(GraphFault::NotFound(id))?.id;
    let path = format!("users/{user}/{SET}");
    page(&graph, &caller, &path, Some(GrantsOf::User(user))).await
}

/// `GET /me/oauth2PermissionGrants`.
pub async fn own(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let user = users::find_own(&graph, &caller).await?.id;
    page(&graph, &caller, &format!("me/{SET}"), Some(GrantsOf::User(user))).await
}

/// `GET /servicePrincipals/{id}/oauth2PermissionGrants`: what was granted to an application.
pub async fn of_principal(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let client = service_principals::find(&graph, &caller, &id).await?.principal.id;
    let path = format!("servicePrincipals/{client}/{SET}");
    page(&graph, &caller, &path, Some(GrantsOf::Client(client))).await
}

/// The grants at this address; of all those that the filter finds.
async fn page(graph: &Graph, caller: &Caller, path: &str, of: Option<GrantsOf>) -> Result<Response, GraphError> {
    let query = caller.query(&PERMISSION_GRANT)?;
    let listed = Listed {
        set: SET,
        path,
        query: &query,
        default: None,
        total: None,
    };
    let of = of.unwrap_or_else(|| grants_of(&query));
    let fetch = async |at: Cursor| {
        let page = graph.directory().page_grants(&caller.cx, of, at).await?;
        Ok(page.iter().map(|found| (found.id, permission_grant(found))).collect())
    };
    Ok(graph.list(caller, listed, fetch).await?)
}

/// The grants among which the filter finds what it asks for.
fn grants_of(query: &Query) -> GrantsOf {
    let pinned = |property| -> Option<ObjectId> {
        match query.filter.as_ref()?.pin(property)? {
            Pin::OneOf(texts) if texts.len() == 1 => texts.first()?.parse().ok(),
            _ => None,
        }
    };
    pinned("clientId")
        .map(GrantsOf::Client)
        .or_else(|| pinned("principalId").map(GrantsOf::User))
        .unwrap_or(GrantsOf::Everything)
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let found = find(&graph, &caller, &id).await?;
    let select = caller.select(&PERMISSION_GRANT)?;
    let of = Of {
        set: SET,
        select: select.as_deref(),
    };
    let note = Note::new("graph.read", format!("grant/{}", found.id));
    Ok(graph.one(&of, shown(permission_grant(&found), of.select), note))
}

pub async fn create(State(graph): State<Graph>, caller: Caller, body: Body) -> Result<Response, GraphError> {
    caller.may(&graph, &GRANT_SCOPES).await?;
    let new = read(&body)?;
    let made = graph.directory().create_grant(&caller.cx, new).await;
    let made: PermissionGrant = made.map_err(GraphFault::from)?;
    let of = Of { set: SET, select: None };
    Ok(graph.created(&of, permission_grant(&made)))
}

fn read(body: &Body) -> Result<NewGrant, GraphFault> {
    let members = body.members(&["clientId", "consentType", "principalId", "resourceId", "scope"])?;
    let consent: String = members.read("consentType")?;
    let user: Option<ObjectId> = members.read("principalId")?;
    let at = At::Member(&At::Root, "principalId");
    match (consent.as_str(), user) {
        ("AllPrincipals", None) | ("Principal", Some(_)) => {}
        ("AllPrincipals", Some(_)) => return Err(at.refuse(Wrong::NotA("null: everybody is meant")).into()),
        ("Principal", None) => return Err(at.refuse(Wrong::Missing).into()),
        (other, _) => {
            return Err(At::Member(&At::Root, "consentType")
                .refuse(Wrong::unknown(other))
                .into());
        }
    }
    Ok(NewGrant {
        client: members.read("clientId")?,
        resource: members.read("resourceId")?,
        user,
        scopes: words(&members.read::<String>("scope")?),
    })
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

pub async fn update(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    caller.may(&graph, &GRANT_SCOPES).await?;
    let found = find(&graph, &caller, &id).await?;
    let scope: String = body.members(&["scope"])?.read("scope").map_err(GraphFault::from)?;
    let changed = graph
        .directory()
        .update_grant(&caller.cx, found.id, words(&scope))
        .await;
    changed.map_err(GraphFault::from)?;
    Ok(done())
}

pub async fn delete(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &GRANT_SCOPES).await?;
    let found = find(&graph, &caller, &id).await?;
    let removed = graph.directory().remove_grant(&caller.cx, found.id).await;
    removed.map_err(GraphFault::from)?;
    Ok(done())
}

async fn find(graph: &Graph, caller: &Caller, id: &str) -> Result<PermissionGrant, GraphError> {
    let found = match id.parse() {
        Ok(id) => graph.directory().find_grant(&caller.cx, id).await?,
        Err(_) => None,
    };
    Ok(found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?)
}
