//! Binary in its native form: its content as the body of a request or an answer. <http://hl7.org/fhir/R4/binary.html#rest>
//!
//! Whoever may not write, or asks for what a write would be refused for, is refused before the body is read.
//!
//! An answer never says more to a browser than "a file of this type, to be kept": what was uploaded may be hostile.

use std::ops::Range;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_RANGE, LAST_MODIFIED, RANGE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hygie_core::{ErrorKind, Fault};
use hygie_fhir_model::json::Document;
use hygie_fhir_model::{Name, ResourceType};
use hygie_fhir_store::repo::{Version, stored};
use hygie_store::blobs::Stored;
use tokio::time::timeout;

use super::call::{Call, Failed};
use super::headers::{Named, accepts, check_json, http_date, is_json_alone, text};
use super::range::range;
use crate::binary::{Media, Octets, encoded, is_binary, member, receive, resource};
use crate::interaction::{self, Answer, Before, Error, Interaction};
use crate::service::Fhir;
use crate::wire::pretty;

const SECURITY_CONTEXT: HeaderName = HeaderName::from_static("x-security-context");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Longest reference in `X-Security-Context`.
const MAX_REFERENCE: usize = 1000;

/// Whether a request brings content of its own size and pace, which is judged here and not by the layers.
pub fn is_upload(request: &Parts) -> bool {
    let mut segments = request.uri.path().rsplit('/');
    let (last, before) = (segments.next(), segments.next());
    let is_there = match request.method {
        Method::POST => last == Some("Binary"),
        Method::PUT => last == Some("Binary") || before == Some("Binary"),
        _ => false,
    };
    is_there && check_json(&request.headers).is_err()
}

/// Whether a request reads a Binary, in whatever form.
pub fn is_read(request: &Parts, fhir: &Fhir) -> bool {
    let path = request.uri.path().strip_prefix(fhir.path()).unwrap_or_default();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let is_one = matches!(segments[..], ["Binary", _] | ["Binary", _, "_history", _]);
    is_one && matches!(request.method, Method::GET | Method::HEAD)
}

/// Whether the body of a write is content, by its type.
pub fn is_content(kind: ResourceType, headers: &HeaderMap) -> bool {
    is_binary(kind) && check_json(headers).is_err()
}

/// Whether a JSON body that was read is content: it is no Binary resource.
pub fn is_json_content(call: &Call, kind: ResourceType, body: &[u8]) -> bool {
    let is_other = |document: Document| document.root().get_text(Name::RESOURCE_TYPE).as_deref() != Some("Binary");
    is_binary(kind) && Document::parse(body, &call.fhir.limits().json()).is_ok_and(is_other)
}

/// Receives content and writes the Binary that it belongs to; `make` says how, and with what id.
pub async fn write(
    mut call: Call,
    (headers, body): (&HeaderMap, Body),
    id: Option<&str>,
    make: impl Fn(&Call, interaction::Body) -> Result<Interaction, Error>,
) -> Result<Response, Failed> {
    let fhir = call.fhir.clone();
    let text = described(headers, id)?;
    let parsed = || Document::parse(text.as_str(), &fhir.limits().json());
    let before = Before(make(&call, interaction::Body::Tree(parsed()?))?);
    fhir.limits().admit(length(headers))?;
    let blobs = fhir.settings().blobs.as_ref();
    let blobs = blobs.ok_or(Error::NotSupported(
        "a Binary in its native form, without a place for large objects,",
    ))?;
    let _place = fhir.uploads().try_acquire().map_err(|_| Error::Crowded)?;
    if let Some(version) = fhir.run(&call.mandate.cx, before).await? {
        return Ok(call.answer(&Answer::Matched(version)));
    }
    let stored = receive(blobs, &call.mandate.cx, body, fhir.limits()).await?;
    // It took its time: the version is of the moment in which it is written.
    call.mandate.cx.now = call.mandate.cx.clock.now();
    let prepared = make(&call, interaction::Body::Large(parsed()?, stored))?;
    let Ok(settled) = timeout(fhir.limits().time, call.settle(prepared)).await else {
        return Err(Error::Late.into());
    };
    if let Err(error) = &settled {
        forget(&call, &stored, error).await;
    }
    Ok(call.respond(&settled?))
}

/// Removes what was stored for a write that was refused. Whether one was done that failed otherwise is not known.
async fn forget(call: &Call, stored: &Stored, error: &Error) {
    let is_refused = !matches!(error.kind(), ErrorKind::Internal | ErrorKind::Unavailable);
    if let Some(blobs) = call.fhir.settings().blobs.as_ref().filter(|_| is_refused)
        && let Err(error) = blobs.delete(&call.mandate.cx, stored.reference.id).await
    {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a large object without reference is left"
        );
    }
}

/// The resource that the headers describe.
fn described(headers: &HeaderMap, id: Option<&str>) -> Result<String, Error> {
    let media = text(headers, CONTENT_TYPE, "Content-Type")?;
    let media: Media = media.ok_or(Error::ContentType("that of the content"))?.parse()?;
    if media.is_fhir_xml() {
        return Err(Error::ContentType("application/fhir+json, or that of the content"));
    }
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(Error::ContentType("that of the content, without Content-Encoding"));
    }
    let context = text(headers, SECURITY_CONTEXT, "X-Security-Context")?;
    let is_reference =
        |text: &str| !text.is_empty() && text.len() <= MAX_REFERENCE && !text.contains(char::is_whitespace);
    if context.as_deref().is_some_and(|context| !is_reference(context)) {
        return Err(Error::Header("X-Security-Context"));
    }
    Ok(resource(id, &media, context.as_deref()))
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Answers a read: the content, unless the client asks for a FHIR format.
pub async fn read(call: &Call, prepared: Interaction, headers: &HeaderMap) -> Result<Response, Failed> {
    let answer = call.settle(prepared).await?;
    let version = match &answer {
        Answer::Found(version) | Answer::NotModified(version) => version,
        other => return Ok(call.respond(other)),
    };
    let document = stored(version)?;
    let media = member(&document, "contentType").and_then(|text| text.parse().ok());
    let media = media.unwrap_or_else(Media::unknown);
    let is_native = is_native(call, headers, &media)?;
    let mut response = match (&answer, is_native) {
        (Answer::NotModified(version), true) => (StatusCode::NOT_MODIFIED, validators(version)).into_response(),
        (Answer::Found(version), _) if is_native || version.large.is_some() => {
            let Call { fhir, mandate, .. } = call;
            let octets = Octets::of(version, &document, (fhir.settings().blobs.as_ref(), &mandate.cx)).await?;
            if is_native {
                native(version, (&document, &media), octets, headers)?
            } else {
                whole(call, version, octets)
            }
        }
        _ => call.respond(&answer),
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// Whether the content itself is wanted. Only who names a FHIR format wants the resource; who takes JSON alone means the
/// resource where the content is none.
fn is_native(call: &Call, headers: &HeaderMap, media: &Media) -> Result<bool, Error> {
    if let Some(named) = call.named {
        return Ok(named == Named::Other);
    }
    if accepts(headers, "application/fhir+json") {
        return Ok(false);
    }
    if accepts(headers, "application/fhir+xml") {
        return Err(Error::Format);
    }
    Ok(!is_json_alone(headers) || media.is_json())
}

/// The content, or a range of it.
fn native(
    version: &Version,
    (document, media): (&Document, &Media),
    octets: Octets,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let len = octets.len();
    let wanted = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let wanted = wanted.filter(|_| is_range_of(version, headers));
    let part = wanted.map(|text| range(text, len)).transpose()?.flatten();
    let status = if part.is_some() {
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    let within = part.clone().unwrap_or(0..len);
    let mut answer = HeaderMap::new();
    answer.insert(CONTENT_TYPE, value(media.as_str()));
    answer.insert(CONTENT_LENGTH, (within.end - within.start).into());
    answer.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answer.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    answer.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    answer.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if let Some(Range { start, end }) = part {
        answer.insert(CONTENT_RANGE, value(&format!("bytes {start}-{}/{len}", end - 1)));
    }
    let context = document
        .root()
        .find("securityContext")
        .and_then(|context| context.find("reference"));
    let context = context.and_then(|reference| HeaderValue::from_str(&reference.text()?).ok());
    answer.extend(context.map(|context| (SECURITY_CONTEXT, context)));
    Ok((status, validators(version), answer, body(octets, within)).into_response())
}

fn body(octets: Octets, range: Range<u64>) -> Body {
    Body::from_stream(octets.range(range).inspect_err(|error| {
        tracing::error!(error = error as &dyn std::error::Error, "content is cut off");
    }))
}

/// The bytes of a version never change: its tag is a strong one here (RFC 9110 §8.8.1), so that a transfer can be resumed.
fn validators(version: &Version) -> [(HeaderName, HeaderValue); 2] {
    [
        (ETAG, value(&tag(version))),
        (LAST_MODIFIED, value(&http_date(version.updated))),
    ]
}

fn tag(version: &Version) -> String {
    format!("\"{}\"", version.number)
}

/// Whether the client has the beginning of this version (RFC 9110 §13.1.5); a date does not tell two versions of one
/// second apart.
fn is_range_of(version: &Version, headers: &HeaderMap) -> bool {
    headers.get(IF_RANGE).is_none_or(|known| *known == tag(version))
}

/// The resource with its content, as it comes.
fn whole(call: &Call, version: &Version, octets: Octets) -> Response {
    let text = version.stamped();
    let text = if call.format.is_pretty { pretty(text) } else { text };
    let text = text.trim_end();
    let text = text.strip_suffix('}').expect("a resource is an object").trim_end();
    let (before, after) = if call.format.is_pretty {
        (format!("{text},\n  \"data\": \""), "\"\n}\n")
    } else {
        (format!("{text},\"data\":\""), "\"}")
    };
    let len = octets.len();
    let all = before.len() as u64 + len.div_ceil(3) * 4 + after.len() as u64;
    if len == 0 {
        // An empty string is no base64 in FHIR.
        return (Call::validators(version), call.body(version.stamped())).into_response();
    }
    let data = encoded(octets.range(0..len)).inspect_err(|error| {
        tracing::error!(error = error as &dyn std::error::Error, "content is cut off");
    });
    let pieces = stream::iter([Ok(before.into())])
        .chain(data)
        .chain(stream::iter([Ok(after.into())]));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(call.format.content_type)),
        (CONTENT_LENGTH, all.into()),
    ];
    (Call::validators(version), headers, Body::from_stream(pieces)).into_response()
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("tags, dates, numbers and media types are ASCII")
}
