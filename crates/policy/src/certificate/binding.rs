//! What a certificate is worth (authentication binding), and whether it is that of an account (username binding).

use super::Fields;
use super::configuration::{Affinity, AuthenticationMode, Field, Mode, ModeRule, RuleType, UserBinding, UserProperty};
use super::name::is_same_name;

/// What a certificate is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strength {
    /// One factor or several.
    pub mode: Mode,
    /// How firmly it must be bound to its account.
    pub affinity: Affinity,
    /// What decided; unset is the default of the tenant.
    pub by: Option<RuleType>,
    /// The policy or the issuer that the deciding rule looks at; the policy, of a rule for both.
    pub identifier: Option<String>,
}

/// The order in which rules decide: the first kind of which one fits.
const ORDER: [RuleType; 3] = [
    RuleType::IssuerSubjectAndPolicyOid,
    RuleType::PolicyOid,
    RuleType::IssuerSubject,
];

/// What a certificate is worth: rules for issuer and policy together go before those for a policy, and these before those
/// for an issuer. Rules of one kind that contradict each other make it a single factor.
pub fn strength(configuration: &AuthenticationMode, certificate: &Fields) -> Strength {
    for kind in ORDER {
        let fits = |rule: &&ModeRule| rule.kind == kind && rule.fits(certificate);
        let fitting: Vec<&ModeRule> = configuration.rules.iter().filter(fits).collect();
        let mode = fitting.iter().map(|rule| rule.mode).min();
        if let Some(mode) = mode {
            let affinity = fitting
                .iter()
                .filter_map(|rule| rule.affinity)
                .max()
                .unwrap_or(Affinity::Low);
            return Strength {
                mode,
                affinity,
                by: Some(kind),
                identifier: fitting
                    .iter()
                    .find(|rule| rule.mode == mode)
                    .and_then(|rule| rule.oid().or_else(|| rule.issuer()))
                    .map(str::to_owned),
            };
        }
    }
    let affinity = configuration.default_affinity.unwrap_or(Affinity::Low);
    Strength {
        mode: configuration.default_mode,
        affinity,
        by: None,
        identifier: None,
    }
}

impl ModeRule {
    /// Whether it speaks of this certificate; policies are compared whole, not by their beginning.
    fn fits(&self, certificate: &Fields) -> bool {
        let by_issuer = || {
            self.issuer()
                .is_some_and(|issuer| is_same_name(issuer, &certificate.issuer))
        };
        let by_policy = || self.oid().is_some_and(|oid| certificate.policy_oids.contains(oid));
        match self.kind {
            RuleType::IssuerSubject => by_issuer(),
            RuleType::PolicyOid => by_policy(),
            RuleType::IssuerSubjectAndPolicyOid => by_issuer() && by_policy(),
        }
    }
}

/// The names of an account that certificates are compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserNames {
    /// `userPrincipalName`
    pub user_principal_name: String,
    /// `onPremisesUserPrincipalName`
    pub on_premises_user_principal_name: Option<String>,
    /// `certificateUserIds`
    pub certificate_user_ids: Vec<String>,
}

/// How a certificate was found to be that of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// By which field.
    pub field: Field,
    /// In which property.
    pub property: UserProperty,
    /// How firmly.
    pub affinity: Affinity,
    /// The place of the binding; lower ones are looked at first.
    pub priority: u32,
}

/// Why a certificate is not that of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbound {
    /// No field of it is in the account.
    #[error("no binding matches the certificate with the account")]
    NoMatch,
    /// What would match binds too loosely for what is required.
    #[error("no binding of high affinity matches the certificate with the account")]
    AffinityTooLow,
}

/// Whether a certificate is that of an account: the bindings in the order of their priority, without those that bind too
/// loosely where `required` is high. A field that a certificate does not have leads to the next binding.
pub fn bind(
    bindings: &[UserBinding],
    required: Affinity,
    certificate: &Fields,
    user: &UserNames,
) -> Result<Bound, Unbound> {
    let mut ordered: Vec<&UserBinding> = bindings.iter().collect();
    ordered.sort_by_key(|binding| binding.priority);
    let matching = || ordered.iter().filter(|binding| binding.matches(certificate, user));
    let firm = matching().find(|binding| binding.effective_affinity() >= required);
    match firm {
        Some(binding) => Ok(Bound {
            field: binding.field,
            property: binding.property,
            affinity: binding.effective_affinity(),
            priority: binding.priority,
        }),
        None if matching().next().is_some() => Err(Unbound::AffinityTooLow),
        None => Err(Unbound::NoMatch),
    }
}

impl UserBinding {
    fn matches(&self, certificate: &Fields, user: &UserNames) -> bool {
        let is_name = |name: &str| {
            let is_it = |value: &String| !value.is_empty() && value.to_lowercase() == name.to_lowercase();
            self.field.values(certificate).iter().any(is_it)
        };
        match self.property {
            UserProperty::UserPrincipalName => is_name(&user.user_principal_name),
            UserProperty::OnPremisesUserPrincipalName => {
                user.on_premises_user_principal_name.as_deref().is_some_and(is_name)
            }
            UserProperty::CertificateUserIds => self
                .field
                .user_ids(certificate)
                .iter()
                .any(|id| user.certificate_user_ids.contains(id)),
        }
    }
}
