//! Means of identification: the policy of the tenant, and what people have.

mod document;
mod fido2;
mod methods;
mod policy;
mod rights;
mod shown;
mod temporary_access_pass;

use axum::Router;
use axum::routing::{MethodRouter, get};

use super::unsupported;
use crate::Graph;

/// Their addresses.
pub fn routes() -> Router<Graph> {
    let whole = |route: MethodRouter<Graph>| route.fallback(unsupported::any);
    let configurations = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations";
    Router::new()
        .route(
            "/v1.0/policies/authenticationMethodsPolicy",
            whole(get(policy::get).patch(policy::patch)),
        )
        .route(configurations, whole(get(policy::list)))
        .route(
            &format!("{configurations}/{{id}}"),
            whole(get(policy::configuration).patch(policy::configure)),
        )
        .route(
            "/v1.0/users/{id}/authentication/{kind}",
            whole(get(methods::list).post(methods::post)),
        )
        .route(
            "/v1.0/users/{id}/authentication/{kind}/{method}",
            whole(get(methods::get).delete(methods::delete)),
        )
        .route("/v1.0/me/authentication/{kind}", whole(get(methods::list_own)))
        .route("/v1.0/me/authentication/{kind}/{method}", whole(get(methods::get_own)))
}
