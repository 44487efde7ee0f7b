//! `/identityProtection`: risk as administrators and detectors tell it.

mod risk_detections;
mod risky_service_principals;
mod risky_users;
mod supplied_risks;

use axum::Router;
use axum::routing::{MethodRouter, get, post};

use super::unsupported;
use crate::Graph;

/// The addresses.
pub fn routes() -> Router<Graph> {
    let only = |route: MethodRouter<Graph>| route.fallback(unsupported::any);
    let users = "/v1.0/identityProtection/riskyUsers";
    let supplied = "/v1.0/identityProtection/suppliedRisks";
    let mut routes = Router::new()
        .route(users, only(get(risky_users::list)))
        .route(&format!("{users}/{{id}}"), only(get(risky_users::get)))
        .route(&format!("{users}/{{id}}/history"), only(get(risky_users::list_history)))
        .route(
            "/v1.0/identityProtection/riskDetections",
            only(get(risk_detections::list)),
        )
        .route(
            "/v1.0/identityProtection/riskDetections/{id}",
            only(get(risk_detections::get)),
        )
        .route(supplied, only(get(supplied_risks::list).post(supplied_risks::create)))
        .route(
            &format!("{supplied}/{{id}}"),
            only(get(supplied_risks::get).delete(supplied_risks::delete)),
        );
    routes = routes.merge(risky_service_principals::routes());
    // With the name of the type before that of the action too, as Graph has it.
    for (action, handler) in [
        ("confirmCompromised", post(risky_users::confirm_compromised)),
        ("confirmSafe", post(risky_users::confirm_safe)),
        ("dismiss", post(risky_users::dismiss)),
        ("report", post(risky_users::report)),
    ] {
        routes = routes
            .route(&format!("{users}/{action}"), only(handler.clone()))
            .route(&format!("{users}/microsoft.graph.{action}"), only(handler));
    }
    routes
}
