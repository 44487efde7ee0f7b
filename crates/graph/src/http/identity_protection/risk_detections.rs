//! `/identityProtection/riskDetections`: the risks that were told of people.
//! <https://learn.microsoft.com/graph/api/resources/riskdetection>

use std::collections::{BTreeSet, HashMap};

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::repo::AtRisk;
use hygie_directory::{Cursor, Detection, User};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::super::answer::Of;
use super::super::authority::READ_RISK_EVENTS;
use super::super::caller::Caller;
use super::super::list::Listed;
use crate::entity::{RISK_DETECTION, risk_detection, shown};
use crate::{Graph, GraphFault};

const SET: &str = "identityProtection/riskDetections";

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_RISK_EVENTS).await?;
    let query = caller.query(&RISK_DETECTION)?;
    let listed = Listed {
        set: SET,
        path: SET,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at: Cursor| {
        let (directory, cx) = (graph.directory(), &caller.cx);
        let page = directory.page_risk_detections(cx, AtRisk::User, at).await?;
        let ids: BTreeSet<ObjectId> = page.iter().map(|found| found.event.user).collect();
        let people = directory.list_users(cx, ids.into_iter().collect()).await?;
        let people: HashMap<ObjectId, User> = people.into_iter().map(|user| (user.id, user)).collect();
        let item = |found: &Detection| {
            let person = people.get(&found.event.user);
            (found.event.id, risk_detection(found, person))
        };
        Ok(page.iter().map(item).collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_RISK_EVENTS).await?;
    let select = caller.select(&RISK_DETECTION)?;
    let unknown = || GraphFault::NotFound(id.clone());
    let parsed: ObjectId = id.parse().map_err(|_| unknown())?;
    let found = graph
        .directory()
        .find_risk_detection(&caller.cx, AtRisk::User, parsed)
        .await?;
    let found = found.ok_or_else(unknown)?;
    let user = found.event.user;
    let person = graph.directory().find_user_by_id(&caller.cx, user).await?;
    let select = select.as_deref();
    let note = Note::new("graph.read", format!("user/{user}"));
    let members = shown(risk_detection(&found, person.as_ref()), select);
    Ok(graph.one(&Of { set: SET, select }, members, note))
}
