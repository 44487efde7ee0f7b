//! Policies to begin with: the templates of Entra ID, those of Pro Santé Connect, and the security defaults of a tenant that has
//! no policy of its own.
//! <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-policy-common>
//!
//! # Deviations
//!
//! - What a template makes is report-only, as in Entra ID; a policy for a user action, which cannot be, is disabled.
//! - The security defaults ask everybody for multifactor authentication each time, where Entra ID asks when it sees a risk.

mod others;

use std::collections::BTreeSet;

use hygie_core::{AppId, ObjectId};
use uuid::Uuid;

use crate::policy::{
    AppTarget, Applications, AuthenticationType, BuiltInControl, ClientAppType, Conditions, FrequencyInterval,
    FrequencyType, GrantControls, LocationTarget, Locations, Operator, Policy, SessionControls, SignInFrequency, State,
    UserAction, UserTarget, Users,
};
use crate::psc::{MAX_HOURS, MEANS};
use crate::strength::{AuthenticationStrength, Combination, PolicyType, RequirementsSatisfied, StrengthReference};
use crate::{AgreementId, PolicyId, RoleTemplateId, StrengthId, TemplateId};

const fn role(id: u128) -> RoleTemplateId {
    RoleTemplateId::from_uuid(Uuid::from_u128(id))
}

/// Global Administrator.
pub const GLOBAL_ADMINISTRATOR: RoleTemplateId = role(0x62e9_0394_69f5_4237_9190_0121_7714_5e10);
/// Directory Synchronization Accounts, which cannot answer a question.
pub const SYNCHRONIZATION: RoleTemplateId = role(0xd29b_2b05_8046_44ba_8758_1e26_182f_cf32);
/// The management of a cloud.
pub const CLOUD_MANAGEMENT: AppId = AppId::from_uuid(Uuid::from_u128(0x797f_4846_ba00_4fd7_ba43_dac1_f8f6_3013));

/// The roles of administrators that templates and security defaults speak of.
pub const ADMINISTRATORS: [RoleTemplateId; 14] = [
    GLOBAL_ADMINISTRATOR,
    // Security Administrator, SharePoint Administrator, Exchange Administrator
    role(0x194a_e4cb_b126_40b2_bd5b_6091_b380_977d),
    role(0xf28a_1f50_f6e7_4571_818b_6a12_f2af_6b6c),
    role(0x2923_2cdf_9323_42fd_ade2_1d09_7af3_e4de),
    // Conditional Access Administrator, Helpdesk Administrator, Billing Administrator
    role(0xb1be_1c3e_b65d_4f19_8427_f6fa_0d97_feb9),
    role(0x7298_27e3_9c14_49f7_bb1b_9608_f156_bbb8),
    role(0xb0f5_4661_2d74_4c50_afa3_1ec8_03f1_2efe),
    // User Administrator, Authentication Administrator, Application Administrator
    role(0xfe93_0be7_5e62_47db_91af_98c3_a49a_38b1),
    role(0xc4e3_9bd9_1100_46d3_8c65_fb16_0da0_071f),
    role(0x9b89_5d92_2cd3_44c7_9d02_a6ac_2d5e_a5c3),
    // Cloud Application Administrator, Password Administrator
    role(0x158c_047a_c907_4556_b7ef_4465_51a6_b5f7),
    role(0x9667_07d0_3269_4727_9be2_8c3a_10f1_9b9d),
    // Privileged Authentication Administrator, Privileged Role Administrator
    role(0x7be4_4c8a_adaf_4e2a_84d6_ab26_49e0_8a13),
    role(0xe861_1ab8_c189_46e8_94e1_6021_3ab1_f814),
];

/// A policy to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// As in Entra ID.
    pub id: TemplateId,
    /// What it is for.
    pub description: &'static str,
    /// Whom it is recommended to, by the names of Entra ID with commas between them.
    pub scenarios: &'static str,
    /// What it makes; its name is the template's.
    pub policy: Policy,
}

/// Every template, without the people who must not be shut out: the author and the emergency accounts.
pub fn templates(excluded: &BTreeSet<ObjectId>) -> Vec<Template> {
    [secure_foundation(excluded), others::others(excluded)].concat()
}

/// The six templates of the secure foundation that the guides speak of, without the people who must not be shut out: the author and the emergency
/// accounts.
pub fn secure_foundation(excluded: &BTreeSet<ObjectId>) -> Vec<Template> {
    let all = || everybody(excluded);
    let without_synchronization = || Users {
        exclude_roles: vec![SYNCHRONIZATION],
        ..everybody(excluded)
    };
    let mfa = [BuiltInControl::Mfa];
    vec![
        template(
            0xc750_3427_338e_4c5e_902d_abe2_52ab_fb43,
            "secureFoundation,zeroTrust,protectAdmins",
            "Accounts with administrative roles are the first to be attacked.",
            policy(
                "Require multifactor authentication for admins",
                administrators(excluded),
                applications(),
                &mfa,
            ),
        ),
        registration(excluded),
        template(
            0x0b22_82f9_2862_4178_88b5_d793_40b3_6cb8,
            "secureFoundation,zeroTrust,remoteWork,protectAdmins",
            "Old protocols send a password and nothing else.",
            legacy(policy(
                "Block legacy authentication",
                all(),
                applications(),
                &[BuiltInControl::Block],
            )),
        ),
        template(
            0xa3d0_a415_b068_4326_9251_f9cd_f9fe_eb64,
            "secureFoundation,zeroTrust,remoteWork",
            "Every account is worth more than its password.",
            policy(
                "Require multifactor authentication for all users",
                without_synchronization(),
                applications(),
                &mfa,
            ),
        ),
        template(
            0xd8c5_1a9a_e6b1_454d_86af_554e_7872_e2c1,
            "secureFoundation,zeroTrust,protectAdmins",
            "Whoever manages a cloud can change everything in it.",
            policy(
                "Require multifactor authentication for Azure management",
                all(),
                one(CLOUD_MANAGEMENT),
                &mfa,
            ),
        ),
        managed_device(excluded),
    ]
}

/// Whoever has a password alone registers methods from a trusted place only.
fn registration(excluded: &BTreeSet<ObjectId>) -> Template {
    let mut users = everybody(excluded);
    users.exclude_users.push(UserTarget::GuestsOrExternalUsers);
    users.exclude_roles.push(GLOBAL_ADMINISTRATOR);
    let action = Applications {
        include_user_actions: vec![UserAction::RegisterSecurityInfo],
        ..Applications::default()
    };
    let mut policy = policy(
        "Securing security info registration",
        users,
        action,
        &[BuiltInControl::Mfa],
    );
    policy.state = State::Disabled;
    policy.conditions.locations = Some(Locations {
        include_locations: vec![LocationTarget::All],
        exclude_locations: vec![LocationTarget::AllTrusted],
    });
    template(
        0xb8bd_a7f8_6584_4446_bce9_d871_480e_53fa,
        "secureFoundation,zeroTrust,remoteWork",
        "Whoever steals a password must not register a method of their own with it.",
        policy,
    )
}

/// Of the three controls one is enough.
fn managed_device(excluded: &BTreeSet<ObjectId>) -> Template {
    let users = Users {
        exclude_roles: vec![SYNCHRONIZATION],
        ..everybody(excluded)
    };
    let managed = [
        BuiltInControl::CompliantDevice,
        BuiltInControl::DomainJoinedDevice,
        BuiltInControl::Mfa,
    ];
    template(
        0x927c_884e_7888_4e81_abc4_bd56_ded2_8985,
        "secureFoundation,zeroTrust",
        "A device under management, or more than a password.",
        policy(
            "Require compliant or hybrid Azure AD joined device or multifactor authentication for all users",
            users,
            applications(),
            &managed,
        ),
    )
}

/// What a tenant without policies of its own is decided by.
pub fn security_defaults() -> Vec<Policy> {
    let nobody = BTreeSet::new();
    let mfa = [BuiltInControl::Mfa];
    let everyone = Users {
        exclude_roles: vec![SYNCHRONIZATION],
        ..everybody(&nobody)
    };
    let policies = [
        policy(
            "Security defaults: administrators",
            administrators(&nobody),
            applications(),
            &mfa,
        ),
        policy("Security defaults: everybody", everyone, applications(), &mfa),
        policy(
            "Security defaults: management",
            everybody(&nobody),
            one(CLOUD_MANAGEMENT),
            &mfa,
        ),
        legacy(policy(
            "Security defaults: legacy authentication",
            everybody(&nobody),
            applications(),
            &[BuiltInControl::Block],
        )),
    ];
    let numbered = policies.into_iter().zip(1_u128..);
    let enabled = numbered.map(|(policy, number)| Policy {
        id: Some(PolicyId::from_uuid(Uuid::from_u128(number))),
        state: State::Enabled,
        ..policy
    });
    enabled.collect()
}

/// Whether a policy is one of the security defaults: those of a tenant have ids that are drawn.
pub const fn is_security_default(id: PolicyId) -> bool {
    matches!(id.uuid().as_u128(), 1..=4)
}

/// What the policies of Pro Santé Connect are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProSanteConnect {
    /// Its application in this tenant.
    pub application: AppId,
    /// The strength that [`pro_sante_connect_strength`] made.
    pub strength: StrengthId,
    /// The emergency accounts.
    pub emergency: BTreeSet<ObjectId>,
    /// Terms of use, if the establishment has some.
    pub terms: Option<AgreementId>,
}

/// `FA01-ProSantéConnect`: the means of identification that are good enough.
pub fn pro_sante_connect_strength(id: StrengthId) -> AuthenticationStrength {
    AuthenticationStrength {
        id: Some(id),
        display_name: "FA01-ProSantéConnect".to_owned(),
        description: Some("Moyens d'identification électronique admis par Pro Santé Connect sans couture".to_owned()),
        policy_type: Some(PolicyType::Custom),
        requirements_satisfied: Some(RequirementsSatisfied::Mfa),
        allowed_combinations: MEANS.iter().filter_map(|mode| Combination::new([*mode])).collect(),
        combination_configurations: Vec::new(),
        created_at: None,
        modified_at: None,
    }
}

/// `AC02-ProSantéConnect…`, after `AC01-ProSantéConnect…` where there are terms of use. They are enabled: what is only
/// reported does not conform.
pub fn pro_sante_connect(asked: &ProSanteConnect) -> Vec<Policy> {
    let of = |name: &str| Policy {
        state: State::Enabled,
        ..policy(name, everybody(&asked.emergency), one(asked.application), &[])
    };
    let grants = |terms, strength: Option<StrengthId>| GrantControls {
        operator: Some(Operator::Or),
        terms_of_use: terms,
        authentication_strength: strength.map(StrengthReference::to),
        ..GrantControls::default()
    };
    let frequency = SignInFrequency {
        is_enabled: Some(true),
        value: Some(MAX_HOURS),
        unit: Some(FrequencyType::Hours),
        interval: Some(FrequencyInterval::TimeBased),
        authentication_type: Some(AuthenticationType::PrimaryAndSecondary),
    };
    let terms = asked.terms.map(|terms| Policy {
        grant_controls: Some(grants(vec![terms], None)),
        ..of("AC01-ProSantéConnect-AcceptationCGU-Global-ToutePlateforme-PourANS")
    });
    let session = Policy {
        grant_controls: Some(grants(Vec::new(), Some(asked.strength))),
        session_controls: Some(SessionControls {
            sign_in_frequency: Some(frequency),
            ..SessionControls::default()
        }),
        ..of("AC02-ProSantéConnect-Session4hAvecMFA-Global-ToutePlateforme-PourANS")
    };
    terms.into_iter().chain([session]).collect()
}

fn template(id: u128, scenarios: &'static str, description: &'static str, mut policy: Policy) -> Template {
    let id = TemplateId::from_uuid(Uuid::from_u128(id));
    policy.template_id = Some(id);
    Template {
        id,
        description,
        scenarios,
        policy,
    }
}

fn policy(name: &str, users: Users, applications: Applications, controls: &[BuiltInControl]) -> Policy {
    Policy {
        id: None,
        template_id: None,
        display_name: name.to_owned(),
        description: None,
        created_at: None,
        modified_at: None,
        deleted_at: None,
        state: State::ReportOnly,
        conditions: Conditions {
            applications: Some(applications),
            users: Some(users),
            client_app_types: vec![ClientAppType::All],
            ..Conditions::default()
        },
        grant_controls: Some(GrantControls {
            operator: Some(Operator::Or),
            built_in_controls: controls.to_vec(),
            ..GrantControls::default()
        }),
        session_controls: None,
    }
}

/// What an application asks for by itself, beside the policies of the tenant.
pub fn requested(strength: StrengthId) -> Policy {
    let mut asked = policy(
        "Asked for by the application",
        everybody(&BTreeSet::new()),
        applications(),
        &[],
    );
    asked.state = State::Enabled;
    asked.grant_controls = Some(GrantControls {
        operator: Some(Operator::And),
        authentication_strength: Some(StrengthReference::to(strength)),
        ..GrantControls::default()
    });
    asked
}

/// A policy as it stands for a sign-in that names it (`polids`): for whatever application. One for an action of people stays so.
pub fn named(policy: &Policy) -> Policy {
    let mut named = policy.clone();
    let conditions = &mut named.conditions.applications;
    if conditions
        .as_ref()
        .is_some_and(|its| its.include_user_actions.is_empty())
    {
        *conditions = Some(applications());
    }
    named
}

fn legacy(mut policy: Policy) -> Policy {
    policy.conditions.client_app_types = vec![ClientAppType::ExchangeActiveSync, ClientAppType::Other];
    policy
}

fn applications() -> Applications {
    Applications {
        include_applications: vec![AppTarget::All],
        ..Applications::default()
    }
}

fn one(application: AppId) -> Applications {
    Applications {
        include_applications: vec![AppTarget::App(application)],
        ..Applications::default()
    }
}

fn everybody(excluded: &BTreeSet<ObjectId>) -> Users {
    let exclude_users = excluded.iter().copied().map(UserTarget::User).collect();
    Users {
        include_users: vec![UserTarget::All],
        exclude_users,
        ..Users::default()
    }
}

fn administrators(excluded: &BTreeSet<ObjectId>) -> Users {
    Users {
        include_users: Vec::new(),
        include_roles: ADMINISTRATORS.to_vec(),
        ..everybody(excluded)
    }
}
