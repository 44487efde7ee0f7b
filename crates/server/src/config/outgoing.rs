//! What the program may ask of other servers.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use hygie_access::EgressPolicy;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;

use crate::files;

const PEM_LIMIT: u64 = 1024 * 1024;

/// Requests that the program sends by itself: keys of issuers, revocation lists, notifications.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outgoing {
    /// Hosts on private or loopback addresses that may be asked, `host` or `host:port`; all others must be public.
    pub private_hosts: Vec<String>,
    /// Files in PEM form with authorities that are trusted besides those of the system.
    pub roots: Vec<PathBuf>,
}

impl Outgoing {
    /// The policy of the client.
    pub fn policy(&self) -> Result<EgressPolicy> {
        let mut roots = Vec::new();
        for path in &self.roots {
            let pem = files::read_limited(path, PEM_LIMIT)?;
            let found: Vec<_> = CertificateDer::pem_slice_iter(&pem)
                .collect::<Result<_, _>>()
                .map_err(|_| anyhow!("not in PEM form"))
                .with_context(|| format!("cannot read {}", path.display()))?;
            if found.is_empty() {
                return Err(anyhow!("{} holds no certificate in PEM form", path.display()));
            }
            roots.extend(found.into_iter().map(|certificate| certificate.to_vec()));
        }
        Ok(EgressPolicy {
            private_hosts: self.private_hosts.clone(),
            roots,
            ..EgressPolicy::default()
        })
    }
}
