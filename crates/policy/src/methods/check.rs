//! What an authentication methods policy may be.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use hygie_core::{ErrorKind, Fault};
use thiserror::Error;

use super::{Configuration, Fido2, KeyRestrictions, Method, MethodsPolicy, TemporaryAccessPass};
use crate::certificate::{self, State};

/// Signs of a temporary access pass.
pub const MIN_LENGTH: u32 = 8;
/// Signs of a temporary access pass.
pub const MAX_LENGTH: u32 = 48;
/// Minutes that a pass lasts.
pub const MIN_LIFETIME: u32 = 10;
/// Minutes that a pass lasts: thirty days.
pub const MAX_LIFETIME: u32 = 43_200;
/// Models in one list.
pub const MAX_MODELS: usize = 1_000;
/// Targets of a method.
const MAX_TARGETS: usize = 1_000;
/// Passkey profiles.
const MAX_PROFILES: usize = 50;
/// Signs of a text.
const MAX_TEXT: usize = 1_024;

/// A rule of the policy that is broken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// What is never offered is enabled.
    #[error("{0} cannot be enabled: this service does not offer it")]
    NotOffered(&'static str),
    /// Too much of something.
    #[error("{0} has too many items")]
    TooMany(&'static str),
    /// Too long a text.
    #[error("{0} is too long")]
    TooLong(&'static str),
    /// A number outside of its bounds.
    #[error("{0} must be from {1} to {2}")]
    Bounds(&'static str, u32, u32),
    /// The default lies outside of what is allowed.
    #[error("defaultLifetimeInMinutes must lie between the minimum and the maximum")]
    Lifetime,
    /// A target or the default names a profile that there is not.
    #[error("allowedPasskeyProfiles and defaultPasskeyProfile name passkeyProfiles of this configuration")]
    NoProfile,
    /// Two with one id.
    #[error("each passkey profile has an id of its own")]
    SameProfile,
    /// A method has two configurations.
    #[error("each method has one configuration")]
    SameMethod,
    /// Nobody is made to register by a target.
    #[error("isRegistrationRequired cannot be true: people are asked to register by registrationEnforcement")]
    RegistrationRequired,
    /// People would be asked for what is not offered.
    #[error(
        "a registration campaign can be enabled for passkeys only: targetedAuthenticationMethod of each of its \
         includeTargets must be fido2"
    )]
    Campaign,
    /// The configuration of certificates.
    #[error(transparent)]
    Certificate(#[from] certificate::Broken),
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

impl MethodsPolicy {
    /// Whether it may be stored.
    pub fn check(&self) -> Result<(), Broken> {
        for (text, name) in [(&self.display_name, "displayName"), (&self.description, "description")] {
            bounded(text.as_deref(), name)?;
        }
        let methods: BTreeSet<Method> = self.configurations.iter().map(Configuration::method).collect();
        if methods.len() < self.configurations.len() {
            return Err(Broken::SameMethod);
        }
        if let Some(campaign) = self.registration.as_ref().and_then(|it| it.campaign.as_ref()) {
            campaign.check()?;
        }
        if self.configurations.iter().any(Configuration::requires_registration) {
            return Err(Broken::RegistrationRequired);
        }
        self.configurations.iter().try_for_each(Configuration::check)
    }
}

impl Configuration {
    fn check(&self) -> Result<(), Broken> {
        match self {
            Self::Fido2(it) => it.check(),
            Self::TemporaryAccessPass(it) => it.check(),
            Self::X509Certificate(it) => Ok(it.check()?),
            Self::SoftwareOath(it) => targets(it.include_targets.len(), it.exclude_targets.len()),
            _ if self.state() == State::Enabled => Err(Broken::NotOffered(self.method().as_str())),
            Self::MicrosoftAuthenticator(it) => {
                let features = it.features.iter();
                let mut features = features.flat_map(|it| [&it.display_app, &it.display_location, &it.companion_app]);
                let mut named = features
                    .by_ref()
                    .flatten()
                    .flat_map(|it| [&it.include, &it.exclude])
                    .flatten();
                named.try_for_each(|target| {
                    bounded(Some(&target.id), "id")?;
                    bounded(target.kind.as_deref(), "targetType")
                })?;
                targets(it.include_targets.len(), it.exclude_targets.len())
            }
            Self::Sms(it) => targets(it.include_targets.len(), it.exclude_targets.len()),
            Self::Voice(it) => targets(it.include_targets.len(), it.exclude_targets.len()),
            Self::Email(it) => targets(it.include_targets.len(), it.exclude_targets.len()),
        }
    }
}

impl Fido2 {
    fn check(&self) -> Result<(), Broken> {
        targets(self.include_targets.len(), self.exclude_targets.len())?;
        if self.profiles.len() > MAX_PROFILES {
            return Err(Broken::TooMany("passkeyProfiles"));
        }
        let mut ids = BTreeSet::new();
        for profile in &self.profiles {
            bounded(Some(&profile.id), "passkeyProfiles")?;
            bounded(profile.name.as_deref(), "passkeyProfiles")?;
            models(profile.key_restrictions.as_ref())?;
            if !ids.insert(profile.id.as_str()) {
                return Err(Broken::SameProfile);
            }
        }
        models(self.key_restrictions.as_ref())?;
        let named = self.include_targets.iter().flat_map(|target| &target.profiles);
        let mut named = named.chain(&self.default_profile);
        if named.all(|id| ids.contains(id.as_str())) {
            Ok(())
        } else {
            Err(Broken::NoProfile)
        }
    }
}

impl TemporaryAccessPass {
    fn check(&self) -> Result<(), Broken> {
        targets(self.include_targets.len(), self.exclude_targets.len())?;
        within(self.default_length, MIN_LENGTH..=MAX_LENGTH, "defaultLength")?;
        let lifetimes = MIN_LIFETIME..=MAX_LIFETIME;
        within(self.minimum_lifetime, lifetimes.clone(), "minimumLifetimeInMinutes")?;
        within(self.maximum_lifetime, lifetimes.clone(), "maximumLifetimeInMinutes")?;
        within(self.default_lifetime, lifetimes, "defaultLifetimeInMinutes")?;
        if (self.minimum_lifetime..=self.maximum_lifetime).contains(&self.default_lifetime) {
            Ok(())
        } else {
            Err(Broken::Lifetime)
        }
    }
}

fn targets(include: usize, exclude: usize) -> Result<(), Broken> {
    few(include, "includeTargets")?;
    few(exclude, "excludeTargets")
}

pub(super) fn few(count: usize, name: &'static str) -> Result<(), Broken> {
    if count > MAX_TARGETS {
        Err(Broken::TooMany(name))
    } else {
        Ok(())
    }
}

fn models(restrictions: Option<&KeyRestrictions>) -> Result<(), Broken> {
    if restrictions.is_some_and(|restrictions| restrictions.aaguids.len() > MAX_MODELS) {
        Err(Broken::TooMany("aaGuids"))
    } else {
        Ok(())
    }
}

pub(super) fn bounded_all<'a>(texts: impl Iterator<Item = &'a str>, name: &'static str) -> Result<(), Broken> {
    texts.map(Some).try_for_each(|text| bounded(text, name))
}

fn bounded(text: Option<&str>, name: &'static str) -> Result<(), Broken> {
    if text.is_some_and(|text| text.len() > MAX_TEXT) {
        Err(Broken::TooLong(name))
    } else {
        Ok(())
    }
}

fn within(number: u32, range: RangeInclusive<u32>, name: &'static str) -> Result<(), Broken> {
    if range.contains(&number) {
        Ok(())
    } else {
        Err(Broken::Bounds(name, *range.start(), *range.end()))
    }
}
