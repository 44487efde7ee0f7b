//! What a policy, a location or a strength must be to be stored: the rules of Graph beyond the shape of its JSON.

use hygie_core::{ErrorKind, Fault};
use thiserror::Error;

use crate::filter::{NotARule, Rule};
use crate::location::{NamedLocation, Place};
use crate::policy::{
    AppTarget, Applications, AuthenticationContext, BuiltInControl, Conditions, FrequencyInterval, FrequencyType,
    GrantControls, Operator, Policy, SessionControls, SignInFrequency, State, UserTarget, Users,
};
use crate::strength::{Allowed, AuthenticationStrength, CombinationConfiguration, RequirementsSatisfied, built_ins};
use crate::token_lifetime::NotALifetime;

/// Signs of a name.
pub const MAX_NAME: usize = 256;
/// Signs of a description.
pub const MAX_DESCRIPTION: usize = 4_096;
/// Items of a list of a policy.
pub const MAX_ITEMS: usize = 1_000;
/// Ranges of a location.
pub const MAX_RANGES: usize = 2_000;
/// The widest range of a location: a wider one is a slip of the pen.
pub const WIDEST_RANGE: u8 = 8;

/// The rule that is broken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// A name is empty or too long.
    #[error("displayName must have 1 to {MAX_NAME} characters")]
    Name,
    /// A description is too long.
    #[error("description may have {MAX_DESCRIPTION} characters at most")]
    Description,
    /// A list is too long.
    #[error("{0} may have {1} items at most")]
    TooMany(&'static str, usize),
    /// A condition is there and says nothing.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// To what it applies is open.
    #[error("conditions.applications must include applications, user actions or authentication contexts")]
    NoApplication,
    /// Applications, actions and contexts exclude each other.
    #[error(
        "conditions.applications may include applications, user actions or authentication contexts, one of the three"
    )]
    MixedApplications,
    /// To whom it applies is open.
    #[error("conditions must include users, groups, roles, guests or service principals")]
    NoUser,
    /// For people and for workloads.
    #[error("a policy is for users or for service principals, not for both")]
    PeopleAndWorkloads,
    /// It asks for nothing.
    #[error("a policy needs a grant control or a session control")]
    NoControl,
    /// Several controls, and it is not said whether all are needed.
    #[error("grantControls.operator is required")]
    NoOperator,
    /// `block` leaves nothing to ask for.
    #[error("block cannot be combined with other grant controls")]
    BlockAndMore,
    /// A strength is what `mfa` is.
    #[error("mfa and an authentication strength cannot be combined")]
    MfaAndStrength,
    /// The rule for devices cannot be read.
    #[error("conditions.devices.deviceFilter.rule, {0}")]
    DeviceFilter(#[source] NotARule),
    /// Nobody would answer.
    #[error("custom authentication factors are not supported")]
    CustomFactor,
    /// Applications and workloads have no such attributes here.
    #[error("{0} is not supported: there are no custom security attributes")]
    AttributeFilter(&'static str),
    /// A session is one for all applications.
    #[error("sessionControls.persistentBrowser needs All as the only application, and a mode")]
    PersistentBrowser,
    /// A frequency that is no time, or a time that is none.
    #[error("sessionControls.signInFrequency needs a value of 1 to 23 hours or 1 to 365 days, and none with everyTime")]
    Frequency,
    /// What a person does there cannot be done twice.
    #[error("a policy for user actions cannot be report-only")]
    ReportOnlyAction,
    /// A workload cannot answer.
    #[error("a policy for service principals can only block")]
    WorkloadControl,
    /// A range so wide that it names no place.
    #[error("ipRanges must not be wider than /{WIDEST_RANGE}")]
    WideRange,
    /// It narrows what is not there.
    #[error("appliesToCombinations must be among allowedCombinations")]
    NotAllowed,
    /// A key identifier or an OID of another form.
    #[error("combinationConfigurations has a value that is no key identifier or OID")]
    Identifier,
    /// Sessions that live too long, or end before anybody could use them.
    #[error("inactivityTimeoutInMinutes must be 5 or more, and maximumLifetimeInMinutes between it and 129600")]
    Lifetime,
    /// A policy for the lifetime of tokens says none.
    #[error("definition{0}")]
    Definition(#[source] NotALifetime),
    /// Rules of passwords that lock nobody, or everybody.
    #[error(
        "lockoutThreshold must be 1 to 50, lockoutDurationInSeconds 5 to 18000, firstPasswordLifetimeInDays 1 to 90"
    )]
    Protection,
    /// Requests that end before anybody sees them, or never.
    #[error("requestDurationInDays must be 1 to 60")]
    RequestDuration,
    /// A word that is too short to be looked for, or too long.
    #[error("each of bannedPasswords must have 4 to 16 characters")]
    BannedWord,
    /// A risk that is none.
    #[error("riskLevel must be low, medium or high")]
    RiskLevel,
    /// The kind of a risk is no word.
    #[error("riskEventType must be one word of 1 to 64 letters and digits")]
    RiskEventType,
    /// A risk without an end, or that has ended.
    #[error("endDateTime must be within the next 90 days")]
    RiskEnd,
    /// Who changes the password is no safer for it where nothing was wrong.
    #[error("{0} needs userRiskLevels, and mfa or an authentication strength with AND")]
    RiskControl(&'static str),
    /// Devices are not known.
    #[error("isPerDeviceAcceptanceRequired is not supported: there are no registered devices")]
    PerDevice,
    /// It would not be a file somewhere.
    #[error("fileName must be the name of a file, without a path")]
    FileName,
    /// It is no language.
    #[error("language must be a language such as fr or en-US")]
    Language,
}

impl Fault for Broken {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn code(&self) -> &'static str {
        "BadRequest"
    }

    fn public(&self) -> String {
        self.to_string()
    }
}

/// An error where the rule is broken.
fn require(holds: bool, broken: Broken) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(broken) }
}

pub(crate) fn named(name: &str, description: Option<&String>) -> Result<(), Broken> {
    let is_name = !name.trim().is_empty() && name.chars().count() <= MAX_NAME;
    require(is_name, Broken::Name)?;
    let is_short = description.is_none_or(|text| text.chars().count() <= MAX_DESCRIPTION);
    require(is_short, Broken::Description)
}

fn short<T>(list: &[T], name: &'static str) -> Result<(), Broken> {
    require(list.len() <= MAX_ITEMS, Broken::TooMany(name, MAX_ITEMS))
}

impl Policy {
    /// Whether it may be stored.
    pub fn check(&self) -> Result<(), Broken> {
        named(&self.display_name, self.description.as_ref())?;
        let conditions = &self.conditions;
        let applications = conditions.applications.as_ref().ok_or(Broken::NoApplication)?;
        applications.check()?;
        conditions.check_people()?;
        conditions.check_rest()?;
        let is_report_only = self.state == State::ReportOnly;
        let has_action = !applications.include_user_actions.is_empty();
        require(!(is_report_only && has_action), Broken::ReportOnlyAction)?;
        self.check_controls(applications)
    }

    fn check_controls(&self, applications: &Applications) -> Result<(), Broken> {
        let grants = self
            .grant_controls
            .as_ref()
            .is_some_and(|controls| controls.count() > 0);
        let acts = self.session_controls.as_ref().is_some_and(SessionControls::is_set);
        require(grants || acts, Broken::NoControl)?;
        if let Some(controls) = &self.grant_controls {
            controls.check()?;
            controls.check_risk(&self.conditions)?;
        }
        if let Some(controls) = &self.session_controls {
            controls.check(applications)?;
        }
        if self.conditions.client_applications.is_some() {
            let blocks = self.grant_controls.as_ref().is_some_and(GrantControls::blocks);
            return require(blocks && !acts, Broken::WorkloadControl);
        }
        Ok(())
    }
}

impl Applications {
    fn check(&self) -> Result<(), Broken> {
        require(
            self.application_filter.is_none(),
            Broken::AttributeFilter("applicationFilter"),
        )?;
        short(&self.include_applications, "includeApplications")?;
        short(&self.exclude_applications, "excludeApplications")?;
        let kinds = [
            !self.include_applications.is_empty(),
            !self.include_user_actions.is_empty(),
            !self.include_authentication_contexts.is_empty(),
        ];
        match kinds.iter().filter(|is_there| **is_there).count() {
            0 => Err(Broken::NoApplication),
            1 => require(
                kinds[0] || self.exclude_applications.is_empty(),
                Broken::MixedApplications,
            ),
            _ => Err(Broken::MixedApplications),
        }
    }

    /// Whether every application is meant, some may be excepted.
    pub fn include_all(&self) -> bool {
        self.include_applications.contains(&AppTarget::All)
    }
}

impl Users {
    /// Whether it names anybody.
    fn names_somebody(&self) -> bool {
        let is_somebody = |target: &UserTarget| *target != UserTarget::None;
        self.include_users.iter().any(is_somebody)
            || !self.include_groups.is_empty()
            || !self.include_roles.is_empty()
            || self.include_guests.is_some()
    }

    fn check(&self) -> Result<(), Broken> {
        short(&self.include_users, "includeUsers")?;
        short(&self.exclude_users, "excludeUsers")?;
        short(&self.include_groups, "includeGroups")?;
        short(&self.exclude_groups, "excludeGroups")?;
        short(&self.include_roles, "includeRoles")?;
        short(&self.exclude_roles, "excludeRoles")?;
        let guests = [&self.include_guests, &self.exclude_guests];
        let say_which = guests.into_iter().flatten().all(|guests| !guests.types.0.is_empty());
        require(say_which, Broken::Empty("guestOrExternalUserTypes"))
    }
}

impl Conditions {
    fn check_people(&self) -> Result<(), Broken> {
        if let Some(users) = &self.users {
            users.check()?;
        }
        let names_people = self.users.as_ref().is_some_and(Users::names_somebody);
        let Some(workloads) = &self.client_applications else {
            // `None` alone is a rule too: Graph stores such a policy, which applies to nobody.
            let says_nobody = self.users.as_ref().is_some_and(|users| !users.include_users.is_empty());
            return require(names_people || says_nobody, Broken::NoUser);
        };
        require(!names_people, Broken::PeopleAndWorkloads)?;
        short(&workloads.include_service_principals, "includeServicePrincipals")?;
        short(&workloads.exclude_service_principals, "excludeServicePrincipals")?;
        let has_filter = workloads.service_principal_filter.is_some();
        require(!has_filter, Broken::AttributeFilter("servicePrincipalFilter"))?;
        require(!workloads.include_service_principals.is_empty(), Broken::NoUser)
    }

    fn check_rest(&self) -> Result<(), Broken> {
        if let Some(platforms) = &self.platforms {
            require(
                !platforms.include_platforms.is_empty(),
                Broken::Empty("includePlatforms"),
            )?;
        }
        if let Some(locations) = &self.locations {
            require(
                !locations.include_locations.is_empty(),
                Broken::Empty("includeLocations"),
            )?;
            short(&locations.include_locations, "includeLocations")?;
            short(&locations.exclude_locations, "excludeLocations")?;
        }
        let filter = self.devices.as_ref().and_then(|devices| devices.device_filter.as_ref());
        filter.map_or(Ok(()), |filter| {
            Rule::parse(&filter.rule).map(drop).map_err(Broken::DeviceFilter)
        })
    }
}

impl GrantControls {
    /// How many controls it has.
    pub fn count(&self) -> usize {
        self.built_in_controls.len()
            + self.custom_authentication_factors.len()
            + self.terms_of_use.len()
            + usize::from(self.authentication_strength.is_some())
    }

    /// Whether nobody passes.
    pub fn blocks(&self) -> bool {
        self.built_in_controls.contains(&BuiltInControl::Block)
    }

    fn check(&self) -> Result<(), Broken> {
        short(&self.terms_of_use, "termsOfUse")?;
        require(self.custom_authentication_factors.is_empty(), Broken::CustomFactor)?;
        let asks_mfa = self.built_in_controls.contains(&BuiltInControl::Mfa);
        require(
            !(asks_mfa && self.authentication_strength.is_some()),
            Broken::MfaAndStrength,
        )?;
        require(!self.blocks() || self.count() == 1, Broken::BlockAndMore)?;
        require(self.count() < 2 || self.operator.is_some(), Broken::NoOperator)
    }

    /// What takes risk away is asked where there is some, after more than a password: whoever stole that may not change it.
    fn check_risk(&self, conditions: &Conditions) -> Result<(), Broken> {
        let is_safe = self.authentication_strength.is_some() || self.built_in_controls.contains(&BuiltInControl::Mfa);
        let is_sound = is_safe && self.operator != Some(Operator::Or) && !conditions.user_risk_levels.is_empty();
        for control in [BuiltInControl::PasswordChange, BuiltInControl::RiskRemediation] {
            if self.built_in_controls.contains(&control) {
                require(is_sound, Broken::RiskControl(control.as_str()))?;
            }
        }
        Ok(())
    }
}

impl SessionControls {
    /// Whether anything is on.
    pub fn is_set(&self) -> bool {
        [
            self.application_enforced_restrictions
                .as_ref()
                .and_then(|switch| switch.is_enabled),
            self.cloud_app_security.as_ref().and_then(|broker| broker.is_enabled),
            self.persistent_browser.as_ref().and_then(|browser| browser.is_enabled),
            self.sign_in_frequency
                .as_ref()
                .and_then(|frequency| frequency.is_enabled),
            self.disable_resilience_defaults,
            self.secure_sign_in_session
                .as_ref()
                .and_then(|switch| switch.is_enabled),
        ]
        .contains(&Some(true))
    }

    fn check(&self, applications: &Applications) -> Result<(), Broken> {
        if let Some(browser) = self
            .persistent_browser
            .as_ref()
            .filter(|browser| browser.is_enabled == Some(true))
        {
            let is_all = applications.include_applications == [AppTarget::All];
            require(is_all && browser.mode.is_some(), Broken::PersistentBrowser)?;
        }
        let frequency = self.sign_in_frequency.as_ref();
        match frequency.filter(|frequency| frequency.is_enabled == Some(true)) {
            Some(frequency) => frequency.check(),
            None => Ok(()),
        }
    }
}

impl SignInFrequency {
    fn check(&self) -> Result<(), Broken> {
        let is_possible = match self.interval.unwrap_or(FrequencyInterval::TimeBased) {
            FrequencyInterval::EveryTime => self.value.is_none() && self.unit.is_none(),
            FrequencyInterval::TimeBased => match (self.value, self.unit) {
                (Some(value), Some(FrequencyType::Hours)) => (1..=23).contains(&value),
                (Some(value), Some(FrequencyType::Days)) => (1..=365).contains(&value),
                _ => false,
            },
        };
        require(is_possible, Broken::Frequency)
    }
}

impl AuthenticationContext {
    /// Whether it may be stored.
    pub fn check(&self) -> Result<(), Broken> {
        match &self.display_name {
            Some(name) => named(name, self.description.as_ref()),
            None => named(&self.id.to_string(), self.description.as_ref()),
        }
    }
}

impl NamedLocation {
    /// Whether it may be stored.
    pub fn check(&self) -> Result<(), Broken> {
        named(&self.display_name, None)?;
        match &self.place {
            Place::Addresses { ranges, .. } => {
                require(!ranges.is_empty(), Broken::Empty("ipRanges"))?;
                require(ranges.len() <= MAX_RANGES, Broken::TooMany("ipRanges", MAX_RANGES))?;
                let is_narrow = ranges.iter().all(|range| range.prefix() >= WIDEST_RANGE);
                require(is_narrow, Broken::WideRange)
            }
            Place::Countries {
                countries,
                with_unknown,
                ..
            } => {
                require(
                    *with_unknown || !countries.is_empty(),
                    Broken::Empty("countriesAndRegions"),
                )?;
                short(countries, "countriesAndRegions")
            }
        }
    }
}

impl AuthenticationStrength {
    /// Whether it may be stored.
    pub fn check(&self) -> Result<(), Broken> {
        named(&self.display_name, self.description.as_ref())?;
        require(
            !self.allowed_combinations.is_empty(),
            Broken::Empty("allowedCombinations"),
        )?;
        short(&self.allowed_combinations, "allowedCombinations")?;
        short(&self.combination_configurations, "combinationConfigurations")?;
        self.combination_configurations
            .iter()
            .try_for_each(|configuration| self.check_configuration(configuration))
    }

    fn check_configuration(&self, configuration: &CombinationConfiguration) -> Result<(), Broken> {
        require(
            !configuration.applies_to.is_empty(),
            Broken::Empty("appliesToCombinations"),
        )?;
        let is_allowed = |part| {
            self.allowed_combinations
                .iter()
                .any(|combination| combination.contains(part))
        };
        require(configuration.applies_to.iter().all(is_allowed), Broken::NotAllowed)?;
        match &configuration.allowed {
            Allowed::Fido2 { aaguids } => {
                require(!aaguids.is_empty(), Broken::Empty("allowedAAGUIDs"))?;
                short(aaguids, "allowedAAGUIDs")
            }
            Allowed::X509Certificate {
                issuer_skis,
                policy_oids,
            } => {
                let says_something = !issuer_skis.is_empty() || !policy_oids.is_empty();
                require(says_something, Broken::Empty("allowedIssuerSkis"))?;
                short(issuer_skis, "allowedIssuerSkis")?;
                short(policy_oids, "allowedPolicyOIDs")?;
                let are_written = issuer_skis.iter().all(|ski| is_key_identifier(ski));
                require(
                    are_written && policy_oids.iter().all(|oid| is_oid(oid)),
                    Broken::Identifier,
                )
            }
        }
    }

    /// What it is worth: `mfa` where each of its combinations is one of the built-in strength for it.
    pub fn requirements(&self) -> RequirementsSatisfied {
        let [mfa, ..] = built_ins();
        let is_enough = |combination| mfa.allowed_combinations.contains(combination);
        if self.allowed_combinations.iter().all(is_enough) {
            RequirementsSatisfied::Mfa
        } else {
            RequirementsSatisfied::None
        }
    }
}

fn is_key_identifier(text: &str) -> bool {
    (2..=128).contains(&text.len()) && text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_oid(text: &str) -> bool {
    let is_arc = |arc: &str| !arc.is_empty() && arc.len() <= 20 && arc.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 128 && text.contains('.') && text.split('.').all(is_arc)
}
