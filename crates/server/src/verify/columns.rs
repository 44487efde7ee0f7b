//! Whether every sealed value of the directory opens with the keyring.

use std::sync::Arc;

use anyhow::Result;
use hygie_core::{Cx, TenantId};
use hygie_directory::SEALED_COLUMNS;
use hygie_store::{Store, Vault};
use uuid::Uuid;

use super::{Instance, unreadable};
use crate::ambient::{SystemClock, SystemRandom};

impl Instance {
    /// Opens every sealed value of this store, and adds what does not open.
    pub(super) async fn add_columns(&mut self, store: Result<Store>, vault: Vault) {
        let cx = Cx::internal(
            TenantId::from_uuid(Uuid::nil()),
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
        );
        let verified = match store {
            Ok(store) => {
                let store = store.with_vault(vault);
                let verified = store.verify_sealed(&cx, SEALED_COLUMNS).await;
                drop(store.close().await);
                verified.map_err(Into::into)
            }
            Err(error) => Err(error),
        };
        match verified {
            Ok((opened, findings)) => {
                self.sealed = Some(opened);
                let findings = findings.iter().map(|finding| format!("sealed columns: {finding}"));
                self.findings.extend(findings);
            }
            Err(error) => self.findings.push(format!("sealed columns: {}", unreadable(error))),
        }
        self.ok = self.findings.is_empty();
    }
}
