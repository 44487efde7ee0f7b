//! `POST /applications/{id}/setVerifiedPublisher` and `unsetVerifiedPublisher`:
//! <https://learn.microsoft.com/graph/api/application-setverifiedpublisher>.
//!
//! # Deviations
//!
//! Publishers are verified by the operator of the installation, who names them by tenant in the configuration: an id that
//! is not among them is refused.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_web::error::GraphError;

use super::super::answer::done;
use super::super::applications;
use super::super::authority::WRITE_APPLICATIONS;
use super::super::body::Body;
use super::super::caller::Caller;
use crate::{Graph, GraphFault};

pub async fn set(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let members = body.members(&["verifiedPublisherId"])?;
    let publisher: String = members.read("verifiedPublisherId").map_err(GraphFault::from)?;
    change(&graph, &caller, &id, Some(publisher)).await
}

pub async fn unset(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    change(&graph, &caller, &id, None).await
}

async fn may(graph: &Graph, caller: &Caller, id: &str) -> Result<(), GraphFault> {
    let object = id.parse().map_err(|_| GraphFault::NotFound(id.to_owned()))?;
    caller.may_with(graph, &WRITE_APPLICATIONS, object).await
}

async fn change(graph: &Graph, caller: &Caller, id: &str, publisher: Option<String>) -> Result<Response, GraphError> {
    let found = applications::find(graph, caller, id).await?.application.id;
    let changed = graph
        .directory()
        .set_verified_publisher(&caller.cx, found, publisher)
        .await;
    changed.map_err(GraphFault::from)?;
    Ok(done())
}
