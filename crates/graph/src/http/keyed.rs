//! Objects by another key than their id: `/applications(appId='…')`.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::AppId;
use hygie_web::error::GraphError;

use super::caller::Caller;
use super::{applications, directory_roles, service_principals, unsupported};
use crate::Graph;

pub async fn get(
    State(graph): State<Graph>,
    caller: Caller,
    Path(segment): Path<String>,
) -> Result<Response, GraphError> {
    let Some((set, name, value)) = key(&segment) else {
        return Err(unsupported::any(caller).await);
    };
    match (set, name, value.parse::<AppId>()) {
        ("applications", "appId", Ok(app)) => applications::of_app(&graph, &caller, app).await,
        ("servicePrincipals", "appId", Ok(app)) => service_principals::of_app(&graph, &caller, app).await,
        ("directoryRoles", "roleTemplateId", _) => {
            directory_roles::get(State(graph), caller, Path(value.to_owned())).await
        }
        _ => Err(unsupported::any(caller).await),
    }
}

/// `/directoryRoles(roleTemplateId='…')/members`.
pub async fn members(
    State(graph): State<Graph>,
    caller: Caller,
    Path(segment): Path<String>,
) -> Result<Response, GraphError> {
    match key(&segment) {
        Some(("directoryRoles", "roleTemplateId", id)) => {
            directory_roles::members(State(graph), caller, Path(id.to_owned())).await
        }
        _ => Err(unsupported::any(caller).await),
    }
}

/// The collection, the key and its value of `collection(key='value')`.
fn key(segment: &str) -> Option<(&str, &'static str, &str)> {
    let (set, key) = segment.strip_suffix(')')?.split_once('(')?;
    let (name, value) = key.split_once('=')?;
    let value = value.strip_prefix('\'')?.strip_suffix('\'')?;
    let name = ["appId", "roleTemplateId"]
        .into_iter()
        .find(|known| name.trim().eq_ignore_ascii_case(known))?;
    Some((set, name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_an_application() {
        let id = "00000003-0000-0000-c000-000000000000";
        assert_eq!(
            key(&format!("servicePrincipals(APPID='{id}')")),
            Some(("servicePrincipals", "appId", id))
        );
        for wrong in ["users", "users()", "users(appId=x)", "users(id='x')", "(", ")(="] {
            assert_eq!(key(wrong), None, "{wrong}");
        }
    }
}
