//! What the log of sign-ins says of a certificate, in the words of Entra ID's `authenticationProcessingDetails`.
//! <https://learn.microsoft.com/entra/identity/authentication/concept-certificate-based-authentication-technical-deep-dive>
//!
//! The subject names a person, as the user principal name beside it in that log does; it goes nowhere else.
//!
//! # Deviations
//!
//! - Of the types of a level only `PolicyId` is documented; `IssuerSubject`, `IssuerSubjectAndPolicyId` and `TenantDefault` are ours.

use hygie_policy::certificate::{Bound, Mode, RuleType, Strength};

/// Longest value that is told.
const MAX_VALUE: usize = 1_024;

/// Names and values, in the order in which a certificate is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told(Vec<(String, String)>);

impl Told {
    /// As the log keeps it.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }

    pub(super) fn subject(&mut self, subject: &str) {
        self.add("User certificate subject name", subject);
    }

    pub(super) fn worth(&mut self, worth: &Strength) {
        let level = match worth.mode {
            Mode::SingleFactor => "singleFactorAuthentication",
            Mode::MultiFactor => "multiFactorAuthentication",
        };
        let kind = match worth.by {
            Some(RuleType::PolicyOid) => "PolicyId",
            Some(RuleType::IssuerSubject) => "IssuerSubject",
            Some(RuleType::IssuerSubjectAndPolicyOid) => "IssuerSubjectAndPolicyId",
            None => "TenantDefault",
        };
        self.add("User certificate authentication level", level);
        self.add("User certificate authentication level type", kind);
        if let Some(identifier) = &worth.identifier {
            self.add("User certificate authentication level identifier", identifier);
        }
    }

    pub(super) fn binding(&mut self, bound: Bound) {
        let (field, property) = (bound.field.as_str(), bound.property.as_str());
        let words = format!(
            "Certificate: {field}; User Attribute: {property}; Rank: {}",
            bound.priority
        );
        self.add("User certificate binding", &words);
    }

    fn add(&mut self, name: &str, value: &str) {
        let value = value.chars().take(MAX_VALUE).collect();
        self.0.push((name.to_owned(), value));
    }
}
