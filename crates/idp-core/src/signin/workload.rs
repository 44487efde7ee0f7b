//! Whether the policies of the tenant let an application act for itself: those that name workloads may block it, by the place
//! it calls from and by its risk, as others told it. <https://learn.microsoft.com/entra/identity/conditional-access/workload-identity>
//!
//! Managed identities are under no such policy.

use std::collections::BTreeSet;

use hygie_core::{AppId, Cx};
use hygie_directory::{Audience, ServicePrincipal};
use hygie_oidc::{Aadsts, Refusal};
use hygie_policy::decide::{Applied, Outcome, Status, evaluate};
use hygie_policy::policy::RiskLevel;
use hygie_policy::signin::{Application, Identity, Ownership, Session, SignIn, SignInConditions, Target, Workload};

use crate::{Idp, IdpError};

/// Whose an application is, as seen from a tenant.
pub fn ownership(principal: &ServicePrincipal, audience: Audience, cx: &Cx) -> Ownership {
    if principal.resource_id.is_some() {
        Ownership::Managed
    } else if principal.home == cx.tenant && audience != Audience::Tenants {
        Ownership::SingleTenant
    } else {
        Ownership::MultiTenant
    }
}

/// What policies did to a workload.
pub(crate) struct Admitted {
    /// That they do not let it pass.
    pub refusal: Option<Refusal>,
    pub status: Status,
    pub applied: Vec<Applied>,
}

impl Default for Admitted {
    fn default() -> Self {
        Self {
            refusal: None,
            status: Status::NotApplied,
            applied: Vec::new(),
        }
    }
}

impl Idp {
    /// What the policies of the tenant do to a workload: one may block it.
    pub(crate) async fn admit_workload(
        &self,
        cx: &Cx,
        workload: Workload,
        resource: AppId,
    ) -> Result<Admitted, IdpError> {
        let kept = self.directory().access_rules(cx).await?;
        let rules = kept.rules();
        let concerns = |policy: &hygie_policy::Policy| policy.conditions.client_applications.is_some();
        if !rules.policies.iter().any(concerns) {
            return Ok(Admitted::default());
        }
        // Each token of each application comes by here: nothing is read that no policy asks for.
        let asks_risk = |policy: &hygie_policy::Policy| !policy.conditions.service_principal_risk_levels.is_empty();
        let risk = if rules.policies.iter().any(asks_risk) {
            self.directory().principal_risk(cx, workload.id).await?
        } else {
            None
        };
        let sign_in = SignIn {
            identity: Identity::Workload(workload),
            target: Target::Resources {
                applications: vec![Application {
                    id: resource,
                    suite: None,
                }],
                contexts: BTreeSet::new(),
            },
            conditions: SignInConditions {
                whereabouts: self.directory().whereabouts(cx.client),
                service_principal_risk: Some(risk.map_or(RiskLevel::None, |risk| risk.level)),
                ..SignInConditions::default()
            },
            session: Session::default(),
            now: cx.now,
        };
        let decision = evaluate(&rules, &sign_in);
        let is_granted = matches!(decision.outcome, Outcome::Granted(_));
        Ok(Admitted {
            refusal: (!is_granted).then(|| Refusal::new(Aadsts::Blocked)),
            status: decision.status,
            applied: decision.applied,
        })
    }
}
