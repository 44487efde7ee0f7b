//! Replacing the key of a container: what is written from now on is under the new one, then what is there is sealed again,
//! blob by blob in its place, and the key before is removed (`docs/adr/0011-key-rotation.md`).
//!
//! A reader that is in the middle of a blob finds the new header and goes on. Stopped at any moment, both keys are there and
//! every blob opens with one of them.

use std::time::Duration;

use futures_util::stream::TryStreamExt as _;
use hygie_core::{Cx, TenantId, random_array};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _};

use super::format::Chunks;
use super::verify::Found;
use super::{Blob, BlobError, BlobId, Blobs, path};
use crate::embedded::Observer;
use crate::keys::{DataKey, KeyId, KeyState, TAG_LEN};

/// How often is looked whether a key is still in use.
const PATIENCE: Duration = Duration::from_millis(50);

impl Blobs {
    /// Replaces the key of the container; how many blobs were sealed again. For one process, while no other writes here.
    pub async fn replace_key(&self, cx: &Cx, observer: &dyn Observer) -> Result<u64, BlobError> {
        let (keyring, purpose) = (&self.0.keyring, &self.0.purpose);
        keyring.begin(purpose)?;
        keyring.promote(purpose, KeyState::Leaving)?;
        let leaving: Vec<KeyId> = keyring
            .in_state(purpose, KeyState::Leaving)
            .iter()
            .map(|(_, key)| key.id)
            .collect();
        // What is being written under it is seen only when it is complete.
        while leaving.iter().any(|id| keyring.is_lent(*id)) {
            tokio::time::sleep(PATIENCE).await;
        }
        let resealed = self.reseal(cx, observer).await?;
        while !observer.may_switch() {
            tokio::time::sleep(PATIENCE).await;
        }
        for id in leaving {
            keyring.forget(purpose, id)?;
        }
        Ok(resealed)
    }

    /// Seals everything again that is not under the current key.
    async fn reseal(&self, cx: &Cx, observer: &dyn Observer) -> Result<u64, BlobError> {
        let current = self.0.keyring.get(&self.0.purpose)?;
        let total = self.walk().try_fold(0, |count, _| async move { Ok(count + 1) }).await?;
        let (mut found, mut resealed, mut done) = (self.walk(), 0, 0);
        while let Some(one) = found.try_next().await? {
            done += 1;
            if let Found::Blob(blob) = one {
                resealed += u64::from(self.reseal_one(cx, (blob.tenant, blob.id), &current).await?);
            }
            observer.copied(done, total);
        }
        Ok(resealed)
    }

    async fn reseal_one(&self, cx: &Cx, (tenant, id): (TenantId, BlobId), key: &DataKey) -> Result<bool, BlobError> {
        let blob = match Blob::found(self.clone(), tenant, id).await {
            Ok(blob) => blob,
            // Deleted meanwhile.
            Err(BlobError::NotFound(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        if blob.header().key == key.id {
            return Ok(false);
        }
        let path = path(tenant, id);
        let header = blob.header().renewed(key.id, random_array(&*cx.random));
        let sealing = Sealing {
            chunks: Chunks::new(key, &header, &self.0.instance, path.as_ref()),
            index: 0,
            part: self.0.part,
            sealed: header.to_bytes().to_vec(),
        };
        let mut upload = Upload {
            objects: &*self.0.objects,
            path: &path,
            parts: None,
        };
        let replaced = match sealing.pass(&blob, &mut upload).await {
            Ok(rest) => upload.complete(rest).await,
            Err(error) => Err(error),
        };
        if replaced.is_err() {
            upload.abort().await;
        }
        replaced.map(|()| true).map_err(|error| match error {
            Failed::Read(error) => error,
            Failed::Write(error) => BlobError::of(id, error),
        })
    }
}

enum Failed {
    Read(BlobError),
    Write(object_store::Error),
}

/// A blob on its way from one key to another.
struct Sealing {
    chunks: Chunks,
    /// The chunk that comes next.
    index: u64,
    part: usize,
    /// What is not uploaded yet.
    sealed: Vec<u8>,
}

impl Sealing {
    /// Uploads the blob, sealed again, but for its last part.
    async fn pass(mut self, blob: &Blob, upload: &mut Upload<'_>) -> Result<Vec<u8>, Failed> {
        let mut pieces = blob.whole();
        // An empty blob is one empty chunk.
        let mut piece = pieces.try_next().await.map_err(Failed::Read)?.unwrap_or_default();
        while let Some(next) = pieces.try_next().await.map_err(Failed::Read)? {
            self.seal(&piece, false);
            piece = next;
            while self.sealed.len() >= self.part {
                let rest = self.sealed.split_off(self.part);
                let full = std::mem::replace(&mut self.sealed, rest);
                upload.put(full).await?;
            }
        }
        self.seal(&piece, true);
        Ok(self.sealed)
    }

    fn seal(&mut self, piece: &[u8], is_last: bool) {
        let mut chunk = Vec::with_capacity(piece.len() + TAG_LEN);
        chunk.extend_from_slice(piece);
        self.chunks.seal(self.index, is_last, &mut chunk);
        self.sealed.extend_from_slice(&chunk);
        self.index += 1;
    }
}

/// An object that takes the place of the one that is there, at once when all of it has come.
struct Upload<'a> {
    objects: &'a dyn ObjectStore,
    path: &'a Path,
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload<'_> {
    async fn put(&mut self, part: Vec<u8>) -> Result<(), Failed> {
        let parts = match &mut self.parts {
            Some(parts) => parts,
            none => none.insert(self.objects.put_multipart(self.path).await.map_err(Failed::Write)?),
        };
        parts.put_part(part.into()).await.map_err(Failed::Write)
    }

    async fn complete(&mut self, rest: Vec<u8>) -> Result<(), Failed> {
        let completed = match &mut self.parts {
            Some(parts) => match parts.put_part(rest.into()).await {
                Ok(()) => parts.complete().await,
                Err(error) => Err(error),
            },
            None => self.objects.put(self.path, rest.into()).await,
        };
        completed.map(drop).map_err(Failed::Write)
    }

    /// Takes back what was uploaded: the blob stays as it is.
    async fn abort(&mut self) {
        if let Some(mut parts) = self.parts.take()
            && let Err(error) = parts.abort().await
        {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "an upload cannot be taken back"
            );
        }
    }
}
