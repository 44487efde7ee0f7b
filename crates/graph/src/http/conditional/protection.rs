//! `/policies/signInProtectionPolicy` and `/policies/tokenClaimsPolicy` [ours]: rules of passwords, and what tokens of version 2
//! tell in the tenant.

use axum::extract::State;
use axum::response::Response;
use hygie_policy::json::Member;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::super::caller::Caller;
use super::super::document::{Document, done};
use super::{READ, WRITE, object};
use crate::Graph;

pub async fn get(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, READ).await?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let note = Note::new("graph.read", "signInProtection".to_owned());
    let kind = "policies/signInProtectionPolicy/$entity";
    Ok(graph.told(kind, object(rules.protection.write()), note))
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
    caller.may_read_policies(&graph, READ).await?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let note = Note::new("graph.read", "tokenClaims".to_owned());
    let kind = "policies/tokenClaimsPolicy/$entity";
    Ok(graph.told(kind, object(rules.token_claims.write()), note))
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
