//! Walking the audit chains of an installation whose database several processes share.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use hygie_core::{Cx, TenantId};
use hygie_store::Vault;
use hygie_store::audit::{self, Trail as Which};
use hygie_store::blobs::{self, BlobError, Blobs};
use hygie_store::keys::Keyring;
use uuid::Uuid;

use super::{Chain, Instance, Report, Trail, unreadable};
use crate::ambient::{SystemClock, SystemRandom};
use crate::wiring::objects::{Buckets, Reach};
use crate::wiring::postgres::{Shared, VerifiedChain};
use crate::wiring::stores;

/// Walks every instance of the database; `heads` are the directories of the processes whose heads are at hand.
pub async fn walk(shared: &Shared, heads: &[PathBuf], (keyring, buckets): (&Arc<Keyring>, &Buckets)) -> Result<Report> {
    let mut names = shared.instances().await?;
    // An instance that was removed has left its key with this process.
    let keys = keyring.list();
    names.extend(keys.iter().filter_map(|key| key.purpose.audit_of().map(str::to_owned)));
    // Other processes may have made those of large objects, and replaced that of the sealed columns.
    shared.take_in_keys(keyring).await?;
    let places = buckets.open(keyring)?;
    let mut instances = Vec::new();
    for name in &names {
        let mut instance = match shared.verify(heads, name, keyring).await {
            Ok(chains) => Instance::of_chains(name, &chains),
            Err(error) => Instance::unread(name, unreadable(error)),
        };
        if name == stores::DIRECTORY && instance.ok {
            let vault = Vault::for_visiting(keyring.clone(), name);
            instance.add_columns(shared.read(name).await, vault).await;
        }
        match places.find(name) {
            None => {}
            Some(Reach::Open(blobs)) => instance.add_blobs(verify_blobs(shared, name, blobs).await.map(Some)),
            Some(Reach::ByIdentity) => instance.has_unread_blobs = true,
        }
        instances.push(instance);
    }
    Ok(Report::of(instances))
}

async fn verify_blobs(shared: &Shared, name: &str, blobs: &Blobs) -> Result<blobs::Report, BlobError> {
    let store = shared
        .read(name)
        .await
        .map_err(|error| BlobError::unavailable(error.into_boxed_dyn_error()))?;
    let clock = Arc::new(SystemClock);
    let cx = Cx::internal(TenantId::from_uuid(Uuid::nil()), clock, Arc::new(SystemRandom));
    blobs.verify(&store, &cx).await
}

impl Instance {
    fn of_chains(name: &str, verified: &[VerifiedChain]) -> Self {
        let mut instance = Self::unread(name, String::new());
        instance.findings.clear();
        for VerifiedChain {
            chain,
            trail,
            is_signed,
            report,
        } in verified
        {
            let (trail, total) = match trail {
                Which::Writes => ("writes", &mut instance.writes),
                Which::Accesses => ("accesses", &mut instance.accesses),
            };
            total.entries += report.entries;
            instance.add_findings(&format!("audit of {trail}, chain {chain}"), report);
            instance.chains.push(Chain {
                name: chain.clone(),
                trail,
                is_signed: *is_signed,
                end: Trail::of(report),
            });
        }
        instance.ok = instance.findings.is_empty();
        instance
    }

    /// Adds what was found in a trail.
    pub(super) fn add_findings(&mut self, place: &str, report: &audit::Report) {
        let findings = report.findings.iter().map(|finding| format!("{place}: {finding}"));
        self.findings.extend(findings);
        if report.more > 0 {
            self.findings.push(format!("{place}: {} more findings", report.more));
        }
    }
}
