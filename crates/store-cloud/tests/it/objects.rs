//! Blobs in S3 and Azure Blob Storage, referred to by a store on PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hygie_core::{ErrorKind, Fault as _, Secret};
use hygie_store::blobs::BlobError;
use hygie_store_cloud::objects::{self, Bucket, Credential, Limits, OpenError, Options, Service};
use hygie_store_cloud::{TokenError, Tokens};
use hygie_store_conformance::blobs::{self, Fixture, Place};

use crate::servers::{Azurite, S3Server};
use crate::world::{World, cx};

/// A bucket, with a folder for each check.
struct Folders {
    bucket: Bucket,
    shows_uploads: bool,
}

impl Fixture for Folders {
    fn create(&self, name: &str) -> BoxFuture<'_, Place> {
        let name = name.to_owned();
        Box::pin(async move {
            let world = World::new();
            let store = world.open("one", &[]).await.expect("the store");
            Place {
                blobs: self.bucket.blobs(&name, &world.keyring()).expect("the blobs"),
                store,
                objects: self.bucket.folder(&name),
                shows_uploads: self.shows_uploads,
                keep: Box::new(world),
            }
        })
    }
}

/// Tokens as Entra ID's look, but for their signature.
#[derive(Debug, Default)]
struct FakeTokens(AtomicUsize);

impl FakeTokens {
    fn make(audience: &str) -> String {
        use base64::Engine as _;
        let base64 = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let claims = format!(
            r#"{{"aud":"{audience}","iss":"https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/","iat":1500000000,"nbf":1500000000,"exp":4100000000,"sub":"hygie"}}"#
        );
        let part = |json: &str| base64.encode(json);
        format!(
            "{}.{}.{}",
            part(r#"{"alg":"RS256","typ":"JWT"}"#),
            part(&claims),
            part("x")
        )
    }
}

impl Tokens for FakeTokens {
    fn token<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Secret<String>, TokenError>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(Secret::new(Self::make(resource)))))
    }
}

#[derive(Debug)]
struct NoTokens;

impl Tokens for NoTokens {
    fn token<'a>(&'a self, _resource: &'a str) -> BoxFuture<'a, Result<Secret<String>, TokenError>> {
        Box::pin(std::future::ready(Err("the identity is not assigned".into())))
    }
}

/// What stands in the whole chain of an error.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text += &format!(": {error}");
        next = error.source();
    }
    text
}

async fn assert_refused(options: Options, why: &str) {
    let bucket = objects::open(options).expect("a client");
    let error = bucket.check().await.expect_err(why);
    assert!(matches!(error, BlobError::Unavailable(_)), "{why}: {error:?}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(chain(&error).contains(why), "{}", chain(&error));
}

fn s3(options: &mut Options) -> &mut objects::S3 {
    match &mut options.service {
        Service::S3(s3) => s3,
        Service::Azure(_) => panic!("not S3"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "needs a server that scripts/test installs"]
async fn blobs_in_s3_pass_every_check() {
    let mut server = S3Server::start();
    let bucket = objects::open(server.options()).expect("a client");
    bucket.check().await.expect("the server answers");
    let folders = Folders {
        bucket: bucket.clone(),
        shows_uploads: true,
    };
    blobs::run(&folders, cx()).await;

    let mut wrong = server.options();
    s3(&mut wrong).secret_key = Secret::new("another".to_owned());
    assert_refused(wrong, "SignatureDoesNotMatch").await;
    let mut wrong = server.options();
    s3(&mut wrong).bucket = "absent".to_owned();
    assert_refused(wrong, "NoSuchBucket").await;
    let mut wrong = server.options();
    wrong.authorities = vec![crate::servers::Certified::new().certificate];
    wrong.limits.retries = 1;
    assert_refused(wrong, "certificate").await;

    server.kill();
    let mut options = server.options();
    options.limits = Limits {
        retries: 2,
        ..Limits::default()
    };
    let bucket = objects::open(options).expect("a client");
    let tried = tokio::time::timeout(Duration::from_secs(20), bucket.check()).await;
    let error = tried.expect("trying again has an end").expect_err("nobody is there");
    assert!(matches!(error, BlobError::Unavailable(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "needs a server that scripts/test installs"]
async fn blobs_in_azure_pass_every_check() {
    let server = Azurite::start();
    server.make_container(&FakeTokens::make("https://storage.azure.com"));
    let bucket = objects::open(server.with_key()).expect("a client");
    bucket.check().await.expect("the server answers");
    let folders = Folders {
        bucket,
        // It shows them in no listing that we ask for, and removes them after a week.
        shows_uploads: false,
    };
    blobs::run(&folders, cx()).await;

    let tokens = Arc::new(FakeTokens::default());
    let bucket = objects::open(server.options(Credential::Tokens(tokens.clone()))).expect("a client");
    let world = World::new();
    let blobs = bucket.blobs("tokens", &world.keyring()).expect("the blobs");
    let mut writer = blobs.create(cx());
    writer.write(b"by an identity").await.expect("a write");
    let reference = writer.finish().await.expect("the end").reference;
    let blob = blobs.read(cx(), reference).await.expect("the blob");
    assert_eq!(blob.bytes(0..99).await.expect("its content"), b"by an identity");
    assert!(tokens.0.load(Ordering::Relaxed) >= 2, "each request asks for a token");

    let options = server.options(Credential::Tokens(Arc::new(NoTokens)));
    assert_refused(options, "the identity is not assigned").await;
    // Base64 of 64 bytes that are not the key: Azurite then wants a token.
    let wrong = Credential::Key(Secret::new(format!("{}==", "A".repeat(86))));
    assert_refused(server.options(wrong), "InvalidAuthenticationInfo").await;
}

#[test]
fn a_key_that_is_none_and_an_address_in_clear_are_refused() {
    let options = |endpoint: &str, key: &str| Options {
        service: Service::Azure(objects::Azure {
            endpoint: Some(endpoint.to_owned()),
            account: "a".to_owned(),
            container: "c".to_owned(),
            credential: Credential::Key(Secret::new(key.to_owned())),
        }),
        authorities: Vec::new(),
        limits: Limits::default(),
    };
    let refused = |endpoint, key| objects::open(options(endpoint, key)).err().expect("a refusal");
    let clear = refused("http://storage.example", "AAAA");
    assert!(matches!(clear, OpenError::Clear(_)), "{clear:?}");
    let none = refused("https://storage.example", "no base64");
    assert!(matches!(none, OpenError::Service(_)), "{none:?}");
    assert!(!chain(&none).contains("no base64"), "{}", chain(&none));
}
