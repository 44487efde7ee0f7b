//! Whether the policies of the tenant let an application act for itself: those that name workloads may block it, by the place
//! it calls from. <https://learn.microsoft.com/entra/identity/conditional-access/workload-identity>
//!
//! Risk of workloads is unknown here. Managed identities are under no such policy.

use std::collections::BTreeSet;

use hygie_core::{AppId, Cx};
use hygie_directory::{Audience, ServicePrincipal};
use hygie_oidc::{Aadsts, Refusal};
use hygie_policy::decide::{Outcome, evaluate};
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

impl Idp {
    /// Refuses a workload that a policy blocks.
    pub(crate) async fn admit_workload(&self, cx: &Cx, workload: Workload, resource: AppId) -> Result<(), IdpError> {
        let kept = self.directory().access_rules(cx).await?;
        let rules = kept.rules();
        let concerns = |policy: &hygie_policy::Policy| policy.conditions.client_applications.is_some();
        if !rules.policies.iter().any(concerns) {
            return Ok(());
        }
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
                ..SignInConditions::default()
            },
            session: Session::default(),
            now: cx.now,
        };
        match evaluate(&rules, &sign_in).outcome {
            Outcome::Granted(_) => Ok(()),
            _ => Err(Refusal::new(Aadsts::Blocked).into()),
        }
    }
}
