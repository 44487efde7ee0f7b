//! Which policies apply to a sign-in, and what keeps the others from it: the first phase of evaluation.
//! <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-policies>
//!
//! Every condition that is set must hold; in each, one of what is included is enough, and what is excluded is out whatever
//! includes it. A condition that is not set holds.
//!
//! # Deviations
//!
//! - A filter over attributes of applications or workloads, which there are none of, is passed over: the policy then
//!   applies to more, not to less. It is refused when a policy is stored.
//! - The location `00000000-0000-0000-0000-000000000000` (addresses of the former multifactor service) has no address.

use std::collections::BTreeSet;

use crate::json::vocabulary;
use crate::location::{Located, NamedLocation, locate};
use crate::policy::{
    AppTarget, Applications, ClientAppType, ClientApplications, Conditions, DevicePlatform, ExternalTenants,
    FilterMode, Guests, LocationTarget, Platforms, Policy, RiskLevel, ServicePrincipalTarget, State, UserTarget, Users,
};
use crate::signin::{Application, Guest, Identity, Ownership, SignIn, Suite, Target, User, Workload};

vocabulary! {
    /// What keeps a policy from a sign-in (`conditionalAccessWhatIfReasons` of Graph).
    Reason {
        /// Something that a condition asks for is not known.
        NotEnoughInformation = "notEnoughInformation",
        /// A condition cannot be read.
        InvalidCondition = "invalidCondition",
        Users = "users",
        WorkloadIdentities = "workloadIdentities",
        Application = "application",
        UserActions = "userActions",
        AuthenticationContext = "authenticationContext",
        DevicePlatform = "devicePlatform",
        Devices = "devices",
        ClientApps = "clientApps",
        Location = "location",
        SignInRisk = "signInRisk",
        /// It applies to nothing or nobody.
        EmptyPolicy = "emptyPolicy",
        /// It breaks the rules of a policy.
        InvalidPolicy = "invalidPolicy",
        PolicyNotEnabled = "policyNotEnabled",
        UserRisk = "userRisk",
        /// Kept for conditions on time, which v1.0 does not have.
        Time = "time",
        InsiderRisk = "insiderRisk",
        AuthenticationFlow = "authenticationFlow",
    }
}

/// What keeps a policy from a sign-in; empty where it applies.
pub type Reasons = BTreeSet<Reason>;

/// Whether a policy applies: no reason is left. The state is not looked at, except that a disabled one never does.
pub fn reasons(policy: &Policy, sign_in: &SignIn, located: &Located) -> Reasons {
    let mut against = Against {
        sign_in,
        reasons: Reasons::new(),
    };
    if policy.state == State::Disabled {
        against.reasons.insert(Reason::PolicyNotEnabled);
    }
    let conditions = &policy.conditions;
    against.identity(conditions);
    against.target(conditions.applications.as_ref());
    against.surroundings(conditions, located);
    against.risks(conditions);
    against.reasons
}

/// As [`reasons`], with the named locations that are not resolved yet.
pub fn reasons_among(policy: &Policy, sign_in: &SignIn, locations: &[NamedLocation]) -> Reasons {
    reasons(policy, sign_in, &locate(&sign_in.conditions.whereabouts, locations))
}

/// What is found against a policy.
struct Against<'a> {
    sign_in: &'a SignIn,
    reasons: Reasons,
}

/// Whether a condition holds.
#[derive(Clone, Copy)]
enum Holds {
    Yes,
    No,
    /// It cannot be told, so it does not.
    Unknown,
}

impl From<bool> for Holds {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl Against<'_> {
    fn note(&mut self, holds: Holds, reason: Reason) {
        match holds {
            Holds::Yes => return,
            Holds::No => {}
            Holds::Unknown => {
                self.reasons.insert(Reason::NotEnoughInformation);
            }
        }
        self.reasons.insert(reason);
    }

    fn identity(&mut self, conditions: &Conditions) {
        match (
            &self.sign_in.identity,
            &conditions.client_applications,
            &conditions.users,
        ) {
            (Identity::Workload(workload), Some(condition), _) => {
                let holds = condition.covers(workload);
                self.note(holds.into(), Reason::WorkloadIdentities);
            }
            (Identity::Workload(_), None, _) => self.note(Holds::No, Reason::WorkloadIdentities),
            (Identity::User(_), Some(_), _) => self.note(Holds::No, Reason::Users),
            (Identity::User(user), None, Some(condition)) => {
                let holds = condition.covers(user);
                self.note(holds.into(), Reason::Users);
            }
            (Identity::User(_), None, None) => {
                self.note(Holds::No, Reason::Users);
                self.reasons.insert(Reason::EmptyPolicy);
            }
        }
    }

    fn target(&mut self, condition: Option<&Applications>) {
        let Some(condition) = condition.filter(|condition| !condition.is_empty()) else {
            self.reasons.extend([Reason::Application, Reason::EmptyPolicy]);
            return;
        };
        let (holds, reason) = match (&self.sign_in.target, condition) {
            (Target::Action(action), _) if !condition.include_user_actions.is_empty() => {
                (condition.include_user_actions.contains(action), Reason::UserActions)
            }
            (_, _) if !condition.include_user_actions.is_empty() => (false, Reason::UserActions),
            (Target::Resources { contexts, .. }, _) if !condition.include_authentication_contexts.is_empty() => {
                let is_asked = condition
                    .include_authentication_contexts
                    .iter()
                    .any(|context| contexts.contains(context));
                (is_asked, Reason::AuthenticationContext)
            }
            (Target::Action(_), _) if !condition.include_authentication_contexts.is_empty() => {
                (false, Reason::AuthenticationContext)
            }
            (Target::Action(_), _) => (false, Reason::Application),
            (Target::Resources { applications, .. }, _) => (
                applications.iter().any(|application| condition.covers(application)),
                Reason::Application,
            ),
        };
        self.note(holds.into(), reason);
    }

    fn surroundings(&mut self, conditions: &Conditions, located: &Located) {
        let around = &self.sign_in.conditions;
        let client = client_app(&conditions.client_app_types, around.client_app);
        let platform = conditions
            .platforms
            .as_ref()
            .map_or(Holds::Yes, |platforms| platforms.hold(around.platform));
        let location = conditions.locations.as_ref().map_or(Holds::Yes, |locations| {
            let is_in = |targets: &[LocationTarget]| targets.iter().any(|target| target.is_at(located));
            let holds = is_in(&locations.include_locations) && !is_in(&locations.exclude_locations);
            let is_known = around.whereabouts.address.is_some() || around.whereabouts.country.is_some();
            if holds || is_known {
                holds.into()
            } else {
                Holds::Unknown
            }
        });
        let devices = self.device(conditions);
        let flow = conditions
            .authentication_flows
            .as_ref()
            .and_then(|flows| flows.transfer_methods.as_ref());
        let transferred = flow.is_none_or(|methods| around.transfer.is_some_and(|method| methods.0.contains(&method)));
        self.note(client, Reason::ClientApps);
        self.note(platform, Reason::DevicePlatform);
        self.note(location, Reason::Location);
        self.note(devices, Reason::Devices);
        self.note(transferred.into(), Reason::AuthenticationFlow);
    }

    fn device(&mut self, conditions: &Conditions) -> Holds {
        let Some(filter) = conditions
            .devices
            .as_ref()
            .and_then(|devices| devices.device_filter.as_ref())
        else {
            return Holds::Yes;
        };
        let matches = crate::filter::matches(&filter.rule, self.sign_in.conditions.device.as_ref());
        match (matches, filter.mode) {
            (Ok(matches), FilterMode::Include) => matches.into(),
            (Ok(matches), FilterMode::Exclude) => (!matches).into(),
            // What cannot be read neither narrows nor excepts.
            (Err(_), _) => Holds::Yes,
        }
    }

    fn risks(&mut self, conditions: &Conditions) {
        let around = &self.sign_in.conditions;
        let sign_in = risk(&conditions.sign_in_risk_levels, around.sign_in_risk);
        let user = risk(&conditions.user_risk_levels, around.user_risk);
        let workload = risk(&conditions.service_principal_risk_levels, around.service_principal_risk);
        let insider = match (&conditions.insider_risk_levels, around.insider_risk) {
            (None, _) => Holds::Yes,
            (Some(_), None) => Holds::Unknown,
            (Some(levels), Some(level)) => levels.0.contains(&level).into(),
        };
        self.note(sign_in, Reason::SignInRisk);
        self.note(user, Reason::UserRisk);
        self.note(workload, Reason::WorkloadIdentities);
        self.note(insider, Reason::InsiderRisk);
    }
}

fn risk(levels: &[RiskLevel], level: Option<RiskLevel>) -> Holds {
    match level {
        _ if levels.is_empty() => Holds::Yes,
        None => Holds::Unknown,
        Some(level) => levels.contains(&level).into(),
    }
}

fn client_app(types: &[ClientAppType], client: Option<ClientAppType>) -> Holds {
    match client {
        _ if types.is_empty() || types.contains(&ClientAppType::All) => Holds::Yes,
        None => Holds::Unknown,
        Some(client) => types.contains(&client).into(),
    }
}

impl Users {
    /// Whether it speaks of this person.
    pub(crate) fn covers(&self, user: &User) -> bool {
        let named = |targets: &[UserTarget]| {
            targets.iter().any(|target| match target {
                UserTarget::All => true,
                UserTarget::None => false,
                UserTarget::GuestsOrExternalUsers => user.guest.is_some(),
                UserTarget::User(id) => *id == user.id,
            })
        };
        let is_included = named(&self.include_users)
            || self.include_groups.iter().any(|group| user.groups.contains(group))
            || self.include_roles.iter().any(|role| user.roles.contains(role))
            || covers_guest(self.include_guests.as_ref(), user.guest.as_ref());
        let is_excluded = named(&self.exclude_users)
            || self.exclude_groups.iter().any(|group| user.groups.contains(group))
            || self.exclude_roles.iter().any(|role| user.roles.contains(role))
            || covers_guest(self.exclude_guests.as_ref(), user.guest.as_ref());
        is_included && !is_excluded
    }
}

fn covers_guest(guests: Option<&Guests>, guest: Option<&Guest>) -> bool {
    let (Some(guests), Some(guest)) = (guests, guest) else {
        return false;
    };
    let is_home = match &guests.external_tenants {
        None | Some(ExternalTenants::All) => true,
        Some(ExternalTenants::Enumerated(tenants)) => guest.home.is_some_and(|home| tenants.contains(&home)),
    };
    is_home && guests.types.0.contains(&guest.kind)
}

impl ClientApplications {
    /// Whether it speaks of this workload.
    fn covers(&self, workload: &Workload) -> bool {
        let named = |targets: &[ServicePrincipalTarget]| {
            targets.iter().any(|target| match target {
                ServicePrincipalTarget::InMyTenant => true,
                ServicePrincipalTarget::ServicePrincipal(id) => *id == workload.id,
            })
        };
        workload.ownership == Ownership::SingleTenant
            && named(&self.include_service_principals)
            && !named(&self.exclude_service_principals)
    }
}

impl Applications {
    fn is_empty(&self) -> bool {
        let is_one = |target: &AppTarget| *target != AppTarget::None;
        !self.include_applications.iter().any(is_one)
            && self.include_user_actions.is_empty()
            && self.include_authentication_contexts.is_empty()
    }

    /// Whether it speaks of this application.
    pub(crate) fn covers(&self, application: &Application) -> bool {
        let named = |targets: &[AppTarget]| {
            targets.iter().any(|target| match target {
                AppTarget::All => true,
                AppTarget::None => false,
                AppTarget::Office365 => application.suite == Some(Suite::Office365),
                AppTarget::MicrosoftAdminPortals => application.suite == Some(Suite::MicrosoftAdminPortals),
                AppTarget::App(id) => *id == application.id,
            })
        };
        named(&self.include_applications) && !named(&self.exclude_applications)
    }
}

impl Platforms {
    fn hold(&self, platform: Option<DevicePlatform>) -> Holds {
        let named = |platforms: &[DevicePlatform]| {
            platforms
                .iter()
                .any(|one| *one == DevicePlatform::All || Some(*one) == platform)
        };
        let holds = named(&self.include_platforms) && !named(&self.exclude_platforms);
        if holds || platform.is_some() {
            holds.into()
        } else {
            Holds::Unknown
        }
    }
}

impl LocationTarget {
    fn is_at(&self, located: &Located) -> bool {
        match self {
            Self::All => true,
            Self::AllTrusted => located.is_trusted,
            Self::Location(id) => located.locations.contains(id),
        }
    }
}
