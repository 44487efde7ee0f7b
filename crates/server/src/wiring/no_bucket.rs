//! In the place of `bucket`, in a program that was built without the feature `cloud`: buckets are named as what it cannot
//! reach.

#![expect(clippy::unused_async, reason = "of the same shape as what waits for a bucket")]

use std::sync::Arc;

use anyhow::Result;
use hygie_access::OwnIdentity;
use hygie_store::blobs::{BlobError, Blobs as Opened};
use hygie_store::keys::Keyring;

use crate::config::Blobs;

const WITHOUT: &str = "this program was built without S3 and Azure (the feature `cloud`)";

/// There is none.
pub enum Bucket {}

impl Bucket {
    pub fn blobs(&self, _instance: &str, _keyring: &Arc<Keyring>) -> Result<Opened, BlobError> {
        match *self {}
    }

    pub fn existing_blobs(&self, _instance: &str, _keyring: &Arc<Keyring>) -> Result<Opened, BlobError> {
        match *self {}
    }
}

pub fn problems(_blobs: &Blobs) -> Vec<String> {
    vec![WITHOUT.to_owned()]
}

pub async fn reach(_blobs: &Blobs) -> Result<()> {
    anyhow::bail!(WITHOUT)
}

pub fn open(_blobs: &Blobs, _identity: Arc<dyn OwnIdentity>) -> Result<Bucket> {
    anyhow::bail!(WITHOUT)
}

pub fn open_by_key(_blobs: &Blobs) -> Result<Option<Bucket>> {
    anyhow::bail!(WITHOUT)
}
