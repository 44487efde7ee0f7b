//! Consent: what people may consent to, which permissions are of low impact, whose applications are verified.

mod classifications;
mod policies;
mod publisher;

use axum::Router;
use axum::routing::{delete, get, post};

use super::route;
use crate::Graph;

/// Their addresses.
pub fn routes() -> Router<Graph> {
    let classifications = "/v1.0/servicePrincipals/{id}/delegatedPermissionClassifications";
    Router::new()
        .route(
            "/v1.0/policies/authorizationPolicy",
            route(get(policies::get).patch(policies::patch)),
        )
        .route("/v1.0/policies/permissionGrantPolicies", route(get(policies::list)))
        .route("/v1.0/policies/permissionGrantPolicies/{id}", route(get(policies::one)))
        .route(
            classifications,
            route(get(classifications::list).post(classifications::create)),
        )
        .route(
            &format!("{classifications}/{{classification}}"),
            route(delete(classifications::delete)),
        )
        .route(
            "/v1.0/applications/{id}/setVerifiedPublisher",
            route(post(publisher::set)),
        )
        .route(
            "/v1.0/applications/{id}/unsetVerifiedPublisher",
            route(post(publisher::unset)),
        )
}
