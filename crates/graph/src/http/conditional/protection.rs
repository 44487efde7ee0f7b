//! `/policies/signInProtectionPolicy` and `/policies/tokenClaimsPolicy` [ours]: rules of passwords, and what tokens of version 2
//! tell in the tenant.

use axum::extract::State;
use axum::response::Response;
use hygie_policy::json::Member;
use hygie_web::error::GraphError;

use super::super::caller::Caller;
use super::super::document::{Document, done};
use super::{READ, WRITE, setting};
use crate::Graph;

pub async fn get(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    setting(&graph, &caller, "signInProtectionPolicy", |rules| {
        rules.protection.write()
    })
    .await
}

pub async fn patch(
    State(graph): State<Graph>,
    caller: Caller,
    Document(change): Document,
) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, &[WRITE, READ]).await?;
    graph.directory().change_sign_in_protection(&caller.cx, change).await?;
    Ok(done())
}

pub async fn get_claims(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    setting(&graph, &caller, "tokenClaimsPolicy", |rules| rules.token_claims.write()).await
}

pub async fn patch_claims(
    State(graph): State<Graph>,
    caller: Caller,
    Document(change): Document,
) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, &[WRITE, READ]).await?;
    graph.directory().change_token_claims(&caller.cx, change).await?;
    Ok(done())
}
