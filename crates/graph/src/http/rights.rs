//! Who may change conditional access and terms of use: whoever has the permissions; a person needs a directory role as well.
//! <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>

use std::collections::BTreeSet;

use hygie_core::{Cx, ObjectId};
use hygie_directory::Directory;
use hygie_policy::RoleTemplateId;
use hygie_policy::templates::GLOBAL_ADMINISTRATOR;
use hygie_store::StoreError;
use uuid::Uuid;

use super::caller::Caller;
use crate::{Graph, GraphFault};

/// Conditional Access Administrator.
const CONDITIONAL_ACCESS_ADMINISTRATOR: RoleTemplateId =
    RoleTemplateId::from_uuid(Uuid::from_u128(0xb1be_1c3e_b65d_4f19_8427_f6fa_0d97_feb9));
/// Security Administrator.
const SECURITY_ADMINISTRATOR: RoleTemplateId =
    RoleTemplateId::from_uuid(Uuid::from_u128(0x194a_e4cb_b126_40b2_bd5b_6091_b380_977d));
/// One of these is needed.
const ROLES: [RoleTemplateId; 3] = [
    GLOBAL_ADMINISTRATOR,
    CONDITIONAL_ACCESS_ADMINISTRATOR,
    SECURITY_ADMINISTRATOR,
];

impl Caller {
    /// Refuses without one permission of each list, and a person without a role.
    pub async fn may_change_policies(&self, graph: &Graph, permissions: &[&[&str]]) -> Result<(), GraphFault> {
        permissions.iter().try_for_each(|some| self.need(some))?;
        let Some(person) = self.person() else { return Ok(()) };
        let held = roles_of(graph.directory(), &self.cx, person).await?;
        if ROLES.iter().any(|role| held.contains(role)) {
            Ok(())
        } else {
            Err(GraphFault::Denied)
        }
    }
}

/// The directory roles of a person. There are none yet, so that no person changes anything here; what gives them takes the
/// place of this.
pub async fn roles_of(_: &Directory, _: &Cx, _: ObjectId) -> Result<BTreeSet<RoleTemplateId>, StoreError> {
    Ok(BTreeSet::new())
}
