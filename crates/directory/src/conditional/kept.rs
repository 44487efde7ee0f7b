//! What is kept of conditional access, one kind beside the other: how it is made, changed, checked and removed.

use hygie_core::{Cx, Timestamp};
use hygie_policy::check::Broken;
use hygie_policy::json::{At, Wrong};
use hygie_policy::location::{CountryLookup, Place};
use hygie_policy::policy::{AuthenticationContext, LocationTarget, SessionControls, State};
use hygie_policy::strength::{PolicyType, built_ins};
use hygie_policy::{
    AuthenticationStrength, LocationId, MAX_POLICIES, NamedLocation, Patch, Policy, PolicyId, StrengthId,
};

use super::references::{Reference, of_policy};
use super::{AccessRules, ConditionalError};
use crate::admin::new_uuid;

/// Named locations of a tenant, as in Entra ID.
pub const MAX_LOCATIONS: usize = 195;
/// Strengths of a tenant beside the built-in ones, as in Entra ID.
pub const MAX_STRENGTHS: usize = 15;
/// Authentication contexts of a tenant: `c1` to `c99`.
pub const MAX_CONTEXTS: usize = 99;

/// An object of conditional access that is kept as a document.
pub trait Kept: Patch + Clone + Send + Sync + 'static {
    /// Its kind, in its table and in records.
    const KIND: &'static str;
    /// What many of it are called, and how many there may be.
    const MOST: (&'static str, usize);

    /// What it is called among what was deleted, where it can be brought back.
    const DELETED: Option<&'static str> = None;

    /// Its id, which what is kept has.
    fn key(&self) -> Option<String>;

    /// Those that are there.
    fn list(rules: &AccessRules) -> &Vec<Self>;

    /// A new one, with what the service gives it. What only the service gives is refused where it was given.
    fn made(self, cx: &Cx) -> Result<Self, ConditionalError>;

    /// It was changed now.
    fn touched(&mut self, now: Timestamp);

    /// Whether it may be kept, by itself.
    fn check(&self) -> Result<(), Broken>;

    /// Whether it may be kept beside what else is there; `before` is it before a change.
    fn admit(&self, _before: Option<&Self>, _rules: &AccessRules) -> Result<(), ConditionalError> {
        Ok(())
    }

    /// What it names, which must be there.
    fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    /// Whether it may be removed.
    fn release(&self, rules: &AccessRules) -> Result<(), ConditionalError>;

    /// Whether it is one that every tenant has.
    fn is_built_in(_key: &str) -> bool {
        false
    }

    /// The one with this id.
    fn find<'a>(rules: &'a AccessRules, key: &str) -> Option<&'a Self> {
        Self::list(rules).iter().find(|one| one.key().as_deref() == Some(key))
    }
}

/// Refuses members that only the service gives.
pub(super) fn given<const N: usize>(members: [(&str, bool); N]) -> Result<(), ConditionalError> {
    match members.iter().find(|(_, is_given)| *is_given) {
        Some((name, _)) => Err(At::Member(&At::Root, name).refuse(Wrong::ReadOnly).into()),
        None => Ok(()),
    }
}

/// Refuses what these policies use.
fn unused<'a>(by: impl Iterator<Item = &'a Policy>) -> Result<(), ConditionalError> {
    let names: Vec<String> = by.map(|policy| policy.display_name.clone()).collect();
    if names.is_empty() {
        Ok(())
    } else {
        Err(ConditionalError::InUse(names))
    }
}

impl Kept for Policy {
    const KIND: &'static str = "policy";
    const MOST: (&'static str, usize) = ("conditional access policies", MAX_POLICIES);
    const DELETED: Option<&'static str> = Some("conditionalAccessPolicy");

    fn key(&self) -> Option<String> {
        self.id.map(|id| id.to_string())
    }

    fn list(rules: &AccessRules) -> &Vec<Self> {
        &rules.policies
    }

    fn made(self, cx: &Cx) -> Result<Self, ConditionalError> {
        given([
            ("id", self.id.is_some()),
            ("createdDateTime", self.created_at.is_some()),
            ("modifiedDateTime", self.modified_at.is_some()),
            ("deletedDateTime", self.deleted_at.is_some()),
        ])?;
        Ok(Self {
            id: Some(PolicyId::from_uuid(new_uuid(cx))),
            created_at: Some(cx.now),
            ..self.referring()
        })
    }

    fn touched(&mut self, now: Timestamp) {
        *self = self.clone().referring();
        self.modified_at = Some(now);
    }

    fn check(&self) -> Result<(), Broken> {
        Self::check(self)
    }

    fn admit(&self, before: Option<&Self>, rules: &AccessRules) -> Result<(), ConditionalError> {
        // Who believes in it is told. One that was enabled with it before may still be changed.
        let had = before
            .filter(|before| before.state == State::Enabled)
            .map(without_effect);
        let added = without_effect(self)
            .into_iter()
            .find(|name| !had.iter().flatten().any(|old| old == name));
        if let Some(name) = added.filter(|_| self.state == State::Enabled) {
            return Err(ConditionalError::NoEffect(name));
        }
        if rules.has_security_defaults && self.state == State::Enabled {
            return Err(ConditionalError::SecurityDefaults);
        }
        if self.state == State::Enabled {
            let named = self.references();
            let is_named = |location: &&NamedLocation| {
                let is_it =
                    |reference: &Reference| matches!(reference, Reference::Location(id) if location.id == Some(*id));
                named.iter().any(is_it)
            };
            rules
                .locations
                .iter()
                .filter(is_named)
                .try_for_each(|location| location.can_be_told(rules))?;
        }
        Ok(())
    }

    fn references(&self) -> Vec<Reference> {
        of_policy(self)
    }

    fn release(&self, _: &AccessRules) -> Result<(), ConditionalError> {
        Ok(())
    }
}

/// What of a policy nothing here acts on: no application restricts by itself, no broker watches, no token is bound to a device,
/// and nobody tells the risk of insiders and workloads.
fn without_effect(policy: &Policy) -> Vec<&'static str> {
    let conditions = &policy.conditions;
    let controls = policy.session_controls.as_ref();
    let switch = |find: fn(&SessionControls) -> Option<bool>| controls.and_then(find) == Some(true);
    let found = [
        (
            switch(|controls| controls.application_enforced_restrictions.as_ref()?.is_enabled),
            "sessionControls.applicationEnforcedRestrictions",
        ),
        (
            switch(|controls| controls.cloud_app_security.as_ref()?.is_enabled),
            "sessionControls.cloudAppSecurity",
        ),
        (
            switch(|controls| controls.secure_sign_in_session.as_ref()?.is_enabled),
            "sessionControls.secureSignInSession",
        ),
        (
            // Workloads have policies of their own.
            !conditions.service_principal_risk_levels.is_empty() && conditions.client_applications.is_none(),
            "conditions.servicePrincipalRiskLevels",
        ),
        (conditions.insider_risk_levels.is_some(), "conditions.insiderRiskLevels"),
    ];
    found
        .into_iter()
        .filter(|(is_there, _)| *is_there)
        .map(|(_, name)| name)
        .collect()
}

/// What can tell whether somebody is at a location.
trait Told {
    /// An error where nothing can: a policy by it would block everybody, or nobody.
    fn can_be_told(&self, rules: &AccessRules) -> Result<(), ConditionalError>;
}

impl Told for NamedLocation {
    fn can_be_told(&self, rules: &AccessRules) -> Result<(), ConditionalError> {
        match &self.place {
            Place::Addresses { .. } => Ok(()),
            Place::Countries {
                lookup: CountryLookup::AuthenticatorAppGps,
                ..
            } => Err(ConditionalError::NoPosition),
            Place::Countries { .. } if rules.has_countries => Ok(()),
            Place::Countries { .. } => Err(ConditionalError::NoCountries),
        }
    }
}

impl AccessRules {
    /// Whether a policy is enforced that asks about a location by country.
    pub(crate) fn asks_for_countries(&self) -> bool {
        let by_country = |location: &&NamedLocation| matches!(location.place, Place::Countries { .. });
        self.locations
            .iter()
            .filter(by_country)
            .any(|location| is_enforced(location, self))
    }
}

/// Whether an enforced policy asks about a location.
fn is_enforced(location: &NamedLocation, rules: &AccessRules) -> bool {
    let is_it = |reference: &Reference| matches!(reference, Reference::Location(id) if location.id == Some(*id));
    let mut enforced = rules.policies.iter().filter(|policy| policy.state == State::Enabled);
    enforced.any(|policy| policy.references().iter().any(is_it))
}

impl Kept for NamedLocation {
    const KIND: &'static str = "location";
    const MOST: (&'static str, usize) = ("named locations", MAX_LOCATIONS);
    const DELETED: Option<&'static str> = Some("namedLocation");

    fn key(&self) -> Option<String> {
        self.id.map(|id| id.to_string())
    }

    fn list(rules: &AccessRules) -> &Vec<Self> {
        &rules.locations
    }

    fn made(self, cx: &Cx) -> Result<Self, ConditionalError> {
        given([
            ("id", self.id.is_some()),
            ("createdDateTime", self.created_at.is_some()),
            ("modifiedDateTime", self.modified_at.is_some()),
            ("deletedDateTime", self.deleted_at.is_some()),
        ])?;
        Ok(Self {
            id: Some(LocationId::from_uuid(new_uuid(cx))),
            created_at: Some(cx.now),
            modified_at: Some(cx.now),
            ..self
        })
    }

    fn touched(&mut self, now: Timestamp) {
        self.modified_at = Some(now);
    }

    fn check(&self) -> Result<(), Broken> {
        Self::check(self)
    }

    fn admit(&self, before: Option<&Self>, rules: &AccessRules) -> Result<(), ConditionalError> {
        let is_by_position = |place: &Place| {
            matches!(
                place,
                Place::Countries {
                    lookup: CountryLookup::AuthenticatorAppGps,
                    ..
                }
            )
        };
        // One that was kept before may still be renamed.
        if is_by_position(&self.place) && before.is_none_or(|before| !is_by_position(&before.place)) {
            return Err(ConditionalError::NoPosition);
        }
        // A policy would be left with a place that nothing can tell.
        let has_changed = before.is_some_and(|before| before.place != self.place);
        if has_changed && is_enforced(self, rules) {
            return self.can_be_told(rules);
        }
        Ok(())
    }

    fn release(&self, rules: &AccessRules) -> Result<(), ConditionalError> {
        let is_it = |target: &LocationTarget| matches!(target, LocationTarget::Location(id) if Some(*id) == self.id);
        unused(rules.policies.iter().filter(|policy| {
            let locations = policy.conditions.locations.as_ref();
            locations.is_some_and(|locations| {
                let mut all = locations.include_locations.iter().chain(&locations.exclude_locations);
                all.any(is_it)
            })
        }))?;
        match self.place {
            Place::Addresses { is_trusted: true, .. } => Err(ConditionalError::Trusted),
            _ => Ok(()),
        }
    }
}

impl Kept for AuthenticationStrength {
    const KIND: &'static str = "strength";
    const MOST: (&'static str, usize) = ("authentication strengths of its own", MAX_STRENGTHS);

    fn key(&self) -> Option<String> {
        self.id.map(|id| id.to_string())
    }

    fn list(rules: &AccessRules) -> &Vec<Self> {
        &rules.strengths
    }

    fn made(self, cx: &Cx) -> Result<Self, ConditionalError> {
        let worth = self.requirements();
        given([
            ("id", self.id.is_some()),
            ("policyType", self.policy_type == Some(PolicyType::BuiltIn)),
            (
                "requirementsSatisfied",
                self.requirements_satisfied.is_some_and(|said| said != worth),
            ),
            ("createdDateTime", self.created_at.is_some()),
            ("modifiedDateTime", self.modified_at.is_some()),
            (
                "combinationConfigurations",
                self.combination_configurations.iter().any(|one| one.id.is_some()),
            ),
        ])?;
        let mut strength = Self {
            id: Some(StrengthId::from_uuid(new_uuid(cx))),
            policy_type: Some(PolicyType::Custom),
            created_at: Some(cx.now),
            ..self
        };
        for configuration in &mut strength.combination_configurations {
            configuration.id = Some(new_uuid(cx).to_string());
        }
        strength.touched(cx.now);
        Ok(strength)
    }

    fn touched(&mut self, now: Timestamp) {
        self.requirements_satisfied = Some(self.requirements());
        self.modified_at = Some(now);
    }

    fn check(&self) -> Result<(), Broken> {
        Self::check(self)
    }

    fn release(&self, rules: &AccessRules) -> Result<(), ConditionalError> {
        unused(rules.users_of(self))
    }

    fn is_built_in(key: &str) -> bool {
        built_ins().iter().any(|one| one.key().as_deref() == Some(key))
    }
}

impl Kept for AuthenticationContext {
    const KIND: &'static str = "context";
    const MOST: (&'static str, usize) = ("authentication contexts", MAX_CONTEXTS);

    fn key(&self) -> Option<String> {
        Some(self.id.to_string())
    }

    fn list(rules: &AccessRules) -> &Vec<Self> {
        &rules.contexts
    }

    /// Its id is the client's to choose.
    fn made(self, _: &Cx) -> Result<Self, ConditionalError> {
        Ok(Self {
            is_available: Some(self.is_available.unwrap_or(false)),
            ..self
        })
    }

    fn touched(&mut self, _: Timestamp) {
        self.is_available = Some(self.is_available.unwrap_or(false));
    }

    fn check(&self) -> Result<(), Broken> {
        Self::check(self)
    }

    fn release(&self, rules: &AccessRules) -> Result<(), ConditionalError> {
        unused(rules.policies.iter().filter(|policy| {
            let applications = policy.conditions.applications.as_ref();
            applications.is_some_and(|applications| applications.include_authentication_contexts.contains(&self.id))
        }))?;
        match self.is_available {
            Some(true) => Err(ConditionalError::Available),
            _ => Ok(()),
        }
    }
}
