//! `/me`: the person whose token it is.

use axum::extract::State;
use axum::response::Response;
use hygie_web::error::GraphError;

use super::caller::Caller;
use super::users;
use crate::Graph;

pub async fn get(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    users::own(&graph, &caller).await
}
