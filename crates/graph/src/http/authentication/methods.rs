//! `/users/{id}/authentication` and `/me/authentication`.
//! <https://learn.microsoft.com/graph/api/resources/authenticationmethods-overview>

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use hygie_core::ObjectId;
use hygie_directory::User;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use uuid::Uuid;

use super::super::answer::Of;
use super::super::authority::WRITE_METHODS;
use super::super::caller::Caller;
use super::super::unsupported;
use super::document::Body;
use super::policy::done;
use super::shown::{Kind, items};
use super::{fido2, rights, temporary_access_pass};
use crate::{Graph, GraphFault};

pub async fn list(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, kind)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    let found = find(&graph, &caller, &id).await?;
    rights::read_methods(&graph, &caller, found.as_ref().map(|user| user.id)).await?;
    let user = found.ok_or_else(|| GraphFault::NotFound(id))?;
    page(&graph, &caller, user.id, &kind).await
}

pub async fn list_own(
    State(graph): State<Graph>,
    caller: Caller,
    Path(kind): Path<String>,
) -> Result<Response, GraphError> {
    let own = own(&graph, &caller).await?;
    page(&graph, &caller, own, &kind).await
}

pub async fn get(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, kind, method)): Path<(String, String, String)>,
) -> Result<Response, GraphError> {
    let found = find(&graph, &caller, &id).await?;
    if Kind::find(&kind) == Some(Kind::Fido2) && method.starts_with("creationOptions") {
        caller.may(&graph, &WRITE_METHODS).await?;
        let user = found.ok_or_else(|| GraphFault::NotFound(id))?;
        caller.may_act_on(&graph, user.id).await?;
        return fido2::creation_options(&graph, &caller, user.id, &method).await;
    }
    rights::read_methods(&graph, &caller, found.as_ref().map(|user| user.id)).await?;
    let user = found.ok_or_else(|| GraphFault::NotFound(id))?;
    one(&graph, &caller, user.id, (&kind, &method)).await
}

pub async fn get_own(
    State(graph): State<Graph>,
    caller: Caller,
    Path((kind, method)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    let own = own(&graph, &caller).await?;
    one(&graph, &caller, own, (&kind, &method)).await
}

pub async fn post(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, kind)): Path<(String, String)>,
    Body(body): Body,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_METHODS).await?;
    let found = find(&graph, &caller, &id).await?;
    let user = found.ok_or_else(|| GraphFault::NotFound(id))?;
    caller.may_act_on(&graph, user.id).await?;
    match Kind::find(&kind) {
        Some(Kind::Fido2) => fido2::post(&graph, &caller, user.id, &body).await,
        Some(Kind::TemporaryAccessPass) => temporary_access_pass::post(&graph, &caller, user.id, &body).await,
        _ => Ok(unsupported::any(caller).await.into_response()),
    }
}

pub async fn delete(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, kind, method)): Path<(String, String, String)>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_METHODS).await?;
    let found = find(&graph, &caller, &id).await?;
    let user = found.ok_or_else(|| GraphFault::NotFound(id))?.id;
    caller.may_act_on(&graph, user).await?;
    let (means, cx) = (graph.means(), &caller.cx);
    let missing = || GraphFault::NotFound(method.clone());
    match Kind::find(&kind) {
        Some(Kind::Fido2) => {
            let id = hygie_jose::base64url::decode(&method).map_err(|_| missing())?;
            means.remove_passkey(cx, user, &id).await?;
        }
        Some(Kind::SoftwareOath) => {
            let id = method.parse::<Uuid>().map_err(|_| missing())?;
            means.remove_codes(cx, user, id).await?;
        }
        Some(Kind::TemporaryAccessPass) => {
            let id = method.parse::<Uuid>().map_err(|_| missing())?;
            means.remove_pass(cx, user, id).await?;
        }
        Some(Kind::Nothing) => return Err(missing().into()),
        _ => return Ok(unsupported::any(caller).await.into_response()),
    }
    Ok(done())
}

/// The person who asks for their own, and may.
async fn own(graph: &Graph, caller: &Caller) -> Result<ObjectId, GraphFault> {
    let person = caller.person().ok_or_else(|| GraphFault::NotFound("me".to_owned()))?;
    rights::read_methods(graph, caller, Some(person)).await?;
    Ok(person)
}

async fn page(graph: &Graph, caller: &Caller, user: ObjectId, kind: &str) -> Result<Response, GraphError> {
    let found = Kind::find(kind).ok_or_else(|| GraphFault::NotFound(kind.to_owned()))?;
    let methods = graph.means().methods_of(&caller.cx, user).await?;
    let set = set(user, kind);
    let of = Of {
        set: &set,
        select: None,
    };
    let items = items(found, &methods, caller.cx.now);
    Ok(graph.many(&of, items, (None, None), note(user)))
}

async fn one(graph: &Graph, caller: &Caller, user: ObjectId, (kind, id): (&str, &str)) -> Result<Response, GraphError> {
    let found = Kind::find(kind).ok_or_else(|| GraphFault::NotFound(kind.to_owned()))?;
    let methods = graph.means().methods_of(&caller.cx, user).await?;
    let mut items = items(found, &methods, caller.cx.now).into_iter();
    let item = items.find(|item| item.get("id").and_then(|id| id.as_str()) == Some(id));
    let item = item.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?;
    let set = set(user, kind);
    let of = Of {
        set: &set,
        select: None,
    };
    Ok(graph.one(&of, item, note(user)))
}

/// The name of a collection in `@odata.context`.
pub fn set(user: ObjectId, kind: &str) -> String {
    format!("users('{user}')/authentication/{kind}")
}

fn note(user: ObjectId) -> Note {
    Note::new("graph.read", format!("user/{user}/authentication"))
}

/// By id or user principal name.
async fn find(graph: &Graph, caller: &Caller, id: &str) -> Result<Option<User>, GraphError> {
    let directory = graph.directory();
    Ok(match id.parse() {
        Ok(id) => directory.find_user_by_id(&caller.cx, id).await?,
        Err(_) => directory.find_user(&caller.cx, id).await?,
    })
}
