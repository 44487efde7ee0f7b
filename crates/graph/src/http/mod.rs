//! The addresses of the directory API, one file per collection.

mod address;
mod agreements;
mod answer;
mod app_role_assignments;
mod application_changes;
mod application_keys;
mod applications;
mod authentication;
mod authority;
mod batch;
mod body;
mod caller;
mod conditional;
mod consent;
mod deleted_items;
mod delta;
mod directory_objects;
mod directory_roles;
mod document;
mod domains;
mod expand;
mod federated;
mod group_changes;
mod groups;
mod identity_protection;
mod invitations;
mod keyed;
mod list;
mod logs;
mod me;
mod member_of;
mod members;
mod memberships;
mod mfa_gaps;
mod organization;
mod permission_grants;
mod relations;
mod role_management;
mod service_principals;
mod strict;
mod token_lifetimes;
mod trust;
mod trust_bundle;
mod trust_trial;
mod unsupported;
mod user_changes;
mod users;

use axum::Router;
use axum::routing::{MethodRouter, any, delete, get, post};
use hygie_directory::logs::{Alert, ChangeEntry};
use hygie_web::layers::Cors;

use crate::Graph;

pub use address::normal;

/// Which other origins may call a route: a token alone lets anybody in, wherever their page is from, as in Graph.
pub fn cors(_route: &str) -> Cors {
    Cors::Open
}

/// All addresses. What is not built answers "not supported" to whoever has a token.
pub fn router(graph: Graph) -> Router {
    let known = addresses().with_state(graph.clone());
    // Where an address by another key is sent on to: to no such one again.
    let usual = batch::Batch {
        graph: graph.clone(),
        router: known
            .clone()
            .route("/v1.0/{first}", any(unsupported::any).with_state(graph.clone()))
            .route("/v1.0/{first}/{*rest}", any(unsupported::any).with_state(graph.clone())),
    };
    let router = known
        .route("/v1.0/{first}", any(keyed::any).with_state(usual.clone()))
        .route("/v1.0/{first}/{*rest}", any(keyed::any).with_state(usual));
    let batch = batch::Batch {
        graph,
        router: router.clone(),
    };
    router.route("/v1.0/$batch", post(batch::post).with_state(batch))
}

/// All but the one that brings several requests to them.
fn addresses() -> Router<Graph> {
    Router::new()
        .merge(own())
        .merge(people())
        .merge(groups_and_members())
        .merge(registrations())
        .merge(permissions())
        .merge(roles())
        .merge(conditional::routes())
        .merge(agreements::routes())
        .merge(authentication::routes())
        .merge(audit_logs())
        .merge(consent::routes())
        .merge(identity_protection::routes())
        .route("/v1.0/invitations", route(post(invitations::create)))
        .merge(trust::routes())
        .merge(trust_bundle::former())
        .merge(memberships::routes())
        .merge(member_of::routes())
        .merge(members::routes())
        .merge(relations::routes())
        .merge(directory_objects::routes())
        .merge(principals())
        .merge(federated::routes())
        .merge(token_lifetimes::routes())
        .route("/v1.0/organization", route(get(organization::list)))
        .route("/v1.0/domains", route(get(domains::list)))
        .route("/v1.0/domains/{name}", route(get(domains::get)))
        .route(
            "/v1.0/organization/{id}",
            route(get(organization::get).patch(organization::patch)),
        )
        .route(
            "/v1.0/directory/deletedItems/{id}",
            route(get(deleted_items::get).delete(deleted_items::forget)),
        )
        .route(
            "/v1.0/directory/deletedItems/{id}/restore",
            route(post(deleted_items::restore)),
        )
}

/// What happened in the tenant.
fn audit_logs() -> Router<Graph> {
    Router::new()
        .route("/v1.0/auditLogs/signIns", route(get(logs::sign_ins)))
        .route("/v1.0/auditLogs/signIns/{id}", route(get(logs::sign_in)))
        .route("/v1.0/auditLogs/directoryAudits", route(get(logs::list::<ChangeEntry>)))
        .route(
            "/v1.0/auditLogs/directoryAudits/{id}",
            route(get(logs::get::<ChangeEntry>)),
        )
        .route("/v1.0/reports/multiFactorGaps", route(get(mfa_gaps::get)))
        .route("/v1.0/auditLogs/alerts", route(get(logs::list::<Alert>)))
        .route("/v1.0/auditLogs/alerts/{id}", route(get(logs::get::<Alert>)))
}

/// The methods of an address; the others are not built.
fn route(methods: MethodRouter<Graph>) -> MethodRouter<Graph> {
    methods.fallback(unsupported::any)
}

/// The person whose token it is.
fn own() -> Router<Graph> {
    Router::new()
        .route("/v1.0/me", route(get(me::get).patch(user_changes::update_own)))
        .route("/v1.0/me/appRoleAssignments", route(get(app_role_assignments::own)))
        .route("/v1.0/me/oauth2PermissionGrants", route(get(permission_grants::own)))
        .route("/v1.0/me/revokeSignInSessions", route(post(user_changes::revoke_own)))
        .route("/v1.0/me/changePassword", route(post(user_changes::change_password)))
}

/// Users.
fn people() -> Router<Graph> {
    let one = get(users::get).patch(user_changes::update).delete(user_changes::delete);
    Router::new()
        .route("/v1.0/users", route(get(users::list).post(user_changes::create)))
        .route("/v1.0/users/{id}", route(one))
        .route("/v1.0/users/$count", route(get(users::list)))
        .route("/v1.0/users/delta", route(get(delta::of_users)))
        .route(
            "/v1.0/users/{id}/oauth2PermissionGrants",
            route(get(permission_grants::of_user)),
        )
        .route(
            "/v1.0/users/{id}/revokeSignInSessions",
            route(post(user_changes::revoke)),
        )
}

/// Groups, their members and owners.
fn groups_and_members() -> Router<Graph> {
    let one = get(groups::get)
        .patch(group_changes::update)
        .delete(group_changes::delete);
    Router::new()
        .route("/v1.0/groups", route(get(groups::list).post(group_changes::create)))
        .route("/v1.0/groups/{id}", route(one))
        .route("/v1.0/groups/$count", route(get(groups::list)))
        .route("/v1.0/groups/{id}/members/$count", route(get(groups::members)))
        .route("/v1.0/groups/delta", route(get(delta::of_groups)))
        .route("/v1.0/groups/{id}/members", route(get(groups::members)))
        .route(
            "/v1.0/groups/{id}/members/$ref",
            route(get(groups::members).post(group_changes::add_member)),
        )
        .route(
            "/v1.0/groups/{id}/members/{member}/$ref",
            route(delete(group_changes::remove_member)),
        )
        .route("/v1.0/groups/{id}/owners", route(get(group_changes::owners)))
        .route(
            "/v1.0/groups/{id}/owners/$ref",
            route(get(group_changes::owners).post(group_changes::add_owner)),
        )
        .route(
            "/v1.0/groups/{id}/owners/{owner}/$ref",
            route(delete(group_changes::remove_owner)),
        )
}

/// Applications and service principals.
fn registrations() -> Router<Graph> {
    let one = get(applications::get)
        .patch(application_changes::update)
        .delete(application_changes::delete);
    let present = get(service_principals::get)
        .patch(application_changes::update_principal)
        .delete(application_changes::delete_principal);
    let principals = get(service_principals::list).post(application_changes::create_principal);
    Router::new()
        .route(
            "/v1.0/applications",
            route(get(applications::list).post(application_changes::create)),
        )
        .route("/v1.0/applications/{id}", route(one))
        .route(
            "/v1.0/applications/{id}/addPassword",
            route(post(application_changes::add_password)),
        )
        .route(
            "/v1.0/applications/{id}/removePassword",
            route(post(application_changes::remove_password)),
        )
        .route("/v1.0/applications/{id}/addKey", route(post(application_keys::add)))
        .route(
            "/v1.0/applications/{id}/removeKey",
            route(post(application_keys::remove)),
        )
        .route(
            "/v1.0/applications/{id}/owners",
            route(get(application_changes::owners)),
        )
        .route(
            "/v1.0/applications/{id}/owners/$ref",
            route(get(application_changes::owners).post(application_changes::add_owner)),
        )
        .route(
            "/v1.0/applications/{id}/owners/{owner}/$ref",
            route(delete(application_changes::remove_owner)),
        )
        .route("/v1.0/applications/$count", route(get(applications::list)))
        .route("/v1.0/servicePrincipals/$count", route(get(service_principals::list)))
        .route("/v1.0/servicePrincipals", route(principals))
        .route("/v1.0/servicePrincipals/{id}", route(present))
}

/// What service principals lead to.
fn principals() -> Router<Graph> {
    let one = "/v1.0/servicePrincipals/{id}";
    Router::new()
        .route(
            &format!("{one}/addPassword"),
            route(post(application_changes::add_principal_password)),
        )
        .route(
            &format!("{one}/removePassword"),
            route(post(application_changes::remove_principal_password)),
        )
        .route(
            &format!("{one}/addKey"),
            route(post(application_keys::add_to_principal)),
        )
        .route(
            &format!("{one}/removeKey"),
            route(post(application_keys::remove_from_principal)),
        )
        .route(
            &format!("{one}/oauth2PermissionGrants"),
            route(get(permission_grants::of_principal)),
        )
        .route(
            &format!("{one}/owners"),
            route(get(application_changes::principal_owners)),
        )
        .route(
            &format!("{one}/owners/$ref"),
            route(get(application_changes::principal_owners).post(application_changes::add_principal_owner)),
        )
        .route(
            &format!("{one}/owners/{{owner}}/$ref"),
            route(delete(application_changes::remove_principal_owner)),
        )
}

/// Roles of applications that somebody has, and grants of delegated permissions.
fn permissions() -> Router<Graph> {
    let one = get(permission_grants::get)
        .patch(permission_grants::update)
        .delete(permission_grants::delete);
    let mut router = Router::new()
        .route(
            "/v1.0/oauth2PermissionGrants",
            route(get(permission_grants::list).post(permission_grants::create)),
        )
        .route("/v1.0/oauth2PermissionGrants/{id}", route(one));
    for (path, read) in [
        ("users/{id}/appRoleAssignments", get(app_role_assignments::of_user)),
        ("groups/{id}/appRoleAssignments", get(app_role_assignments::of_group)),
        (
            "servicePrincipals/{id}/appRoleAssignments",
            get(app_role_assignments::of_principal),
        ),
        (
            "servicePrincipals/{id}/appRoleAssignedTo",
            get(app_role_assignments::to_resource),
        ),
    ] {
        let path = format!("/v1.0/{path}");
        router = router
            .route(&path, route(read.post(app_role_assignments::create)))
            .route(
                &format!("{path}/{{assignment}}"),
                route(delete(app_role_assignments::delete)),
            );
    }
    router
}

/// Directory roles and who has them.
fn roles() -> Router<Graph> {
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
            route(get(directory_roles::members).post(directory_roles::add)),
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
