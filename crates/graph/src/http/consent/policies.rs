//! `/policies/authorizationPolicy` and `/policies/permissionGrantPolicies`: what people may do without a role, and to what
//! they may consent. The second are those that are there from the beginning, and cannot be changed.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::Cursor;
use hygie_policy::consent::GrantPolicy;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use uuid::Uuid;

use super::super::answer::Of;
use super::super::authority::WRITE_AUTHORIZATION;
use super::super::caller::Caller;
use super::super::document::{Document, done};
use super::super::list::{Item, Listed};
use crate::entity::{AUTHORIZATION_POLICY, PERMISSION_GRANT_POLICY, document, shown};
use crate::{Graph, GraphFault};

const SET: &str = "policies/permissionGrantPolicies";
/// Permissions that show the authorization policy.
const READ: &[&str] = &["Policy.Read.All", "Policy.ReadWrite.Authorization"];
/// Permissions that show permission grant policies.
const READ_GRANTS: &[&str] = &["Policy.Read.All", "Policy.ReadWrite.PermissionGrant"];

pub async fn get(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let select = caller.select(&AUTHORIZATION_POLICY)?;
    let policy = graph.directory().authorization_policy(&caller.cx).await?;
    let members = document(&AUTHORIZATION_POLICY, policy.to_json());
    let of = Of {
        set: "policies/authorizationPolicy",
        select: select.as_deref(),
    };
    let note = Note::new("graph.read", "authorizationPolicy".to_owned());
    Ok(graph.one(&of, shown(members, of.select), note))
}

pub async fn patch(
    State(graph): State<Graph>,
    caller: Caller,
    Document(change): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_AUTHORIZATION).await?;
    let changed = graph.directory().change_authorization_policy(&caller.cx, change).await;
    changed.map_err(GraphFault::from)?;
    Ok(done())
}

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ_GRANTS)?;
    let query = caller.query_in_one_page(&PERMISSION_GRANT_POLICY)?;
    let listed = Listed {
        set: SET,
        path: SET,
        query: &query,
        default: None,
        total: None,
    };
    let tenant = caller.cx.tenant.to_string();
    let fetch = async |at: Cursor| {
        let items = GrantPolicy::ALL.iter().zip(1..).map(|(policy, n)| -> Item {
            let members = document(&PERMISSION_GRANT_POLICY, policy.to_json(&tenant));
            (ObjectId::from_uuid(Uuid::from_u128(n)), members)
        });
        Ok(items
            .filter(|(id, _)| at.after.is_none_or(|after| *id > after))
            .collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

pub async fn one(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.need(READ_GRANTS)?;
    let select = caller.select(&PERMISSION_GRANT_POLICY)?;
    let found = GrantPolicy::parse(&id).ok_or_else(|| GraphFault::NotFound(id.clone()))?;
    let members = document(&PERMISSION_GRANT_POLICY, found.to_json(&caller.cx.tenant.to_string()));
    let of = Of {
        set: SET,
        select: select.as_deref(),
    };
    let note = Note::new("graph.read", format!("permissionGrantPolicy/{}", found.as_str()));
    Ok(graph.one(&of, shown(members, of.select), note))
}
