//! Whom the console asks.

use bytes::Bytes;
use futures_util::future::BoxFuture;

/// The hosts that answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// The login host: codes become tokens there.
    Login,
    /// The directory API.
    Directory,
}

/// Sends requests to them. In one program they are the routers of the services, layers included: no request leaves it,
/// and each is checked and recorded as one from outside.
pub trait Upstream: Send + Sync {
    /// The answer, read to its end.
    fn send(&self, host: Host, request: http::Request<Bytes>) -> BoxFuture<'_, http::Response<Bytes>>;
}
