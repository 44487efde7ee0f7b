//! Amazon S3, or a server with its protocol: requests are signed with AWS Signature Version 4.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html>

use std::sync::Arc;

use hygie_core::Secret;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential, S3ConditionalPut};
use object_store::{ClientOptions, RetryConfig, StaticCredentialProvider};

use url::Url;

use super::OpenError;

/// A bucket and who we are there.
#[derive(Clone, Debug)]
pub struct S3 {
    /// Address of the server; none for Amazon's own in the region. Buckets are named in the path.
    pub endpoint: Option<String>,
    /// The region that signatures name; servers of other makers mostly want `us-east-1`.
    pub region: String,
    /// Its name.
    pub bucket: String,
    /// Id of the access key.
    pub key_id: String,
    /// The secret access key.
    pub secret_key: Secret<String>,
}

impl S3 {
    /// Address of the bucket.
    pub(super) fn address(&self) -> Result<Url, OpenError> {
        let server = match &self.endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => format!("https://s3.{}.amazonaws.com", self.region),
        };
        let address = format!("{server}/{}", self.bucket);
        Url::parse(&address).map_err(|_| OpenError::Address(address))
    }

    pub(super) fn build(self, client: ClientOptions, retry: RetryConfig) -> Result<AmazonS3, OpenError> {
        // Given as a provider: otherwise the builder would look for others in the environment.
        let credential = AwsCredential {
            key_id: self.key_id,
            secret_key: self.secret_key.expose().clone(),
            token: None,
        };
        let mut builder = AmazonS3Builder::new()
            .with_region(self.region)
            .with_bucket_name(self.bucket)
            .with_credentials(Arc::new(StaticCredentialProvider::new(credential)))
            // `If-None-Match: *`: a name is never given twice.
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_client_options(client)
            .with_retry(retry);
        if let Some(endpoint) = self.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
        }
        builder.build().map_err(OpenError::Service)
    }
}
