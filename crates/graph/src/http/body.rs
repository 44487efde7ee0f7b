//! Bodies of requests: one JSON object, of which every member is known.

use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use hygie_core::ObjectId;
use hygie_policy::json::{At, Members, Wrong};
use hygie_web::error::GraphError;
use serde_json::Value;

use super::document::{MAX_DEPTH, MAX_DOCUMENT, bounded};
use super::strict;
use crate::{Graph, GraphFault};

/// A place that objects are referred to by, besides our own.
const MICROSOFT: &str = "https://graph.microsoft.com";

/// Bytes of a batch.
const MAX_BATCH: usize = 4 << 20;
/// A batch is an object, a list in it, and a request in the list.
const BATCH_DEPTH: usize = 3;

/// The JSON of a request.
pub struct Body(pub Value);

/// The JSON of a batch: several requests, each of which is held to the limits of one when it is sent on.
pub struct BatchBody(pub Value);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = GraphError;

    async fn from_request(request: Request, _: &S) -> Result<Self, GraphError> {
        Self::receive(request, MAX_DOCUMENT, MAX_DEPTH).await
    }
}

impl<S: Send + Sync> FromRequest<S> for BatchBody {
    type Rejection = GraphError;

    async fn from_request(request: Request, _: &S) -> Result<Self, GraphError> {
        let body = Body::receive(request, MAX_BATCH, MAX_DEPTH + BATCH_DEPTH).await?;
        Ok(Self(body.0))
    }
}

impl Body {
    async fn receive(request: Request, most: usize, depth: usize) -> Result<Self, GraphError> {
        let kind = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        let is_json = kind.eq_ignore_ascii_case("application/json");
        let bytes = bounded(request, most, depth).await?;
        Ok(Self::read(is_json, &bytes)?)
    }

    fn read(is_json: bool, bytes: &[u8]) -> Result<Self, GraphFault> {
        if !is_json && !bytes.is_empty() {
            return Err(GraphFault::MediaType);
        }
        Ok(Self(strict::parse(bytes)?))
    }

    /// Its members, of which there are no others than these.
    pub fn members(&self, known: &[&str]) -> Result<Members<'_>, GraphFault> {
        Ok(Members::of(Some(&self.0), &At::Root, known)?)
    }
}

/// Where a body refers to.
fn address(body: &Body) -> Result<&str, GraphFault> {
    let members = body.members(&[])?;
    let at = At::Member(&At::Root, "@odata.id");
    match members.find("@odata.id") {
        None => Err(at.refuse(Wrong::Missing).into()),
        Some(Value::String(address)) => Ok(address),
        Some(_) => Err(at.refuse(Wrong::NotA("a text")).into()),
    }
}

impl Graph {
    /// The object that `{"@odata.id": "…/directoryObjects/{id}"}` refers to.
    pub(super) fn referred(&self, body: &Body) -> Result<ObjectId, GraphFault> {
        let address = address(body)?;
        self.object_at(address, &At::Member(&At::Root, "@odata.id"))
    }

    /// The member of a collection that `{"@odata.id": "…/{set}/{id}"}` refers to.
    pub(super) fn referred_in(&self, body: &Body, set: &str) -> Result<ObjectId, GraphFault> {
        let path = self.path_of(address(body)?);
        let id = path.and_then(|path| path.strip_prefix(set)?.strip_prefix('/')?.parse().ok());
        let wrong = Wrong::NotA("the address of an object of this collection");
        id.ok_or_else(|| At::Member(&At::Root, "@odata.id").refuse(wrong).into())
    }

    /// What follows the version in an address of this service.
    fn path_of<'a>(&self, address: &'a str) -> Option<&'a str> {
        [self.0.base.as_str(), MICROSOFT]
            .iter()
            .find_map(|base| address.strip_prefix(base)?.strip_prefix("/v1.0/"))
    }

    /// The object at an address of this service.
    pub(super) fn object_at(&self, address: &str, at: &At<'_>) -> Result<ObjectId, GraphFault> {
        let id = self.path_of(address).and_then(|path| {
            let (set, id) = path.split_once('/')?;
            let is_set = matches!(set, "directoryObjects" | "users" | "groups" | "servicePrincipals");
            id.parse().ok().filter(|_| is_set)
        });
        let wrong = Wrong::NotA("the address of an object of this service");
        id.ok_or_else(|| at.refuse(wrong).into())
    }
}
