//! Comparing the blobs with their references: what is missing or damaged, and what nobody refers to.

use std::fmt;
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use hygie_core::{Cx, TenantId, Timestamp};

use super::references::{Reference, References};
use super::{BlobError, BlobId, Blobs, name};
use crate::{Store, StoreError};

/// Younger blobs are not swept, whatever grace is asked for: a transaction may be about to refer to them, and the clock
/// of the object store may go wrong by hours.
pub const MIN_GRACE: Duration = Duration::from_hours(24);

/// Findings that are told one by one.
const MAX_FINDINGS: usize = 100;

/// Blobs whose references are looked for in one snapshot.
const BATCH: usize = 256;

/// Something that is wrong with the blobs of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A row refers to a blob that is not there.
    Missing(TenantId, BlobId),
    /// A blob is not what was stored; how it shows.
    Damaged(TenantId, BlobId, String),
    /// Something lies among the blobs that is none.
    Foreign(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(tenant, id) => write!(f, "the blob {id} of the tenant {tenant} is missing"),
            Self::Damaged(tenant, id, reason) => {
                write!(f, "the blob {id} of the tenant {tenant} is damaged: {reason}")
            }
            Self::Foreign(path) => write!(f, "{} is no blob", path.escape_default()),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Blobs that the data refer to.
    pub blobs: u64,
    /// Bytes of their content.
    pub bytes: u64,
    /// Blobs that nobody refers to: of writes and deletions that were stopped, or that go on just now. A sweep removes
    /// them. They are no damage.
    pub orphans: u64,
    /// Bytes that they take.
    pub orphaned_bytes: u64,
    /// Uploads that were begun and not completed, where they can be seen. As the orphans.
    pub uploads: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub more: u64,
}

impl Report {
    fn add(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }
}

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blobs that nobody referred to.
    pub orphans: u64,
    /// Bytes that they took.
    pub bytes: u64,
    /// Uploads whose program was killed.
    pub uploads: u64,
}

/// An object where the blobs lie.
pub enum Found {
    Blob(Present),
    Foreign(String),
}

/// A blob, as a listing shows it.
#[derive(Clone, Copy)]
pub struct Present {
    pub tenant: TenantId,
    pub id: BlobId,
    changed: Timestamp,
    size: u64,
}

impl Blobs {
    /// Reads every blob that the database refers to, and counts those to which it does not. It may run beside processes
    /// that write and delete.
    pub async fn verify(&self, store: &Store, cx: &Cx) -> Result<Report, BlobError> {
        let mut report = Report::default();
        let mut after = None;
        loop {
            let page = store
                .read(cx, after, |after, tx| {
                    Box::pin(async move { References(tx).page(*after).await })
                })
                .await?;
            let Some((tenant, reference)) = page.last() else {
                break;
            };
            after = Some((*tenant, reference.id));
            for (tenant, reference) in page {
                self.verify_one(store, (&cx.for_tenant(tenant), reference), &mut report)
                    .await?;
            }
        }
        let mut batches = self.walk().chunks(BATCH);
        while let Some(batch) = batches.next().await {
            let mut present = Vec::new();
            for found in batch {
                match found? {
                    Found::Blob(blob) => present.push(blob),
                    Found::Foreign(path) => report.add(Finding::Foreign(path)),
                }
            }
            for orphan in unreferenced(store, cx, present).await? {
                report.orphans += 1;
                report.orphaned_bytes += orphan.size;
            }
        }
        if let Some(uploads) = &self.0.uploads {
            report.uploads = uploads.count().await?;
        }
        Ok(report)
    }

    async fn verify_one(
        &self,
        store: &Store,
        (cx, reference): (&Cx, Reference),
        report: &mut Report,
    ) -> Result<(), BlobError> {
        match self.read_through(cx, reference).await {
            Ok(()) => {
                report.blobs += 1;
                report.bytes += reference.len;
            }
            Err(error) => {
                let id = reference.id;
                let finding = match error {
                    BlobError::NotFound(_) => Finding::Missing(cx.tenant, id),
                    BlobError::Damaged { reason, .. } => Finding::Damaged(cx.tenant, id, reason.to_string()),
                    other => return Err(other),
                };
                // It may have been deleted since the page was read.
                let still = store.read(cx, id, |id, tx| Box::pin(async move { References(tx).find(*id).await }));
                let still: Option<Reference> = still.await.map_err(|error: StoreError| error)?;
                if still.is_some() {
                    report.add(finding);
                }
            }
        }
        Ok(())
    }

    async fn read_through(&self, cx: &Cx, reference: Reference) -> Result<(), BlobError> {
        let mut pieces = self.read(cx, reference).await?.whole();
        while pieces.try_next().await?.is_some() {}
        Ok(())
    }

    /// Removes the blobs that nobody has referred to for as long as the grace, [`MIN_GRACE`] at least, and the uploads
    /// that were not completed for as long, where they can be seen. To be run by one process from time to time.
    pub async fn sweep(&self, store: &Store, cx: &Cx, grace: Duration) -> Result<Swept, BlobError> {
        let before = cx.clock.now() - grace.max(MIN_GRACE);
        let mut swept = Swept::default();
        let mut batches = self.walk().chunks(BATCH);
        while let Some(batch) = batches.next().await {
            let mut old = Vec::new();
            for found in batch {
                match found? {
                    Found::Blob(blob) if blob.changed < before => old.push(blob),
                    Found::Blob(_) | Found::Foreign(_) => {}
                }
            }
            for orphan in unreferenced(store, cx, old).await? {
                self.remove(orphan.tenant, orphan.id).await?;
                swept.orphans += 1;
                swept.bytes += orphan.size;
            }
        }
        if let Some(uploads) = &self.0.uploads {
            swept.uploads = uploads.remove_before(before).await?;
        }
        Ok(swept)
    }

    /// Everything that lies there, in no order.
    pub(super) fn walk(&self) -> BoxStream<'static, Result<Found, BlobError>> {
        let found = self.0.objects.list(None).map(|object| {
            let object = object.map_err(BlobError::unavailable)?;
            let Some((tenant, id)) = name(&object.location) else {
                return Ok(Found::Foreign(object.location.to_string()));
            };
            Ok(Found::Blob(Present {
                tenant,
                id,
                changed: Timestamp::from_millis(object.last_modified.timestamp_millis()),
                size: object.size,
            }))
        });
        found.boxed()
    }
}

/// Those to which no row refers.
async fn unreferenced(store: &Store, cx: &Cx, blobs: Vec<Present>) -> Result<Vec<Present>, BlobError> {
    let read = store.read(cx, blobs, |blobs, tx| {
        Box::pin(async move {
            let mut orphans = Vec::new();
            for blob in blobs {
                if !References(tx).exists(blob.tenant, blob.id).await? {
                    orphans.push(*blob);
                }
            }
            Ok::<_, StoreError>(orphans)
        })
    });
    Ok(read.await?)
}
