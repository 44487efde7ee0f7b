//! `/auditLogs/signIns`, `/auditLogs/directoryAudits`, and the alerts at `/auditLogs/alerts` [ours].
//! <https://learn.microsoft.com/graph/api/resources/azure-ad-auditlog-overview>
//!
//! The logs are walked in the order of their instants, within the period that the filter names, and by one of the values that
//! entries are found by where the filter has one; the rest of the filter is asked of what is found.
//!
//! # Deviations
//!
//! - `Accept: application/x-ndjson` gives everything that the filter finds, an entry a line, without pages.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use hygie_core::{Cx, ObjectId};
use hygie_directory::logs::{Alert, ChangeEntry, LogEntry, LogQuery, mark};
use hygie_directory::{AppSignInEntry, SignInEntry};
use hygie_store::StoreError;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::Value;

use super::answer::Of;
use super::authority::READ_LOGS;
use super::caller::Caller;
use super::list::{Item, Listed};
use crate::entity::{ALERT, DIRECTORY_AUDIT, SIGN_IN, logged, shown};
use crate::{Graph, GraphFault};
use hygie_odata::{Direction, EntityType, Query, QueryError};

/// Entries of an export that are read at once.
const CHUNK: u32 = 500;

/// A log as it is asked for.
pub trait Exposed: LogEntry {
    /// Its address, the type of its entries, and their instant.
    const SET: &'static str;
    const TYPE: &'static EntityType;
    const AT: &'static str;
    /// What entries are found by, what finds the fewest first, with the values by which they are not, for most have them.
    const MARKS: &'static [(&'static [&'static str], &'static [&'static str])];
}

impl Exposed for SignInEntry {
    const SET: &'static str = "auditLogs/signIns";
    const TYPE: &'static EntityType = &SIGN_IN;
    const AT: &'static str = "createdDateTime";
    const MARKS: &'static [(&'static [&'static str], &'static [&'static str])] = &[
        (&["correlationId"], &[]),
        (&["userId"], &[]),
        (&["userPrincipalName"], &[]),
        (&["ipAddress"], &[]),
        (&["status", "errorCode"], &["0"]),
        (&["conditionalAccessStatus"], &["success", "notapplied"]),
        (&["appId"], &[]),
        (&["resourceId"], &[]),
    ];
}

impl Exposed for AppSignInEntry {
    const SET: &'static str = SignInEntry::SET;
    const TYPE: &'static EntityType = &SIGN_IN;
    const AT: &'static str = "createdDateTime";
    const MARKS: &'static [(&'static [&'static str], &'static [&'static str])] = &[
        (&["correlationId"], &[]),
        (&["ipAddress"], &[]),
        (&["status", "errorCode"], &["0"]),
        (&["servicePrincipalId"], &[]),
        (&["appId"], &[]),
        (&["resourceId"], &[]),
    ];
}

impl Exposed for ChangeEntry {
    const SET: &'static str = "auditLogs/directoryAudits";
    const TYPE: &'static EntityType = &DIRECTORY_AUDIT;
    const AT: &'static str = "activityDateTime";
    const MARKS: &'static [(&'static [&'static str], &'static [&'static str])] = &[
        (&["correlationId"], &[]),
        (&["targetResources", "id"], &[]),
        (&["initiatedBy", "user", "id"], &[]),
        (&["initiatedBy", "user", "userPrincipalName"], &[]),
        (&["initiatedBy", "app", "appId"], &[]),
        (&["result"], &["success"]),
        (&["activityDisplayName"], &[]),
        (&["category"], &[]),
    ];
}

impl Exposed for Alert {
    const SET: &'static str = "auditLogs/alerts";
    const TYPE: &'static EntityType = &ALERT;
    const AT: &'static str = "createdDateTime";
    const MARKS: &'static [(&'static [&'static str], &'static [&'static str])] = &[(&["alertType"], &[])];
}

/// The way through a log that finds what a query asks for, and perhaps more.
pub fn way<E: Exposed>(query: &Query) -> LogQuery {
    let filter = query.filter.as_ref();
    let period = filter.map(|filter| filter.period(E::AT)).unwrap_or_default();
    let known = E::MARKS.iter().find_map(|(path, common)| {
        let value = filter?.value_at(path)?;
        (!common.contains(&&*value)).then(|| mark(&path.join("/"), &value))
    });
    LogQuery {
        from: period.from,
        until: period.until,
        mark: known,
        is_oldest_first: matches!(&query.order[..], [only] if only.direction == Direction::Ascending),
        ..LogQuery::default()
    }
}

/// Entries come in the order of their instants without being sorted.
fn in_order<E: Exposed>(query: &Query) -> bool {
    matches!(&query.order[..], [] | [_]) && query.order.iter().all(|order| order.property == E::AT)
}

fn entry<E: Exposed>(entry: &E) -> Item {
    (ObjectId::from_uuid(entry.id()), logged(E::TYPE, entry.shown()))
}

/// `GET /auditLogs/signIns`: of people; of applications where the filter asks for theirs.
pub async fn sign_ins(State(graph): State<Graph>, caller: Caller, headers: HeaderMap) -> Result<Response, GraphError> {
    let query = caller.query_of_log(&SIGN_IN)?;
    match signed_in(&query)? {
        Who::People => list::<SignInEntry>(State(graph), caller, headers).await,
        Who::Applications => list::<AppSignInEntry>(State(graph), caller, headers).await,
    }
}

/// `GET /auditLogs/signIns/{id}`.
pub async fn sign_in(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_LOGS).await?;
    let directory = graph.directory();
    let of_application = match id.parse() {
        Ok(id) => directory.find_log_entry::<AppSignInEntry>(&caller.cx, id).await,
        Err(_) => Ok(None),
    };
    match of_application.map_err(GraphFault::from)? {
        Some(_) => get::<AppSignInEntry>(State(graph), caller, Path(id)).await,
        None => get::<SignInEntry>(State(graph), caller, Path(id)).await,
    }
}

/// Whose sign-ins are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    People,
    Applications,
}

/// By the filter. Those of people and of applications are two logs, each in its order: a filter that asks for both, or says of the
/// kind anything but what it is, finds neither.
fn signed_in(query: &Query) -> Result<Who, GraphFault> {
    const KIND: &str = "signInEventTypes";
    let Some(filter) = query.filter.as_ref().filter(|filter| filter.asks_about(KIND)) else {
        return Ok(Who::People);
    };
    let kinds = filter.values_in(KIND).unwrap_or_default();
    let all = |known: &[&str]| !kinds.is_empty() && kinds.iter().all(|kind| known.contains(&kind.as_str()));
    if all(&["interactiveuser", "noninteractiveuser"]) {
        Ok(Who::People)
    } else if all(&["serviceprincipal", "managedidentity"]) {
        Ok(Who::Applications)
    } else {
        Err(QueryError::TooComplex("$filter").into())
    }
}

/// The entries that a query asks for.
pub async fn list<E: Exposed>(
    State(graph): State<Graph>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_LOGS).await?;
    let mut query = caller.query_of_log(E::TYPE)?;
    let way = way::<E>(&query);
    if wants_lines(&headers) {
        return Ok(export::<E>(graph, &caller, query, way)?);
    }
    if in_order::<E>(&query) {
        query.order.clear();
    }
    let listed = Listed {
        set: E::SET,
        path: E::SET,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at: hygie_directory::Cursor| {
        let asked = LogQuery {
            after: at.after.map(ObjectId::uuid),
            limit: at.limit,
            ..way.clone()
        };
        let page: Vec<E> = graph.directory().list_log(&caller.cx, asked).await?;
        Ok(page.iter().map(entry).collect())
    };
    Ok(graph.list(&caller, listed, fetch).await?)
}

/// One entry.
pub async fn get<E: Exposed>(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_LOGS).await?;
    let select = caller.select(E::TYPE)?;
    let unknown = || GraphFault::NotFound(id.clone());
    let parsed = id.parse().map_err(|_| unknown())?;
    let found = graph.directory().find_log_entry::<E>(&caller.cx, parsed).await;
    let found = found.map_err(GraphFault::from)?.ok_or_else(unknown)?;
    let select = select.as_deref();
    let of = Of { set: E::SET, select };
    let note = Note::new("graph.read", format!("{}/{}", E::SET, found.id()));
    Ok(graph.one(&of, shown(entry(&found).1, select), note))
}

/// Whether lines are asked for and no page.
fn wants_lines(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|list| list.split(',')).any(|one| {
        let kind = one.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/x-ndjson") || kind.eq_ignore_ascii_case("application/ndjson")
    })
}

/// What an export has still to do.
struct Rest {
    graph: Graph,
    cx: Cx,
    query: Arc<Query>,
    /// None when everything is told.
    way: Option<LogQuery>,
}

/// Everything that the query finds, an entry a line, read as it is sent.
fn export<E: Exposed>(graph: Graph, caller: &Caller, query: Query, way: LogQuery) -> Result<Response, GraphFault> {
    let of_pages = |name: &str| {
        let name = name.trim_start_matches('$').to_ascii_lowercase();
        !matches!(&*name, "filter" | "select" | "orderby")
    };
    if let Some((name, _)) = caller.options.iter().find(|(name, _)| of_pages(name)) {
        return Err(QueryError::Option(name.clone()).into());
    }
    if !in_order::<E>(&query) {
        return Err(QueryError::TooComplex("$orderby").into());
    }
    let rest = Rest {
        graph,
        cx: caller.cx.clone(),
        query: Arc::new(query),
        way: Some(LogQuery { limit: CHUNK, ..way }),
    };
    let lines = stream::try_unfold(rest, |mut rest| async move {
        match rest.lines::<E>().await? {
            Some(lines) => Ok::<_, StoreError>(Some((lines, rest))),
            None => Ok(None),
        }
    });
    let kind = (CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    let kept = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let note = Note::new("graph.export", E::SET.to_owned());
    Ok(([kind, kept], note, Body::from_stream(lines)).into_response())
}

impl Rest {
    /// The next lines; none when there are no more.
    async fn lines<E: Exposed>(&mut self) -> Result<Option<Bytes>, StoreError> {
        let mut text = String::new();
        // What the filter leaves nothing of is passed over.
        while text.is_empty() {
            let Some(way) = self.way.take() else {
                return Ok(None);
            };
            let found: Vec<E> = self.graph.directory().list_log(&self.cx, way.clone()).await?;
            if let Some(last) = found.last().filter(|_| found.len() == CHUNK as usize) {
                self.way = Some(LogQuery {
                    after: Some(last.id()),
                    ..way
                });
            }
            for one in &found {
                let members = Value::Object(entry(one).1);
                if self.query.filter.as_ref().is_none_or(|filter| filter.matches(&members))
                    && let Value::Object(members) = members
                {
                    let members = shown(members, self.query.select.as_deref());
                    text.push_str(&Value::Object(members).to_string());
                    text.push('\n');
                }
            }
        }
        Ok(Some(text.into()))
    }
}
