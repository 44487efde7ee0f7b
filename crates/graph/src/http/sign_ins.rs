//! `/auditLogs/signIns`: <https://learn.microsoft.com/graph/api/resources/signin>.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::{SignInEntry, SignInQuery};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::answer::Of;
use super::authority::READ_LOGS;
use super::caller::Caller;
use super::list::{Item, Listed};
use crate::entity::{SIGN_IN, shown, sign_in};
use crate::odata::Direction;
use crate::{Graph, GraphFault};

const SET: &str = "auditLogs/signIns";

pub async fn list(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_LOGS).await?;
    let mut query = caller.query(&SIGN_IN)?;
    // They come in this order without being asked to.
    if matches!(&query.order[..], [only] if only.property == "createdDateTime" && only.direction == Direction::Descending)
    {
        query.order.clear();
    }
    let listed = Listed {
        set: SET,
        path: SET,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at: hygie_directory::Cursor| {
        let asked = SignInQuery {
            before: at.after.map(ObjectId::uuid),
            user: None,
            limit: at.limit,
        };
        let page = graph.directory().list_sign_ins(&caller.cx, asked).await?;
        let item = |entry: SignInEntry| -> Item { (ObjectId::from_uuid(entry.id), sign_in(&entry)) };
        Ok(page.into_iter().map(item).collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

pub async fn get(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_LOGS).await?;
    let select = caller.select(&SIGN_IN)?;
    let unknown = || GraphFault::NotFound(id.clone());
    let parsed = id.parse().map_err(|_| unknown())?;
    let found = graph
        .directory()
        .find_sign_in(&caller.cx, parsed)
        .await
        .map_err(GraphFault::from)?;
    let found = found.ok_or_else(unknown)?;
    let select = select.as_deref();
    let of = Of { set: SET, select };
    let note = Note::new("graph.read", format!("sign-in/{}", found.id));
    Ok(graph.one(&of, shown(sign_in(&found), select), note))
}
