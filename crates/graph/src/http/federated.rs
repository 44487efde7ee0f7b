//! `/applications/{id}/federatedIdentityCredentials`:
//! <https://learn.microsoft.com/graph/api/resources/federatedidentitycredential>.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use hygie_core::{AppId, ObjectId};
use hygie_directory::FederatedCredential;
use hygie_policy::json::{At, Wrong};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::answer::{Of, done};
use super::application_changes::{may, may_prove_as};
use super::body::Body;
use super::caller::Caller;
use super::list::{Item, Listed};
use super::{applications, route};
use crate::entity::{FEDERATED, federated, shown};
use crate::{Graph, GraphFault};

/// What a body may say; the name once and for all.
const MEMBERS: &[&str] = &["name", "issuer", "subject", "audiences", "description"];

pub fn routes() -> Router<Graph> {
    let all = "/v1.0/applications/{id}/federatedIdentityCredentials";
    Router::new().route(all, route(get(list).post(create))).route(
        &format!("{all}/{{credential}}"),
        route(get(one).patch(update).delete(delete)),
    )
}

async fn list(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.need(applications::READ)?;
    let query = caller.query_in_one_page(&FEDERATED)?;
    let app = app(&graph, &caller, &id).await?;
    let path = format!("applications/{id}/federatedIdentityCredentials");
    let listed = Listed {
        set: &set(&id),
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at: hygie_directory::Cursor| {
        let mut all = graph.directory().federated_credentials(&caller.cx, app).await?;
        all.sort_by_key(|one| one.id);
        let item = |one: &FederatedCredential| -> Item { (ObjectId::from_uuid(one.id), federated(one)) };
        let page = all
            .iter()
            .map(item)
            .filter(|(id, _)| at.after.is_none_or(|after| *id > after));
        Ok(page.take(at.limit as usize).collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

async fn one(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.need(applications::READ)?;
    let app = app(&graph, &caller, &id).await?;
    let found = find(&graph, &caller, (app, &key)).await?;
    let select = caller.select(&FEDERATED)?;
    let select = select.as_deref();
    let of = Of { set: &set(&id), select };
    let note = Note::new("graph.read", format!("app/{app}"));
    Ok(graph.one(&of, shown(federated(&found), select), note))
}

async fn create(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    let app = changeable(&graph, &caller, &id).await?;
    let nothing = FederatedCredential::empty(caller.cx.now);
    let new = read(&body, nothing)?;
    let made = graph.directory().add_federated_credential(&caller.cx, app, new).await;
    let made = made.map_err(GraphFault::from)?;
    let of = Of {
        set: &set(&id),
        select: None,
    };
    Ok(graph.created(&of, federated(&made)))
}

async fn update(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
    body: Body,
) -> Result<Response, GraphError> {
    let app = changeable(&graph, &caller, &id).await?;
    let found = find(&graph, &caller, (app, &key)).await?;
    let after = read(&body, found.clone())?;
    let directory = graph.directory();
    let changed = directory
        .update_federated_credential(&caller.cx, app, (found, after))
        .await;
    changed.map_err(GraphFault::from)?;
    Ok(done())
}

async fn delete(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let app = app(&graph, &caller, &id).await?;
    let found = find(&graph, &caller, (app, &key)).await?;
    let removed = graph
        .directory()
        .remove_federated_credential(&caller.cx, app, found.id)
        .await;
    removed.map_err(GraphFault::from)?;
    Ok(done())
}

/// The client id of an application whose credentials the caller may give.
async fn changeable(graph: &Graph, caller: &Caller, id: &str) -> Result<AppId, GraphError> {
    may(graph, caller, id).await?;
    let app = app(graph, caller, id).await?;
    may_prove_as(graph, caller, app).await?;
    Ok(app)
}

async fn app(graph: &Graph, caller: &Caller, id: &str) -> Result<AppId, GraphError> {
    Ok(applications::find(graph, caller, id).await?.application.app)
}

/// By id or name.
async fn find(graph: &Graph, caller: &Caller, (app, key): (AppId, &str)) -> Result<FederatedCredential, GraphFault> {
    let directory = graph.directory();
    let found = directory.find_federated_credential(&caller.cx, app, key).await?;
    found.ok_or_else(|| GraphFault::NotFound(key.to_owned()))
}

fn set(id: &str) -> String {
    format!("applications('{id}')/federatedIdentityCredentials")
}

/// The credential after a body: what is absent stays, `null` takes away.
fn read(body: &Body, mut to: FederatedCredential) -> Result<FederatedCredential, GraphFault> {
    let members = body.members(MEMBERS)?;
    for (name, place) in [("issuer", &mut to.issuer), ("subject", &mut to.subject)] {
        if body.0.get(name).is_some() {
            *place = members.read::<Option<String>>(name)?.unwrap_or_default();
        }
    }
    if body.0.get("audiences").is_some() {
        to.audiences = members.read("audiences")?;
    }
    if body.0.get("description").is_some() {
        to.description = members.read("description")?;
    }
    let at = |member: &str, wrong| At::Member(&At::Root, member).refuse(wrong);
    match members.read::<Option<String>>("name")? {
        Some(name) if to.name.is_empty() => to.name = name,
        Some(name) if name != to.name => return Err(at("name", Wrong::ReadOnly).into()),
        _ => {}
    }
    let wrong = |member| at(member, Wrong::NotA("of the form and length of this member"));
    to.check().map_err(wrong)?;
    Ok(to)
}
