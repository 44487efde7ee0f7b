//! Multipart uploads that were not completed, as S3 lists them.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html>

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use http_body_util::{BodyExt as _, Limited};
use hygie_core::Timestamp;
use hygie_store::blobs::{BlobError, Uploads};
use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::client::{HttpClient, HttpRequestBody};
use object_store::multipart::MultipartStore as _;
use object_store::path::Path;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

/// Longest page: 1000 uploads, whose keys have 1024 characters at most.
const MAX_PAGE: usize = 8 << 20;

/// Pages that are read at most: a server that never comes to an end is no endless work.
const MAX_PAGES: usize = 10_000;

/// The uploads of a bucket, or of a folder in it.
#[derive(Clone)]
pub struct S3Uploads {
    s3: Arc<AmazonS3>,
    http: HttpClient,
    /// Address of the bucket, and the region that signatures name.
    bucket: (Url, String),
    folder: String,
}

/// Why a listing failed.
#[derive(Debug, thiserror::Error)]
enum ListError {
    #[error("the uploads cannot be listed: the service answers {0}")]
    Status(http::StatusCode),
    #[error("the list of uploads is not readable")]
    Page(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the list of uploads has no end")]
    Endless,
}

#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_key_marker: String,
    #[serde(default)]
    next_upload_id_marker: String,
    #[serde(default)]
    upload: Vec<Upload>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
struct Upload {
    key: String,
    #[serde(rename = "UploadId")]
    id: String,
    initiated: String,
}

impl Upload {
    fn began(&self) -> Result<Timestamp, BlobError> {
        let began = OffsetDateTime::parse(&self.initiated, &Rfc3339)
            .map_err(|error| BlobError::unavailable(ListError::Page(Box::new(error))))?;
        Ok(Timestamp::from_millis(
            (began.unix_timestamp_nanos() / 1_000_000) as i64,
        ))
    }
}

impl S3Uploads {
    pub fn new(s3: Arc<AmazonS3>, http: HttpClient, bucket: (Url, String)) -> Self {
        Self {
            s3,
            http,
            bucket,
            folder: String::new(),
        }
    }

    /// Those in a folder.
    pub fn within(self, folder: &Path) -> Self {
        Self {
            folder: format!("{folder}/"),
            ..self
        }
    }

    async fn page(&self, after: &Page) -> Result<Page, BlobError> {
        let mut query = vec![("uploads", ""), ("prefix", &self.folder)];
        if after.is_truncated {
            query.push(("key-marker", &after.next_key_marker));
            query.push(("upload-id-marker", &after.next_upload_id_marker));
        }
        let (address, region) = &self.bucket;
        let mut address = address.clone();
        address.query_pairs_mut().extend_pairs(query);
        let request = http::Request::get(address.as_str()).body(HttpRequestBody::empty());
        let mut request = request.map_err(BlobError::unavailable)?;
        let credential = self.s3.credentials().get_credential().await;
        let credential = credential.map_err(BlobError::unavailable)?;
        let signed = AwsAuthorizer::new(&credential, "s3", region).try_authorize(&mut request, None);
        signed.map_err(BlobError::unavailable)?;
        let answer = self.http.execute(request).await.map_err(BlobError::unavailable)?;
        if !answer.status().is_success() {
            return Err(BlobError::unavailable(ListError::Status(answer.status())));
        }
        let body = Limited::new(answer.into_body(), MAX_PAGE).collect().await;
        let body = body.map_err(|error| BlobError::unavailable(ListError::Page(error)))?;
        parse(&body.to_bytes())
    }

    /// All of them, page by page.
    fn pages(&self) -> BoxStream<'_, Result<Vec<Upload>, BlobError>> {
        let pages = stream::try_unfold(Some((0, Page::default())), move |at| async move {
            let Some((number, before)) = at else {
                return Ok(None);
            };
            if number == MAX_PAGES {
                return Err(BlobError::unavailable(ListError::Endless));
            }
            let mut page = self.page(&before).await?;
            let uploads = std::mem::take(&mut page.upload).into_iter();
            // A server that does not know the prefix names those of others too.
            let ours = uploads.filter(|upload| upload.key.starts_with(&self.folder)).collect();
            let next = page.is_truncated.then_some((number + 1, page));
            Ok(Some((ours, next)))
        });
        pages.boxed()
    }

    /// Removes those that are due; tells how many.
    async fn remove(&self, is_due: impl Fn(&Upload) -> Result<bool, BlobError> + Send) -> Result<u64, BlobError> {
        let (mut removed, mut pages) = (0, self.pages());
        while let Some(page) = pages.try_next().await? {
            for upload in page {
                if is_due(&upload)? {
                    removed += u64::from(self.abort(&upload).await?);
                }
            }
        }
        Ok(removed)
    }

    async fn abort(&self, upload: &Upload) -> Result<bool, BlobError> {
        let path = Path::parse(&upload.key).map_err(BlobError::unavailable)?;
        match self.s3.abort_multipart(&path, &upload.id).await {
            Ok(()) => Ok(true),
            // It was completed or removed meanwhile.
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(BlobError::unavailable(error)),
        }
    }
}

impl Uploads for S3Uploads {
    fn count(&self) -> BoxFuture<'_, Result<u64, BlobError>> {
        let count = self
            .pages()
            .try_fold(0, |count, page| async move { Ok(count + page.len() as u64) });
        Box::pin(count)
    }

    fn remove_before(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, BlobError>> {
        Box::pin(self.remove(move |upload| Ok(upload.began()? < before)))
    }

    fn remove_of<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<(), BlobError>> {
        Box::pin(async move {
            let one = Self {
                folder: format!("{}{path}", self.folder),
                ..self.clone()
            };
            one.remove(|_| Ok(true)).await.map(drop)
        })
    }
}

fn parse(xml: &[u8]) -> Result<Page, BlobError> {
    quick_xml::de::from_reader(xml).map_err(|error| BlobError::unavailable(ListError::Page(Box::new(error))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read() {
        let xml = br#"<?xml version="1.0" encoding="UTF-8"?>
            <ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
              <Bucket>b</Bucket><KeyMarker></KeyMarker><UploadIdMarker></UploadIdMarker>
              <NextKeyMarker>i/t/ab/abcd</NextKeyMarker><NextUploadIdMarker>u&amp;2</NextUploadIdMarker>
              <MaxUploads>2</MaxUploads><IsTruncated>true</IsTruncated>
              <Upload><Key>i/t/aa/aa</Key><UploadId>u1</UploadId><Owner><ID>1</ID></Owner>
                <StorageClass>STANDARD</StorageClass><Initiated>2010-11-10T20:48:33.500Z</Initiated></Upload>
              <CommonPrefixes><Prefix>x</Prefix></CommonPrefixes>
              <Upload><Key>i/t/ab/abcd</Key><UploadId>u&amp;2</UploadId><Initiated>2010-11-10T20:48:33Z</Initiated></Upload>
            </ListMultipartUploadsResult>"#;
        let page = parse(xml).unwrap();
        assert!(page.is_truncated);
        assert_eq!(page.next_key_marker, "i/t/ab/abcd");
        assert_eq!(page.next_upload_id_marker, "u&2");
        let ids: Vec<_> = page.upload.iter().map(|upload| upload.id.as_str()).collect();
        assert_eq!(ids, ["u1", "u&2"]);
        assert_eq!(page.upload[0].began().unwrap().millis(), 1_289_422_113_500);
        assert_eq!(page.upload[1].began().unwrap().millis(), 1_289_422_113_000);
    }

    #[test]
    fn an_empty_page_and_none_at_all_are_told_apart() {
        let empty = parse(b"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>");
        assert_eq!(empty.unwrap(), Page::default());
        for xml in [&b""[..], b"<html>", b"{}"] {
            assert!(parse(xml).is_err(), "{}", String::from_utf8_lossy(xml));
        }
        let upload = Upload {
            key: String::new(),
            id: String::new(),
            initiated: "yesterday".to_owned(),
        };
        assert!(upload.began().is_err());
    }
}
