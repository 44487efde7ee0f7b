//! The directory API as an application: registered nowhere, present in every tenant.
//! <https://learn.microsoft.com/graph/permissions-reference>

use std::sync::Arc;

use hygie_core::{AppId, ObjectId, TenantId, Timestamp};
use hygie_policy::signin::Suite;
use uuid::Uuid;

use crate::{AppRole, Application, Audience, Definition, Scope};

/// The application of the directory API, the resource of scopes without a prefix and of tokens for the user endpoint;
/// the well-known id of Microsoft Graph, which client libraries know.
pub const DIRECTORY_API: AppId = AppId::from_uuid(Uuid::from_u128(0x0000_0003_0000_0000_c000_0000_0000_0000));

/// The portal of administration, under the id of the *Azure portal* in Entra ID: policies that name the portals of
/// administration mean it.
pub const PORTAL: AppId = AppId::from_uuid(Uuid::from_u128(0xc44b_4083_3bb0_49c1_b47d_974e_53cb_df3c));

/// The suite of applications that policies name together, of one that belongs to a suite.
pub fn suite_of(app: AppId) -> Option<Suite> {
    (app == PORTAL).then_some(Suite::MicrosoftAdminPortals)
}

/// The tenant that owns the directory API in Entra ID, and here what the program brings along itself. It is no tenant:
/// nobody signs in to it, so nobody administers what is registered there.
pub const FIRST_PARTY: TenantId = TenantId::from_uuid(Uuid::from_u128(0xf8cd_ef31_a31e_4b4a_93e4_5f57_1e91_255a));

/// Names under which the directory API is asked for.
pub const DIRECTORY_API_NAMES: &[&str] = &["https://graph.microsoft.com", "https://graph.microsoft.com/"];

/// Its permissions, each with its id where it is given to an application for people, and where to an application for
/// itself: the ids of Microsoft Graph, by which registrations ask for them.
const PERMISSIONS: &[(&str, Option<u128>, Option<u128>, &str)] = &[
    (
        "User.Read",
        Some(0xe1fe_6dd8_ba31_4d61_89e7_8863_9da4_683d),
        None,
        "Sign in and read user profile",
    ),
    (
        "User.ReadBasic.All",
        Some(0xb340_eb25_3456_403f_be2f_af7a_0d37_0277),
        Some(0x9723_5f07_e226_4f63_ace3_3958_8e11_d3a1),
        "Read all users' basic profiles",
    ),
    (
        "User.Read.All",
        Some(0xa154_be20_db9c_4678_8ab7_66f6_cc09_9a59),
        Some(0xdf02_1288_bdef_4463_88db_98f2_2de8_9214),
        "Read all users' full profiles",
    ),
    (
        "Group.Read.All",
        Some(0x5f8c_59db_677d_491f_a6b8_5f17_4b11_ec1d),
        Some(0x5b56_7255_7703_4780_807c_7be8_301a_e99b),
        "Read all groups",
    ),
    (
        "GroupMember.Read.All",
        Some(0xbc02_4368_1153_4739_b217_4326_f2e9_66d0),
        Some(0x9883_0695_27a2_44f7_8c18_0c3e_bc96_98f6),
        "Read group memberships",
    ),
    (
        "Application.Read.All",
        Some(0xc79f_8feb_a9db_4090_85f9_90d8_20ca_a0eb),
        Some(0x9a5d_68dd_52b0_4cc2_bd40_abcf_44ac_3a30),
        "Read applications",
    ),
    (
        "Organization.Read.All",
        Some(0x4908_d5b9_3fb2_4b1e_9336_1888_b793_7185),
        Some(0x4984_76ce_e0fe_48b0_b801_37ba_7e26_85c6),
        "Read organization information",
    ),
    (
        "Organization.ReadWrite.All",
        Some(0x46ca_0847_7e6b_426e_9775_ea81_0a94_8356),
        Some(0x292d_869f_3427_49a8_9dab_8c70_152b_74e9),
        "Read and write organization information",
    ),
    (
        "Domain.Read.All",
        Some(0x2f9e_e017_59c1_4f1d_9472_bd55_29a7_b311),
        Some(0xdbb9_058a_0e50_45d7_ae91_6690_9b5d_4664),
        "Read domains",
    ),
    (
        "Directory.Read.All",
        Some(0x06da_0dbc_49e2_44d2_8312_53f1_66ab_848a),
        Some(0x7ab1_d382_f21e_4acd_a863_ba3e_13f7_da61),
        "Read directory data",
    ),
    (
        "User.ReadWrite",
        Some(0xb4e7_4841_8e56_480b_be8b_9103_48b1_8b4c),
        None,
        "Read and write one's own profile",
    ),
    (
        "User.ReadWrite.All",
        Some(0x204e_0828_b5ca_4ad8_b9f3_f32a_958e_7cc4),
        Some(0x741f_803b_c850_494e_b5df_cde7_c675_a1ca),
        "Read and write all users' full profiles",
    ),
    (
        "User.RevokeSessions.All",
        Some(0xfc30_e98b_8810_4501_81f5_c20a_3196_387b),
        Some(0x77f3_a031_c388_4f99_b373_dc68_676a_979e),
        "Revoke all sign in sessions of a user",
    ),
    (
        "Group.ReadWrite.All",
        Some(0x4e46_008b_f24c_477d_8fff_7bb4_ec7a_afe0),
        Some(0x62a8_2d76_70ea_41e2_9197_3705_8180_4d09),
        "Read and write all groups",
    ),
    (
        "GroupMember.ReadWrite.All",
        Some(0xf811_25ac_d3b7_4573_a3b2_7099_cc39_df9e),
        Some(0xdbaa_e8cf_10b5_4b86_a4a1_f871_c94c_6695),
        "Read and write group memberships",
    ),
    (
        "Application.ReadWrite.All",
        Some(0xbdfb_f15f_ee85_4955_8675_146e_8e52_96b5),
        Some(0x1bfe_fb4e_e0b5_418b_a88f_73c4_6d2c_c8e9),
        "Read and write all applications",
    ),
    (
        "AppRoleAssignment.ReadWrite.All",
        Some(0x84bc_cea3_f856_4a8a_967b_dbe0_a3d5_3a64),
        Some(0x06b7_08a9_e830_4db3_a914_8e69_da51_d44f),
        "Manage app role assignments",
    ),
    (
        "DelegatedPermissionGrant.ReadWrite.All",
        Some(0x41ce_6ca6_6826_4807_84f1_1c82_854f_7ee5),
        Some(0x8e8e_4742_1d95_4f68_9d56_6ee7_5648_c72a),
        "Manage delegated permission grants",
    ),
    (
        "RoleManagement.Read.Directory",
        Some(0x741c_54c3_0c1e_44a1_818b_3f97_ab4e_8c83),
        Some(0x483b_ed4a_2ad3_4361_a73b_c83c_cdbd_c53c),
        "Read directory roles",
    ),
    (
        "RoleManagement.ReadWrite.Directory",
        Some(0xd01b_97e9_cbc0_49fe_810a_750a_fd55_27a3),
        Some(0x9e3f_62cf_ca93_4989_b6ce_bf83_c28f_9fe8),
        "Manage directory roles",
    ),
    (
        "Directory.ReadWrite.All",
        Some(0xc536_6453_9fb0_48a5_a156_24f0_c49a_4b84),
        Some(0x19db_c75e_c2e2_444c_a770_ec69_d855_9fc7),
        "Read and write directory data",
    ),
    (
        "Directory.AccessAsUser.All",
        Some(0x0e26_3e50_5827_48a4_b97c_d940_2886_53c7),
        None,
        "Access the directory as the signed-in user",
    ),
    (
        "Policy.Read.All",
        Some(0x572f_ea84_0151_49b2_9301_11cb_1697_4376),
        Some(0x246d_d0d5_5bd0_4def_940b_0421_030a_5b68),
        "Read your organization's policies",
    ),
    (
        "Policy.Read.ConditionalAccess",
        Some(0x633e_0fce_8c58_4cfb_9495_12bb_d5a2_4f7c),
        Some(0x3773_0810_e9ba_4e46_b07e_8ca7_8d18_2097),
        "Read your organization's conditional access policies",
    ),
    (
        "Policy.ReadWrite.ConditionalAccess",
        Some(0xad90_2697_1014_4ef5_81ef_2b43_0198_8e8c),
        Some(0x01c0_a623_fc9b_48e9_b794_0756_f8e8_f067),
        "Read and write your organization's conditional access policies",
    ),
    (
        "Policy.ReadWrite.SecurityDefaults",
        Some(0x0b2a_744c_2abf_4f1e_ad7e_17a0_87e2_be99),
        Some(0x1c6e_93a6_28e2_4cbb_9f64_1a46_a821_124d),
        "Read and write your organization's security defaults policy",
    ),
    (
        "Agreement.Read.All",
        Some(0xaf28_19c9_df71_4dd3_ade7_4d7c_9dc6_53b7),
        Some(0x2f3e_6f8c_093b_4c57_a58b_ba5c_e494_a169),
        "Read all terms of use agreements",
    ),
    (
        "Agreement.ReadWrite.All",
        Some(0xef4b_5d93_3104_4664_9053_a5c4_9ab4_4218),
        Some(0xc909_0d00_6101_42f0_a729_c410_7426_0d47),
        "Read and write all terms of use agreements",
    ),
    (
        "AgreementAcceptance.Read",
        Some(0x0b76_43bb_5336_476f_80b5_18fb_fbc9_1806),
        None,
        "Read user terms of use acceptance statuses",
    ),
    (
        "AgreementAcceptance.Read.All",
        Some(0xa66a_5341_e66e_4897_9d52_c2df_58c2_bfb9),
        Some(0xd8e4_ec18_f6c0_4620_8122_c8b1_f2bf_400e),
        "Read all terms of use acceptance statuses",
    ),
    (
        "Policy.ReadWrite.AuthenticationMethod",
        Some(0x7e82_3077_d88e_468f_a337_e18f_1f0e_6c7c),
        Some(0x29c1_8626_4985_4dcd_85c0_193e_ef32_7366),
        "Read and write authentication method policies",
    ),
    (
        "Policy.ReadWrite.ApplicationConfiguration",
        Some(0xb27a_dd92_efb2_4f16_84f5_8108_ba77_985c),
        Some(0xbe74_164b_cff1_491c_8741_e671_cb53_6e13),
        "Read and write the application configuration policies of the organization",
    ),
    (
        "PublicKeyInfrastructure.Read.All",
        Some(0x04a4_b2a2_3f26_4fc8_87ee_9c46_e68d_b175),
        Some(0x214f_da0c_514a_4650_b037_b562_b1a6_6124),
        "Read all certificate based authentication configurations",
    ),
    (
        "PublicKeyInfrastructure.ReadWrite.All",
        // Which id Graph gives it for people could not be found: this one is ours.
        Some(0x6879_6769_6500_4000_8000_0000_0000_0001),
        Some(0xa2b6_3618_5350_462d_b1b3_ba6e_b368_4e26),
        "Read and write all certificate based authentication configurations",
    ),
    (
        "UserAuthenticationMethod.Read",
        Some(0x1f6b_61c5_2f65_4135_9c9f_31c0_f8d3_2b52),
        None,
        "Read own authentication methods",
    ),
    (
        "UserAuthenticationMethod.Read.All",
        Some(0xaec2_8ec7_4d02_4e8c_b864_5016_3aea_77eb),
        Some(0x38d9_df27_64da_44fd_b7c5_a6fb_ac20_248f),
        "Read all users' authentication methods",
    ),
    (
        "UserAuthenticationMethod.ReadWrite",
        Some(0x4897_1fc1_70d7_4245_af77_0beb_29b5_3ee2),
        None,
        "Read and write own authentication methods",
    ),
    (
        "UserAuthenticationMethod.ReadWrite.All",
        Some(0xb788_7744_6746_4312_813d_72da_eaee_7e2d),
        Some(0x5048_3e42_d915_4231_9639_7fdb_7fd1_90e5),
        "Read and write all users' authentication methods",
    ),
    (
        "AuditLog.Read.All",
        Some(0xe4c9_e354_4dc5_45b8_9e7c_e139_3b0b_1a20),
        Some(0xb0af_ded3_3588_46d8_8b3d_9842_eff7_78da),
        "Read all audit log data",
    ),
    (
        "User.Invite.All",
        Some(0x63dd_7cd9_b489_4adf_a28c_ac38_b9a0_f962),
        Some(0x0985_0681_111b_4a89_9bed_3f2c_ae46_d706),
        "Invite guest users to the organization",
    ),
    (
        "Policy.ReadWrite.Authorization",
        Some(0xedd3_c878_b384_41fd_95ad_e740_7dd7_75be),
        Some(0xfb22_1be6_99f2_473f_bd32_01c6_a0e9_ca3b),
        "Read and write your organization's authorization policy",
    ),
    (
        "IdentityRiskyUser.Read.All",
        Some(0xd04b_b851_cb7c_4146_97c7_ca3e_71ba_f56c),
        Some(0xdc50_07c0_2d7d_4c42_879c_2dab_8757_1379),
        "Read all identity risky user information",
    ),
    (
        "IdentityRiskyUser.ReadWrite.All",
        Some(0xe0a7_cdbb_08b0_4697_8264_0069_786e_9674),
        Some(0x656f_6061_f9fe_4807_9708_6a2e_0934_df76),
        "Read and write all identity risky user information",
    ),
    (
        "IdentityRiskyServicePrincipal.Read.All",
        Some(0xea5c_4ab0_5a73_4f35_8272_5d53_3788_4e5d),
        Some(0x607c_7344_0eed_41e5_823a_9695_ebe1_b7b0),
        "Read all identity risky service principal information",
    ),
    (
        "IdentityRiskyServicePrincipal.ReadWrite.All",
        Some(0xbb6f_654c_d7fd_4ae3_85c3_fc38_0934_f515),
        Some(0xcb8d_6980_6bcb_4507_afec_ed6d_e3a2_d798),
        "Read and write all identity risky service principal information",
    ),
    (
        "IdentityRiskEvent.Read.All",
        Some(0x8f6a_01e7_0391_4ee5_aa22_a3af_122c_ef27),
        Some(0x6e47_2fd1_ad78_48da_a0f0_97ab_2c6b_769e),
        "Read all identity risk event information",
    ),
    (
        "IdentityRiskEvent.ReadWrite.All",
        Some(0x9e48_62a5_b68f_479e_848a_4e07_e25c_9916),
        Some(0xdb06_fb33_1953_4b7b_a2ac_f1e2_c854_f7ae),
        "Read and write all identity risk event information",
    ),
    (
        "Policy.ReadWrite.PermissionGrant",
        Some(0x2672_f8bb_fd5e_42e0_85e1_ec76_4dd2_614e),
        Some(0xa402_ca1c_2696_4531_972d_6e5e_e4aa_11ea),
        "Manage consent and permission grant policies",
    ),
    (
        "ConsentRequest.Read.All",
        Some(0xf3bf_ad56_966e_4590_a536_82ec_f548_ac1e),
        Some(0x1260_ad83_98fb_4785_abbb_d6cc_1806_fd41),
        "Read all consent requests",
    ),
    (
        "ConsentRequest.ReadWrite.All",
        Some(0x497d_9dfa_3bd1_481a_baab_9089_5e54_568c),
        Some(0x9f1b_81a7_0223_4428_bfa4_0bcb_5535_f27d),
        "Read and write all consent requests",
    ),
    (
        "Policy.ReadWrite.ConsentRequest",
        Some(0x4d13_5e65_66b8_41a8_9f8b_0814_52c9_1774),
        Some(0x999f_8c63_0a38_4f1b_91fd_ed19_47bd_d1a9),
        "Read and write consent request policies",
    ),
];

/// The directory API.
pub fn directory_api() -> Application {
    let scopes = PERMISSIONS.iter().filter_map(|(value, delegated, _, shown)| {
        Some(Scope {
            id: Uuid::from_u128((*delegated)?),
            value: (*value).to_owned(),
            display_name: (*shown).to_owned(),
            ..Scope::default()
        })
    });
    let app_roles = PERMISSIONS.iter().filter_map(|(value, _, role, shown)| {
        Some(AppRole {
            id: Uuid::from_u128((*role)?),
            value: (*value).to_owned(),
            display_name: (*shown).to_owned(),
            ..AppRole::default()
        })
    });
    Application {
        app: DIRECTORY_API,
        id: ObjectId::from_uuid(DIRECTORY_API.uuid()),
        home: FIRST_PARTY,
        display_name: "Directory API".to_owned(),
        definition: Arc::new(Definition {
            identifier_uris: DIRECTORY_API_NAMES.iter().map(|&name| name.to_owned()).collect(),
            sign_in_audience: Audience::Tenants,
            scopes: scopes.collect(),
            app_roles: app_roles.collect(),
            ..Definition::default()
        }),
        created_at: Timestamp::from_millis(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_its_well_known_ids() {
        let api = directory_api();
        assert_eq!(api.app.to_string(), "00000003-0000-0000-c000-000000000000");
        let role = api
            .definition
            .app_roles
            .iter()
            .find(|role| role.value == "User.Read.All");
        assert_eq!(
            role.map(|role| role.id.to_string()).as_deref(),
            Some("df021288-bdef-4463-88db-98f22de89214")
        );
        assert_eq!(api.definition.check(), Ok(()));
    }
}
