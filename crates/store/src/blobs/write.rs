//! Writing a blob, part by part.

use std::sync::Arc;

use hygie_core::{Clock, Cx, TenantId};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt as _, PutMode, PutPayload};

use super::format::{Chunks, HEADER_LEN, Header};
use super::references::{Reference, Stored};
use super::{BlobError, BlobId, Blobs, path};
use crate::keys::{Lent, TAG_LEN};

/// A blob that is being written. It holds about a part in memory, whatever its length. Dropped before [`Writer::finish`]
/// it leaves nothing behind.
pub struct Writer {
    blobs: Blobs,
    tenant: TenantId,
    id: BlobId,
    path: Path,
    clock: Arc<dyn Clock>,
    chunks: Chunks,
    chunk_len: usize,
    /// Content that is not sealed yet: up to a whole chunk, which is the last if nothing follows.
    chunk: Vec<u8>,
    /// Chunks sealed.
    sealed_chunks: u64,
    len: u64,
    /// Sealed bytes that are not uploaded yet.
    sealed: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
    /// False while a part is on its way: whoever is interrupted then must not go on.
    is_whole: bool,
    /// The key is not removed before.
    _lent: Lent,
}

impl Writer {
    pub(super) fn new(blobs: Blobs, cx: &Cx, (id, header): (BlobId, &Header), lent: Lent) -> Self {
        let path = path(cx.tenant, id);
        let chunk_len = header.chunk_len() as usize;
        Self {
            tenant: cx.tenant,
            id,
            clock: cx.clock.clone(),
            chunks: Chunks::new(lent.key(), header, &blobs.0.instance, path.as_ref()),
            chunk_len,
            chunk: Vec::with_capacity(chunk_len + TAG_LEN),
            sealed_chunks: 0,
            len: 0,
            sealed: header.to_bytes().to_vec(),
            upload: None,
            is_whole: true,
            path,
            blobs,
            _lent: lent,
        }
    }

    /// The id under which it will be stored.
    pub fn id(&self) -> BlobId {
        self.id
    }

    /// Bytes of content so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no content so far.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends content. After an error the blob is given up.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        while !bytes.is_empty() {
            if self.chunk.len() == self.chunk_len {
                self.seal(false);
                self.upload_full_parts().await?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.chunk_len - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            self.len += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    /// Ends the blob and returns once it is durable. On an error it leaves nothing behind.
    pub async fn finish(mut self) -> Result<Stored, BlobError> {
        self.seal(true);
        self.upload_full_parts().await?;
        if !self.is_whole {
            return Err(BlobError::Broken);
        }
        self.prepare().await?;
        let put = self.upload_rest().await;
        if let Err(error) = put {
            self.give_up().await;
            // What has this id already is not of this writer.
            if !matches!(error, object_store::Error::AlreadyExists { .. }) {
                self.remove_incomplete().await;
            }
            return Err(BlobError::of(self.id, error));
        }
        self.upload = None;
        Ok(Stored {
            tenant: self.tenant,
            at: self.clock.now(),
            reference: Reference {
                id: self.id,
                len: self.len,
            },
        })
    }

    fn seal(&mut self, is_last: bool) {
        self.chunks.seal(self.sealed_chunks, is_last, &mut self.chunk);
        self.sealed.extend_from_slice(&self.chunk);
        self.chunk.clear();
        self.sealed_chunks += 1;
    }

    /// Parts are of one size, as some stores want them.
    async fn upload_full_parts(&mut self) -> Result<(), BlobError> {
        if !self.is_whole {
            return Err(BlobError::Broken);
        }
        let part = self.blobs.0.part.max(HEADER_LEN);
        while self.sealed.len() >= part {
            let rest = self.sealed.split_off(part);
            let full = std::mem::replace(&mut self.sealed, rest);
            self.is_whole = false;
            self.prepare().await?;
            if let Err(error) = self.upload_part(full).await {
                self.give_up().await;
                return Err(BlobError::of(self.id, error));
            }
            self.is_whole = true;
        }
        Ok(())
    }

    /// Before anything is uploaded.
    async fn prepare(&mut self) -> Result<(), BlobError> {
        match &self.blobs.0.uploads {
            Some(uploads) if self.upload.is_none() => uploads.prepare(&self.path).await,
            _ => Ok(()),
        }
    }

    async fn upload_part(&mut self, part: Vec<u8>) -> object_store::Result<()> {
        if let Some(upload) = &mut self.upload {
            return upload.put_part(part.into()).await;
        }
        let begun = self.blobs.0.objects.put_multipart(&self.path).await?;
        self.upload.insert(begun).put_part(part.into()).await
    }

    /// Uploads what is shorter than a part, and makes the blob durable and seen.
    async fn upload_rest(&mut self) -> object_store::Result<()> {
        let rest = PutPayload::from(std::mem::take(&mut self.sealed));
        if let Some(upload) = &mut self.upload {
            upload.put_part(rest).await?;
            upload.complete().await?;
        } else {
            // The id is new: the create mode only makes sure of it.
            let objects = &self.blobs.0.objects;
            objects.put_opts(&self.path, rest, PutMode::Create.into()).await?;
        }
        Ok(())
    }

    /// Removes the parts uploaded.
    async fn give_up(&mut self) {
        self.is_whole = false;
        if let Some(mut upload) = self.upload.take()
            && let Err(error) = upload.abort().await
        {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "an upload cannot be taken back"
            );
        }
    }

    /// Removes what completing may have left that is not taken back by giving up: it may have failed at its very end.
    async fn remove_incomplete(&mut self) {
        let removed = self.blobs.remove(self.tenant, self.id).await;
        if let Err(error) = removed {
            tracing::warn!(id = %self.id, error = &error as &dyn std::error::Error, "an orphan blob is left");
        }
        if let Some(uploads) = &self.blobs.0.uploads
            && let Err(error) = uploads.remove_of(&self.path).await
        {
            tracing::warn!(id = %self.id, error = &error as &dyn std::error::Error, "an unfinished upload is left");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else {
            return;
        };
        // Without a runtime the upload takes itself back when it is dropped, as far as it can.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { upload.abort().await });
        }
    }
}
