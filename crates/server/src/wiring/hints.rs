//! What the host that asks for certificates is told of the authorities of tenants.

use std::collections::BTreeSet;

use anyhow::Result;
use futures_util::future::BoxFuture;
use hygie_core::TenantId;
use hygie_idp::Idp;

use crate::tls::IssuerHints;

/// The directory's answers.
pub struct Hints(pub Idp);

impl IssuerHints for Hints {
    fn tenants(&self) -> BoxFuture<'_, Result<Vec<TenantId>>> {
        Box::pin(async {
            let directory = self.0.directory();
            Ok(directory.list_tenants(&directory.provider_cx()).await?)
        })
    }

    fn issuers(&self, tenant: TenantId) -> BoxFuture<'_, Result<BTreeSet<Vec<u8>>>> {
        Box::pin(async move {
            let cx = self.0.directory().provider_cx().for_tenant(tenant);
            Ok(self.0.means().hinted_issuers(&cx).await?)
        })
    }
}
