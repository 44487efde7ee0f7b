//! What is particular to each collection of conditional access.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::AccessRules;
use hygie_policy::json::{Member, read};
use hygie_policy::policy::AuthenticationContext;
use hygie_policy::strength::built_ins;
use hygie_policy::{AuthenticationStrength, NamedLocation, Policy};
use hygie_web::error::GraphError;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::caller::Caller;
use super::super::document::{Document, done};
use super::{APPLICATIONS, Collection, READ, WRITE, object};
use crate::entity::{CONTEXT, NAMED_LOCATION, POLICY, STRENGTH};
use crate::{Graph, GraphFault};
use hygie_odata::EntityType;

/// The place of what has an id.
fn at(id: Option<Uuid>) -> ObjectId {
    ObjectId::from_uuid(id.unwrap_or_default())
}

impl Collection for Policy {
    const ENTITY: &'static EntityType = &POLICY;
    const SET: &'static str = "identity/conditionalAccess/policies";
    const NAME: &'static [&'static [&'static str]] = &[APPLICATIONS];

    fn members(self, rules: &AccessRules) -> Map<String, Value> {
        object(rules.with_strength(self).write())
    }

    fn place(&self) -> ObjectId {
        at(self.id.map(hygie_policy::PolicyId::uuid))
    }
}

impl Collection for NamedLocation {
    const ENTITY: &'static EntityType = &NAMED_LOCATION;
    const SET: &'static str = "identity/conditionalAccess/namedLocations";

    fn place(&self) -> ObjectId {
        at(self.id.map(hygie_policy::LocationId::uuid))
    }
}

impl Collection for AuthenticationStrength {
    const ENTITY: &'static EntityType = &STRENGTH;
    const SET: &'static str = "policies/authenticationStrengthPolicies";
    const READ: &'static [&'static str] = &[
        "Policy.Read.All",
        "Policy.Read.ConditionalAccess",
        "Policy.ReadWrite.ConditionalAccess",
        "Policy.ReadWrite.AuthenticationMethod",
    ];
    const WRITE: &'static [&'static [&'static str]] = &[&[
        "Policy.ReadWrite.ConditionalAccess",
        "Policy.ReadWrite.AuthenticationMethod",
    ]];

    fn all(rules: &AccessRules) -> Vec<Self> {
        built_ins().into_iter().chain(rules.strengths.iter().cloned()).collect()
    }

    fn place(&self) -> ObjectId {
        at(self.id.map(hygie_policy::StrengthId::uuid))
    }
}

impl Collection for AuthenticationContext {
    const ENTITY: &'static EntityType = &CONTEXT;
    const SET: &'static str = "identity/conditionalAccess/authenticationContextClassReferences";
    const WRITE: &'static [&'static [&'static str]] = &[WRITE, READ];

    fn place(&self) -> ObjectId {
        let number = self.id.to_string().trim_start_matches('c').parse().unwrap_or_default();
        at(Some(Uuid::from_u128(number)))
    }
}

/// `PATCH` of a context makes it where it is not there, as in Graph.
pub async fn put_context(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    Document(mut change): Document,
) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, AuthenticationContext::WRITE).await?;
    let Some(members) = change.as_object_mut() else {
        // Says what is wrong with it.
        read::<AuthenticationContext>(&change)?;
        return Err(GraphFault::NotFound(id).into());
    };
    let id = Value::from(id.to_ascii_lowercase());
    if members.get("id").is_some_and(|given| *given != id) {
        return Err(hygie_policy::json::At::Member(&hygie_policy::json::At::Root, "id")
            .refuse(hygie_policy::json::Wrong::ReadOnly)
            .into());
    }
    members.insert("id".to_owned(), id);
    let new = read::<AuthenticationContext>(&change)?;
    graph.directory().put_rule(&caller.cx, new, change).await?;
    Ok(done())
}
