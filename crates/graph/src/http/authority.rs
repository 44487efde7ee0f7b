//! Who may change what. One table: for an application by itself the permissions, for a person the permissions that the
//! application was granted *and* the directory roles of the person.
//! <https://learn.microsoft.com/graph/permissions-reference>,
//! <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>

use hygie_core::PrincipalKind;
use hygie_directory::role;
use hygie_policy::RoleTemplateId;

use super::caller::Caller;
use crate::{Graph, GraphFault};

/// A change of the directory, by whom it may be made.
pub struct Operation {
    /// Permissions of an application itself.
    own: &'static [&'static str],
    /// Permissions of an application that acts for a person.
    delegated: &'static [&'static str],
    /// Roles of the person.
    roles: &'static [RoleTemplateId],
}

/// Gives and takes directory roles.
pub const MANAGE_ROLES: Operation = Operation {
    own: &["RoleManagement.ReadWrite.Directory"],
    delegated: &["RoleManagement.ReadWrite.Directory", "Directory.AccessAsUser.All"],
    roles: &[role::GLOBAL_ADMINISTRATOR, role::PRIVILEGED_ROLE_ADMINISTRATOR],
};

impl Caller {
    /// Refuses who may not.
    pub async fn may(&self, graph: &Graph, operation: &Operation) -> Result<(), GraphFault> {
        self.need(match self.kind() {
            PrincipalKind::User => operation.delegated,
            PrincipalKind::App | PrincipalKind::ManagedIdentity => operation.own,
        })?;
        let Some(person) = self.person() else { return Ok(()) };
        let roles = graph.directory().roles_of(&self.cx, person).await?;
        if operation.roles.iter().any(|role| roles.contains(role)) {
            Ok(())
        } else {
            Err(GraphFault::Denied)
        }
    }
}
