//! The authentication methods policy of a tenant: which means of identification are for whom, and which models of
//! passkeys. <https://learn.microsoft.com/graph/api/resources/authenticationmethodspolicy>
//!
//! # Deviations
//!
//! - A method that cannot be offered (`MicrosoftAuthenticator`, `Sms`, `Voice`, `Email`) has its configuration, which is kept
//!   and returned; to enable it is refused, because people would rely on what never comes. The registration campaign is for
//!   passkeys (`targetedAuthenticationMethod` `fido2`) alone.
//! - `isRegistrationRequired`, which Graph says is not supported, is refused where it is true. `reconfirmationInDays` is kept and
//!   returned; nobody is asked by it.
//! - Restrictions of models hold when a passkey is registered and whenever it is used; its origin is proved at registration.
//! - Who is named by several targets with several passkey profiles may use what any of these profiles admits.
//! - Which models count as Windows Hello for Business is a setting of ours beside this policy.

mod campaign;
mod check;
mod configuration;
mod targets;

use std::collections::BTreeSet;

use hygie_core::{GroupId, ObjectId, Timestamp};
use serde_json::{Map, Value};

pub use campaign::{Nudge, PutOff};
pub use check::{Broken, MAX_LENGTH, MAX_LIFETIME, MAX_MODELS, MIN_LENGTH, MIN_LIFETIME};
pub use configuration::{
    AdvancedState, AttestationEnforcement, AuthenticatorFeatures, AuthenticatorMode, AuthenticatorTarget,
    Configuration, Email, EnforcementType, Feature, FeatureTarget, Fido2, KeyRestrictions, Method,
    MicrosoftAuthenticator, PasskeyProfile, PasskeyTarget, PasskeyType, Sms, SmsTarget, SoftwareOath,
    TemporaryAccessPass, Voice,
};
pub use targets::Named;

use self::check::few;
use crate::Aaguid;
use crate::certificate::{State, Target, TargetId, TargetType, X509Certificate};
use crate::json::{self, At, Member, ReadError, Wrong, record, vocabulary};
use crate::patch::lay_over;

/// The id of the policy, of which a tenant has one.
pub const POLICY_ID: &str = "authenticationMethodsPolicy";

vocabulary! {
    /// How far the tenant has come from the policies that were there before this one.
    MigrationState {
        PreMigration = "preMigration",
        InProgress = "migrationInProgress",
        Complete = "migrationComplete",
    }
}

record! {
    /// authenticationMethodsPolicy.
    MethodsPolicy {
        /// [`POLICY_ID`].
        id: Option<String> = "id",
        /// Its name.
        display_name: Option<String> = "displayName",
        /// What it is for.
        description: Option<String> = "description",
        /// Given by the service.
        modified_at: Option<Timestamp> = "lastModifiedDateTime",
        /// Given by the service.
        version: Option<String> = "policyVersion",
        /// How far the tenant has come.
        migration: Option<MigrationState> = "policyMigrationState",
        /// After how many days people look at their means again.
        reconfirmation: Option<u32> = "reconfirmationInDays",
        /// Whether people are asked to register.
        registration: Option<RegistrationEnforcement> = "registrationEnforcement",
        /// Method by method.
        configurations: Vec<Configuration> = "authenticationMethodConfigurations",
    }
    /// registrationEnforcement.
    RegistrationEnforcement {
        /// The campaign.
        campaign: Option<Campaign> = "authenticationMethodsRegistrationCampaign",
    }
    /// authenticationMethodsRegistrationCampaign.
    Campaign {
        /// Whether it goes on.
        state: AdvancedState = "state",
        /// For how many days people may put it off.
        snooze: Option<u32> = "snoozeDurationInDays",
        /// Whether they must in the end.
        is_enforced: Option<bool> = "enforceRegistrationAfterAllowedSnoozes",
        /// For whom.
        include_targets: Vec<CampaignTarget> = "includeTargets",
        /// For whom not.
        exclude_targets: Vec<Target> = "excludeTargets",
    }
    /// For whom a campaign is.
    CampaignTarget {
        /// An id, or `all_users` of a group.
        id: TargetId = "id",
        /// A person or a group.
        kind: TargetType = "targetType",
        /// The method.
        method: Option<String> = "targetedAuthenticationMethod",
    }
}

/// What the service alone sets.
const READ_ONLY: [&str; 4] = [
    "id",
    "lastModifiedDateTime",
    "policyVersion",
    "authenticationMethodConfigurations",
];

/// Whose policy is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The account.
    pub id: ObjectId,
    /// Its groups, those around groups included.
    pub groups: &'a BTreeSet<GroupId>,
}

/// A passkey as the policy sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its model.
    pub aaguid: Aaguid,
    /// Whether it stays in one device.
    pub kind: PasskeyType,
}

/// What a passkey must be. Any one rule is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyRules {
    /// Whether the person registers passkeys without an administrator.
    pub is_self_service_allowed: bool,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    is_attestation_enforced: bool,
    types: Option<BTreeSet<PasskeyType>>,
    keys: Option<KeyRestrictions>,
}

/// What a rule demands of the origin of a passkey that it admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nothing.
    Any,
    /// That its maker vouches for it.
    Attested,
}

impl PasskeyRules {
    /// Whether a passkey may be registered or used, and what must be proved where it is registered; `None` is never.
    pub fn admit(&self, passkey: Passkey) -> Option<Origin> {
        let admitting = self.rules.iter().filter(|rule| rule.admits(passkey));
        admitting
            .map(|rule| {
                if rule.is_attestation_enforced {
                    Origin::Attested
                } else {
                    Origin::Any
                }
            })
            .min_by_key(|origin| *origin == Origin::Attested)
    }

    /// Whether the origin of every passkey must be proved.
    pub fn needs_attestation(&self) -> bool {
        self.rules.iter().all(|rule| rule.is_attestation_enforced)
    }
}

impl Rule {
    fn admits(&self, passkey: Passkey) -> bool {
        let is_type = self.types.as_ref().is_none_or(|types| types.contains(&passkey.kind));
        is_type && self.keys.as_ref().is_none_or(|keys| keys.admit(passkey.aaguid))
    }
}

impl KeyRestrictions {
    /// Whether they leave this model.
    pub fn admit(&self, aaguid: Aaguid) -> bool {
        let is_listed = self.aaguids.contains(&aaguid);
        match self.kind {
            _ if self.is_enforced != Some(true) => true,
            Some(EnforcementType::Block) => !is_listed,
            // Enforced without saying how: the stricter.
            Some(EnforcementType::Allow) | None => is_listed,
        }
    }
}

impl MethodsPolicy {
    /// As a new tenant has it: passkeys, codes of an application and temporary access passes are for everybody,
    /// certificates for nobody yet.
    pub fn initial() -> Self {
        let everybody = || {
            vec![Target {
                id: TargetId::AllUsers,
                kind: TargetType::Group,
                is_registration_required: Some(false),
            }]
        };
        Self {
            id: Some(POLICY_ID.to_owned()),
            display_name: Some("Authentication Methods Policy".to_owned()),
            description: Some("Which means of identification are for whom.".to_owned()),
            modified_at: None,
            version: Some("1.5".to_owned()),
            migration: Some(MigrationState::Complete),
            reconfirmation: None,
            registration: Some(RegistrationEnforcement {
                campaign: Some(Campaign {
                    state: AdvancedState::Disabled,
                    snooze: Some(1),
                    is_enforced: Some(true),
                    include_targets: Vec::new(),
                    exclude_targets: Vec::new(),
                }),
            }),
            configurations: Method::ALL.iter().map(|method| initial(*method, everybody())).collect(),
        }
    }

    /// Reads a stored one.
    pub fn from_json(document: &Value) -> Result<Self, ReadError> {
        json::read(document)
    }

    /// As it is stored and shown.
    pub fn to_json(&self) -> Value {
        self.write()
    }

    /// The policy after a change of everything but the configurations.
    pub fn patched(&self, change: &Value) -> Result<Self, ReadError> {
        let mut document = self.write();
        let change = members(change)?;
        let is_changed = |name: &&&str| {
            change
                .get(**name)
                .is_some_and(|value| document.get(**name) != Some(value))
        };
        if let Some(name) = READ_ONLY.iter().find(is_changed) {
            return Err(At::Member(&At::Root, name).refuse(Wrong::ReadOnly));
        }
        if let Value::Object(document) = &mut document {
            lay_over(document, change);
        }
        json::read(&document)
    }

    /// The policy after a change of the configuration of a method.
    pub fn configured(&self, method: Method, change: &Value) -> Result<Self, ReadError> {
        // Read as it came first, for its type and id; then as a whole.
        let change = members(change)?;
        let mut document = self.configuration(method).write();
        if let Value::Object(document) = &mut document {
            lay_over(document, change);
        }
        let configuration = method.read(Some(&document), &At::Root)?;
        let mut next = self.clone();
        next.configurations.retain(|known| known.method() != method);
        next.configurations.push(configuration);
        next.configurations.sort_by_key(Configuration::method);
        Ok(next)
    }

    /// The configuration of a method; that of a new tenant where the policy has none.
    pub fn configuration(&self, method: Method) -> Configuration {
        let found = self.configurations.iter().find(|known| known.method() == method);
        found.cloned().unwrap_or_else(|| initial(method, Vec::new()))
    }

    /// Whether a method is for this person.
    pub fn is_for(&self, method: Method, person: Person<'_>) -> bool {
        let configuration = self.configurations.iter().find(|known| known.method() == method);
        configuration.is_some_and(|configuration| match configuration {
            Configuration::Fido2(it) => it.is_for(person),
            Configuration::SoftwareOath(it) => is_for(it.state, &it.include_targets, &it.exclude_targets, person),
            Configuration::TemporaryAccessPass(it) => {
                is_for(it.state, &it.include_targets, &it.exclude_targets, person)
            }
            Configuration::X509Certificate(it) => it.is_for(person.id, person.groups),
            // They are never offered.
            Configuration::MicrosoftAuthenticator(_)
            | Configuration::Sms(_)
            | Configuration::Voice(_)
            | Configuration::Email(_) => false,
        })
    }

    /// What passkeys of this person must be; `None` where passkeys are no method of theirs.
    pub fn passkeys(&self, person: Person<'_>) -> Option<PasskeyRules> {
        self.configurations.iter().find_map(|known| match known {
            Configuration::Fido2(fido2) if fido2.is_for(person) => Some(fido2.rules(person)),
            _ => None,
        })
    }

    /// The rules of temporary access passes.
    pub fn temporary_access_pass(&self) -> TemporaryAccessPass {
        match self.configuration(Method::TemporaryAccessPass) {
            Configuration::TemporaryAccessPass(it) => it,
            _ => initial_pass(),
        }
    }
}

/// Passes as a new tenant has them, for nobody.
fn initial_pass() -> TemporaryAccessPass {
    TemporaryAccessPass {
        id: Some(Method::TemporaryAccessPass.as_str().to_owned()),
        state: State::Disabled,
        include_targets: Vec::new(),
        exclude_targets: Vec::new(),
        default_length: 8,
        default_lifetime: 60,
        minimum_lifetime: 60,
        maximum_lifetime: 480,
        is_usable_once: Some(true),
    }
}

impl Fido2 {
    fn is_for(&self, person: Person<'_>) -> bool {
        let excluded = self.exclude_targets.iter().any(|target| target.names(person));
        self.state == State::Enabled && !excluded && self.include_targets.iter().any(|target| target.names(person))
    }

    fn rules(&self, person: Person<'_>) -> PasskeyRules {
        let naming = self.include_targets.iter().filter(|target| target.names(person));
        let named: BTreeSet<&str> = naming
            .flat_map(|target| match target.profiles.as_slice() {
                [] => self.default_profile.iter().map(String::as_str).collect::<Vec<_>>(),
                profiles => profiles.iter().map(String::as_str).collect(),
            })
            .collect();
        let of_profile = |profile: &PasskeyProfile| Rule {
            is_attestation_enforced: profile.attestation == Some(AttestationEnforcement::RegistrationOnly),
            types: profile.types.as_ref().map(|types| types.0.clone()),
            keys: profile.key_restrictions.clone(),
        };
        let profiles = self
            .profiles
            .iter()
            .filter(|profile| named.contains(profile.id.as_str()));
        let mut rules: Vec<Rule> = profiles.map(of_profile).collect();
        if named.is_empty() {
            rules.push(Rule {
                is_attestation_enforced: self.is_attestation_enforced == Some(true),
                types: None,
                keys: self.key_restrictions.clone(),
            });
        }
        PasskeyRules {
            is_self_service_allowed: self.is_self_service_allowed == Some(true),
            rules,
        }
    }
}

impl Configuration {
    /// Whether a target of it asks for registration, which nothing would do.
    fn requires_registration(&self) -> bool {
        let any = |targets: &[Target]| {
            targets
                .iter()
                .any(|target| target.is_registration_required == Some(true))
        };
        match self {
            Self::Fido2(it) => {
                let mut targets = it.include_targets.iter();
                targets.any(|target| target.is_registration_required == Some(true))
            }
            Self::SoftwareOath(it) => any(&it.include_targets),
            Self::TemporaryAccessPass(it) => any(&it.include_targets),
            Self::X509Certificate(it) => any(&it.include_targets),
            Self::MicrosoftAuthenticator(_) | Self::Sms(_) | Self::Voice(_) | Self::Email(_) => false,
        }
    }
}

impl PasskeyTarget {
    fn names(&self, person: Person<'_>) -> bool {
        names(self.id, self.kind, person)
    }
}

impl Target {
    fn names(&self, person: Person<'_>) -> bool {
        names(self.id, self.kind, person)
    }
}

fn is_for(state: State, include: &[Target], exclude: &[Target], person: Person<'_>) -> bool {
    let named = |targets: &[Target]| targets.iter().any(|target| target.names(person));
    state == State::Enabled && named(include) && !named(exclude)
}

fn names(id: TargetId, kind: TargetType, person: Person<'_>) -> bool {
    match (id, kind) {
        (TargetId::AllUsers, TargetType::Group) => true,
        (TargetId::AllUsers, TargetType::User) => false,
        (TargetId::Id(id), TargetType::User) => id == person.id.uuid(),
        (TargetId::Id(id), TargetType::Group) => person.groups.contains(&GroupId::from_uuid(id)),
    }
}

fn members(change: &Value) -> Result<&Map<String, Value>, ReadError> {
    match change {
        Value::Object(members) => Ok(members),
        _ => Err(At::Root.refuse(Wrong::NotA("an object"))),
    }
}

/// The configuration of a method in a new tenant.
fn initial(method: Method, everybody: Vec<Target>) -> Configuration {
    let (id, exclude_targets) = (Some(method.as_str().to_owned()), Vec::new());
    match method {
        Method::Fido2 => Configuration::Fido2(Fido2 {
            id,
            state: State::Enabled,
            include_targets: everybody
                .into_iter()
                .map(|target| PasskeyTarget {
                    id: target.id,
                    kind: target.kind,
                    is_registration_required: target.is_registration_required,
                    profiles: Vec::new(),
                })
                .collect(),
            exclude_targets,
            is_attestation_enforced: Some(false),
            is_self_service_allowed: Some(true),
            key_restrictions: Some(KeyRestrictions {
                is_enforced: Some(false),
                kind: Some(EnforcementType::Block),
                aaguids: Vec::new(),
            }),
            default_profile: None,
            profiles: Vec::new(),
        }),
        Method::SoftwareOath => Configuration::SoftwareOath(SoftwareOath {
            id,
            state: State::Enabled,
            include_targets: everybody,
            exclude_targets,
        }),
        Method::TemporaryAccessPass => Configuration::TemporaryAccessPass(TemporaryAccessPass {
            state: State::Enabled,
            include_targets: everybody,
            ..initial_pass()
        }),
        Method::X509Certificate => Configuration::X509Certificate(Box::new(X509Certificate::initial())),
        Method::MicrosoftAuthenticator | Method::Sms | Method::Voice | Method::Email => not_offered(method),
    }
}

/// The configuration of a method that is never offered.
fn not_offered(method: Method) -> Configuration {
    let (id, state, exclude_targets) = (Some(method.as_str().to_owned()), State::Disabled, Vec::new());
    match method {
        Method::MicrosoftAuthenticator => Configuration::MicrosoftAuthenticator(Box::new(MicrosoftAuthenticator {
            id,
            state,
            include_targets: Vec::new(),
            exclude_targets,
            is_software_oath_enabled: Some(false),
            features: None,
        })),
        Method::Sms => Configuration::Sms(Sms {
            id,
            state,
            include_targets: Vec::new(),
            exclude_targets,
        }),
        Method::Voice => Configuration::Voice(Voice {
            id,
            state,
            include_targets: Vec::new(),
            exclude_targets,
            is_office_phone_allowed: Some(false),
        }),
        _ => Configuration::Email(Email {
            id,
            state,
            include_targets: Vec::new(),
            exclude_targets,
            allow_external: Some(AdvancedState::Disabled),
        }),
    }
}
