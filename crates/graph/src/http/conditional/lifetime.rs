//! `/policies/sessionLifetimePolicy` [ours]: how long sessions of browsers live in the tenant.

use axum::extract::State;
use axum::response::Response;
use hygie_policy::json::Member;
use hygie_web::error::GraphError;

use super::super::caller::Caller;
use super::super::document::{Document, done};
use super::{READ, WRITE, setting};
use crate::Graph;

pub async fn get(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    setting(&graph, &caller, "sessionLifetimePolicy", |rules| rules.lifetime.write()).await
}

pub async fn patch(
    State(graph): State<Graph>,
    caller: Caller,
    Document(change): Document,
) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, &[WRITE, READ]).await?;
    graph.directory().change_session_lifetime(&caller.cx, change).await?;
    Ok(done())
}
