//! What a caller of the blobs distinguishes.

use std::io;

use hygie_core::{ErrorKind, Fault};

use super::BlobId;
use super::format::FormatError;
use crate::StoreError;
use crate::keys::KeyError;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// An error of the blobs, the same wherever they lie.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("there is no blob {0}")]
    NotFound(BlobId),
    /// The blob is not what was stored under its name.
    #[error("the blob {id} is damaged")]
    Damaged {
        /// Which.
        id: BlobId,
        /// How it shows.
        #[source]
        reason: FormatError,
    },
    /// A write that failed or was interrupted before goes on.
    #[error("an earlier part of the blob was not written")]
    Broken,
    /// No space is left where the blobs lie.
    #[error("no space is left for a blob")]
    Full(#[source] Source),
    /// Where the blobs lie cannot be reached.
    #[error("the blobs are not available")]
    Unavailable(#[source] Source),
    /// The container's key cannot be had.
    #[error("the key of the blobs cannot be had")]
    Key(#[from] KeyError),
    /// The database that refers to the blobs.
    #[error("the references to blobs cannot be read")]
    Store(#[from] StoreError),
}

impl BlobError {
    /// What it means that the object store failed with the object of this blob.
    pub(super) fn of(id: BlobId, error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound(id),
            other => Self::unavailable(other),
        }
    }

    /// What it means that something failed that concerns no single blob.
    pub fn unavailable(error: impl Into<Source>) -> Self {
        let error = error.into();
        if is_full(&*error) {
            Self::Full(error)
        } else {
            Self::Unavailable(error)
        }
    }
}

/// Whether a full disk is at the bottom of it.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)) {
            return true;
        }
        next = error.source();
    }
    false
}

impl Fault for BlobError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Full(_) | Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::Damaged { .. } | Self::Broken | Self::Key(_) => ErrorKind::Internal,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not-found",
            Self::Full(_) | Self::Unavailable(_) => "unavailable",
            Self::Damaged { .. } | Self::Broken | Self::Key(_) => "internal",
            Self::Store(error) => error.code(),
        }
    }

    fn public(&self) -> String {
        match self {
            Self::NotFound(_) => "it is not there".to_owned(),
            Self::Full(_) => "the server has no space left".to_owned(),
            Self::Unavailable(_) => "the storage does not answer; try again".to_owned(),
            Self::Damaged { .. } | Self::Broken | Self::Key(_) => "an internal error occurred".to_owned(),
            Self::Store(error) => error.public(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("writing")]
    struct Writing(#[source] io::Error);

    #[test]
    fn a_full_disk_is_found_below_other_errors() {
        let wrap = |kind: io::ErrorKind| object_store::Error::Generic {
            store: "test",
            source: Box::new(Writing(kind.into())),
        };
        let id = BlobId([0; 16]);
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            assert!(matches!(BlobError::of(id, wrap(kind)), BlobError::Full(_)));
        }
        let other = BlobError::of(id, wrap(io::ErrorKind::PermissionDenied));
        assert!(matches!(other, BlobError::Unavailable(_)), "{other:?}");
        assert_eq!(other.kind(), ErrorKind::Unavailable);
    }
}
