//! `/identityProtection/suppliedRisks` [ours]: risks of sign-ins that an outside detector supplies, of people, of addresses, or
//! of these people from these addresses, each with an end.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::Cursor;
use hygie_policy::json::{Member, read};
use hygie_policy::risk::SuppliedRisk;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::super::answer::Of;
use super::super::authority::{READ_RISK_EVENTS, WRITE_RISK_EVENTS};
use super::super::caller::Caller;
use super::super::conditional::{object, page};
use super::super::document::{Document, created, done};
use super::super::list::{Item, Listed};
use crate::entity::{SUPPLIED_RISK, shown};
use crate::{Graph, GraphFault};

const SET: &str = "identityProtection/suppliedRisks";

impl Graph {
    async fn supplied(&self, caller: &Caller) -> Result<Vec<Item>, GraphFault> {
        let all = self.directory().list_supplied_risks(&caller.cx).await?;
        Ok(all.into_iter().map(|(id, risk)| (id, object(risk.write()))).collect())
    }
}

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_RISK_EVENTS).await?;
    let query = caller.query(&SUPPLIED_RISK)?;
    let all = graph.supplied(&caller).await?;
    let listed = Listed {
        set: SET,
        path: SET,
        query: &query,
        default: None,
        total: Some(all.len()),
    };
    Ok(graph
        .list(&caller, listed, async |at: Cursor| Ok(page(&all, at)))
        .await?)
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_RISK_EVENTS).await?;
    let select = caller.select(&SUPPLIED_RISK)?;
    let wanted = id_of(&id)?;
    let mut all = graph.supplied(&caller).await?.into_iter();
    let found = all.find(|(id, _)| *id == wanted);
    let (_, members) = found.ok_or_else(|| GraphFault::NotFound(id.clone()))?;
    let select = select.as_deref();
    let note = Note::new("graph.read", format!("risk/{wanted}"));
    Ok(graph.one(&Of { set: SET, select }, shown(members, select), note))
}

pub async fn create(
    State(graph): State<Graph>,
    caller: Caller,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_RISK_EVENTS).await?;
    let new = read::<SuppliedRisk>(&document)?;
    let (id, kept) = graph.directory().supply_risk(&caller.cx, new).await?;
    let of = Of { set: SET, select: None };
    let answer = graph.one(&of, object(kept.write()), Note::recorded());
    Ok(created(answer, &graph.address(&format!("{SET}/{id}"))))
}

pub async fn delete(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_RISK_EVENTS).await?;
    graph.directory().withdraw_risk(&caller.cx, id_of(&id)?).await?;
    Ok(done())
}

fn id_of(id: &str) -> Result<ObjectId, GraphFault> {
    id.parse().map_err(|_| GraphFault::NotFound(id.to_owned()))
}
