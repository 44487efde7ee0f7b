//! `/policies/identitySecurityDefaultsEnforcementPolicy`: the one of the tenant.
//! <https://learn.microsoft.com/graph/api/resources/identitysecuritydefaultsenforcementpolicy>

use axum::extract::State;
use axum::response::Response;
use hygie_directory::Enabled;
use hygie_policy::json::{At, Members};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::json;

use super::super::answer::Of;
use super::super::caller::Caller;
use super::super::document::{Document, done};
use super::{READ, WRITE, object};
use crate::Graph;
use crate::entity::{SECURITY_DEFAULTS, shown};

const SET: &str = "policies/identitySecurityDefaultsEnforcementPolicy";
/// The same in every tenant, as in Entra ID.
const ID: &str = "00000000-0000-0000-0000-000000000005";
/// The permission that is for them alone.
const OWN: &str = "Policy.ReadWrite.SecurityDefaults";

pub async fn get(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, &[READ, &[OWN]].concat()).await?;
    let select = caller.select(&SECURITY_DEFAULTS)?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let members = object(json!({
        "id": ID,
        "displayName": "Security Defaults",
        "description": "Multifactor authentication for everybody and no legacy authentication, where there are no policies.",
        "isEnabled": rules.has_security_defaults,
    }));
    let of = Of {
        set: SET,
        select: select.as_deref(),
    };
    let note = Note::new("graph.read", "securityDefaults".to_owned());
    Ok(graph.one(&of, shown(members, select.as_deref()), note))
}

pub async fn patch(
    State(graph): State<Graph>,
    caller: Caller,
    Document(change): Document,
) -> Result<Response, GraphError> {
    let permissions: &[&[&str]] = if caller.has(&[OWN]) { &[] } else { &[WRITE, READ] };
    caller.may_change_policies(&graph, permissions).await?;
    let members = Members::of(Some(&change), &At::Root, &["isEnabled"])?;
    let state = if members.read("isEnabled")? {
        Enabled::Yes
    } else {
        Enabled::No
    };
    graph.directory().set_security_defaults(&caller.cx, state).await?;
    Ok(done())
}
