//! The rules of recent sign-ins, tenant by tenant.
//!
//! Every issue of a token asks for them. They are kept for a second: what another process changes is seen then, what this
//! one changes at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hygie_core::{Cx, TenantId, Timestamp};
use hygie_store::StoreError;
use parking_lot::Mutex;

use super::AccessRules;
use crate::Directory;

/// How long rules are taken to be unchanged.
const FRESH: Duration = Duration::from_secs(1);
/// Most tenants whose rules are kept.
const MOST: usize = 256;

/// When rules were read.
#[derive(Clone, Copy, Debug)]
struct Mark {
    read_at: Timestamp,
    /// What this process had changed by then ([`Directory::changes`]).
    changes: u64,
}

impl Mark {
    /// Whether what was read then still holds.
    fn holds(self, now: Self) -> bool {
        // A clock that was put back makes nothing young again.
        let is_past = self.read_at <= now.read_at;
        self.changes == now.changes && is_past && now.read_at.since(self.read_at) < FRESH
    }
}

/// The rules, each with when they were read.
#[derive(Default)]
pub(crate) struct KnownRules(Mutex<HashMap<TenantId, (Mark, Arc<AccessRules>)>>);

impl KnownRules {
    fn find(&self, tenant: TenantId, now: Mark) -> Option<Arc<AccessRules>> {
        let known = self.0.lock();
        let (at, rules) = known.get(&tenant)?;
        at.holds(now).then(|| rules.clone())
    }

    /// Keeps what was read; `at` is from before it was.
    fn keep(&self, tenant: TenantId, at: Mark, rules: &Arc<AccessRules>) {
        let mut known = self.0.lock();
        if known.len() >= MOST {
            known.retain(|_, (then, _)| then.holds(at));
        }
        if known.len() < MOST {
            known.insert(tenant, (at, rules.clone()));
        }
    }
}

impl Directory {
    /// What conditional access of the context's tenant decides by, as it was a second ago at most.
    pub async fn access_rules(&self, cx: &Cx) -> Result<Arc<AccessRules>, StoreError> {
        let now = Mark {
            read_at: self.clock().now(),
            changes: self.changes(),
        };
        if let Some(known) = self.0.known_rules.find(cx.tenant, now) {
            return Ok(known);
        }
        let rules = Arc::new(self.read_access_rules(cx).await?);
        self.0.known_rules.keep(cx.tenant, now, &rules);
        Ok(rules)
    }

    /// The same as they are now: for whoever administers them.
    pub async fn read_access_rules(&self, cx: &Cx) -> Result<AccessRules, StoreError> {
        self.store()
            .read(cx, (), |(), tx| Box::pin(async move { AccessRules::load(tx).await }))
            .await
    }
}
