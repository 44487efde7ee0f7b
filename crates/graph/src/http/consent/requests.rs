//! `/identityGovernance/appConsent/appConsentRequests` and `/policies/adminConsentRequestPolicy`: what people ask administrators to
//! consent to, and their answers. <https://learn.microsoft.com/graph/api/resources/consentrequests-overview>
//!
//! # Deviations
//!
//! - The requests of people for one application are one object, whose id is that of the application; an approval has one stage,
//!   whose id is that of the request. What is approved is granted at once, for everybody.
//! - Ours, so that who decides sees what is decided: the resource of each permission, what each person asks for (`requestedScopes`),
//!   and whose application it is by now (`appOwnerOrganizationId`, `verifiedPublisher`).
//! - Nobody is notified by mail, and whoever may consent reviews: those members of the policy have one value.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::{AppId, ObjectId};
use hygie_directory::{
    Application, AskedConsent, ConsentDecision, ConsentRequestStatus, Cursor, DirectoryError, RequestedPermissions,
    User,
};
use hygie_policy::consent::ConsentRequestPolicy;
use hygie_policy::json::{At, Members, Wrong};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value, json};

use super::super::answer::Of;
use super::super::authority::{DECIDE_CONSENT, GRANT_SCOPES, READ_CONSENT_REQUESTS, WRITE_CONSENT_REQUESTS_POLICY};
use super::super::caller::Caller;
use super::super::conditional::page;
use super::super::document::{Document, done};
use super::super::list::{Item, Listed};
use crate::entity::{APP_CONSENT_REQUEST, USER_CONSENT_REQUEST, shown};
use crate::{Graph, GraphFault};

const SET: &str = "identityGovernance/appConsent/appConsentRequests";
const POLICY: &str = "policies/adminConsentRequestPolicy";
/// Permissions that show the policy.
const READ_POLICY: &[&str] = &["Policy.Read.All", "Policy.ReadWrite.ConsentRequest"];

/// What is never otherwise here.
fn fixed() -> [(&'static str, Value); 3] {
    [
        ("remindersEnabled", json!(false)),
        ("reviewers", json!([])),
        ("version", json!(0)),
    ]
}

pub async fn policy(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ_POLICY)?;
    let rules = graph
        .directory()
        .read_access_rules(&caller.cx)
        .await
        .map_err(GraphFault::from)?;
    let ConsentRequestPolicy {
        is_enabled,
        tells_reviewers,
        days,
    } = rules.consent_requests;
    let mut members = Map::from_iter(fixed().map(|(name, value)| (name.to_owned(), value)));
    members.insert("isEnabled".to_owned(), is_enabled.into());
    members.insert("notifyReviewers".to_owned(), tells_reviewers.into());
    members.insert("requestDurationInDays".to_owned(), days.into());
    let note = Note::new("graph.read", "adminConsentRequestPolicy".to_owned());
    Ok(graph.told(&format!("{POLICY}/$entity"), members, note))
}

pub async fn put(
    State(graph): State<Graph>,
    caller: Caller,
    Document(mut change): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_CONSENT_REQUESTS_POLICY).await?;
    if let Some(members) = change.as_object_mut() {
        for (name, only) in fixed() {
            if members.remove(name).is_some_and(|given| given != only) {
                return Err(GraphFault::from(DirectoryError::Value(name)).into());
            }
        }
    }
    graph
        .directory()
        .change_consent_request_policy(&caller.cx, change)
        .await?;
    Ok(done())
}

impl Graph {
    async fn asked(&self, caller: &Caller) -> Result<Vec<AskedConsent>, GraphFault> {
        Ok(self.directory().consent_requests(&caller.cx).await?)
    }

    /// The requests for one application.
    async fn asked_for(&self, caller: &Caller, app: &str) -> Result<Vec<AskedConsent>, GraphFault> {
        let gone = || GraphFault::NotFound(app.to_owned());
        let wanted: AppId = app.parse().map_err(|_| gone())?;
        let mut all = self.asked(caller).await?;
        all.retain(|one| one.app == wanted);
        if all.is_empty() { Err(gone()) } else { Ok(all) }
    }

    async fn one_asked(&self, caller: &Caller, (app, id): (&str, &str)) -> Result<AskedConsent, GraphFault> {
        let all = self.asked_for(caller, app).await?;
        let mut found = all.into_iter().filter(|one| one.id.to_string() == id);
        found.next().ok_or_else(|| GraphFault::NotFound(id.to_owned()))
    }

    /// The requests of people, with who they are.
    async fn user_requests(&self, caller: &Caller, all: Vec<AskedConsent>) -> Result<Vec<Item>, GraphFault> {
        let known = self.named(caller, &all).await?;
        let mut items = Vec::new();
        for one in all {
            let user = self.directory().find_user_by_id(&caller.cx, one.user).await?;
            items.push((one.id, user_request(&one, user.as_ref(), &known)));
        }
        Ok(items)
    }

    /// The applications that requests name, as asking and as resources.
    async fn named(&self, caller: &Caller, all: &[AskedConsent]) -> Result<Named, GraphFault> {
        let resources = all.iter().flat_map(|one| &one.permissions).map(|of| of.resource);
        let apps: BTreeSet<AppId> = all.iter().map(|one| one.app).chain(resources).collect();
        let mut named = Named::new();
        for app in apps {
            if let Some(found) = self.directory().find_application(&caller.cx, app).await? {
                named.insert(app, found);
            }
        }
        Ok(named)
    }
}

/// Applications by their ids.
type Named = BTreeMap<AppId, Application>;

/// Permissions with their resources, each once.
fn scopes<'a>(asked: impl Iterator<Item = &'a RequestedPermissions>, known: &Named) -> Value {
    let each = asked.flat_map(|of| of.scopes.iter().map(|scope| (scope, of.resource)));
    let shown = |(scope, resource): (&String, AppId)| {
        json!({
            "displayName": scope,
            "resourceAppId": resource.to_string(),
            "resourceDisplayName": known.get(&resource).map(|resource| &resource.display_name),
        })
    };
    each.collect::<BTreeSet<_>>().into_iter().map(shown).collect()
}

/// The requests for one application as one object.
fn app_request(all: &[AskedConsent], known: &Named) -> Map<String, Value> {
    let awaited = all.iter().filter(|one| one.status == ConsentRequestStatus::Awaited);
    let pending = scopes(awaited.flat_map(|one| &one.permissions), known);
    let first = all.first();
    let id = first.map(|one| one.app.to_string());
    let application = first.and_then(|one| known.get(&one.app));
    // As it is called now; as it was where it is gone.
    let name = application.map(|known| &known.display_name);
    let publisher = application.and_then(|known| known.definition.verified_publisher.as_ref());
    let publisher = publisher.map(|publisher| json!({ "displayName": publisher.display_name }));
    Map::from_iter([
        ("id".to_owned(), json!(id)),
        ("appId".to_owned(), json!(id)),
        (
            "appDisplayName".to_owned(),
            json!(name.or_else(|| first.map(|one| &one.app_display_name))),
        ),
        (
            "appOwnerOrganizationId".to_owned(),
            json!(application.map(|known| known.home.to_string())),
        ),
        ("verifiedPublisher".to_owned(), json!(publisher)),
        ("pendingScopes".to_owned(), pending),
    ])
}

fn user_request(one: &AskedConsent, user: Option<&User>, known: &Named) -> Map<String, Value> {
    let status = status_of(one);
    let by = json!({ "user": {
        "id": one.user.to_string(),
        "displayName": user.map(|user| user.display_name.as_str()),
        "userPrincipalName": user.map(|user| user.user_principal_name.as_str()),
    } });
    Map::from_iter([
        ("id".to_owned(), one.id.to_string().into()),
        ("approvalId".to_owned(), one.id.to_string().into()),
        ("createdBy".to_owned(), by),
        ("createdDateTime".to_owned(), one.created_at.to_rfc3339().into()),
        ("customData".to_owned(), Value::Null),
        ("reason".to_owned(), one.reason.clone().into()),
        ("status".to_owned(), status.into()),
        ("requestedScopes".to_owned(), scopes(one.permissions.iter(), known)),
    ])
}

/// Whether a request was decided, in a word of Graph.
const fn status_of(one: &AskedConsent) -> &'static str {
    match one.status {
        ConsentRequestStatus::Awaited => "InProgress",
        ConsentRequestStatus::Approved | ConsentRequestStatus::Denied => "Completed",
    }
}

/// How a request was decided, in a word of Graph.
fn stage_of(one: &AskedConsent) -> Value {
    json!(match one.status {
        ConsentRequestStatus::Awaited => "NotReviewed",
        ConsentRequestStatus::Approved => "Approve",
        ConsentRequestStatus::Denied => "Deny",
    })
}

/// The one stage of an approval.
fn stage(one: &AskedConsent) -> Map<String, Value> {
    let status = status_of(one);
    Map::from_iter([
        ("id".to_owned(), one.id.to_string().into()),
        ("assignedToMe".to_owned(), false.into()),
        ("displayName".to_owned(), Value::Null),
        ("justification".to_owned(), json!(one.justification)),
        ("reviewResult".to_owned(), stage_of(one)),
        ("reviewedBy".to_owned(), Value::Null),
        ("reviewedDateTime".to_owned(), Value::Null),
        ("status".to_owned(), status.into()),
    ])
}

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_CONSENT_REQUESTS).await?;
    let query = caller.query(&APP_CONSENT_REQUEST)?;
    let all = graph.asked(&caller).await?;
    let mut apps: Vec<AppId> = all.iter().map(|one| one.app).collect();
    apps.sort_unstable();
    apps.dedup();
    let known = graph.named(&caller, &all).await?;
    let of = |app: AppId| -> Item {
        let own: Vec<AskedConsent> = all.iter().filter(|one| one.app == app).cloned().collect();
        (ObjectId::from_uuid(app.uuid()), app_request(&own, &known))
    };
    let items: Vec<Item> = apps.into_iter().map(of).collect();
    let listed = Listed {
        set: SET,
        path: SET,
        query: &query,
        default: None,
        total: Some(items.len()),
    };
    Ok(graph
        .list(&caller, listed, async |at: Cursor| Ok(page(&items, at)))
        .await?)
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(app): Path<String>) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_CONSENT_REQUESTS).await?;
    let select = caller.select(&APP_CONSENT_REQUEST)?;
    let all = graph.asked_for(&caller, &app).await?;
    let known = graph.named(&caller, &all).await?;
    let select = select.as_deref();
    let note = Note::new("graph.read", format!("app/{app}"));
    Ok(graph.one(&Of { set: SET, select }, shown(app_request(&all, &known), select), note))
}

pub async fn list_users(
    State(graph): State<Graph>,
    caller: Caller,
    Path(app): Path<String>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_CONSENT_REQUESTS).await?;
    let query = caller.query(&USER_CONSENT_REQUEST)?;
    let all = graph.asked_for(&caller, &app).await?;
    let mut items = graph.user_requests(&caller, all).await?;
    items.sort_unstable_by_key(|(id, _)| *id);
    let path = format!("{SET}/{app}/userConsentRequests");
    let listed = Listed {
        set: &path,
        path: &path,
        query: &query,
        default: None,
        total: Some(items.len()),
    };
    Ok(graph
        .list(&caller, listed, async |at: Cursor| Ok(page(&items, at)))
        .await?)
}

pub async fn get_user(
    State(graph): State<Graph>,
    caller: Caller,
    Path((app, id)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_CONSENT_REQUESTS).await?;
    let select = caller.select(&USER_CONSENT_REQUEST)?;
    let one = graph.one_asked(&caller, (&app, &id)).await?;
    let user = graph
        .directory()
        .find_user_by_id(&caller.cx, one.user)
        .await
        .map_err(GraphFault::from)?;
    let known = graph.named(&caller, std::slice::from_ref(&one)).await?;
    let (set, select) = (format!("{SET}/{app}/userConsentRequests"), select.as_deref());
    let members = shown(user_request(&one, user.as_ref(), &known), select);
    let note = Note::new("graph.read", format!("app/{app}"));
    Ok(graph.one(&Of { set: &set, select }, members, note))
}

pub async fn approval(
    State(graph): State<Graph>,
    caller: Caller,
    Path((app, id)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_CONSENT_REQUESTS).await?;
    let one = graph.one_asked(&caller, (&app, &id)).await?;
    let set = format!("{SET}/{app}/userConsentRequests/{id}/approval");
    let members = Map::from_iter([
        ("id".to_owned(), one.id.to_string().into()),
        ("stages".to_owned(), json!([stage(&one)])),
    ]);
    let note = Note::new("graph.read", format!("app/{app}"));
    Ok(graph.told(&format!("{set}/$entity"), members, note))
}

pub async fn read_stage(
    State(graph): State<Graph>,
    caller: Caller,
    Path((app, id, of)): Path<(String, String, String)>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_CONSENT_REQUESTS).await?;
    if id != of {
        return Err(GraphFault::NotFound(of).into());
    }
    let one = graph.one_asked(&caller, (&app, &id)).await?;
    let set = format!("{SET}/{app}/userConsentRequests/{id}/approval/stages/$entity");
    let note = Note::new("graph.read", format!("app/{app}"));
    Ok(graph.told(&set, stage(&one), note))
}

/// The answer: `reviewResult` and `justification`.
pub async fn decide(
    State(graph): State<Graph>,
    caller: Caller,
    Path((app, id, of)): Path<(String, String, String)>,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &DECIDE_CONSENT).await?;
    let said = said(&document)?;
    if said.0 == ConsentDecision::Approve {
        // It is a grant for everybody, and takes what such a grant takes.
        caller.may(&graph, &GRANT_SCOPES).await?;
    }
    if id != of {
        return Err(GraphFault::NotFound(of).into());
    }
    let one = graph.one_asked(&caller, (&app, &id)).await?;
    let decided = graph.directory().decide_consent_request(&caller.cx, one.id, said).await;
    decided.map_err(GraphFault::from)?;
    Ok(done())
}

fn said(document: &Value) -> Result<(ConsentDecision, Option<String>), GraphFault> {
    let members = Members::of(Some(document), &At::Root, &["reviewResult", "justification"])?;
    let result: String = members.read("reviewResult")?;
    let decision = match result.as_str() {
        "Approve" => ConsentDecision::Approve,
        "Deny" => ConsentDecision::Deny,
        _ => {
            return Err(At::Member(&At::Root, "reviewResult")
                .refuse(Wrong::unknown(&result))
                .into());
        }
    };
    Ok((decision, members.read("justification")?))
}
