//! `/policies/authenticationMethodsPolicy`.
//! <https://learn.microsoft.com/graph/api/resources/authenticationmethodspolicy>
//!
//! `WindowsHelloForBusiness` among the configurations is ours: the models of passkeys that count for it. Graph has no such
//! configuration, so that it is not in the list.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hygie_policy::Aaguid;
use hygie_policy::json::Member;
use hygie_policy::methods::Method;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value, json};

use super::super::answer::Of;
use super::super::authority::WRITE_METHODS_POLICY;
use super::super::caller::Caller;
use super::document::{Body, Members};
use super::rights;
use crate::{Graph, GraphFault};

const SET: &str = "policies/authenticationMethodsPolicy";
const CONFIGURATIONS: &str = "policies/authenticationMethodsPolicy/authenticationMethodConfigurations";
/// The configuration of ours.
const HELLO: &str = "WindowsHelloForBusiness";

pub async fn get(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    rights::read_policy(&graph, &caller).await?;
    let policy = graph.directory().methods_policy(&caller.cx).await?;
    let of = Of { set: SET, select: None };
    Ok(graph.one(&of, object(policy.to_json()), note()))
}

pub async fn patch(State(graph): State<Graph>, caller: Caller, Body(change): Body) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_METHODS_POLICY).await?;
    graph.directory().change_methods_policy(&caller.cx, change).await?;
    Ok(done())
}

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    rights::read_policy(&graph, &caller).await?;
    let policy = graph.directory().methods_policy(&caller.cx).await?;
    let items = policy
        .configurations
        .iter()
        .map(|known| object(known.write()))
        .collect();
    let of = Of {
        set: CONFIGURATIONS,
        select: None,
    };
    Ok(graph.many(&of, items, (None, None), note()))
}

pub async fn configuration(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    rights::read_policy(&graph, &caller).await?;
    let of = Of {
        set: CONFIGURATIONS,
        select: None,
    };
    let shown = if is_hello(&id) {
        let models = graph.directory().windows_hello(&caller.cx).await?;
        json!({ "id": HELLO, "aaGuids": models.to_vec().write() })
    } else {
        let method = Method::find(&id).ok_or_else(|| GraphFault::NotFound(id.clone()))?;
        graph
            .directory()
            .methods_policy(&caller.cx)
            .await?
            .configuration(method)
            .write()
    };
    Ok(graph.one(&of, object(shown), note()))
}

pub async fn configure(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    Body(change): Body,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_METHODS_POLICY).await?;
    if is_hello(&id) {
        let members = Members::of(&change, &["id", "aaGuids"])?;
        let models = members.find("aaGuids", |models| {
            let texts = models.as_array()?.iter();
            texts
                .map(|text| text.as_str()?.parse::<Aaguid>().ok())
                .collect::<Option<Vec<_>>>()
        })?;
        let models = models.unwrap_or_default();
        graph.directory().set_windows_hello(&caller.cx, models).await?;
        return Ok(done());
    }
    let method = Method::find(&id).ok_or_else(|| GraphFault::NotFound(id.clone()))?;
    graph.directory().configure_method(&caller.cx, method, change).await?;
    Ok(done())
}

fn is_hello(id: &str) -> bool {
    id.eq_ignore_ascii_case(HELLO)
}

fn note() -> Note {
    Note::new("graph.read", "authenticationMethodsPolicy".to_owned())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// 204: it is done, and recorded with its effect.
pub fn done() -> Response {
    (StatusCode::NO_CONTENT, Note::recorded(), ()).into_response()
}
