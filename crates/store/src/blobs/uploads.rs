//! Uploads that were begun and not completed: they take space, and no listing of objects shows them.

use std::future::ready;

use futures_util::future::BoxFuture;
use hygie_core::Timestamp;
use object_store::path::Path;

use super::BlobError;

/// What begun uploads leave where an instance's blobs lie. On a local disk they are files, in a bucket the service keeps
/// them apart. A service that removes them by itself needs none of this.
pub trait Uploads: Send + Sync {
    /// Makes the place of a blob that is about to be uploaded there, so that what is stored in it survives a power loss.
    /// A bucket has no places.
    fn prepare<'a>(&'a self, _path: &'a Path) -> BoxFuture<'a, Result<(), BlobError>> {
        Box::pin(ready(Ok(())))
    }

    /// How many there are, those included that go on just now.
    fn count(&self) -> BoxFuture<'_, Result<u64, BlobError>>;

    /// Removes those that nothing was written to since this instant, or that were begun before it; tells how many.
    fn remove_before(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, BlobError>>;

    /// Removes what an upload to this path left that could not be completed, as far as giving it up did not.
    fn remove_of<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<(), BlobError>>;
}
