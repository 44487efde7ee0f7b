//! What authentication strengths have beside themselves.
//! <https://learn.microsoft.com/graph/api/resources/authenticationstrengthpolicy>

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_policy::AuthenticationStrength;
use hygie_policy::json::{At, Member, Members, read};
use hygie_policy::strength::{Combination, CombinationConfiguration, RequirementsSatisfied};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::answer::Of;
use super::super::caller::Caller;
use super::super::document::{Document, created, done};
use super::super::list::{Item, Listed};
use super::{Collection, find, key, object, page};
use crate::entity::{CONFIGURATION, shown};
use crate::{Graph, GraphFault};

type Strength = AuthenticationStrength;

/// `usage()`: the policies that ask for it, by what it is worth to them.
pub async fn usage(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, Strength::READ).await?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let strength = find::<Strength>(&rules, &id)?;
    let policies: Vec<Value> = rules.users_of(&strength).map(Member::write).collect();
    let (mfa, none) = match strength.requirements() {
        RequirementsSatisfied::Mfa => (policies, Vec::new()),
        RequirementsSatisfied::None => (Vec::new(), policies),
    };
    let note = Note::new("graph.read", format!("strength/{}", key(&strength)));
    let members = object(json!({ "mfa": mfa, "none": none }));
    Ok(graph.told("microsoft.graph.authenticationStrengthUsage", members, note))
}

/// `updateAllowedCombinations`.
pub async fn update_combinations(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, Strength::WRITE).await?;
    let members = Members::of(Some(&document), &At::Root, &["allowedCombinations"])?;
    let combinations: Vec<Combination> = members.read("allowedCombinations")?;
    let id = id.to_ascii_lowercase();
    let directory = graph.directory();
    let (before, after) = directory.update_combinations(&caller.cx, &id, combinations).await?;
    let rules = directory.read_access_rules(&caller.cx).await?;
    let references: Vec<String> = rules.users_of(&after).map(key).collect();
    let members = object(json!({
        "previousCombinations": before.allowed_combinations.write(),
        "currentCombinations": after.allowed_combinations.write(),
        "conditionalAccessReferences": references,
        "additionalInformation": null,
    }));
    let kind = "microsoft.graph.updateAllowedCombinationsResult";
    Ok(graph.told(kind, members, Note::recorded()))
}

/// The address of what narrows a strength.
fn set(id: &str) -> String {
    format!("{}('{id}')/combinationConfigurations", Strength::SET)
}

fn path(id: &str) -> String {
    format!("{}/{id}/combinationConfigurations", Strength::SET)
}

/// By which pages go on.
fn place(configuration: &CombinationConfiguration) -> ObjectId {
    let id = configuration.id.as_ref().and_then(|id| id.parse().ok());
    id.unwrap_or(ObjectId::from_uuid(Uuid::nil()))
}

pub async fn configurations(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, Strength::READ).await?;
    let query = caller.query_in_one_page(&CONFIGURATION)?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let strength = find::<Strength>(&rules, &id)?;
    let item = |one: &CombinationConfiguration| -> Item { (place(one), object(one.write())) };
    let mut all: Vec<Item> = strength.combination_configurations.iter().map(item).collect();
    all.sort_by_key(|(id, _)| *id);
    let id = key(&strength);
    let listed = Listed {
        set: &set(&id),
        path: &path(&id),
        query: &query,
        default: None,
        total: None,
    };
    Ok(graph.list(&caller, listed, async |at| Ok(page(&all, at))).await?)
}

pub async fn configuration(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, inner)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, Strength::READ).await?;
    let select = caller.select(&CONFIGURATION)?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let strength = find::<Strength>(&rules, &id)?;
    let wanted = Some(inner.to_ascii_lowercase());
    let mut all = strength.combination_configurations.iter();
    let found = all.find(|one| one.id == wanted).ok_or(GraphFault::NotFound(inner))?;
    let of = Of {
        set: &set(&key(&strength)),
        select: select.as_deref(),
    };
    let note = Note::new("graph.read", format!("strength/{}", key(&strength)));
    Ok(graph.one(&of, shown(object(found.write()), select.as_deref()), note))
}

pub async fn create_configuration(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, Strength::WRITE).await?;
    let new = read::<CombinationConfiguration>(&document)?;
    let id = id.to_ascii_lowercase();
    let made = graph.directory().create_configuration(&caller.cx, &id, new).await?;
    let members: Map<String, Value> = object(made.write());
    let inner = made.id.unwrap_or_default();
    let of = Of {
        set: &set(&id),
        select: None,
    };
    let answer = graph.one(&of, members, Note::recorded());
    Ok(created(answer, &graph.address(&format!("{}/{inner}", path(&id)))))
}

pub async fn update_configuration(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, inner)): Path<(String, String)>,
    Document(change): Document,
) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, Strength::WRITE).await?;
    let (id, inner) = (id.to_ascii_lowercase(), inner.to_ascii_lowercase());
    let directory = graph.directory();
    directory
        .update_configuration(&caller.cx, (&id, &inner), change)
        .await?;
    Ok(done())
}

pub async fn delete_configuration(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, inner)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, Strength::WRITE).await?;
    let (id, inner) = (id.to_ascii_lowercase(), inner.to_ascii_lowercase());
    graph
        .directory()
        .delete_configuration(&caller.cx, (&id, &inner))
        .await?;
    Ok(done())
}
