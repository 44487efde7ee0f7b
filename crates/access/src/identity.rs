//! The identity that a service of this program has itself, toward what it calls: object storage, an event hub. The
//! identity provider implements it, `server` hands it out; a service knows no secret.

use futures_util::future::BoxFuture;
use hygie_core::{Secret, Timestamp};

/// A token of one's own.
#[derive(Clone, Debug)]
pub struct OwnToken {
    /// To be shown as a bearer token.
    pub token: Secret<String>,
    /// Not good from here on.
    pub expires_at: Timestamp,
}

/// There is no token: the identity was removed or disabled, the resource is not known, or the directory does not answer.
#[derive(Debug, thiserror::Error)]
#[error("there is no token of one's own for {resource}")]
pub struct NoOwnToken {
    /// What it was for.
    pub resource: String,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// The managed identity of a service.
pub trait OwnIdentity: Send + Sync {
    /// A token for this resource, good for at least half of its life; kept until then.
    fn token<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<OwnToken, NoOwnToken>>;
}
