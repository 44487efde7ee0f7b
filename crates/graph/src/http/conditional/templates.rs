//! `/identity/conditionalAccess/templates`: policies to begin with, without the person who asks, who must not be shut out.
//! <https://learn.microsoft.com/graph/api/resources/conditionalaccesstemplate>

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_policy::templates::{self, Template};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value, json};

use super::super::answer::Of;
use super::super::caller::Caller;
use super::super::list::{Item, Listed};
use super::{READ, object, page};
use crate::entity::{TEMPLATE, shown};
use crate::{Graph, GraphFault};

const SET: &str = "identity/conditionalAccess/templates";

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let query = caller.query(&TEMPLATE)?;
    let item = |one: &Template| -> Item { (ObjectId::from_uuid(one.id.uuid()), members(one)) };
    let mut all: Vec<Item> = templates(&caller).iter().map(item).collect();
    all.sort_by_key(|(id, _)| *id);
    let listed = Listed {
        set: SET,
        path: SET,
        query: &query,
        default: None,
        total: None,
    };
    Ok(graph.list(&caller, listed, async |at| Ok(page(&all, at))).await?)
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let select = caller.select(&TEMPLATE)?;
    let all = templates(&caller);
    let found = all.iter().find(|one| one.id.to_string() == id.to_ascii_lowercase());
    let found = found.ok_or(GraphFault::NotFound(id))?;
    let of = Of {
        set: SET,
        select: select.as_deref(),
    };
    let note = Note::new("graph.read", format!("template/{}", found.id));
    Ok(graph.one(&of, shown(members(found), select.as_deref()), note))
}

fn templates(caller: &Caller) -> Vec<Template> {
    templates::templates(&caller.person().into_iter().collect())
}

fn members(template: &Template) -> Map<String, Value> {
    let mut policy = template.policy.to_json();
    object(json!({
        "id": template.id.to_string(),
        "name": template.policy.display_name,
        "description": template.description,
        "scenarios": template.scenarios,
        "details": {
            "conditions": policy["conditions"].take(),
            "grantControls": policy["grantControls"].take(),
            "sessionControls": policy["sessionControls"].take(),
        },
    }))
}
