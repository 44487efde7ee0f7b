//! `POST /$batch`: up to twenty requests in one. <https://learn.microsoft.com/graph/json-batching>
//!
//! Each is judged by itself with the token of the whole, one after the other in their order, those first that others
//! depend on; what depends on a request that failed is not tried (424).

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body as Bytes, to_bytes};
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{Extensions, HeaderValue, Method, Request};
use hygie_policy::ReadError;
use hygie_policy::json::{At, Member, Members, Wrong};
use hygie_store::audit::{Outcome, Record};
use hygie_web::Asked;
use hygie_web::audit::Note;
use hygie_web::client::ClientCertificate;
use hygie_web::error::{Failure, Graph as Renderer, GraphError, Render};
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

use super::address::usual;
use super::body::BatchBody;
use super::caller::Caller;
use crate::{Graph, GraphFault};

/// Requests of a batch.
const MAX_REQUESTS: usize = 20;
/// Bytes of one answer.
const MAX_ANSWER: usize = 16 << 20;
/// Headers of a request that count.
const HEADERS: &[&str] = &["consistencylevel", "content-type", "if-match"];

/// What a batch needs: the directory API, and all its addresses but this one.
#[derive(Clone)]
pub struct Batch {
    pub graph: Graph,
    pub router: Router,
}

/// One request.
struct Asking {
    id: String,
    method: Method,
    /// With its beginning `/v1.0/`.
    address: String,
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    /// Ids of requests that must have succeeded.
    depends_on: Vec<String>,
}

/// Its answer.
struct Answered {
    status: u16,
    body: Option<Value>,
}

/// What every request of the batch brings: the token, the certificate, what the layers know.
pub struct Shared {
    token: Option<HeaderValue>,
    extensions: Extensions,
    asked: Asked,
}

impl FromRequestParts<Batch> for Shared {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, batch: &Batch) -> Result<Self, Failure> {
        let asked = Asked::from_request_parts(parts, batch).await?;
        let mut extensions = Extensions::new();
        extensions.insert(asked.clone());
        if let Some(certificate) = parts.extensions.get::<ClientCertificate>() {
            extensions.insert(certificate.clone());
        }
        Ok(Self {
            token: parts.headers.get(AUTHORIZATION).cloned(),
            extensions,
            asked,
        })
    }
}

impl Shared {
    /// What the layers know, for a request that is sent on.
    pub fn extensions(&self) -> Extensions {
        self.extensions.clone()
    }
}

pub async fn post(
    State(batch): State<Batch>,
    caller: Caller,
    shared: Shared,
    body: BatchBody,
) -> Result<Response, GraphError> {
    let requests = read(&body.0).map_err(GraphFault::from)?;
    let order = order(&requests).map_err(GraphFault::from)?;
    let mut answers: BTreeMap<&str, Answered> = BTreeMap::new();
    for request in order.into_iter().filter_map(|at| requests.get(at)) {
        let has_failed = |id: &String| answers.get(id.as_str()).is_none_or(|answer| answer.status >= 400);
        let answer = if request.depends_on.iter().any(has_failed) {
            not_tried(&shared.asked)
        } else {
            batch.send(&caller, &shared, request).await?
        };
        answers.insert(&request.id, answer);
    }
    let responses = requests.iter().filter_map(|request| {
        let answer = answers.get(request.id.as_str())?;
        let mut shown = json!({
            "id": request.id,
            "status": answer.status,
            "headers": { "Content-Type": "application/json" },
        });
        if let Some(body) = &answer.body {
            shown["body"] = body.clone();
        }
        Some(shown)
    });
    let members = Map::from_iter([("responses".to_owned(), responses.collect())]);
    Ok(super::answer::respond(
        members,
        Note::new("graph.batch", format!("requests/{}", requests.len())),
    ))
}

impl Batch {
    /// Sends a request to the addresses, as if it had come alone; what it read is recorded before the answer counts.
    async fn send(&self, caller: &Caller, shared: &Shared, asking: &Asking) -> Result<Answered, GraphError> {
        let body = asking.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = asking.method.clone();
        *request.uri_mut() = usual(&asking.address)
            .parse()
            .map_err(|_| GraphFault::NotFound(asking.id.clone()))?;
        *request.extensions_mut() = shared.extensions.clone();
        let headers = request.headers_mut();
        headers.extend(shared.token.clone().map(|token| (AUTHORIZATION, token)));
        for (name, value) in &asking.headers {
            let header = (name.parse::<HeaderName>(), HeaderValue::from_str(value));
            if let (Ok(name), Ok(value)) = header {
                headers.insert(name, value);
            }
        }
        if asking.body.is_some() {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
        }
        let mut response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if let Some(record) = record_of(caller, asking, &response) {
            self.graph.directory().store().record(record).await?;
        }
        let status = response.status().as_u16();
        if let Some(failure) = response.extensions_mut().remove::<Failure>() {
            response = Renderer.render(&failure, &shared.asked);
        }
        let bytes = to_bytes(response.into_body(), MAX_ANSWER).await;
        let bytes = bytes.map_err(|error| GraphError(Box::new(Failure::internal(&error))))?;
        Ok(Answered {
            status,
            body: serde_json::from_slice(&bytes).ok(),
        })
    }
}

/// What is recorded of a request, if its transaction has not done so.
fn record_of(caller: &Caller, asking: &Asking, response: &Response) -> Option<Record> {
    let note = response.extensions().get::<Note>();
    let failure = response.extensions().get::<Failure>();
    if failure.is_none() && note.is_none_or(|note| note.recorded) {
        return None;
    }
    let mut record = Record::success(&caller.cx, "graph.batch", "request");
    record.action = format!("graph.{}", asking.method.as_str().to_ascii_lowercase()).into();
    if let Some(note) = note.filter(|note| !note.recorded) {
        record.action.clone_from(&note.action);
        record.object.clone_from(&note.object);
    }
    if let Some(failure) = failure {
        let is_refused = matches!(response.status().as_u16(), 401 | 403);
        record.outcome = if is_refused { Outcome::Refused } else { Outcome::Failed };
        record.reason = Some(failure.reason.map_or_else(|| failure.code.clone(), Cow::Borrowed));
    }
    Some(record)
}

/// The answer to what depends on a request that failed.
fn not_tried(asked: &Asked) -> Answered {
    let request = asked.request().to_string();
    Answered {
        status: 424,
        body: Some(json!({ "error": {
            "code": "FailedDependency",
            "message": "A request that this one depends on failed.",
            "innerError": { "date": asked.now().to_rfc3339(), "request-id": request,
                            "client-request-id": asked.client_request() },
        }})),
    }
}

fn read(body: &Value) -> Result<Vec<Asking>, ReadError> {
    let members = Members::of(Some(body), &At::Root, &["requests"])?;
    let at = At::Member(&At::Root, "requests");
    let list = members.find("requests").and_then(Value::as_array);
    let list = list.filter(|list| (1..=MAX_REQUESTS).contains(&list.len()));
    let list = list.ok_or_else(|| at.refuse(Wrong::NotA("a list of one to twenty requests")))?;
    let mut requests: Vec<Asking> = Vec::new();
    for (n, item) in list.iter().enumerate() {
        let at = At::Item(&at, n);
        let request = one(item, &at)?;
        if requests.iter().any(|known| known.id == request.id) {
            return Err(At::Member(&at, "id").refuse(Wrong::NotA("that of another request")));
        }
        requests.push(request);
    }
    Ok(requests)
}

fn one(item: &Value, at: &At<'_>) -> Result<Asking, ReadError> {
    let known = ["id", "method", "url", "headers", "body", "dependsOn"];
    let members = Members::of(Some(item), at, &known)?;
    let method: String = members.read("method")?;
    let method = match method.as_str() {
        "GET" | "POST" | "PATCH" | "DELETE" | "PUT" => method.parse().ok(),
        _ => None,
    };
    let url: String = members.read("url")?;
    let path = url.strip_prefix('/').unwrap_or(&url);
    let is_path = !path.starts_with('/') && !path.contains("://") && !path.starts_with('$');
    let place = At::Member(at, "url");
    let address = is_path.then(|| format!("/v1.0/{}", path.replace(' ', "%20")));
    let address = address.filter(|address| address.parse::<http::Uri>().is_ok());
    let wrong = || place.refuse(Wrong::NotA("an address below /v1.0, without it, and not of a batch"));
    Ok(Asking {
        id: members.read("id")?,
        method: method.ok_or_else(|| At::Member(at, "method").refuse(Wrong::NotA("a method of this service")))?,
        address: address.ok_or_else(wrong)?,
        headers: headers(members.find("headers"), &At::Member(at, "headers"))?,
        body: members.find("body").cloned(),
        depends_on: members.read("dependsOn")?,
    })
}

/// The headers that count; the others of a client are left out.
fn headers(found: Option<&Value>, at: &At<'_>) -> Result<BTreeMap<String, String>, ReadError> {
    let Some(found) = found else { return Ok(BTreeMap::new()) };
    let all = found.as_object().ok_or_else(|| at.refuse(Wrong::NotA("an object")))?;
    let mut headers = BTreeMap::new();
    for (name, value) in all {
        let value = String::read(Some(value), &At::Member(at, name))?;
        let name = name.to_ascii_lowercase();
        if HEADERS.contains(&name.as_str()) {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

/// The order in which the requests are sent: as they stand, but none before those that it depends on.
fn order(requests: &[Asking]) -> Result<Vec<usize>, ReadError> {
    let at = At::Member(&At::Root, "requests");
    let mut order: Vec<usize> = Vec::new();
    while order.len() < requests.len() {
        let is_sent = |id: &String| order.iter().any(|&at| requests[at].id == *id);
        let is_next = |&at: &usize| !order.contains(&at) && requests[at].depends_on.iter().all(is_sent);
        let Some(next) = (0..requests.len()).find(is_next) else {
            return Err(at.refuse(Wrong::NotA("without circles, and depends on its own requests only")));
        };
        order.push(next);
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_order(requests: &Value) -> Result<Vec<usize>, String> {
        let body = json!({ "requests": requests });
        let requests = read(&body).map_err(|error| error.to_string())?;
        order(&requests).map_err(|error| error.to_string())
    }

    #[test]
    fn none_is_sent_before_what_it_depends_on() {
        let get = |id: &str, on: Value| json!({ "id": id, "method": "GET", "url": "/users", "dependsOn": on });
        assert_eq!(
            read_order(&json!([get("1", json!(null)), get("2", json!([]))])),
            Ok(vec![0, 1])
        );
        let chained = json!([get("1", json!(["3"])), get("2", json!(["1"])), get("3", json!(null))]);
        assert_eq!(read_order(&chained), Ok(vec![2, 0, 1]));
        for wrong in [
            json!([get("1", json!(["2"])), get("2", json!(["1"]))]),
            json!([get("1", json!(["9"]))]),
            json!([get("1", json!([])), get("1", json!([]))]),
            json!([]),
            json!((0..21).map(|n| get(&n.to_string(), json!([]))).collect::<Vec<_>>()),
            json!([{ "id": "1", "method": "HEAD", "url": "/users" }]),
            json!([{ "id": "1", "method": "GET", "url": "https://other.example/users" }]),
            json!([{ "id": "1", "method": "GET", "url": "//other.example/users" }]),
            json!([{ "id": "1", "method": "POST", "url": "/$batch" }]),
            json!([{ "id": "1", "method": "GET", "url": "/users", "atomicityGroup": "x" }]),
        ] {
            assert!(read_order(&wrong).is_err(), "{wrong}");
        }
    }
}
