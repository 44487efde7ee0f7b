//! `/identity/conditionalAccess/evaluate`: which policies would apply to a sign-in, of a person with their groups and roles.
//! <https://learn.microsoft.com/graph/api/conditionalaccessroot-evaluate>

use axum::extract::State;
use axum::response::Response;
use hygie_core::{AppId, Cx, ObjectId};
use hygie_directory::{Audience, ConditionalError, Directory, Membership, suite_of};
use hygie_policy::policy::GuestType;
use hygie_policy::signin::{Guest, Identity, Ownership, User, Workload};
use hygie_policy::what_if::{Request, Who, respond};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::json;

use super::super::caller::Caller;
use super::super::document::Document;
use super::{READ, object};
use crate::Graph;

pub async fn post(
    State(graph): State<Graph>,
    caller: Caller,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, READ).await?;
    let request = Request::from_json(&document)?;
    let (directory, cx) = (graph.directory(), &caller.cx);
    let identity = identity(directory, cx, &request.identity).await?;
    let rules = directory.read_access_rules(cx).await?;
    let mut sign_in = request.sign_in(identity, &suite_of, cx.now);
    let supposed = sign_in.conditions.whereabouts;
    if supposed.country.is_none() {
        sign_in.conditions.whereabouts = directory.whereabouts(supposed.address);
    }
    let answers = respond(&request, &rules.rules(), &sign_in);
    let members = object(json!({ "value": answers }));
    let note = Note::new("graph.evaluate", "policy".to_owned());
    let kind = "Collection(microsoft.graph.whatIfAnalysisResult)";
    Ok(graph.told(kind, members, note))
}

async fn identity(directory: &Directory, cx: &Cx, who: &Who) -> Result<Identity, ConditionalError> {
    let missing = |at, id: ObjectId| ConditionalError::Missing { at, id: id.to_string() };
    match who {
        Who::User { id, tenant, kind } => {
            let user = directory.find_user_by_id(cx, *id).await?;
            let user = user.ok_or_else(|| missing("signInIdentity.userId", *id))?;
            let groups = directory.groups_of(cx, user.id, Membership::Transitive).await?;
            let guest = tenant.is_some() || kind.is_some();
            Ok(Identity::User(User {
                id: user.id,
                groups: groups.into_iter().map(|group| group.id).collect(),
                roles: directory.roles_of(cx, user.id).await?,
                guest: guest.then(|| Guest {
                    kind: kind.unwrap_or(GuestType::B2bCollaborationGuest),
                    home: *tenant,
                }),
            }))
        }
        Who::ServicePrincipal(id) => {
            // Graph names it by the id of its application, and by its own.
            let found = match directory.find_presence(cx, *id).await? {
                Some(found) => Some(found),
                None => directory.find_presence_of(cx, AppId::from_uuid(id.uuid())).await?,
            };
            let found = found.ok_or_else(|| missing("signInIdentity.servicePrincipalId", *id))?;
            let audience = found.application.map(|one| one.definition.sign_in_audience);
            let is_own = found.principal.home == cx.tenant;
            let ownership = match audience {
                _ if found.principal.resource_id.is_some() => Ownership::Managed,
                Some(Audience::Home) if is_own => Ownership::SingleTenant,
                _ => Ownership::MultiTenant,
            };
            Ok(Identity::Workload(Workload {
                id: found.principal.id,
                ownership,
            }))
        }
    }
}
