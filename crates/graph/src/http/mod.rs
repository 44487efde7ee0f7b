//! The addresses of the directory API, one file per collection.

mod answer;
mod applications;
mod authority;
mod body;
mod caller;
mod conditional;
mod directory_roles;
mod document;
mod groups;
mod keyed;
mod list;
mod me;
mod organization;
mod role_management;
mod service_principals;
mod unsupported;
mod users;

use axum::Router;
use axum::routing::{MethodRouter, any, delete, get, post};

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
        .merge(roles())
        .merge(conditional::routes())
        .route("/v1.0/{keyed}", read(get(keyed::get)))
        .route("/v1.0/{keyed}/members", read(get(keyed::members)))
        .route("/v1.0/{first}/{*rest}", any(unsupported::any))
        .with_state(graph)
}

/// Directory roles and who has them.
fn roles() -> Router<Graph> {
    let route = |route: MethodRouter<Graph>| route.fallback(unsupported::any);
    let definitions = "/v1.0/roleManagement/directory/roleDefinitions";
    let assignments = "/v1.0/roleManagement/directory/roleAssignments";
    Router::new()
        .route("/v1.0/directoryRoles", route(get(directory_roles::list)))
        .route("/v1.0/directoryRoles/{id}", route(get(directory_roles::get)))
        .route(
            "/v1.0/directoryRoles/{id}/members",
            route(get(directory_roles::members)),
        )
        .route(
            "/v1.0/directoryRoles/{id}/members/$ref",
            route(post(directory_roles::add)),
        )
        .route(
            "/v1.0/directoryRoles/{id}/members/{member}/$ref",
            route(delete(directory_roles::remove)),
        )
        .route("/v1.0/directoryRoleTemplates", route(get(directory_roles::templates)))
        .route(
            "/v1.0/directoryRoleTemplates/{id}",
            route(get(directory_roles::template)),
        )
        .route(definitions, route(get(role_management::definitions)))
        .route(
            &format!("{definitions}/{{id}}"),
            route(get(role_management::definition)),
        )
        .route(
            assignments,
            route(get(role_management::assignments).post(role_management::create)),
        )
        .route(
            &format!("{assignments}/{{id}}"),
            route(get(role_management::assignment).delete(role_management::delete)),
        )
}
