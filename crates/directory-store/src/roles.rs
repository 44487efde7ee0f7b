//! Directory roles: what an administrator may do in the whole tenant.
//! <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>
//!
//! The template ids were found in public scripts and tools that work against Entra ID; which roles are privileged was
//! read in such lists too, for the most part.

use hygie_core::{ObjectId, Timestamp};
use hygie_policy::RoleTemplateId;
use uuid::Uuid;

/// A role that every tenant has.
#[derive(Debug, PartialEq, Eq)]
pub struct DirectoryRole {
    /// Its template, which is the same in every tenant.
    pub template: RoleTemplateId,
    /// What it is called.
    pub display_name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Whether who has it could become more than they are.
    pub is_privileged: bool,
}

/// That somebody has a role in the whole tenant (`directoryScopeId` `/`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleAssignment {
    /// Its id.
    pub id: ObjectId,
    /// A user or a service principal.
    pub principal: ObjectId,
    /// The role.
    pub role: RoleTemplateId,
    /// When it was given.
    pub created_at: Timestamp,
}

macro_rules! roles {
    ($($constant:ident = $id:literal, $privileged:literal, $name:literal, $description:literal;)*) => {
        /// The template ids of the roles.
        pub mod role {
            use super::{RoleTemplateId, Uuid};
            $(#[doc = $name] pub const $constant: RoleTemplateId = RoleTemplateId::from_uuid(Uuid::from_u128($id));)*
        }

        /// Every role, in the order of this table.
        pub const DIRECTORY_ROLES: &[DirectoryRole] = &[$(DirectoryRole {
            template: role::$constant,
            display_name: $name,
            description: $description,
            is_privileged: $privileged,
        },)*];
    };
}

roles! {
    GLOBAL_ADMINISTRATOR = 0x62e9_0394_69f5_4237_9190_0121_7714_5e10, true,
        "Global Administrator", "Administers everything of the tenant.";
    PRIVILEGED_ROLE_ADMINISTRATOR = 0xe861_1ab8_c189_46e8_94e1_6021_3ab1_f814, true,
        "Privileged Role Administrator", "Gives and takes directory roles, and consents to every permission.";
    USER_ADMINISTRATOR = 0xfe93_0be7_5e62_47db_91af_98c3_a49a_38b1, true,
        "User Administrator", "Administers users and groups, and resets passwords of limited administrators.";
    GROUPS_ADMINISTRATOR = 0xfdd7_a751_b60b_444a_984c_0265_2fe8_fa1c, false,
        "Groups Administrator", "Administers groups and their members.";
    APPLICATION_ADMINISTRATOR = 0x9b89_5d92_2cd3_44c7_9d02_a6ac_2d5e_a5c3, true,
        "Application Administrator", "Administers applications and service principals.";
    CLOUD_APPLICATION_ADMINISTRATOR = 0x158c_047a_c907_4556_b7ef_4465_51a6_b5f7, true,
        "Cloud Application Administrator", "Administers applications and service principals, but no application proxy.";
    CONDITIONAL_ACCESS_ADMINISTRATOR = 0xb1be_1c3e_b65d_4f19_8427_f6fa_0d97_feb9, true,
        "Conditional Access Administrator", "Administers conditional access.";
    AUTHENTICATION_POLICY_ADMINISTRATOR = 0x0526_716b_113d_4c15_b2c8_68e3_c22b_9f80, false,
        "Authentication Policy Administrator", "Administers which methods of authentication there are, and for whom.";
    AUTHENTICATION_ADMINISTRATOR = 0xc4e3_9bd9_1100_46d3_8c65_fb16_0da0_071f, true,
        "Authentication Administrator", "Resets the methods of authentication of people without a higher role.";
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR = 0x7be4_4c8a_adaf_4e2a_84d6_ab26_49e0_8a13, true,
        "Privileged Authentication Administrator", "Resets the methods of authentication of everybody.";
    SECURITY_ADMINISTRATOR = 0x194a_e4cb_b126_40b2_bd5b_6091_b380_977d, true,
        "Security Administrator", "Reads security information and reports, and administers security settings.";
    SECURITY_OPERATOR = 0x5f22_22b1_57c3_48ba_8ad5_d475_9f1f_de6f, true,
        "Security Operator", "Says and takes back what is risky of people and sign-ins.";
    SECURITY_READER = 0x5d6b_6bb7_de71_4623_b4af_9638_0a35_2509, true,
        "Security Reader", "Reads security information and reports.";
    GLOBAL_READER = 0xf2ef_992c_3afb_46b9_b7cf_a126_ee74_c451, true,
        "Global Reader", "Reads everything that a Global Administrator can, and changes nothing.";
    DIRECTORY_READERS = 0x88d8_e3e3_8f55_4a1e_953a_9b98_98b8_876b, false,
        "Directory Readers", "Reads basic directory information.";
    GUEST_INVITER = 0x95e7_9109_95c0_4d8e_aee3_d01a_ccf2_d47b, false,
        "Guest Inviter", "Invites guests, whatever members may do.";
    HELPDESK_ADMINISTRATOR = 0x7298_27e3_9c14_49f7_bb1b_9608_f156_bbb8, true,
        "Helpdesk Administrator", "Resets passwords of people without a role, and of Helpdesk Administrators.";
    REPORTS_READER = 0x4a5d_8f65_41da_4de4_8968_e035_b653_39cf, false,
        "Reports Reader", "Reads logs and reports.";
}

/// The role of whoever administers a tenant; somebody always has it.
pub const GLOBAL_ADMINISTRATOR: RoleTemplateId = role::GLOBAL_ADMINISTRATOR;

/// The role with this template id.
pub fn directory_role(template: RoleTemplateId) -> Option<&'static DirectoryRole> {
    DIRECTORY_ROLES.iter().find(|role| role.template == template)
}

/// Who may decide what people ask administrators to consent to.
pub const CONSENT_REVIEWERS: &[RoleTemplateId] = &[
    role::GLOBAL_ADMINISTRATOR,
    role::PRIVILEGED_ROLE_ADMINISTRATOR,
    role::APPLICATION_ADMINISTRATOR,
    role::CLOUD_APPLICATION_ADMINISTRATOR,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_role_is_there_once() {
        let ids: BTreeSet<_> = DIRECTORY_ROLES.iter().map(|role| role.template).collect();
        let names: BTreeSet<_> = DIRECTORY_ROLES.iter().map(|role| role.display_name).collect();
        assert_eq!((ids.len(), names.len()), (DIRECTORY_ROLES.len(), DIRECTORY_ROLES.len()));
        assert_eq!(GLOBAL_ADMINISTRATOR.to_string(), "62e90394-69f5-4237-9190-012177145e10");
        assert_eq!(
            directory_role(role::REPORTS_READER)
                .map(|role| role.template.to_string())
                .as_deref(),
            Some("4a5d8f65-41da-4de4-8968-e035b65339cf")
        );
    }
}
