//! The context of one operation: required by everything below HTTP; jobs build one too.

use std::net::IpAddr;
use std::sync::Arc;

use crate::{Clock, Principal, Random, RequestId, TenantId, Timestamp};

/// Who acts, for which tenant, in which request, by which clock, until when.
///
/// Cheap to clone. The tenant is the one whose data are touched; the store binds it to every transaction, so that it
/// is never an argument that one can forget.
#[derive(Clone)]
pub struct Cx {
    /// The tenant whose data this operation touches.
    pub tenant: TenantId,
    /// Who acts; `None` before sign-in and for the program itself.
    pub principal: Option<Arc<Principal>>,
    /// The request, as in logs and audit records.
    pub request: RequestId,
    /// Address of the client, after trusted proxies.
    pub client: Option<IpAddr>,
    /// Instant at which the operation began; what an operation calls "now".
    pub now: Timestamp,
    /// Clock, for what must be measured later than `now`.
    pub clock: Arc<dyn Clock>,
    /// Source of ids, codes and secrets.
    pub random: Arc<dyn Random>,
}

impl Cx {
    /// A context without principal or client, for jobs and for the start of the program.
    pub fn internal(tenant: TenantId, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            tenant,
            principal: None,
            request: RequestId::random(&*random),
            client: None,
            now: clock.now(),
            clock,
            random,
        }
    }

    /// The same operation for another tenant (tenants of an application's users, administration of all).
    #[must_use]
    pub fn for_tenant(&self, tenant: TenantId) -> Self {
        Self { tenant, ..self.clone() }
    }
}
