//! What people answered to terms of use: <https://learn.microsoft.com/graph/api/resources/agreementacceptance>.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::repo::Answers;
use hygie_directory::{Cursor, User};
use hygie_policy::AgreementId;
use hygie_policy::agreement::Agreement;
use hygie_store::StoreError;
use hygie_web::error::GraphError;

use super::super::caller::Caller;
use super::super::list::{Item, Listed};
use super::super::users;
use super::{SET, find};
use crate::Graph;
use crate::entity::{ACCEPTANCE, acceptance};

/// The permission to see what everybody answered.
const ALL: &[&str] = &["AgreementAcceptance.Read.All"];
/// Permissions to see what oneself did.
const OWN: &[&str] = &["AgreementAcceptance.Read", "AgreementAcceptance.Read.All"];

pub async fn of_agreement(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, ALL).await?;
    let (id, _) = find(&graph, &caller, &id).await?;
    let path = format!("{SET}/{id}/acceptances");
    list(&graph, &caller, &path, Answers::Of(id)).await
}

pub async fn of_user(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    let found = users::search(&graph, &caller, &id).await?;
    let is_own = found.as_ref().is_some_and(|user| caller.person() == Some(user.id));
    if is_own {
        caller.need(OWN)?;
    } else {
        caller.may_read_policies(&graph, ALL).await?;
    }
    let found = found.ok_or(crate::GraphFault::NotFound(id))?;
    let path = format!("users/{}/agreementAcceptances", found.id);
    list(&graph, &caller, &path, Answers::By(found.id)).await
}

pub async fn own(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    let found = users::find_own(&graph, &caller).await?;
    caller.need(OWN)?;
    list(&graph, &caller, "me/agreementAcceptances", Answers::By(found.id)).await
}

async fn list(graph: &Graph, caller: &Caller, path: &str, answers: Answers) -> Result<Response, GraphError> {
    let query = caller.query(&ACCEPTANCE)?;
    let agreements = graph.directory().list_agreements(&caller.cx).await?;
    let known: HashMap<AgreementId, Agreement> =
        agreements.into_iter().filter_map(|one| Some((one.id?, one))).collect();
    let listed = Listed {
        set: path,
        path,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at| page(graph, caller, &known, (answers, at)).await;
    Ok(graph.list(caller, listed, fetch).await?)
}

async fn page(
    graph: &Graph,
    caller: &Caller,
    known: &HashMap<AgreementId, Agreement>,
    (answers, at): (Answers, Cursor),
) -> Result<Vec<Item>, StoreError> {
    let (directory, cx) = (graph.directory(), &caller.cx);
    let mut people: HashMap<ObjectId, Option<User>> = HashMap::new();
    let mut items = Vec::new();
    for answer in directory.page_answers(cx, answers, at).await? {
        let user = match people.entry(answer.user) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(place) => place.insert(directory.find_user_by_id(cx, answer.user).await?),
        };
        items.push((
            answer.id,
            acceptance(&answer, known.get(&answer.agreement), user.as_ref()),
        ));
    }
    Ok(items)
}
