//! Whether policies would shut everybody out, the people who could change them too.
//!
//! Told are the policies that nobody can satisfy, for everybody, wherever the policies themselves are changed from. One
//! account, group or role that is out of all of them is enough: somebody can still come in. It is a warning, by what the
//! policies say; whether an excluded group has members is for the directory.

use std::collections::BTreeSet;

use hygie_core::{AppId, GroupId, ObjectId};

use crate::policy::{
    Applications, BuiltInControl, ClientAppType, Conditions, DevicePlatform, GrantControls, LocationTarget, Operator,
    Policy, State, UserTarget,
};
use crate::signin::{Application, Suite};
use crate::strength::{AuthenticationStrength, Details, MFA, Mode, Usage, built_ins};
use crate::{Aaguid, PolicyId, RoleTemplateId, StrengthId};

/// What somebody in this tenant could have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Means {
    /// Methods that are enabled.
    pub modes: BTreeSet<Mode>,
    /// There are devices under management.
    pub has_managed_devices: bool,
    /// There are programs under management.
    pub has_managed_programs: bool,
    /// The applications by which policies are changed; empty for any application.
    pub consoles: BTreeSet<AppId>,
}

/// A policy that shuts everybody out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockOut {
    /// Which.
    pub policy: Option<PolicyId>,
    /// Its name.
    pub display_name: String,
    /// Why nobody gets past it.
    pub why: Why,
}

/// Why nobody gets past a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It blocks.
    Block,
    /// No method that is enabled is enough.
    Strength(StrengthId),
    /// There are no such devices or programs, or nobody answers.
    Control,
}

/// Somebody who is out of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Excluded {
    User(ObjectId),
    Group(GroupId),
    Role(RoleTemplateId),
}

/// The policies that together let nobody in; none where somebody is out of all of them.
pub fn lock_outs(policies: &[Policy], strengths: &[AuthenticationStrength], means: &Means) -> Vec<LockOut> {
    let built_ins = built_ins();
    let known: Vec<&AuthenticationStrength> = built_ins.iter().chain(strengths).collect();
    let found: Vec<(&Policy, Why)> = policies
        .iter()
        .filter(|policy| policy.state == State::Enabled && policy.is_for_everybody(means))
        .filter_map(|policy| Some((policy, policy.grant_controls.as_ref()?.nobody_passes(&known, means)?)))
        .collect();
    let common = found
        .iter()
        .map(|(policy, _)| policy.excluded())
        .reduce(|one, other| &one & &other);
    if common.is_some_and(|common| !common.is_empty()) {
        return Vec::new();
    }
    let told = found.into_iter().map(|(policy, why)| LockOut {
        policy: policy.id,
        display_name: policy.display_name.clone(),
        why,
    });
    told.collect()
}

impl Policy {
    fn is_for_everybody(&self, means: &Means) -> bool {
        let users = self.conditions.users.as_ref();
        let is_all = users.is_some_and(|users| users.include_users.contains(&UserTarget::All));
        let applications = self.conditions.applications.as_ref();
        is_all
            && applications.is_some_and(|applications| applications.include_consoles(means))
            && self.conditions.leave_nothing_out()
    }

    fn excluded(&self) -> BTreeSet<Excluded> {
        let Some(users) = &self.conditions.users else {
            return BTreeSet::new();
        };
        let people = users.exclude_users.iter().filter_map(|target| match target {
            UserTarget::User(id) => Some(Excluded::User(*id)),
            _ => None,
        });
        let groups = users.exclude_groups.iter().copied().map(Excluded::Group);
        people
            .chain(groups)
            .chain(users.exclude_roles.iter().copied().map(Excluded::Role))
            .collect()
    }
}

impl Applications {
    fn include_consoles(&self, means: &Means) -> bool {
        let console = |id: &AppId| Application {
            id: *id,
            suite: Some(Suite::MicrosoftAdminPortals),
        };
        if !self.include_user_actions.is_empty() || !self.include_authentication_contexts.is_empty() {
            return false;
        }
        if means.consoles.is_empty() {
            return self.include_all() && self.exclude_applications.is_empty();
        }
        means.consoles.iter().all(|id| self.covers(&console(id)))
    }
}

impl Conditions {
    /// Whether a person cannot get around it by another place, device or program.
    fn leave_nothing_out(&self) -> bool {
        let types = &self.client_app_types;
        let modern = [ClientAppType::Browser, ClientAppType::MobileAppsAndDesktopClients];
        let are_types =
            types.is_empty() || types.contains(&ClientAppType::All) || modern.iter().all(|one| types.contains(one));
        let are_platforms = self.platforms.as_ref().is_none_or(|platforms| {
            platforms.include_platforms.contains(&DevicePlatform::All) && platforms.exclude_platforms.is_empty()
        });
        let are_locations = self.locations.as_ref().is_none_or(|locations| {
            locations.include_locations.contains(&LocationTarget::All) && locations.exclude_locations.is_empty()
        });
        let has_filter = self
            .devices
            .as_ref()
            .is_some_and(|devices| devices.device_filter.is_some());
        let has_risk = !self.sign_in_risk_levels.is_empty() || !self.user_risk_levels.is_empty();
        let has_flow = self
            .authentication_flows
            .as_ref()
            .is_some_and(|flows| flows.transfer_methods.is_some());
        let is_narrow = has_filter || has_risk || has_flow || self.insider_risk_levels.is_some();
        are_types && are_platforms && are_locations && !is_narrow && self.client_applications.is_none()
    }
}

impl GrantControls {
    /// Why nobody can satisfy it.
    fn nobody_passes(&self, strengths: &[&AuthenticationStrength], means: &Means) -> Option<Why> {
        let built_in = self.built_in_controls.iter().map(|control| match control {
            BuiltInControl::Block => Some(Why::Block),
            BuiltInControl::Mfa => out_of_reach(MFA, strengths, means),
            BuiltInControl::CompliantDevice | BuiltInControl::DomainJoinedDevice => {
                (!means.has_managed_devices).then_some(Why::Control)
            }
            BuiltInControl::ApprovedApplication | BuiltInControl::CompliantApplication => {
                (!means.has_managed_programs).then_some(Why::Control)
            }
            BuiltInControl::PasswordChange | BuiltInControl::RiskRemediation => None,
        });
        let strength = self
            .authentication_strength
            .iter()
            .map(|one| out_of_reach(one.id, strengths, means));
        let terms = self.terms_of_use.iter().map(|_| None);
        let custom = self.custom_authentication_factors.iter().map(|_| Some(Why::Control));
        let found: Vec<Option<Why>> = built_in.chain(strength).chain(terms).chain(custom).collect();
        if self.operator == Some(Operator::Or) && found.contains(&None) {
            return None;
        }
        found.into_iter().flatten().next()
    }
}

fn out_of_reach(id: StrengthId, strengths: &[&AuthenticationStrength], means: &Means) -> Option<Why> {
    let methods: Vec<Usage> = means
        .modes
        .iter()
        .map(|mode| Usage {
            mode: *mode,
            details: Details::ToBeChosen,
        })
        .collect();
    let hello: &[Aaguid] = &[];
    let strength = strengths.iter().find(|strength| strength.id == Some(id));
    let is_reached = strength.is_some_and(|strength| strength.within_reach(&methods, hello).next().is_some());
    (!is_reached).then_some(Why::Strength(id))
}
