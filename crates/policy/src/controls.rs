//! The grant controls of a policy in the order in which they are asked for, and how each may stand.

use crate::outcome::Ask;
use crate::policy::{BuiltInControl, GrantControls};
use crate::strength::MFA;
use crate::{AgreementId, StrengthId};

/// A control of a policy; the order is that of the questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Control<'a> {
    Block,
    Strength(StrengthId),
    CompliantDevice,
    DomainJoinedDevice,
    ApprovedApplication,
    CompliantApplication,
    PasswordChange,
    RiskRemediation,
    TermsOfUse(AgreementId),
    Custom(&'a str),
}

/// How a control stands; the order is that in which one is chosen of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    Met,
    /// The person can meet it here and now.
    Askable,
    /// After a registration.
    Registrable,
    /// By another device or program.
    Elsewhere,
    Impossible,
}

impl Control<'_> {
    /// The question; none for what is decided before questions are asked.
    pub fn ask(self) -> Option<Ask> {
        match self {
            Self::Block | Self::Strength(_) | Self::Custom(_) => None,
            Self::CompliantDevice => Some(Ask::CompliantDevice),
            Self::DomainJoinedDevice => Some(Ask::DomainJoinedDevice),
            Self::ApprovedApplication => Some(Ask::ApprovedApplication),
            Self::CompliantApplication => Some(Ask::CompliantApplication),
            Self::PasswordChange => Some(Ask::PasswordChange),
            Self::RiskRemediation => Some(Ask::RiskRemediation),
            Self::TermsOfUse(id) => Some(Ask::TermsOfUse(id)),
        }
    }
}

impl GrantControls {
    /// In the order of the questions.
    pub(crate) fn controls(&self) -> Vec<Control<'_>> {
        let built_in = self.built_in_controls.iter().map(|control| match control {
            BuiltInControl::Block => Control::Block,
            BuiltInControl::Mfa => Control::Strength(MFA),
            BuiltInControl::CompliantDevice => Control::CompliantDevice,
            BuiltInControl::DomainJoinedDevice => Control::DomainJoinedDevice,
            BuiltInControl::ApprovedApplication => Control::ApprovedApplication,
            BuiltInControl::CompliantApplication => Control::CompliantApplication,
            BuiltInControl::PasswordChange => Control::PasswordChange,
            BuiltInControl::RiskRemediation => Control::RiskRemediation,
        });
        let strength = self
            .authentication_strength
            .iter()
            .map(|reference| Control::Strength(reference.id));
        let terms = self.terms_of_use.iter().map(|id| Control::TermsOfUse(*id));
        let custom = self
            .custom_authentication_factors
            .iter()
            .map(|name| Control::Custom(name));
        let mut controls: Vec<Control<'_>> = built_in.chain(strength).chain(terms).chain(custom).collect();
        controls.sort();
        controls
    }

    /// As the log of sign-ins names them.
    pub(crate) fn names(&self) -> Vec<String> {
        let built_in = self.built_in_controls.iter().map(|control| control.as_str().to_owned());
        let strength = self
            .authentication_strength
            .iter()
            .map(|_| "authenticationStrength".to_owned());
        let terms = self.terms_of_use.iter().map(|_| "termsOfUse".to_owned());
        built_in
            .chain(strength)
            .chain(terms)
            .chain(self.custom_authentication_factors.iter().cloned())
            .collect()
    }
}
