//! Reading a blob, whole or a range of it.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use hygie_core::TenantId;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStoreExt as _};

use super::format::{CHUNK, Chunks, FormatError, HEADER_LEN, Header, Layout};
use super::{BlobError, BlobId, Blobs, Reference, path};
use crate::keys::TAG_LEN;

/// What is read with the header: the first chunk, so that a short blob takes one request.
const FIRST: u64 = HEADER_LEN as u64 + (1 << CHUNK) + TAG_LEN as u64;

/// A blob that is open for reading.
#[derive(Clone)]
pub struct Blob(Arc<Open>);

struct Open {
    blobs: Blobs,
    id: BlobId,
    path: Path,
    header: Header,
    chunks: Chunks,
    layout: Layout,
    /// The first sealed bytes of it.
    first: Bytes,
}

/// Where a reader stands.
struct Place {
    blob: Arc<Open>,
    range: Range<u64>,
    /// Chunks that are not opened yet.
    chunks: Range<u64>,
    /// Sealed bytes from the first of them on.
    window: BytesMut,
}

impl Blob {
    pub(super) async fn open(blobs: Blobs, tenant: TenantId, reference: Reference) -> Result<Self, BlobError> {
        let Reference { id, len } = reference;
        let open = Open::at(blobs, id, path(tenant, id)).await?;
        // Cut off at the border of two chunks, it would still open in front of it.
        if open.layout.content != len {
            let reason = FormatError::Length;
            return Err(BlobError::Damaged { id, reason });
        }
        Ok(Self(Arc::new(open)))
    }

    /// The blob that lies there, whatever its length should be.
    pub(super) async fn found(blobs: Blobs, tenant: TenantId, id: BlobId) -> Result<Self, BlobError> {
        Ok(Self(Arc::new(Open::at(blobs, id, path(tenant, id)).await?)))
    }

    /// Its header.
    pub(super) fn header(&self) -> &Header {
        &self.0.header
    }

    /// Bytes of content.
    pub fn len(&self) -> u64 {
        self.0.layout.content
    }

    /// Whether there is no content.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The content of a range, which is cut to what there is. Each piece was verified before it comes; after an error
    /// nothing comes. Memory is flat: one fetch of the size of a part at a time.
    pub fn range(&self, range: Range<u64>) -> BoxStream<'static, Result<Bytes, BlobError>> {
        let layout = &self.0.layout;
        // The one chunk of an empty blob is verified too.
        let chunks = if layout.content == 0 {
            0..1
        } else {
            layout.chunks_of(&range)
        };
        let place = Place {
            blob: self.0.clone(),
            range,
            chunks,
            window: BytesMut::new(),
        };
        let pieces = stream::try_unfold(place, |mut place| async move {
            let piece = place.next().await?;
            Ok(piece.map(|piece| (piece, place)))
        });
        pieces.try_filter(|piece| std::future::ready(!piece.is_empty())).boxed()
    }

    /// The whole content.
    pub fn whole(&self) -> BoxStream<'static, Result<Bytes, BlobError>> {
        self.range(0..self.len())
    }

    /// The content of a range in memory: for ranges that the caller knows to be short.
    pub async fn bytes(&self, range: Range<u64>) -> Result<Vec<u8>, BlobError> {
        let append = |mut bytes: Vec<u8>, piece: Bytes| async move {
            bytes.extend_from_slice(&piece);
            Ok(bytes)
        };
        self.range(range).try_fold(Vec::new(), append).await
    }
}

impl Place {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        let Some(index) = self.chunks.next() else {
            return Ok(None);
        };
        let opened = match self.open(index).await {
            Err(BlobError::Damaged { .. }) if self.is_sealed_again().await? => {
                self.window.clear();
                self.open(index).await
            }
            opened => opened,
        };
        opened.map(Some)
    }

    async fn is_sealed_again(&mut self) -> Result<bool, BlobError> {
        let again = self.blob.sealed_again().await?.map(Arc::new);
        let is_other = again.is_some();
        self.blob = again.unwrap_or_else(|| self.blob.clone());
        Ok(is_other)
    }

    /// The content of a chunk that is asked for.
    async fn open(&mut self, index: u64) -> Result<Bytes, BlobError> {
        let layout = self.blob.layout;
        let sealed = layout.sealed(index);
        if self.window.is_empty() {
            let last = self.last_of_window(index);
            self.window = self.blob.fetch(sealed.start..layout.sealed(last).end).await?;
        }
        let len = (sealed.end - sealed.start) as usize;
        let damaged = |reason| BlobError::Damaged {
            id: self.blob.id,
            reason,
        };
        if self.window.len() < len {
            return Err(damaged(FormatError::Length));
        }
        let mut chunk = self.window.split_to(len);
        let is_last = index + 1 == layout.chunks;
        self.blob.chunks.open(index, is_last, &mut chunk).map_err(damaged)?;
        chunk.truncate(len - TAG_LEN);
        Ok(wanted(&chunk.freeze(), layout.start(index), &self.range))
    }

    /// The last chunk that is fetched together with this one.
    fn last_of_window(&self, index: u64) -> u64 {
        let start = self.blob.layout.sealed(index).start;
        let is_near = |at: &u64| self.blob.layout.sealed(*at).end - start <= self.blob.blobs.0.part as u64;
        self.chunks.clone().take_while(is_near).last().unwrap_or(index)
    }
}

/// The part of a chunk, which starts at `start` of the content, that lies in `range`.
fn wanted(chunk: &Bytes, start: u64, range: &Range<u64>) -> Bytes {
    let clamp = |at: u64| at.saturating_sub(start).min(chunk.len() as u64) as usize;
    let (from, to) = (clamp(range.start), clamp(range.end));
    chunk.slice(from..to.max(from))
}

impl Open {
    async fn at(blobs: Blobs, id: BlobId, path: Path) -> Result<Self, BlobError> {
        match Self::at_once(blobs.clone(), id, path.clone()).await {
            // It may have been sealed again, and the key before removed, since its header was read.
            Err(BlobError::Damaged {
                reason: FormatError::UnknownKey(_),
                ..
            }) => Self::at_once(blobs, id, path).await,
            opened => opened,
        }
    }

    async fn at_once(blobs: Blobs, id: BlobId, path: Path) -> Result<Self, BlobError> {
        let damaged = |reason| BlobError::Damaged { id, reason };
        let (first, sealed_len) = first_bytes(&blobs, id, &path).await?;
        let header = first.first_chunk().ok_or(damaged(FormatError::NotABlob))?;
        let header = Header::parse(header).map_err(damaged)?;
        let key = blobs.0.key(header.key);
        let key = key.ok_or(damaged(FormatError::UnknownKey(header.key)))?;
        let layout = header.layout(sealed_len).map_err(damaged)?;
        let chunks = Chunks::new(&key, &header, &blobs.0.instance, path.as_ref());
        Ok(Self {
            blobs,
            id,
            path,
            header,
            chunks,
            layout,
            first,
        })
    }

    /// The same blob when it was sealed again under another key meanwhile.
    async fn sealed_again(&self) -> Result<Option<Self>, BlobError> {
        let now = Self::at(self.blobs.clone(), self.id, self.path.clone()).await?;
        Ok((now.header != self.header && now.layout == self.layout).then_some(now))
    }

    async fn fetch(&self, sealed: Range<u64>) -> Result<BytesMut, BlobError> {
        if let Some(first) = self.first.get(sealed.start as usize..sealed.end as usize) {
            return Ok(BytesMut::from(first));
        }
        let fetched = self.blobs.0.objects.get_range(&self.path, sealed).await;
        let fetched = fetched.map_err(|error| BlobError::of(self.id, error))?;
        Ok(fetched
            .try_into_mut()
            .unwrap_or_else(|shared| BytesMut::from(&shared[..])))
    }
}

/// The first bytes of an object, and how many it has.
async fn first_bytes(blobs: &Blobs, id: BlobId, path: &Path) -> Result<(Bytes, u64), BlobError> {
    let objects = &blobs.0.objects;
    let failed = |error| BlobError::of(id, error);
    let options = GetOptions {
        range: Some(GetRange::Bounded(0..FIRST)),
        ..GetOptions::default()
    };
    match objects.get_opts(path, options).await {
        Ok(found) => {
            let size = found.meta.size;
            Ok((found.bytes().await.map_err(failed)?, size))
        }
        Err(error @ object_store::Error::NotFound { .. }) => Err(failed(error)),
        // Of nothing there is no range.
        Err(error) => match objects.head(path).await {
            Ok(found) if found.size == 0 => Ok((Bytes::new(), 0)),
            _ => Err(failed(error)),
        },
    }
}
