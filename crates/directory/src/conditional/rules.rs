//! What a tenant decides by, read together.

use hygie_policy::consent::ConsentRequestPolicy;
use hygie_policy::json::{Member, read};
use hygie_policy::lifetime::SessionLifetime;
use hygie_policy::methods::Campaign;
use hygie_policy::policy::{AuthenticationContext, State};
use hygie_policy::protection::{SignInProtection, TokenClaims};
use hygie_policy::risk::SuppliedRisk;
use hygie_policy::strength::{StrengthReference, built_ins};
use hygie_policy::templates::security_defaults;
use hygie_policy::token_lifetime::TokenLifetimePolicy;
use hygie_policy::{Aaguid, AuthenticationStrength, NamedLocation, Policy, Rules, StrengthId};
use hygie_store::{StoreError, Tx};

use super::kept::Kept;
use super::lifetime;
use super::protection;
use super::security_defaults::SecurityDefaults;
use crate::repo::{DocumentRow, Documents, MethodsPolicies, Risks};

/// What conditional access of a tenant decides by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRules {
    /// The tenant's own policies, in order of id.
    pub policies: Vec<Policy>,
    /// Its named locations.
    pub locations: Vec<NamedLocation>,
    /// Its own strengths.
    pub strengths: Vec<AuthenticationStrength>,
    /// Its authentication contexts.
    pub contexts: Vec<AuthenticationContext>,
    /// Its policies for the lifetime of tokens.
    pub token_lifetimes: Vec<TokenLifetimePolicy>,
    /// Models of passkeys that count as Windows Hello for Business.
    pub windows_hello: Vec<Aaguid>,
    /// The campaign for passkeys that goes on.
    pub campaign: Option<Campaign>,
    /// How long sessions live.
    pub lifetime: SessionLifetime,
    /// The rules of passwords.
    pub protection: SignInProtection,
    /// What tokens of version 2 tell.
    pub token_claims: TokenClaims,
    /// Whether who cannot consent may ask administrators.
    pub consent_requests: ConsentRequestPolicy,
    /// The risks of sign-ins that were supplied.
    pub supplied_risks: Vec<SuppliedRisk>,
    /// Whether countries of addresses are known here; unset where rules are only evaluated.
    pub(super) has_countries: bool,
    /// Whether the security defaults are on.
    pub has_security_defaults: bool,
    /// Where they are: they and the tenant's own policies, none of which is enforced then.
    with_defaults: Vec<Policy>,
}

impl AccessRules {
    /// For an evaluation.
    pub fn rules(&self) -> Rules<'_> {
        Rules {
            policies: if self.has_security_defaults {
                &self.with_defaults
            } else {
                &self.policies
            },
            strengths: &self.strengths,
            locations: &self.locations,
            windows_hello: &self.windows_hello,
        }
    }

    /// A strength, one that every tenant has or one of its own.
    pub fn find_strength(&self, id: StrengthId) -> Option<AuthenticationStrength> {
        let own = self.strengths.iter().cloned();
        built_ins().into_iter().chain(own).find(|one| one.id == Some(id))
    }

    /// A policy with the whole of the strength that it refers to, as Graph shows it.
    #[must_use]
    pub fn with_strength(&self, mut policy: Policy) -> Policy {
        let grants = policy.grant_controls.as_mut();
        if let Some(reference) = grants.and_then(|grants| grants.authentication_strength.as_mut()) {
            let whole = self.find_strength(reference.id).map(Box::new);
            *reference = StrengthReference {
                id: reference.id,
                whole,
            };
        }
        policy
    }

    /// The names of the policies that are enforced.
    pub(super) fn enabled(&self) -> Vec<String> {
        let enabled = self.policies.iter().filter(|policy| policy.state == State::Enabled);
        enabled.map(|policy| policy.display_name.clone()).collect()
    }

    /// Those of the transaction's tenant.
    pub(crate) async fn load(tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        let mut rules = Self::default();
        for row in Documents(tx).list().await? {
            match row.kind.as_str() {
                Policy::KIND => rules.policies.push(document(&row)?),
                NamedLocation::KIND => rules.locations.push(document(&row)?),
                AuthenticationStrength::KIND => rules.strengths.push(document(&row)?),
                AuthenticationContext::KIND => rules.contexts.push(document(&row)?),
                TokenLifetimePolicy::KIND => rules.token_lifetimes.push(document(&row)?),
                lifetime::KIND => rules.lifetime = document(&row)?,
                protection::PROTECTION => rules.protection = document(&row)?,
                protection::CONSENT_REQUESTS => rules.consent_requests = document(&row)?,
                protection::CLAIMS => rules.token_claims = document(&row)?,
                SecurityDefaults::KIND => rules.has_security_defaults = true,
                _ => return Err(StoreError::Inconsistent("idp_conditional.kind is not known".to_owned())),
            }
        }
        let now = tx.cx().now;
        let supplied = Risks(tx).list_supplied(now).await?;
        rules.supplied_risks = supplied.into_iter().map(|(_, risk)| risk).collect();
        let methods = MethodsPolicies(tx).get().await?;
        rules.campaign = methods.policy.campaign().cloned();
        rules.windows_hello = methods.windows_hello;
        if rules.has_security_defaults {
            rules.with_defaults = security_defaults();
            rules.with_defaults.extend(rules.policies.iter().cloned());
        }
        Ok(rules)
    }
}

/// What a row holds.
fn document<T: Member>(row: &DocumentRow) -> Result<T, StoreError> {
    let unreadable = || StoreError::Inconsistent("idp_conditional.document cannot be read".to_owned());
    let value = serde_json::from_str(&row.document).map_err(|_| unreadable())?;
    read(&value).map_err(|_| unreadable())
}
