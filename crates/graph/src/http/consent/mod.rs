//! Consent: what people may consent to, which permissions are of low impact, whose applications are verified.

mod classifications;
mod policies;
mod publisher;
mod requests;

use axum::Router;
use axum::routing::{delete, get, post};

use super::route;
use crate::Graph;

/// Their addresses.
pub fn routes() -> Router<Graph> {
    let classifications = "/v1.0/servicePrincipals/{id}/delegatedPermissionClassifications";
    let asked = "/v1.0/identityGovernance/appConsent/appConsentRequests";
    let of_people = format!("{asked}/{{app}}/userConsentRequests");
    let stages = format!("{of_people}/{{id}}/approval/stages/{{stage}}");
    Router::new()
        .route(
            "/v1.0/policies/adminConsentRequestPolicy",
            route(get(requests::policy).put(requests::put)),
        )
        .route(asked, route(get(requests::list)))
        .route(&format!("{asked}/{{app}}"), route(get(requests::get)))
        .route(&of_people, route(get(requests::list_users)))
        .route(&format!("{of_people}/{{id}}"), route(get(requests::get_user)))
        .route(&format!("{of_people}/{{id}}/approval"), route(get(requests::approval)))
        .route(&stages, route(get(requests::read_stage).patch(requests::decide)))
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
