//! A request of a caller: token checked, formats agreed, preferences read.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http_body_util::LengthLimitError;
use hygie_access::Refusal;
use hygie_fhir_model::{Id, ResourceType};
use hygie_web::audit::Note;
use hygie_web::caller::Instances;
use hygie_web::error::{Failure, OutcomeError};
use hygie_web::{Asked, Caller};

use super::binary;
use super::headers::{Format, Named, Prefer};
use crate::interaction::{Error, pairs};
use crate::service::{Fhir, Mandate};
use crate::wire::outcome_error;

/// Why a request has no answer, in the protocol of FHIR.
pub struct Failed(Box<OutcomeError>);

impl<E: Into<Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(Box::new(outcome_error(error.into())))
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl FromRef<Fhir> for Arc<dyn Instances> {
    fn from_ref(fhir: &Fhir) -> Self {
        fhir.instances()
    }
}

/// What every handler begins with.
pub struct Call {
    /// The service.
    pub fhir: Fhir,
    /// Who, and what they may do.
    pub mandate: Mandate,
    /// The request.
    pub asked: Asked,
    /// How the answer is written.
    pub format: Format,
    /// What `_format` names.
    pub named: Option<Named>,
    /// What the client prefers.
    pub prefer: Prefer,
    /// The query, without what says how the answer is written.
    pub query: Vec<(String, String)>,
}

impl FromRequestParts<Fhir> for Call {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, fhir: &Fhir) -> Result<Self, Response> {
        let rejected = |failure: Failure| failure.into_response();
        let caller = Caller::from_request_parts(parts, fhir).await.map_err(rejected)?;
        let refused = |refusal: Refusal| Failed::from(refusal).into_response();
        let permissions = caller.permissions().await.map_err(refused)?;
        let mut query = pairs(parts.uri.query().unwrap_or_default());
        let named = Named::of(&query);
        let format = match Format::of(&parts.headers, &query) {
            // It may be that of its content.
            Err(Error::Format) if binary::is_read(parts, fhir) && named != Some(Named::Fhir) => Format::default(),
            format => format.map_err(|error| Failed::from(error).into_response())?,
        };
        query.retain(|(name, _)| !matches!(name.as_str(), "_format" | "_pretty"));
        Ok(Self {
            fhir: fhir.clone(),
            asked: caller.asked,
            mandate: Mandate {
                cx: caller.cx,
                permissions,
            },
            format,
            named,
            prefer: Prefer::of(&parts.headers),
            query,
        })
    }
}

impl Call {
    /// Says what is done, before it is tried.
    pub fn about(&self, action: &'static str, object: impl Into<String>) {
        self.asked.note(Note::new(action, object));
    }

    /// The body, within `limit`.
    pub async fn read(&self, body: Body, limit: usize) -> Result<Vec<u8>, Error> {
        let bytes = to_bytes(body, limit).await.map_err(|error| cut(&error, limit))?;
        let body: Vec<u8> = bytes.into();
        // No part of a JSON text (RFC 8259 §8.1), but some editors put it there.
        Ok(match body.strip_prefix(b"\xef\xbb\xbf") {
            Some(text) => text.to_vec(),
            None => body,
        })
    }
}

/// Why a body did not come to its end.
pub fn cut(error: &axum::Error, limit: usize) -> Error {
    if is_too_long(error) {
        Error::TooLarge(limit)
    } else {
        Error::Cut
    }
}

/// Whether a limit ended the body: ours, or that of the layers inside of it.
fn is_too_long(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The type that the path names.
pub struct Of(pub ResourceType);

/// The resource that the path names.
pub struct At(pub ResourceType, pub Id);

/// The version that the path names.
pub struct Version(pub ResourceType, pub Id, pub String);

async fn path<const N: usize>(parts: &mut Parts, names: [&str; N]) -> Result<[String; N], Response> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let params = params.map_err(IntoResponse::into_response)?;
    let find = |name: &str| {
        params
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
    };
    Ok(names.map(|name| find(name).unwrap_or_default()))
}

/// A segment that begins with `$` names an operation: none of ours takes this form of an address.
fn kind_of(segment: &str) -> Result<ResourceType, Error> {
    if segment.starts_with('$') {
        return Err(Error::NotSupported("this operation"));
    }
    Ok(segment.parse()?)
}

fn id_of(segment: &str) -> Result<Id, Error> {
    if segment.starts_with('$') {
        return Err(Error::NotSupported("this operation"));
    }
    Ok(segment.parse()?)
}

fn failed(error: impl Into<Error>) -> Response {
    Failed::from(error).into_response()
}

impl<S: Sync> FromRequestParts<S> for Of {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let [kind] = path(parts, ["type"]).await?;
        Ok(Self(kind_of(&kind).map_err(failed)?))
    }
}

impl<S: Sync> FromRequestParts<S> for At {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let [kind, id] = path(parts, ["type", "id"]).await?;
        Ok(Self(kind_of(&kind).map_err(failed)?, id_of(&id).map_err(failed)?))
    }
}

impl<S: Sync> FromRequestParts<S> for Version {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let [kind, id, number] = path(parts, ["type", "id", "vid"]).await?;
        Ok(Self(
            kind_of(&kind).map_err(failed)?,
            id_of(&id).map_err(failed)?,
            number,
        ))
    }
}
