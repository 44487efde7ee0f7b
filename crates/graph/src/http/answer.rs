//! Answers of the directory API: one entity, or a page of a collection.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use hygie_web::audit::Note;
use serde_json::{Map, Value};

use crate::Graph;

/// What an answer is of: the name of the collection and the selected members.
pub struct Of<'a> {
    /// The collection (`users`).
    pub set: &'a str,
    /// The members that were asked for.
    pub select: Option<&'a [&'static str]>,
}

impl Graph {
    /// One entity.
    pub(super) fn one(&self, of: &Of<'_>, members: Map<String, Value>, note: Note) -> Response {
        let mut body = Map::new();
        body.insert(
            "@odata.context".to_owned(),
            format!("{}/$entity", self.context(of)).into(),
        );
        body.extend(members);
        respond(body, note)
    }

    /// An entity that was made, as the change recorded.
    pub(super) fn created(&self, of: &Of<'_>, members: Map<String, Value>) -> Response {
        let mut response = self.one(of, members, Note::recorded());
        *response.status_mut() = StatusCode::CREATED;
        response
    }

    /// A page. `count` of all entities and the address of the next page where there are.
    pub(super) fn many(
        &self,
        of: &Of<'_>,
        items: Vec<Map<String, Value>>,
        (count, next): (Option<usize>, Option<String>),
        note: Note,
    ) -> Response {
        let mut body = Map::new();
        body.insert("@odata.context".to_owned(), self.context(of).into());
        if let Some(count) = count {
            body.insert("@odata.count".to_owned(), count.into());
        }
        if let Some(next) = next {
            body.insert("@odata.nextLink".to_owned(), next.into());
        }
        body.insert("value".to_owned(), items.into_iter().map(Value::Object).collect());
        respond(body, note)
    }

    /// A list of texts.
    pub(super) fn texts(&self, texts: Vec<String>, note: Note) -> Response {
        let mut body = Map::new();
        let context = format!("{}/v1.0/$metadata#Collection(Edm.String)", self.0.base);
        body.insert("@odata.context".to_owned(), context.into());
        body.insert("value".to_owned(), texts.into());
        respond(body, note)
    }

    /// What an action or a function tells, of this type.
    pub(super) fn told(&self, kind: &str, members: Map<String, Value>, note: Note) -> Response {
        let mut body = Map::new();
        body.insert(
            "@odata.context".to_owned(),
            self.address(&format!("$metadata#{kind}")).into(),
        );
        body.extend(members);
        respond(body, note)
    }

    /// The whole of an address.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}/v1.0/{path}", self.0.base)
    }

    /// That it is done, and recorded, of what says so by a value.
    pub(super) fn truth(&self) -> Response {
        let mut body = Map::new();
        let context = format!("{}/v1.0/$metadata#Edm.Boolean", self.0.base);
        body.insert("@odata.context".to_owned(), context.into());
        body.insert("value".to_owned(), true.into());
        respond(body, Note::recorded())
    }

    pub(super) fn context(&self, of: &Of<'_>) -> String {
        let selected = of.select.map(|names| format!("({})", names.join(",")));
        format!(
            "{}/v1.0/$metadata#{}{}",
            self.0.base,
            of.set,
            selected.unwrap_or_default()
        )
    }
}

/// Nothing more to say than that it is done, and recorded.
pub(super) fn done() -> Response {
    (StatusCode::NO_CONTENT, Note::recorded(), ()).into_response()
}

/// How many there are, as Graph tells it: a text.
pub(super) fn number_only(number: usize, note: Note) -> Response {
    let kind = (CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    let kept = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    ([kind, kept], note, number.to_string()).into_response()
}

pub(super) fn respond(body: Map<String, Value>, note: Note) -> Response {
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/json;odata.metadata=minimal;charset=utf-8"),
        ),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            HeaderName::from_static("odata-version"),
            HeaderValue::from_static("4.0"),
        ),
    ];
    (headers, note, Value::Object(body).to_string()).into_response()
}
