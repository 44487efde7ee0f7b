//! Access tokens instead of keys, for services that know us by a managed identity.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use hygie_core::Secret;

/// Why there is no token.
pub type TokenError = Box<dyn std::error::Error + Send + Sync>;

/// Somebody who gets access tokens, as a managed identity does.
pub trait Tokens: Debug + Send + Sync {
    /// A token for this resource, such as `https://storage.azure.com`, that is valid for some minutes at least. It is
    /// asked for with every request to storage: whoever implements it keeps the token while it is valid.
    fn token<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Secret<String>, TokenError>>;
}
