//! What a gate asks about issuers, answered at once.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_access::{KeySource, KeysUnavailable, Origin, Revocations, Revoked};
use hygie_jose::KeySet;

/// An issuer that always has the same keys.
pub struct FixedKeys(pub Arc<KeySet>);

impl KeySource for FixedKeys {
    fn keys(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn refreshed(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        self.keys()
    }
}

/// An issuer that revoked nothing.
pub struct NothingRevoked;

impl Revocations for NothingRevoked {
    fn revoked(&self, _: &Origin) -> Option<Revoked> {
        None
    }
}
