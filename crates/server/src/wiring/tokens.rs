//! The managed identity of a service, where brokers and object stores ask for its tokens.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_access::OwnIdentity;
use hygie_core::Secret;
use hygie_store_cloud::{TokenError, Tokens};

/// The tokens of an identity.
pub struct IdentityTokens(pub Arc<dyn OwnIdentity>);

impl fmt::Debug for IdentityTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityTokens").finish_non_exhaustive()
    }
}

impl Tokens for IdentityTokens {
    fn token<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Secret<String>, TokenError>> {
        Box::pin(async move { Ok(self.0.token(resource).await?.token) })
    }
}
