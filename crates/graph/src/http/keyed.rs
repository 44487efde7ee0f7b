//! Objects by another key than their id: `/applications(appId='…')`.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::AppId;
use hygie_web::error::GraphError;

use super::caller::Caller;
use super::{applications, service_principals, unsupported};
use crate::Graph;

pub async fn get(
    State(graph): State<Graph>,
    caller: Caller,
    Path(segment): Path<String>,
) -> Result<Response, GraphError> {
    match key(&segment) {
        Some(("applications", app)) => applications::of_app(&graph, &caller, app).await,
        Some(("servicePrincipals", app)) => service_principals::of_app(&graph, &caller, app).await,
        _ => Err(unsupported::any(caller).await),
    }
}

/// The collection and the client id of `collection(appId='…')`.
fn key(segment: &str) -> Option<(&str, AppId)> {
    let (set, key) = segment.strip_suffix(')')?.split_once('(')?;
    let (name, value) = key.split_once('=')?;
    let app = value.strip_prefix('\'')?.strip_suffix('\'')?.parse().ok()?;
    name.trim().eq_ignore_ascii_case("appId").then_some((set, app))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_an_application() {
        let id = "00000003-0000-0000-c000-000000000000";
        let found =
            key(&format!("servicePrincipals(appId='{id}')")).map(|(set, app)| (set.to_owned(), app.to_string()));
        assert_eq!(found, Some(("servicePrincipals".to_owned(), id.to_owned())));
        for wrong in [
            "users",
            "users()",
            "users(appId=x)",
            "users(appId='x')",
            "users(id='x')",
            "(",
            ")(=",
        ] {
            assert_eq!(key(wrong), None, "{wrong}");
        }
    }
}
