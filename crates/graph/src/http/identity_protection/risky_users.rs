//! `/identityProtection/riskyUsers`, with their history, the actions `confirmCompromised`, `confirmSafe` and `dismiss`, and `report` [ours].
//! <https://learn.microsoft.com/graph/api/resources/riskyuser>
//!
//! By `report` a detector says how much risk there is of people: `{"userIds": […], "riskLevel": "medium"}`. It lowers nothing.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::{Cx, ObjectId};
use hygie_directory::repo::AtRisk;
use hygie_directory::{Cursor, RiskSaid};
use hygie_policy::json::{At, Members};
use hygie_policy::risk::UserRisk;
use hygie_store::StoreError;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::Value;

use super::super::answer::Of;
use super::super::authority::{READ_RISKY_USERS, WRITE_RISKY_USERS};
use super::super::caller::Caller;
use super::super::document::{Document, done};
use super::super::list::{Item, Listed};
use crate::entity::{RISKY_USER, RISKY_USER_HISTORY, history, risky_user, shown};
use crate::{Graph, GraphFault};

const SET: &str = "identityProtection/riskyUsers";

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_RISKY_USERS).await?;
    let query = caller.query(&RISKY_USER)?;
    let listed = Listed {
        set: SET,
        path: SET,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at: Cursor| {
        let mut items = Vec::new();
        for (id, risk) in graph.directory().page_risks(&caller.cx, AtRisk::User, at).await? {
            items.push(graph.risky_user(&caller.cx, id, &risk).await?);
        }
        Ok(items)
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_RISKY_USERS).await?;
    let select = caller.select(&RISKY_USER)?;
    let unknown = || GraphFault::NotFound(id.clone());
    let user: ObjectId = id.parse().map_err(|_| unknown())?;
    let found = graph.directory().user_risk(&caller.cx, user).await;
    let risk = found.map_err(GraphFault::from)?.ok_or_else(unknown)?;
    let item = graph.risky_user(&caller.cx, user, &risk).await;
    let (_, members) = item.map_err(GraphFault::from)?;
    let select = select.as_deref();
    let note = Note::new("graph.read", format!("user/{user}"));
    Ok(graph.one(&Of { set: SET, select }, shown(members, select), note))
}

pub async fn confirm_compromised(
    State(graph): State<Graph>,
    caller: Caller,
    Document(document): Document,
) -> Result<Response, GraphError> {
    said(&graph, &caller, &document, RiskSaid::Compromised).await
}

pub async fn dismiss(
    State(graph): State<Graph>,
    caller: Caller,
    Document(document): Document,
) -> Result<Response, GraphError> {
    said(&graph, &caller, &document, RiskSaid::Dismissed).await
}

pub async fn confirm_safe(
    State(graph): State<Graph>,
    caller: Caller,
    Document(document): Document,
) -> Result<Response, GraphError> {
    said(&graph, &caller, &document, RiskSaid::Safe).await
}

/// `GET …/{id}/history`: what was told of somebody, the last hundred.
pub async fn list_history(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_RISKY_USERS).await?;
    let query = caller.query(&RISKY_USER_HISTORY)?;
    let unknown = || GraphFault::NotFound(id.clone());
    let user: ObjectId = id.parse().map_err(|_| unknown())?;
    let found = graph.directory().user_risk(&caller.cx, user).await?;
    found.ok_or_else(unknown)?;
    let person = graph.directory().find_user_by_id(&caller.cx, user).await?;
    let events = graph.directory().risk_history(&caller.cx, AtRisk::User, user).await?;
    let items = events.iter().map(|event| (event.id, history(event, person.as_ref())));
    let path = format!("{SET}/{user}/history");
    let listed = Listed {
        set: &path,
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    Ok(graph.list_all(&caller, listed, items.collect()).await?)
}

pub async fn report(
    State(graph): State<Graph>,
    caller: Caller,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_RISKY_USERS).await?;
    let members = Members::of(Some(&document), &At::Root, &["userIds", "riskLevel"])?;
    let level = members.read("riskLevel")?;
    let users = members.read("userIds")?;
    say(&graph, &caller, users, RiskSaid::Reported(level)).await
}

/// Of the people that a document names, and nothing else.
async fn said(graph: &Graph, caller: &Caller, document: &Value, said: RiskSaid) -> Result<Response, GraphError> {
    caller.may(graph, &WRITE_RISKY_USERS).await?;
    let members = Members::of(Some(document), &At::Root, &["userIds"])?;
    say(graph, caller, members.read("userIds")?, said).await
}

async fn say(graph: &Graph, caller: &Caller, users: Vec<ObjectId>, said: RiskSaid) -> Result<Response, GraphError> {
    graph.directory().say_risk(&caller.cx, users, said).await?;
    Ok(done())
}

impl Graph {
    /// Somebody of whom risk was told, also where the account is gone.
    async fn risky_user(&self, cx: &Cx, id: ObjectId, risk: &UserRisk) -> Result<Item, StoreError> {
        let user = self.directory().find_user_by_id(cx, id).await?;
        Ok((id, risky_user(id, user.as_ref(), risk)))
    }
}
