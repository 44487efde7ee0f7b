//! Receiving content, of any length up to its limit, into a blob.

use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt as _;
use hygie_core::Cx;
use hygie_store::blobs::{Blobs, Stored};
use tokio::time::{Instant, timeout_at};

use crate::interaction::Error;
use crate::service::Limits;

/// Bodies that one service receives at once: each holds a part of its blob in memory (8 MiB where blobs lie in a bucket).
pub const UPLOADS: usize = 32;

/// Bytes a second, below which a body is given up once the time of other requests is over: nobody holds a place for days.
const SLOWEST: u64 = 32 * 1024;

/// Receives the content. The blob is durable then, and nobody refers to it; on an error, or when this is dropped, nothing
/// is left of it.
pub async fn receive(blobs: &Blobs, cx: &Cx, body: Body, limits: Limits) -> Result<Stored, Error> {
    let (started, mut pieces) = (Instant::now(), body.into_data_stream());
    let mut blob = blobs.create(cx);
    loop {
        let until = started + limits.time + Duration::from_secs(blob.len() / SLOWEST);
        let Some(piece) = timeout_at(until, pieces.next()).await.map_err(|_| Error::Slow)? else {
            return Ok(blob.finish().await?);
        };
        let piece = piece.map_err(|_| Error::Cut)?;
        if blob.len() + piece.len() as u64 > limits.binary {
            return Err(limits.too_large());
        }
        blob.write(&piece).await?;
    }
}

impl Limits {
    /// Refuses content that says to be longer than it may be.
    pub(crate) fn admit(&self, length: Option<u64>) -> Result<(), Error> {
        if length.is_some_and(|length| length > self.binary) {
            return Err(self.too_large());
        }
        Ok(())
    }

    fn too_large(&self) -> Error {
        Error::TooLarge(usize::try_from(self.binary).unwrap_or(usize::MAX))
    }
}
