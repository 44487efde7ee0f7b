//! Verifying the blobs of an instance, beside the process that writes them or without.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::{BoxFuture, ready};
use hygie_core::Cx;

use super::Limits;
use super::readers::Readers;
use super::rotation::database;
use super::tail::Tail;
use crate::audit::Record;
use crate::blobs::{BlobError, Blobs, Report, open_existing_on_disk};
use crate::keys::{Keyring, Purpose};
use crate::{Engine, Store, StoreError, Work};

/// Reads all blobs of the instance in this directory of [`Options`](super::Options), and compares them with the rows that
/// refer to them; `None` when it has no blobs.
pub async fn verify_blobs(
    directory: &Path,
    instance: &str,
    keyring: &Arc<Keyring>,
    cx: &Cx,
) -> Result<Option<Report>, BlobError> {
    if keyring.find(&Purpose::blobs(instance)).is_none() {
        return Ok(None);
    }
    let blobs = open_existing_on_disk(directory, instance, keyring)?;
    verify_blobs_in(&blobs, (directory, instance), keyring, cx)
        .await
        .map(Some)
}

/// The same for blobs that lie elsewhere.
pub async fn verify_blobs_in(
    blobs: &Blobs,
    (directory, instance): (&Path, &str),
    keyring: &Keyring,
    cx: &Cx,
) -> Result<Report, BlobError> {
    let store = Store::new(Arc::new(Snapshots::open(directory, instance, keyring)?));
    blobs.verify(&store, cx).await
}

/// The tables of the instance in this directory, to be read beside the process that writes them or without.
pub fn open_for_reading(directory: &Path, instance: &str, keyring: &Keyring) -> Result<Store, StoreError> {
    Ok(Store::new(Arc::new(Snapshots::open(directory, instance, keyring)?)))
}

/// The tables of an instance, to be read only. What waits in the writer's memory for the ordered index is not there.
pub struct Snapshots(Arc<Readers>);

impl Snapshots {
    /// Of the instance in this directory.
    pub fn open(directory: &Path, instance: &str, keyring: &Keyring) -> Result<Self, StoreError> {
        let (path, key) = database(directory, instance, keyring)?;
        // Opening would make one.
        path.metadata()
            .map_err(|error| StoreError::Unavailable(Some(Box::new(error))))?;
        let limits = Limits {
            readers: 1,
            cache_kib: 2048,
            ..Limits::default()
        };
        let readers = Readers::open(&path, &key, limits, Arc::new(Tail::default()), false)?;
        Ok(Self(Arc::new(readers)))
    }
}

fn read_only<'a>() -> BoxFuture<'a, Result<(), StoreError>> {
    let error = StoreError::Inconsistent("a write to a store that is open for reading".to_owned());
    Box::pin(ready(Err(error)))
}

impl Engine for Snapshots {
    fn write<'a>(&'a self, _cx: &'a Cx, _work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        read_only()
    }

    fn read<'a>(&'a self, cx: &'a Cx, work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.0.run(cx, work))
    }

    fn record(&self, _record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        read_only()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.close();
        Box::pin(ready(Ok(())))
    }
}
