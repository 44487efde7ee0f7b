//! `/agreements`, also `/identityGovernance/termsOfUse/agreements`: terms of use.
//! <https://learn.microsoft.com/graph/api/resources/agreement>

mod acceptances;
mod files;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get as read_by};
use hygie_core::ObjectId;
use hygie_directory::agreements::Terms;
use hygie_policy::AgreementId;
use hygie_policy::agreement::{Agreement, NewAgreement};
use hygie_policy::json::{Member, read};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::answer::Of;
use super::caller::Caller;
use super::document::{Document, created, done, large};
use super::list::{Item, Listed};
use super::{conditional, unsupported};
use crate::entity::{AGREEMENT, shown};
use crate::{Graph, GraphFault};

const SET: &str = "agreements";
/// Bytes of a request: terms of use are sent as PDF in base64.
const MAX_DOCUMENTS: usize = 8 << 20;
/// Permissions that show agreements.
const READ: &[&str] = &["Agreement.Read.All", "Agreement.ReadWrite.All"];
/// The permission to change them.
const WRITE: &[&str] = &["Agreement.ReadWrite.All"];

/// The addresses of terms of use.
pub fn routes() -> Router<Graph> {
    let only = |route: MethodRouter<Graph>| route.fallback(unsupported::any);
    let mut routes = Router::new()
        .route("/v1.0/me/agreementAcceptances", only(read_by(acceptances::own)))
        .route(
            "/v1.0/users/{id}/agreementAcceptances",
            only(read_by(acceptances::of_user)),
        );
    for base in ["/v1.0/agreements", "/v1.0/identityGovernance/termsOfUse/agreements"] {
        let one = format!("{base}/{{id}}");
        let of_one = read_by(get).patch(patch).delete(delete);
        let all_files = || only(read_by(files::list).post(files::post));
        routes = routes
            .route(base, only(read_by(list).post(post)))
            .route(&one, only(of_one))
            .route(&format!("{one}/file"), only(read_by(files::shown_first)))
            .route(&format!("{one}/file/localizations"), all_files())
            .route(&format!("{one}/files"), all_files())
            .route(&format!("{one}/files/{{file}}"), only(read_by(files::get)))
            .route(
                &format!("{one}/files/{{file}}/versions"),
                only(read_by(files::versions)),
            )
            .route(&format!("{one}/acceptances"), only(read_by(acceptances::of_agreement)));
    }
    routes
}

fn members(agreement: &Agreement) -> Map<String, Value> {
    conditional::object(agreement.write())
}

/// By which pages go on.
fn place(id: Option<Uuid>) -> ObjectId {
    ObjectId::from_uuid(id.unwrap_or_default())
}

/// The agreement with this id.
async fn find(graph: &Graph, caller: &Caller, id: &str) -> Result<(AgreementId, Terms), GraphError> {
    let missing = || GraphFault::NotFound(id.to_owned());
    let key: AgreementId = id.parse().map_err(|_| missing())?;
    let found = graph.directory().find_agreement(&caller.cx, key).await?;
    Ok((key, found.ok_or_else(missing)?))
}

fn one(graph: &Graph, agreement: &Agreement, select: Option<&[&'static str]>, note: Note) -> Response {
    let of = Of { set: SET, select };
    graph.one(&of, shown(members(agreement), select), note)
}

async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let query = caller.query_in_one_page(&AGREEMENT)?;
    let all = graph.directory().list_agreements(&caller.cx).await?;
    let item = |one: &Agreement| -> Item { (place(one.id.map(AgreementId::uuid)), members(one)) };
    let all: Vec<Item> = all.iter().map(item).collect();
    let listed = Listed {
        set: SET,
        path: SET,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at| Ok(conditional::page(&all, at));
    Ok(graph.list(&caller, listed, fetch).await?)
}

async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let select = caller.select(&AGREEMENT)?;
    let (key, terms) = find(&graph, &caller, &id).await?;
    let note = Note::new("graph.read", format!("agreement/{key}"));
    Ok(one(&graph, &terms.agreement, select.as_deref(), note))
}

async fn post(State(graph): State<Graph>, caller: Caller, request: Request) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, &[WRITE]).await?;
    let new = read::<NewAgreement>(&large(request, MAX_DOCUMENTS).await?)?;
    let localizations = new.file.map(|file| file.localizations).unwrap_or_default();
    let files = new.files.into_iter().chain(localizations).map(files::upload);
    let files = files.collect::<Result<_, _>>()?;
    let agreement = Agreement {
        id: None,
        display_name: new.display_name,
        must_be_viewed: Some(new.must_be_viewed.unwrap_or(false)),
        is_per_device: Some(new.is_per_device.unwrap_or(false)),
        expiration: new.expiration,
        reaccept: new.reaccept,
    };
    let made = graph.directory().create_agreement(&caller.cx, agreement, files).await?;
    let id = made.agreement.id.map(|id| id.to_string()).unwrap_or_default();
    let address = graph.address(&format!("{SET}/{id}"));
    let answer = one(&graph, &made.agreement, None, Note::recorded());
    Ok(created(answer, &address))
}

/// 200 with the agreement as it is now, as Graph documents it for agreements.
async fn patch(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    Document(change): Document,
) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, &[WRITE]).await?;
    let id: AgreementId = id.parse().map_err(|_| GraphFault::NotFound(id))?;
    let changed = graph.directory().update_agreement(&caller.cx, id, change).await?;
    Ok(one(&graph, &changed, None, Note::recorded()))
}

async fn delete(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, &[WRITE]).await?;
    let id: AgreementId = id.parse().map_err(|_| GraphFault::NotFound(id))?;
    graph.directory().delete_agreement(&caller.cx, id).await?;
    Ok(done())
}
