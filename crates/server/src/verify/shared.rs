//! Walking the audit chains of an installation whose database several processes share.

use std::path::PathBuf;

use anyhow::Result;
use hygie_store::audit::{self, Trail as Which};
use hygie_store::keys::Keyring;

use super::{Chain, Instance, Report, Trail, unreadable};
use crate::wiring::postgres::{Shared, VerifiedChain};

/// Walks every instance of the database; `heads` are the directories of the processes whose heads are at hand.
pub async fn walk(shared: &Shared, heads: &[PathBuf], keyring: &Keyring) -> Result<Report> {
    let mut names = shared.instances().await?;
    // An instance that was removed has left its key with this process.
    let keys = keyring.list();
    names.extend(keys.iter().filter_map(|key| key.purpose.audit_of().map(str::to_owned)));
    let mut instances = Vec::new();
    for name in &names {
        instances.push(match shared.verify(heads, name, keyring).await {
            Ok(chains) => Instance::of_chains(name, &chains),
            Err(error) => Instance::unread(name, unreadable(error)),
        });
    }
    Ok(Report::of(instances))
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
