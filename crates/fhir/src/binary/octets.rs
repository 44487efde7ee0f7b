//! The content of a Binary, wherever it is.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use hygie_core::Cx;
use hygie_fhir_model::json::Document;
use hygie_fhir_store::repo::Version;
use hygie_store::StoreError;
use hygie_store::blobs::{Blob, BlobError, Blobs};

use super::member;
use crate::interaction::Error;

/// The bytes that a Binary stands for.
pub enum Octets {
    /// They are in the resource.
    Inline(Bytes),
    /// They are outside of the database.
    Large(Blob),
}

impl Octets {
    /// Of this version, whose body is `resource`.
    pub async fn of(version: &Version, resource: &Document, (blobs, cx): (Option<&Blobs>, &Cx)) -> Result<Self, Error> {
        let Some(large) = version.large else {
            return Ok(Self::Inline(data(resource)));
        };
        let missing = || {
            let text = format!("the large object {} of {}/{}", large.id, version.kind, version.id);
            Error::Store(StoreError::Inconsistent(text))
        };
        match blobs.ok_or_else(missing)?.read(cx, large).await {
            // That it is not there is no answer to who asks for a resource that is.
            Err(BlobError::NotFound(_)) => Err(missing()),
            read => Ok(Self::Large(read?)),
        }
    }

    /// How many.
    pub fn len(&self) -> u64 {
        match self {
            Self::Inline(bytes) => bytes.len() as u64,
            Self::Large(blob) => blob.len(),
        }
    }

    /// Some of them. The range lies within.
    pub fn range(self, range: Range<u64>) -> BoxStream<'static, Result<Bytes, BlobError>> {
        match self {
            Self::Inline(bytes) => {
                let bytes = bytes.slice(range.start as usize..range.end as usize);
                stream::iter([Ok(bytes)]).boxed()
            }
            Self::Large(blob) => blob.range(range),
        }
    }
}

/// `data`, whose form was checked when it came: nothing where there is none.
fn data(resource: &Document) -> Bytes {
    let mut text = member(resource, "data").unwrap_or_default();
    text.retain(|sign| !sign.is_ascii_whitespace());
    STANDARD.decode(text).unwrap_or_default().into()
}
