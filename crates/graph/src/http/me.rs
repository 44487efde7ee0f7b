//! `/me`: the person whose token it is.

use axum::extract::State;
use axum::response::Response;
use hygie_directory::Membership;
use hygie_web::error::GraphError;

use super::caller::Caller;
use super::{member_of, users};
use crate::Graph;

pub async fn get(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    users::own(&graph, &caller).await
}

pub async fn direct(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    groups(&graph, &caller, Membership::Direct).await
}

pub async fn transitive(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    groups(&graph, &caller, Membership::Transitive).await
}

async fn groups(graph: &Graph, caller: &Caller, how: Membership) -> Result<Response, GraphError> {
    caller.need(users::GROUPS)?;
    let found = users::find_own(graph, caller).await?;
    member_of::memberships(graph, caller, (found.id, "me"), how).await
}
