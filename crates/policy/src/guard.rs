//! Whether policies would keep out all of the people who could change them.
//!
//! Judged is by who is really there: each of them by the policies as they would be, at the applications by which policies are
//! changed. A policy that lets somebody through from another place, with another device or by another program keeps nobody
//! out; so does one for risks, for nobody has to be at risk.

use std::collections::BTreeSet;

use crate::location::Place;
use crate::policy::{
    Applications, BuiltInControl, ClientAppType, Conditions, DevicePlatform, GrantControls, LocationTarget, Operator,
    Policy, State, Users,
};
use crate::signin::{Application, User};
use crate::strength::{AuthenticationStrength, Details, MFA, Mode, Usage, built_ins};
use crate::{Aaguid, NamedLocation, PolicyId, StrengthId};

/// What somebody in this tenant could have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Means {
    /// Methods that are enabled.
    pub modes: BTreeSet<Mode>,
    /// There are devices under management.
    pub has_managed_devices: bool,
    /// There are programs under management.
    pub has_managed_programs: bool,
    /// The applications by which policies are changed: whoever is kept out of one cannot.
    pub consoles: Vec<Application>,
}

/// A policy that keeps people out.
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

/// A policy that nobody passes whom it speaks of.
#[derive(Clone, Debug)]
pub struct Wall<'a> {
    policy: &'a Policy,
    why: Why,
}

/// The policies that nobody passes whom they speak of, whatever they do. Mostly there are none, and nobody has to be looked
/// for.
pub fn walls<'a>(
    policies: &'a [Policy],
    strengths: &[AuthenticationStrength],
    locations: &[NamedLocation],
    means: &Means,
) -> Vec<Wall<'a>> {
    let built_ins = built_ins();
    let known: Vec<&AuthenticationStrength> = built_ins.iter().chain(strengths).collect();
    let wall = |policy: &'a Policy| {
        let why = policy.grant_controls.as_ref()?.nobody_passes(&known, means)?;
        Some(Wall { policy, why })
    };
    policies
        .iter()
        .filter(|policy| policy.state == State::Enabled && policy.cannot_be_avoided(means, locations))
        .filter_map(wall)
        .collect()
}

/// The policies that together keep out all of these people; nothing where one of them gets in.
pub fn lock_outs(walls: &[Wall<'_>], people: &[User]) -> Vec<LockOut> {
    if people.iter().any(|person| is_let_in(walls, person)) {
        return Vec::new();
    }
    let keeps_out = |wall: &&Wall<'_>| people.iter().any(|person| wall.keeps_out(person));
    let told = walls.iter().filter(keeps_out).map(|wall| LockOut {
        policy: wall.policy.id,
        display_name: wall.policy.display_name.clone(),
        why: wall.why,
    });
    told.collect()
}

/// Whether none of them keeps this person out.
pub fn is_let_in(walls: &[Wall<'_>], person: &User) -> bool {
    !walls.iter().any(|wall| wall.keeps_out(person))
}

impl Wall<'_> {
    fn keeps_out(&self, person: &User) -> bool {
        let users = self.policy.conditions.users.as_ref();
        users.is_some_and(|users| users.covers(person))
    }

    /// Whom it speaks of, and whom not.
    pub fn users(&self) -> Option<&Users> {
        self.policy.conditions.users.as_ref()
    }
}

impl Policy {
    fn cannot_be_avoided(&self, means: &Means, locations: &[NamedLocation]) -> bool {
        let applications = self.conditions.applications.as_ref();
        applications.is_some_and(|applications| applications.include_consoles(means))
            && self.conditions.leave_nothing_out(locations)
    }
}

impl Applications {
    fn include_consoles(&self, means: &Means) -> bool {
        let is_for_more = !self.include_user_actions.is_empty() || !self.include_authentication_contexts.is_empty();
        !is_for_more && means.consoles.iter().any(|console| self.covers(console))
    }
}

impl Conditions {
    /// Whether a person cannot get around it by another place, device or program.
    fn leave_nothing_out(&self, known: &[NamedLocation]) -> bool {
        let types = &self.client_app_types;
        let modern = [ClientAppType::Browser, ClientAppType::MobileAppsAndDesktopClients];
        let are_types =
            types.is_empty() || types.contains(&ClientAppType::All) || modern.iter().all(|one| types.contains(one));
        let are_platforms = self.platforms.as_ref().is_none_or(|platforms| {
            platforms.include_platforms.contains(&DevicePlatform::All) && platforms.exclude_platforms.is_empty()
        });
        let are_locations = self.locations.as_ref().is_none_or(|locations| {
            let is_out = |target: &LocationTarget| target.is_anywhere(known);
            locations.include_locations.contains(&LocationTarget::All)
                && !locations.exclude_locations.iter().any(is_out)
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

impl LocationTarget {
    /// Whether there is such a place: without one that is marked as trusted nothing is.
    fn is_anywhere(&self, known: &[NamedLocation]) -> bool {
        let is_trusted = |location: &NamedLocation| matches!(location.place, Place::Addresses { is_trusted: true, .. });
        match self {
            Self::All => true,
            Self::AllTrusted => known.iter().any(is_trusted),
            Self::Location(id) => known.iter().any(|location| location.id == Some(*id)),
        }
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
