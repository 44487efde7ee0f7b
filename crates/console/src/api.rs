//! The directory API as the person who asks sees it.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use bytes::Bytes;
use hygie_core::{ErrorKind, Fault};
use hygie_policy::policy::Policy;
use hygie_web::client::Peer;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{Console, Host};

/// Requests of one batch.
const BATCH: usize = 20;

/// Asks with a person's token.
pub struct Api<'a> {
    console: &'a Console,
    token: &'a str,
    client: Option<IpAddr>,
}

/// One page of a collection.
#[derive(Debug, Deserialize)]
pub struct Listed<T> {
    /// The objects.
    pub value: Vec<T>,
    /// Where the next page begins.
    #[serde(rename = "@odata.nextLink", default)]
    next_link: Option<String>,
}

impl<T> Listed<T> {
    /// Nothing.
    pub const fn empty() -> Self {
        Self {
            value: Vec::new(),
            next_link: None,
        }
    }

    /// The token of the next page.
    pub fn next(&self) -> Option<String> {
        let url = url::Url::parse(self.next_link.as_deref()?).ok()?;
        let token = url.query_pairs().find(|(name, _)| name == "$skiptoken")?;
        Some(token.1.into_owned())
    }
}

/// Why the directory API did not answer as wanted.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The token is not, or no longer, taken.
    #[error("the session has ended")]
    SignedOut,
    /// The person may not.
    #[error("the person may not do this")]
    Denied,
    /// There is no such object.
    #[error("there is no such object")]
    NotFound,
    /// Refused, with the words of the API.
    #[error("refused: {0}")]
    Refused(String),
    /// It is not what the page showed any more.
    #[error("it was changed since it was shown")]
    Changed,
    /// Something else.
    #[error("the directory API answered {0}")]
    Failed(StatusCode),
    /// The answer is not what was expected.
    #[error("an answer of the directory API cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// A policy has something that is not known here.
    #[error("a policy cannot be read")]
    Policy(#[from] hygie_policy::json::ReadError),
}

impl Fault for ApiError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::SignedOut => ErrorKind::Unauthenticated,
            Self::Denied => ErrorKind::Forbidden,
            Self::NotFound => ErrorKind::NotFound,
            Self::Refused(_) => ErrorKind::Invalid,
            Self::Changed => ErrorKind::Precondition,
            Self::Failed(StatusCode::TOO_MANY_REQUESTS) => ErrorKind::TooMany,
            Self::Failed(StatusCode::SERVICE_UNAVAILABLE) => ErrorKind::Unavailable,
            Self::Failed(_) | Self::Unreadable(_) | Self::Policy(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::Denied => "admin-denied",
            Self::NotFound => "admin-missing",
            Self::Refused(_) | Self::Changed => "admin-refused",
            Self::Failed(_) | Self::Unreadable(_) | Self::Policy(_) => "admin-failed",
        }
    }

    fn public(&self) -> String {
        self.to_string()
    }
}

impl<'a> Api<'a> {
    /// With this token, for the client at this address.
    pub fn new(console: &'a Console, token: &'a str, client: Option<IpAddr>) -> Self {
        Self { console, token, client }
    }

    /// One object, or a page of a collection.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, ApiError> {
        let address = with_query(path, query);
        read(&self.send(Method::GET, &address, None).await?)
    }

    /// One object, and the version that it is.
    pub async fn get_version<T: DeserializeOwned>(&self, path: &str) -> Result<(T, String), ApiError> {
        let (version, body) = self.exchange(Method::GET, path, None, "").await?;
        Ok((read(&body)?, version))
    }

    /// All objects of a collection that is short: its pages one after the other, a thousand objects at most.
    pub async fn all<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<T>, ApiError> {
        let mut all = Vec::new();
        let mut listed: Listed<T> = self.get(path, query).await?;
        loop {
            let next = listed.next();
            all.append(&mut listed.value);
            match next {
                Some(token) if all.len() < 1_000 => {
                    listed = self
                        .get(path, &[query, &[("$skiptoken", token.as_str())]].concat())
                        .await?;
                }
                _ => return Ok(all),
            }
        }
    }

    /// Makes an object or acts; the answer, where there is one.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        let answer = self.send(Method::POST, path, Some(body)).await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        read(&answer)
    }

    /// Changes an object.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<(), ApiError> {
        self.send(Method::PATCH, path, Some(body)).await.map(drop)
    }

    /// Changes an object that is this version still; whatever it is where the version is empty.
    pub async fn patch_version(&self, path: &str, body: &Value, version: &str) -> Result<(), ApiError> {
        self.exchange(Method::PATCH, path, Some(body), version).await.map(drop)
    }

    /// Puts an object in the place of another.
    pub async fn put(&self, path: &str, body: &Value) -> Result<(), ApiError> {
        self.send(Method::PUT, path, Some(body)).await.map(drop)
    }

    /// Deletes an object.
    pub async fn delete(&self, path: &str) -> Result<(), ApiError> {
        self.send(Method::DELETE, path, None).await.map(drop)
    }

    /// Deletes an object that is this version still; whatever it is where the version is empty.
    pub async fn delete_version(&self, path: &str, version: &str) -> Result<(), ApiError> {
        self.exchange(Method::DELETE, path, None, version).await.map(drop)
    }

    /// Several objects at once; `None` for each that is not there or not shown.
    pub async fn get_each<T: DeserializeOwned>(&self, paths: &[String]) -> Result<Vec<Option<T>>, ApiError> {
        #[derive(Deserialize)]
        struct Answers {
            responses: Vec<Answer>,
        }
        #[derive(Deserialize)]
        struct Answer {
            id: String,
            status: u16,
            #[serde(default)]
            body: Value,
        }
        let mut found: Vec<Option<T>> = paths.iter().map(|_| None).collect();
        for (number, some) in paths.chunks(BATCH).enumerate() {
            let first = number * BATCH;
            let requests: Vec<Value> = (first..)
                .zip(some)
                .map(|(id, path)| json!({ "id": id.to_string(), "method": "GET", "url": path }))
                .collect();
            let answers = self.post("/$batch", &json!({ "requests": requests })).await?;
            let answers: Answers = serde_json::from_value(answers).map_err(ApiError::Unreadable)?;
            for answer in answers.responses {
                let place = answer.id.parse::<usize>().ok().and_then(|id| found.get_mut(id));
                if let (200, Some(place)) = (answer.status, place) {
                    *place = serde_json::from_value(answer.body).ok();
                }
            }
        }
        Ok(found)
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Bytes, ApiError> {
        let (_, answer) = self.exchange(method, path, body, "").await?;
        Ok(answer)
    }

    /// Asks for what is this version still, where one is named; the version of the answer, and its body.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        version: &str,
    ) -> Result<(String, Bytes), ApiError> {
        let mut request = Request::new(match body {
            Some(body) => serde_json::to_vec(body).map_err(ApiError::Unreadable)?.into(),
            None => Bytes::new(),
        });
        *request.method_mut() = method;
        let address = format!("{}/v1.0{path}", self.console.0.deps.api);
        *request.uri_mut() = address.parse().map_err(|_| ApiError::NotFound)?;
        self.mark(request.headers_mut(), body.is_some())?;
        if !version.is_empty() {
            let version = HeaderValue::try_from(version).map_err(|_| ApiError::Changed)?;
            request.headers_mut().insert(IF_MATCH, version);
        }
        if let Some(client) = self.client {
            request.extensions_mut().insert(Peer(SocketAddr::new(client, 0)));
        }
        let (head, body) = self
            .console
            .0
            .deps
            .upstream
            .send(Host::Directory, request)
            .await
            .into_parts();
        match head.status {
            status if status.is_success() => {
                let version = head.headers.get(ETAG).and_then(|version| version.to_str().ok());
                Ok((version.unwrap_or_default().to_owned(), body))
            }
            StatusCode::PRECONDITION_FAILED => Err(ApiError::Changed),
            StatusCode::UNAUTHORIZED => Err(ApiError::SignedOut),
            StatusCode::FORBIDDEN => Err(ApiError::Denied),
            StatusCode::NOT_FOUND => Err(ApiError::NotFound),
            StatusCode::BAD_REQUEST
            | StatusCode::CONFLICT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => Err(ApiError::Refused(words(&body))),
            status => Err(ApiError::Failed(status)),
        }
    }

    fn mark(&self, headers: &mut HeaderMap, has_body: bool) -> Result<(), ApiError> {
        let token = format!("Bearer {}", self.token);
        let token = HeaderValue::try_from(token).map_err(|_| ApiError::SignedOut)?;
        headers.insert(AUTHORIZATION, token);
        // Searches and numbers need it: https://learn.microsoft.com/graph/aad-advanced-queries
        headers.insert("consistencylevel", HeaderValue::from_static("eventual"));
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(())
    }
}

/// Policies of a collection. One that cannot be read is an error: nobody may believe that it is not there.
pub fn policies(documents: &[Value]) -> Result<Vec<Policy>, ApiError> {
    let read = documents.iter().map(Policy::from_json);
    Ok(read.collect::<Result<_, _>>()?)
}

/// A document without what is not set: clients do not send it.
pub fn said(document: Value) -> Value {
    match document {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, said(value)))
            .collect(),
        other => other,
    }
}

/// A path with options.
pub fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let text = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    format!("{path}?{text}")
}

/// A segment of a path: an id from an address, which may be anything.
pub fn segment(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// A text in a `$filter`: quotes are doubled (OData 4.01 §5.1.1.14.1).
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(ApiError::Unreadable)
}

/// The message of an error of the API.
fn words(body: &[u8]) -> String {
    let error: Option<Value> = serde_json::from_slice(body).ok();
    let message = error.as_ref().and_then(|error| error["error"]["message"].as_str());
    message.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_names_stays_one_segment() {
        for (id, expected) in [
            ("a/../b", "a%2F..%2Fb"),
            ("a b?c", "a%20b%3Fc"),
            ("o'neil@x.example", "o%27neil%40x.example"),
        ] {
            assert_eq!(segment(id), expected);
        }
        assert_eq!(quoted("o'neil"), "'o''neil'");
        assert_eq!(
            with_query("/users", &[("$search", "\"a:b&c\"")]),
            "/users?%24search=%22a%3Ab%26c%22"
        );
    }
}
