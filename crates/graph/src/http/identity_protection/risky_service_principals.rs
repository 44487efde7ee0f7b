//! `/identityProtection/riskyServicePrincipals`, with their history, the actions `confirmCompromised` and `dismiss`, and `report`
//! [ours]; `/identityProtection/servicePrincipalRiskDetections`.
//! <https://learn.microsoft.com/graph/api/resources/riskyserviceprincipal>

use std::collections::{BTreeSet, HashMap};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use hygie_core::{Cx, ObjectId};
use hygie_directory::repo::AtRisk;
use hygie_directory::{Cursor, DirectoryObject, Owned, RiskSaid, ServicePrincipal};
use hygie_policy::json::{At, Members};
use hygie_store::StoreError;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::super::answer::Of;
use super::super::authority::{READ_RISKY_PRINCIPALS, WRITE_RISKY_PRINCIPALS};
use super::super::caller::Caller;
use super::super::document::{Document, done};
use super::super::list::{Item, Listed};
use super::super::unsupported;
use crate::entity::{
    PRINCIPAL_RISK_DETECTION, RISKY_PRINCIPAL, RISKY_PRINCIPAL_HISTORY, principal_history, principal_risk_detection,
    risky_principal, shown,
};
use crate::{Graph, GraphFault};

const SET: &str = "identityProtection/riskyServicePrincipals";
const DETECTIONS: &str = "identityProtection/servicePrincipalRiskDetections";

/// What is said by an action.
#[derive(Clone, Copy)]
enum Action {
    Compromised,
    Dismissed,
    Reported,
}

/// The addresses.
pub fn routes() -> Router<Graph> {
    let only = |route: MethodRouter<Graph>| route.fallback(unsupported::any);
    let set = format!("/v1.0/{SET}");
    let detections = format!("/v1.0/{DETECTIONS}");
    let mut routes = Router::new()
        .route(&set, only(get(list)))
        .route(&format!("{set}/{{id}}"), only(get(one)))
        .route(&format!("{set}/{{id}}/history"), only(get(list_history)))
        .route(&detections, only(get(list_detections)))
        .route(&format!("{detections}/{{id}}"), only(get(detection)));
    for (name, action) in [
        ("confirmCompromised", Action::Compromised),
        ("dismiss", Action::Dismissed),
        ("report", Action::Reported),
    ] {
        let handler = async move |State(graph): State<Graph>, caller: Caller, document: Document| {
            say(&graph, &caller, (action, document)).await
        };
        routes = routes
            .route(&format!("{set}/{name}"), only(post(handler)))
            .route(&format!("{set}/microsoft.graph.{name}"), only(post(handler)));
    }
    routes
}

/// Those of these service principals that are there.
async fn principals(
    graph: &Graph,
    cx: &Cx,
    ids: impl Iterator<Item = ObjectId>,
) -> Result<HashMap<ObjectId, ServicePrincipal>, StoreError> {
    let ids: BTreeSet<ObjectId> = ids.collect();
    let found = graph.directory().list_objects(cx, ids.into_iter().collect()).await?;
    let principal = |owned| match owned {
        Owned::Object(DirectoryObject::ServicePrincipal(found)) => Some((found.id, found)),
        _ => None,
    };
    Ok(found.into_iter().filter_map(principal).collect())
}

async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_RISKY_PRINCIPALS).await?;
    let query = caller.query(&RISKY_PRINCIPAL)?;
    let fetch = async |at: Cursor| {
        let cx = &caller.cx;
        let page = graph.directory().page_risks(cx, AtRisk::ServicePrincipal, at).await?;
        let found = principals(&graph, cx, page.iter().map(|(id, _)| *id)).await?;
        let item = |(id, risk): &(ObjectId, _)| -> Item { (*id, risky_principal(*id, found.get(id), risk)) };
        Ok(page.iter().map(item).collect())
    };
    let listed = Listed {
        set: SET,
        path: SET,
        query: &query,
        default: None,
        total: None,
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

async fn one(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_RISKY_PRINCIPALS).await?;
    let select = caller.select(&RISKY_PRINCIPAL)?;
    let unknown = || GraphFault::NotFound(id.clone());
    let wanted: ObjectId = id.parse().map_err(|_| unknown())?;
    let risk = graph.directory().principal_risk(&caller.cx, wanted).await?;
    let risk = risk.ok_or_else(unknown)?;
    let found = principals(&graph, &caller.cx, std::iter::once(wanted)).await?;
    let select = select.as_deref();
    let members = shown(risky_principal(wanted, found.get(&wanted), &risk), select);
    let note = Note::new("graph.read", format!("principal/{wanted}"));
    Ok(graph.one(&Of { set: SET, select }, members, note))
}

/// `GET …/{id}/history`: what was told of it, the last hundred.
async fn list_history(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_RISKY_PRINCIPALS).await?;
    let query = caller.query(&RISKY_PRINCIPAL_HISTORY)?;
    let unknown = || GraphFault::NotFound(id.clone());
    let of: ObjectId = id.parse().map_err(|_| unknown())?;
    let risk = graph.directory().principal_risk(&caller.cx, of).await?;
    risk.ok_or_else(unknown)?;
    let found = principals(&graph, &caller.cx, std::iter::once(of)).await?;
    let events = graph
        .directory()
        .risk_history(&caller.cx, AtRisk::ServicePrincipal, of)
        .await?;
    let items = events
        .iter()
        .map(|event| (event.id, principal_history(event, found.get(&of))));
    let path = format!("{SET}/{of}/history");
    let listed = Listed {
        set: &path,
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    Ok(graph.list_all(&caller, listed, items.collect()).await?)
}

async fn list_detections(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_RISKY_PRINCIPALS).await?;
    let query = caller.query(&PRINCIPAL_RISK_DETECTION)?;
    let fetch = async |at: Cursor| {
        let (cx, kind) = (&caller.cx, AtRisk::ServicePrincipal);
        let page = graph.directory().page_risk_detections(cx, kind, at).await?;
        let found = principals(&graph, cx, page.iter().map(|told| told.event.user)).await?;
        let item = |told: &hygie_directory::Detection| -> Item {
            (
                told.event.id,
                principal_risk_detection(told, found.get(&told.event.user)),
            )
        };
        Ok(page.iter().map(item).collect())
    };
    let listed = Listed {
        set: DETECTIONS,
        path: DETECTIONS,
        query: &query,
        default: None,
        total: None,
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

async fn detection(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_RISKY_PRINCIPALS).await?;
    let select = caller.select(&PRINCIPAL_RISK_DETECTION)?;
    let unknown = || GraphFault::NotFound(id.clone());
    let parsed: ObjectId = id.parse().map_err(|_| unknown())?;
    let (cx, kind) = (&caller.cx, AtRisk::ServicePrincipal);
    let told = graph.directory().find_risk_detection(cx, kind, parsed).await?;
    let told = told.ok_or_else(unknown)?;
    let of = told.event.user;
    let found = principals(&graph, cx, std::iter::once(of)).await?;
    let select = select.as_deref();
    let members = shown(principal_risk_detection(&told, found.get(&of)), select);
    let note = Note::new("graph.read", format!("principal/{of}"));
    let of = Of {
        set: DETECTIONS,
        select,
    };
    Ok(graph.one(&of, members, note))
}

/// `POST …/{action}` of the service principals that a document names.
async fn say(
    graph: &Graph,
    caller: &Caller,
    (action, Document(document)): (Action, Document),
) -> Result<Response, GraphError> {
    caller.may(graph, &WRITE_RISKY_PRINCIPALS).await?;
    let known: &[&str] = match action {
        Action::Reported => &["servicePrincipalIds", "riskLevel"],
        Action::Compromised | Action::Dismissed => &["servicePrincipalIds"],
    };
    let members = Members::of(Some(&document), &At::Root, known)?;
    let said = match action {
        Action::Compromised => RiskSaid::Compromised,
        Action::Dismissed => RiskSaid::Dismissed,
        Action::Reported => RiskSaid::Reported(members.read("riskLevel")?),
    };
    let ids = members.read("servicePrincipalIds")?;
    graph.directory().say_principal_risk(&caller.cx, ids, said).await?;
    Ok(done())
}
