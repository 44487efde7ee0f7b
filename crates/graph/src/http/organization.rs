//! `/organization`: the tenant of the token. <https://learn.microsoft.com/graph/api/resources/organization>

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::NotificationMails;
use hygie_policy::json::Members;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value};

use super::answer::Of;
use super::authority::WRITE_ORGANIZATION;
use super::body::Body;
use super::caller::Caller;
use super::document::done;
use super::list::Listed;
use crate::entity::{ORGANIZATION, organization, shown};
use crate::{Graph, GraphFault};

/// Permissions that show the tenant; a person sees their own.
const READ: &[&str] = &[
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "User.Read",
    "User.Read.All",
    "User.ReadWrite",
    "User.ReadWrite.All",
];

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let query = caller.query(&ORGANIZATION)?;
    let listed = Listed {
        set: "organization",
        path: "organization",
        query: &query,
        default: None,
        total: None,
    };
    let found = find(&graph, &caller).await?;
    let id = ObjectId::from_uuid(caller.cx.tenant.uuid());
    let fetch = async |at: hygie_directory::Cursor| {
        let is_new = at.after.is_none_or(|after| id > after);
        Ok(is_new.then(|| (id, found.clone())).into_iter().collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.need(READ)?;
    if id.parse() != Ok(caller.cx.tenant) {
        return Err(GraphFault::NotFound(id).into());
    }
    let select = caller.select(&ORGANIZATION)?;
    let select = select.as_deref();
    let of = Of {
        set: "organization",
        select,
    };
    let members = find(&graph, &caller).await?;
    Ok(graph.one(
        &of,
        shown(members, select),
        Note::new("graph.read", "organization".to_owned()),
    ))
}

/// Where the tenant wants to be told by mail; its name and what it is called by are the operator's.
pub async fn patch(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_ORGANIZATION).await?;
    if id.parse() != Ok(caller.cx.tenant) {
        return Err(GraphFault::NotFound(id).into());
    }
    let members = body.members(&["securityComplianceNotificationMails", "technicalNotificationMails"])?;
    let change = NotificationMails {
        security: read(&members, "securityComplianceNotificationMails")?,
        technical: read(&members, "technicalNotificationMails")?,
    };
    let directory = graph.directory();
    let changed = directory.change_notification_mails(&caller.cx, change).await;
    changed.map_err(GraphFault::from)?;
    Ok(done())
}

/// What is not named stays.
fn read(members: &Members<'_>, name: &str) -> Result<Option<Vec<String>>, GraphFault> {
    Ok(match members.find(name) {
        Some(_) => Some(members.read(name)?),
        None => None,
    })
}

async fn find(graph: &Graph, caller: &Caller) -> Result<Map<String, Value>, GraphError> {
    let found = graph.directory().find_tenant(&caller.cx).await?;
    let (tenant, domains) = found.ok_or_else(|| GraphFault::NotFound(caller.cx.tenant.to_string()))?;
    let mails = graph.directory().notification_mails(&caller.cx).await?;
    Ok(organization(&tenant, &domains, mails))
}
