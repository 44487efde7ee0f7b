//! Workloads and managed identities: programs that get tokens without holding a credential of their own.
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview>

use std::sync::Arc;

use hygie_core::{ObjectId, TenantId, Timestamp};

use super::{Application, Definition, ServicePrincipal};

/// A program on this machine that has an identity of its own, and may have others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Its name in the tenant.
    pub name: String,
    /// Its own identity, which goes with it.
    pub identity: ObjectId,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Longest name, as in Azure.
const MAX_NAME: usize = 128;

/// Whether a workload or identity may be called so.
pub fn is_workload_name(name: &str) -> bool {
    (3..=MAX_NAME).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// What a managed identity belongs to, in the form of Azure's resource ids; the tenant stands for the subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belongs<'a> {
    /// To this workload alone: system-assigned.
    Workload(&'a str),
    /// To whichever workloads it is assigned to: user-assigned.
    Nobody(&'a str),
}

impl Belongs<'_> {
    /// The resource id (`xms_mirid`).
    pub fn resource_id(self, tenant: TenantId) -> String {
        let (kind, name) = match self {
            Self::Workload(name) => ("Microsoft.Web/sites", name),
            Self::Nobody(name) => ("Microsoft.ManagedIdentity/userAssignedIdentities", name),
        };
        format!("/subscriptions/{tenant}/resourcegroups/hygie/providers/{kind}/{name}")
    }
}

/// A managed identity is registered nowhere: what tokens are made from instead.
pub fn managed_identity(principal: &ServicePrincipal) -> Application {
    Application {
        app: principal.app,
        id: principal.id,
        home: principal.home,
        display_name: principal.display_name.clone(),
        definition: Arc::new(Definition::default()),
        created_at: principal.created_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_resource_ids() {
        for good in ["abc", "fhir-export", "A_1", &"x".repeat(128)] {
            assert!(is_workload_name(good), "{good}");
        }
        for wrong in ["", "ab", "-abc", "a/b/c", "a b c", "été", &"x".repeat(129)] {
            assert!(!is_workload_name(wrong), "{wrong}");
        }
        let tenant = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001".parse().unwrap();
        assert_eq!(
            Belongs::Nobody("exports").resource_id(tenant),
            "/subscriptions/5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001/resourcegroups/hygie/providers/\
             Microsoft.ManagedIdentity/userAssignedIdentities/exports"
        );
    }
}
