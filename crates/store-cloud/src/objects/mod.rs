//! Blobs in S3 or Azure Blob Storage (`docs/adr/0012-objects-and-events.md`).
//!
//! A [`Bucket`] is shared by the instances of a process, each in a folder of its own; [`Bucket::blobs`] gives what an
//! instance works with, sealed before it leaves the process. Requests that fail in passing are tried again, within limits
//! of number and time. In clear only this machine is reached.

mod azure;
mod s3;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use hygie_core::{ErrorKind, Fault};
use hygie_store::blobs::{self, BlobError, Blobs, Uploads};
use hygie_store::keys::{Keyring, Purpose};
use object_store::client::{HttpConnector as _, ReqwestConnector};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig};
use rustls_pki_types::CertificateDer;
use url::Url;

pub use self::azure::{Azure, Credential};
pub use self::s3::S3;
use self::uploads::S3Uploads;
use crate::tls::is_this_machine;

/// Bytes of a part of an upload. S3 wants 5 MiB at least and takes 10 000 parts, so that a blob may have 78 GiB.
const PART: usize = 8 << 20;

/// Where blobs are stored and how it is reached.
#[derive(Clone, Debug)]
pub struct Options {
    /// The service, and who we are there.
    pub service: Service,
    /// Who signs the certificate of the service; none for the authorities that the system trusts.
    pub authorities: Vec<CertificateDer<'static>>,
    /// How long one tries.
    pub limits: Limits,
}

/// A storage service.
#[derive(Clone, Debug)]
pub enum Service {
    /// Amazon S3, or a server with its protocol.
    S3(S3),
    /// Azure Blob Storage.
    Azure(Azure),
}

/// How long one tries.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until a connection is there.
    pub connect: Duration,
    /// For a request with its answer: a part of 8 MiB at most.
    pub request: Duration,
    /// How often a request is tried again that failed in passing.
    pub retries: usize,
    /// How long after its beginning a request may be tried again.
    pub retry_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_mins(1),
            retries: 5,
            retry_within: Duration::from_mins(1),
        }
    }
}

/// Why a place for blobs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An address that would be reached in clear over the network.
    #[error("{0} is reached over the network: an address with https is wanted")]
    Clear(String),
    /// An address that is none.
    #[error("{0} is no address of a storage service")]
    Address(String),
    /// What was given does not make a client.
    #[error("the storage service cannot be used")]
    Service(#[source] object_store::Error),
}

impl Fault for OpenError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }

    fn code(&self) -> &'static str {
        "internal"
    }

    fn public(&self) -> String {
        "an internal error occurred".to_owned()
    }
}

/// A bucket (S3) or container (Azure).
#[derive(Clone)]
pub struct Bucket {
    objects: Arc<dyn ObjectStore>,
    /// Where the service shows uploads that were not completed.
    s3: Option<S3Uploads>,
}

/// Makes a client of a storage service. Nothing is sent: [`Bucket::check`] does.
pub fn open(options: Options) -> Result<Bucket, OpenError> {
    let client = client_options(&options)?;
    let retry = retry(options.limits);
    match options.service {
        Service::S3(s3) => {
            let bucket = (s3.address()?, s3.region.clone());
            let objects = Arc::new(s3.build(client.clone(), retry)?);
            let http = ReqwestConnector::default()
                .connect(&client)
                .map_err(OpenError::Service)?;
            Ok(Bucket {
                objects: objects.clone(),
                s3: Some(S3Uploads::new(objects, http, bucket)),
            })
        }
        Service::Azure(azure) => Ok(Bucket {
            objects: Arc::new(azure.build(client, retry)?),
            s3: None,
        }),
    }
}

impl Bucket {
    /// Whether the service answers and knows us.
    pub async fn check(&self) -> Result<(), BlobError> {
        let first = self.objects.list(None).next().await;
        first.transpose().map(drop).map_err(BlobError::unavailable)
    }

    /// The blobs of an instance, whose key is made when there is none.
    pub fn blobs(&self, instance: &str, keyring: &Arc<Keyring>) -> Result<Blobs, BlobError> {
        keyring.get_or_create(&Purpose::blobs(instance))?;
        self.existing_blobs(instance, keyring)
    }

    /// The same, but makes nothing.
    pub fn existing_blobs(&self, instance: &str, keyring: &Arc<Keyring>) -> Result<Blobs, BlobError> {
        let folder = Path::from(instance);
        let uploads = self
            .s3
            .clone()
            .map(|s3| Arc::new(s3.within(&folder)) as Arc<dyn Uploads>);
        Blobs::open_existing(blobs::Options {
            objects: self.folder(instance),
            instance,
            keyring,
            part: PART,
            uploads,
        })
    }

    /// The objects of an instance, as they are stored.
    pub fn folder(&self, instance: &str) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(self.objects.clone(), Path::from(instance)))
    }
}

fn client_options(options: &Options) -> Result<ClientOptions, OpenError> {
    let endpoint = match &options.service {
        Service::S3(s3) => s3.endpoint.as_deref(),
        Service::Azure(azure) => azure.endpoint.as_deref(),
    };
    let Limits { connect, request, .. } = options.limits;
    let mut client = ClientOptions::new()
        .with_allow_http(is_in_clear(endpoint)?)
        .with_connect_timeout(connect)
        .with_timeout(request)
        .with_no_system_certificates(!options.authorities.is_empty());
    for authority in &options.authorities {
        client = client.with_root_certificate(Certificate::from_der(authority).map_err(OpenError::Service)?);
    }
    Ok(client)
}

/// Whether an address is one of this machine without TLS. Over the network there must be TLS.
fn is_in_clear(endpoint: Option<&str>) -> Result<bool, OpenError> {
    let Some(endpoint) = endpoint else {
        return Ok(false);
    };
    let address = || OpenError::Address(endpoint.to_owned());
    let url = Url::parse(endpoint).map_err(|_| address())?;
    match (url.scheme(), url.host_str()) {
        ("https", Some(_)) => Ok(false),
        ("http", Some(host)) if is_this_machine(host) => Ok(true),
        ("http", Some(host)) => Err(OpenError::Clear(host.to_owned())),
        _ => Err(address()),
    }
}

fn retry(limits: Limits) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            max_backoff: Duration::from_secs(5),
            ..BackoffConfig::default()
        },
        max_retries: limits.retries,
        retry_timeout: limits.retry_within,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_in_clear() {
        for (endpoint, expected) in [
            (None, Some(false)),
            (Some("https://storage.example"), Some(false)),
            (Some("http://localhost:9000"), Some(true)),
            (Some("http://[::1]:9000/x"), Some(true)),
            (Some("http://storage.example"), None),
            (Some("http://127.0.0.1.example"), None),
            (Some("ftp://localhost"), None),
            (Some("localhost:9000"), None),
            (Some(""), None),
        ] {
            assert_eq!(is_in_clear(endpoint).ok(), expected, "{endpoint:?}");
        }
    }
}
