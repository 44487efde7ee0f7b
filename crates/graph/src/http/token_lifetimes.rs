//! `/policies/tokenLifetimePolicies`, and which of them an application or a service principal was given.
//! <https://learn.microsoft.com/graph/api/resources/tokenlifetimepolicy>

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{delete, get};
use hygie_core::ObjectId;
use hygie_directory::Cursor;
use hygie_odata::EntityType;
use hygie_policy::TokenLifetimePolicyId;
use hygie_policy::token_lifetime::TokenLifetimePolicy;
use hygie_web::error::GraphError;
use uuid::Uuid;

use super::answer::done;
use super::application_changes::may;
use super::authority::{Operation, READ_APPLICATION_POLICIES, WRITE_APPLICATION_POLICIES};
use super::body::Body;
use super::caller::Caller;
use super::conditional::{Collection, collection, object, page};
use super::list::Listed;
use super::relations::owned_item;
use super::{applications, route, service_principals};
use crate::entity::{GROUP, TOKEN_LIFETIME_POLICY};
use crate::{Graph, GraphFault};

impl Collection for TokenLifetimePolicy {
    const ENTITY: &'static EntityType = &TOKEN_LIFETIME_POLICY;
    const SET: &'static str = "policies/tokenLifetimePolicies";
    const BY: Option<(&'static Operation, &'static Operation)> =
        Some((&READ_APPLICATION_POLICIES, &WRITE_APPLICATION_POLICIES));

    fn place(&self) -> ObjectId {
        ObjectId::from_uuid(self.id.map(TokenLifetimePolicyId::uuid).unwrap_or_default())
    }
}

/// The addresses.
pub fn routes() -> Router<Graph> {
    let mut routes = collection::<TokenLifetimePolicy>(Router::new(), TokenLifetimePolicy::SET).route(
        "/v1.0/policies/tokenLifetimePolicies/{id}/appliesTo",
        route(get(applies_to)),
    );
    for kind in ["applications", "servicePrincipals"] {
        let given = format!("/v1.0/{kind}/{{id}}/tokenLifetimePolicies");
        let one = format!("{given}/{{policy}}/$ref");
        routes = match kind {
            "applications" => routes
                .route(&given, route(get(of_application)))
                .route(&format!("{given}/$ref"), route(get(of_application).post(give)))
                .route(&one, route(delete(take))),
            _ => routes
                .route(&given, route(get(of_principal)))
                .route(&format!("{given}/$ref"), route(get(of_principal).post(give)))
                .route(&one, route(delete(take))),
        };
    }
    routes
}

/// `GET /policies/tokenLifetimePolicies/{id}/appliesTo`: applications and service principals, each with its type.
async fn applies_to(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_APPLICATION_POLICIES).await?;
    caller.need(applications::READ)?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let policy = policy_of(&id)?;
    let is_it = |one: &TokenLifetimePolicy| one.id.map(TokenLifetimePolicyId::uuid) == Some(policy);
    if !rules.token_lifetimes.iter().any(is_it) {
        return Err(GraphFault::NotFound(id).into());
    }
    let query = caller.query(&GROUP)?;
    let path = format!("policies/tokenLifetimePolicies/{policy}/appliesTo");
    let listed = Listed {
        set: "directoryObjects",
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at: Cursor| {
        let page = graph.directory().page_policy_targets(&caller.cx, policy, at).await?;
        Ok(page.iter().map(|one| owned_item(&caller, one)).collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

async fn of_application(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.need(applications::READ)?;
    let of = applications::find(&graph, &caller, &id).await?.application.id;
    given(&graph, &caller, (of, "applications")).await
}

async fn of_principal(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.need(applications::READ)?;
    let of = service_principals::find(&graph, &caller, &id).await?.principal.id;
    given(&graph, &caller, (of, "servicePrincipals")).await
}

/// One at most.
async fn given(graph: &Graph, caller: &Caller, (of, set): (ObjectId, &str)) -> Result<Response, GraphError> {
    caller.may(graph, &READ_APPLICATION_POLICIES).await?;
    let query = caller.query_in_one_page(&TOKEN_LIFETIME_POLICY)?;
    let found = graph.directory().token_lifetime_of(&caller.cx, of).await?;
    let path = format!("{set}/{of}/tokenLifetimePolicies");
    let listed = Listed {
        set: TokenLifetimePolicy::SET,
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    let all: Vec<_> = found.iter().map(|one| (one.place(), object(member(one)))).collect();
    Ok(graph.list(caller, listed, async |at| Ok(page(&all, at))).await?)
}

fn member(policy: &TokenLifetimePolicy) -> serde_json::Value {
    hygie_policy::json::Member::write(policy)
}

/// `POST …/tokenLifetimePolicies/$ref`.
async fn give(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    let of = changeable(&graph, &caller, &id).await?;
    let policy = graph.referred_in(&body, "policies/tokenLifetimePolicies")?;
    graph
        .directory()
        .assign_token_lifetime(&caller.cx, of, policy.uuid())
        .await?;
    Ok(done())
}

/// `DELETE …/tokenLifetimePolicies/{policy}/$ref`.
async fn take(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, policy)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    let of = changeable(&graph, &caller, &id).await?;
    let policy = policy_of(&policy)?;
    graph
        .directory()
        .unassign_token_lifetime(&caller.cx, of, policy)
        .await?;
    Ok(done())
}

/// The object whose policies the caller may change: who may change it, and may administer such policies or reads them.
async fn changeable(graph: &Graph, caller: &Caller, id: &str) -> Result<ObjectId, GraphError> {
    may(graph, caller, id).await?;
    caller.may(graph, &READ_APPLICATION_POLICIES).await?;
    Ok(id.parse().map_err(|_| GraphFault::NotFound(id.to_owned()))?)
}

fn policy_of(id: &str) -> Result<Uuid, GraphFault> {
    let parsed: Option<TokenLifetimePolicyId> = id.parse().ok();
    parsed
        .map(TokenLifetimePolicyId::uuid)
        .ok_or_else(|| GraphFault::NotFound(id.to_owned()))
}
