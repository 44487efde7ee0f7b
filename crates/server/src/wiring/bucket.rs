//! S3 and Azure Blob Storage, as where the large objects of a service lie.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hygie_access::OwnIdentity;
pub use hygie_store_cloud::objects::Bucket;
use hygie_store_cloud::objects::{self, Azure, Credential, Limits, Options, S3, Service};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::tokens::IdentityTokens;
use crate::config::Blobs;

/// How long whoever checks a configuration waits for a bucket.
const CHECK: Limits = Limits {
    connect: Duration::from_secs(5),
    request: Duration::from_secs(5),
    retries: 0,
    retry_within: Duration::from_secs(5),
};

/// What is wrong with the addresses and the authorities, as far as is known without reaching a bucket.
pub fn problems(blobs: &Blobs) -> Vec<String> {
    // A managed identity has no key to be looked at, and what lacks one is told already.
    let made = by_key(blobs, Limits::default());
    made.err().map(|error| format!("{error:#}")).into_iter().collect()
}

/// Reaches the bucket. A managed identity is known to nobody without the program that makes its tokens.
pub async fn reach(blobs: &Blobs) -> Result<()> {
    match by_key(blobs, CHECK)? {
        Some(bucket) => Ok(bucket.check().await?),
        None => Ok(()),
    }
}

/// The bucket, for the service with this identity; nothing is sent yet.
pub fn open(blobs: &Blobs, identity: Arc<dyn OwnIdentity>) -> Result<Bucket> {
    if let Some(bucket) = by_key(blobs, Limits::default())? {
        return Ok(bucket);
    }
    made(
        blobs,
        Some(Credential::Tokens(Arc::new(IdentityTokens(identity)))),
        Limits::default(),
    )
}

/// The bucket, where a key opens it; none where only the running service does.
pub fn open_by_key(blobs: &Blobs) -> Result<Option<Bucket>> {
    by_key(blobs, Limits::default())
}

fn by_key(blobs: &Blobs, limits: Limits) -> Result<Option<Bucket>> {
    if blobs.is_by_identity() {
        return Ok(None);
    }
    let key = blobs.azure.as_ref().and_then(|azure| azure.key.as_ref());
    let key = key.map(|place| place.read().map(Credential::Key)).transpose();
    made(blobs, key.context("the key of blobs")?, limits).map(Some)
}

fn made(blobs: &Blobs, credential: Option<Credential>, limits: Limits) -> Result<Bucket> {
    let service = match (&blobs.s3, &blobs.azure, credential) {
        (Some(s3), None, _) => Service::S3(S3 {
            endpoint: s3.endpoint.clone(),
            region: s3.region.clone(),
            bucket: s3.bucket.clone(),
            key_id: s3.key_id.clone(),
            secret_key: s3.secret_key.read().context("the key of blobs")?,
        }),
        (None, Some(azure), Some(credential)) => Service::Azure(Azure {
            endpoint: azure.endpoint.clone(),
            account: azure.account.clone(),
            container: azure.container.clone(),
            credential,
        }),
        _ => anyhow::bail!("blobs name no bucket with its key"),
    };
    let text = blobs.read_authorities().context("the authorities of blobs")?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found
        .ok()
        .filter(|found| blobs.authorities.is_none() || !found.is_empty());
    let authorities = found.context("the authorities of blobs hold no certificate in PEM form")?;
    Ok(objects::open(Options {
        service,
        authorities,
        limits,
    })?)
}
