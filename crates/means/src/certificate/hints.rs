//! Issuer hints: which authorities browsers are told of when they are asked for a certificate, so that they offer those
//! of the person's establishment only.

use std::collections::BTreeSet;

use hygie_core::Cx;
use hygie_policy::certificate::{State, X509Certificate};

use super::configuration;
use crate::{Means, MeansError};

/// Octets of the names that are sent in one handshake. Clients take no longer message; an empty list asks for any card,
/// a shorter one would hide some.
const MAX_NAMES: usize = 15 * 1024;

/// Whether browsers are told of the authorities of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hints {
    /// They are.
    Named,
    /// They are not.
    Unnamed,
}

impl Means {
    /// Whether the tenant has browsers told of its authorities.
    pub async fn issuer_hints(&self, cx: &Cx) -> Result<Hints, MeansError> {
        let policy = self.directory().methods_policy(cx).await?;
        Ok(hints(&configuration(&policy)))
    }

    /// The subjects, as they are encoded, of the authorities that browsers are told of: those of the tenant that are marked
    /// so, where it wants hints. None where they would not fit into a handshake.
    pub async fn hinted_issuers(&self, cx: &Cx) -> Result<BTreeSet<Vec<u8>>, MeansError> {
        let rules = self.rules(cx).await?;
        if hints(&rules.configuration) == Hints::Unnamed {
            return Ok(BTreeSet::new());
        }
        let marked = rules.authorities.iter().filter(|trusted| trusted.is_hint_enabled);
        let names: BTreeSet<Vec<u8>> = marked.map(|trusted| trusted.authority.subject().to_vec()).collect();
        let octets: usize = names.iter().map(|name| name.len() + 2).sum();
        if octets > MAX_NAMES {
            tracing::warn!(tenant = %cx.tenant, octets, "too many issuer hints for a handshake: none is sent");
            return Ok(BTreeSet::new());
        }
        Ok(names)
    }
}

fn hints(configuration: &X509Certificate) -> Hints {
    let wanted = configuration.issuer_hints.as_ref();
    if configuration.state == State::Enabled && wanted.is_some_and(|hints| hints.state == State::Enabled) {
        Hints::Named
    } else {
        Hints::Unnamed
    }
}
