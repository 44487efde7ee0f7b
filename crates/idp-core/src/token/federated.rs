//! Clients that prove themselves by a token of another issuer ([`hygie_oidc::federation`]): whom their registration
//! trusts, and the keys of these issuers.
//!
//! Only an issuer that an administrator named is asked, by the one outgoing client and what its policy allows. Each
//! request that waits for it holds a place of the login host, so that few wait at once.

use std::collections::HashMap;
use std::sync::Arc;

use hygie_access::{Discovered, Document, KeySource, Outgoing};
use hygie_core::{AppId, Clock, Cx};
use hygie_directory::FederatedCredential;
use hygie_jose::KeySet;
use hygie_oidc::federation::{self, Trust};
use hygie_oidc::{Aadsts, Refusal};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::claims::Proof;
use crate::{Idp, IdpError};

/// Issuers whose keys are kept; beyond it the one that was asked for longest ago is forgotten.
const MAX_ISSUERS: usize = 512;
/// Requests that wait for issuers at once: a few of the 512 that a host works on.
const MOST_AT_ONCE: usize = 16;
/// Of these, for one issuer: who answers slowly keeps nobody from the others.
const MOST_FOR_ONE: usize = 2;

/// The issuers that federated credentials named, with their keys.
pub(crate) struct Issuers {
    outgoing: Option<Outgoing>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    places: Semaphore,
}

/// An issuer, and the places of those who wait for it.
#[derive(Clone)]
struct Source {
    keys: Discovered,
    places: Arc<Semaphore>,
}

#[derive(Default)]
struct Known {
    by_issuer: HashMap<String, (Source, u64)>,
    /// Counts how often one was asked for.
    asked: u64,
}

impl Issuers {
    /// Through this client; without one, none is known.
    pub fn new(outgoing: Option<Outgoing>, clock: Arc<dyn Clock>) -> Self {
        Self {
            outgoing,
            clock,
            known: Mutex::default(),
            places: Semaphore::new(MOST_AT_ONCE),
        }
    }

    fn of(&self, issuer: &str) -> Option<Source> {
        let outgoing = self.outgoing.clone()?;
        let mut known = self.known.lock();
        known.asked += 1;
        let asked = known.asked;
        if let Some((found, last)) = known.by_issuer.get_mut(issuer) {
            *last = asked;
            return Some(found.clone());
        }
        if known.by_issuer.len() >= MAX_ISSUERS {
            let oldest = known.by_issuer.iter().min_by_key(|(_, (_, last))| *last);
            if let Some(oldest) = oldest.map(|(issuer, _)| issuer.clone()) {
                known.by_issuer.remove(&oldest);
            }
        }
        let found = Source {
            keys: Discovered::new(outgoing, Document::of_issuer(issuer), self.clock.clone()),
            places: Arc::new(Semaphore::new(MOST_FOR_ONE)),
        };
        known.by_issuer.insert(issuer.to_owned(), (found.clone(), asked));
        Some(found)
    }

    /// The keys for an assertion of this issuer, asked for again where none of them has its name.
    async fn keys(&self, issuer: &str, assertion: &str) -> Result<Arc<KeySet>, Refusal> {
        let unavailable = || Refusal::new(Aadsts::FederatedUnavailable);
        let Source { keys: source, places } = self.of(issuer).ok_or_else(unavailable)?;
        if let Some(keys) = source.at_hand()
            && !federation::needs_other_keys(assertion, &keys)?
        {
            return Ok(keys);
        }
        let _one = places.try_acquire().map_err(|_| unavailable())?;
        let _place = self.places.try_acquire().map_err(|_| unavailable())?;
        let keys = source.keys().await.map_err(|_| unavailable())?;
        if federation::needs_other_keys(assertion, &keys)? {
            return source.refreshed().await.map_err(|_| unavailable());
        }
        Ok(keys)
    }
}

impl Idp {
    /// How a client proved itself by a token of this issuer.
    pub(super) async fn federated_proof(
        &self,
        cx: &Cx,
        client: AppId,
        (issuer, assertion): (&str, &str),
    ) -> Result<Proof, IdpError> {
        let kept = self.directory().federated_credentials(cx, client).await?;
        let trusts: Vec<Trust<'_>> = kept.iter().map(trust).collect();
        federation::matches(assertion, &trusts)?;
        // Another establishment of this installation is known from memory.
        let keys = if self.provider().is_issuer(issuer) {
            self.key_set()
        } else {
            self.inner().issuers.keys(issuer, assertion).await?
        };
        federation::verify(assertion, &keys, cx.now)?;
        Ok(Proof::Certificate)
    }
}

fn trust(kept: &FederatedCredential) -> Trust<'_> {
    Trust {
        issuer: &kept.issuer,
        subject: &kept.subject,
        audience: kept.audiences.first().map(String::as_str).unwrap_or_default(),
    }
}
