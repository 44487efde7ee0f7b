//! The addresses of the directory API, one file per collection.

mod agreements;
mod answer;
mod applications;
mod caller;
mod conditional;
mod document;
mod groups;
mod keyed;
mod list;
mod me;
mod organization;
mod rights;
mod service_principals;
mod unsupported;
mod users;

use axum::Router;
use axum::routing::{MethodRouter, any, get, post};

use crate::Graph;

/// All addresses. What is not built answers "not supported" to whoever has a token.
pub fn router(graph: Graph) -> Router {
    let read = |route: MethodRouter<Graph>| route.fallback(unsupported::any);
    Router::new()
        .route("/v1.0/me", read(get(me::get)))
        .route("/v1.0/me/memberOf", read(get(me::member_of)))
        .route("/v1.0/me/transitiveMemberOf", read(get(me::transitive_member_of)))
        .route("/v1.0/me/getMemberObjects", read(post(me::member_ids)))
        .route("/v1.0/me/getMemberGroups", read(post(me::member_ids)))
        .route("/v1.0/users", read(get(users::list)))
        .route("/v1.0/users/{id}", read(get(users::get)))
        .route("/v1.0/users/{id}/memberOf", read(get(users::member_of)))
        .route(
            "/v1.0/users/{id}/transitiveMemberOf",
            read(get(users::transitive_member_of)),
        )
        .route("/v1.0/users/{id}/getMemberObjects", read(post(users::member_ids)))
        .route("/v1.0/users/{id}/getMemberGroups", read(post(users::member_ids)))
        .route("/v1.0/groups", read(get(groups::list)))
        .route("/v1.0/groups/{id}", read(get(groups::get)))
        .route("/v1.0/groups/{id}/members", read(get(groups::members)))
        .route("/v1.0/groups/{id}/memberOf", read(get(groups::member_of)))
        .route(
            "/v1.0/groups/{id}/transitiveMemberOf",
            read(get(groups::transitive_member_of)),
        )
        .route("/v1.0/applications", read(get(applications::list)))
        .route("/v1.0/applications/{id}", read(get(applications::get)))
        .route("/v1.0/servicePrincipals", read(get(service_principals::list)))
        .route("/v1.0/servicePrincipals/{id}", read(get(service_principals::get)))
        .route("/v1.0/organization", read(get(organization::list)))
        .route("/v1.0/organization/{id}", read(get(organization::get)))
        .merge(conditional::routes())
        .merge(agreements::routes())
        .route("/v1.0/{keyed}", read(get(keyed::get)))
        .route("/v1.0/{first}/{*rest}", any(unsupported::any))
        .with_state(graph)
}
