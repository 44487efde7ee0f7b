//! What a policy refers to must be there. Of a change that is asked of what it adds: a policy that names an account which is
//! gone meanwhile can still be changed, as in Entra ID.
//!
//! # Deviations
//!
//! Roles are ids of templates, which every tenant has alike, and are not looked up; nor are tenants of guests.

use hygie_core::GroupId;
use hygie_policy::Policy;
use hygie_policy::policy::{AppTarget, LocationTarget, ServicePrincipalTarget, UserTarget};
use hygie_store::Tx;
use uuid::Uuid;

use super::kept::Kept;
use super::{AccessRules, ConditionalError};
use crate::repo::{Agreements, Groups, Principals, Users};

/// The location of the former multifactor service: in every tenant, without an address.
const FORMER_TRUSTED_ADDRESSES: Uuid = Uuid::nil();

/// An object that a policy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `conditions.users`
    User(hygie_core::ObjectId),
    Group(GroupId),
    /// `conditions.applications`
    Application(hygie_core::AppId),
    /// `conditions.clientApplications`
    ServicePrincipal(hygie_core::ObjectId),
    Location(hygie_policy::LocationId),
    Strength(hygie_policy::StrengthId),
    Context(hygie_policy::policy::ContextId),
    Agreement(hygie_policy::AgreementId),
}

impl Reference {
    /// What a policy names.
    fn of(policy: &Policy) -> Vec<Self> {
        let mut all = Vec::new();
        let conditions = &policy.conditions;
        if let Some(users) = &conditions.users {
            let people = users.include_users.iter().chain(&users.exclude_users);
            all.extend(people.filter_map(|target| match target {
                UserTarget::User(id) => Some(Self::User(*id)),
                _ => None,
            }));
            let groups = users.include_groups.iter().chain(&users.exclude_groups);
            all.extend(groups.copied().map(Self::Group));
        }
        if let Some(applications) = &conditions.applications {
            let named = applications
                .include_applications
                .iter()
                .chain(&applications.exclude_applications);
            all.extend(named.filter_map(|target| match target {
                AppTarget::App(id) => Some(Self::Application(*id)),
                _ => None,
            }));
            let contexts = &applications.include_authentication_contexts;
            all.extend(contexts.iter().copied().map(Self::Context));
        }
        if let Some(workloads) = &conditions.client_applications {
            let named = workloads
                .include_service_principals
                .iter()
                .chain(&workloads.exclude_service_principals);
            all.extend(named.filter_map(|target| match target {
                ServicePrincipalTarget::ServicePrincipal(id) => Some(Self::ServicePrincipal(*id)),
                ServicePrincipalTarget::InMyTenant => None,
            }));
        }
        if let Some(locations) = &conditions.locations {
            let named = locations.include_locations.iter().chain(&locations.exclude_locations);
            all.extend(named.filter_map(|target| match target {
                LocationTarget::Location(id) => Some(Self::Location(*id)),
                _ => None,
            }));
        }
        if let Some(grants) = &policy.grant_controls {
            all.extend(grants.authentication_strength.iter().map(|one| Self::Strength(one.id)));
            all.extend(grants.terms_of_use.iter().copied().map(Self::Agreement));
        }
        all
    }

    /// The member that names it, and its id.
    fn told(self) -> (&'static str, String) {
        match self {
            Self::User(id) => ("conditions.users", id.to_string()),
            Self::Group(id) => ("conditions.users", id.to_string()),
            Self::Application(id) => ("conditions.applications", id.to_string()),
            Self::ServicePrincipal(id) => ("conditions.clientApplications", id.to_string()),
            Self::Location(id) => ("conditions.locations", id.to_string()),
            Self::Strength(id) => ("grantControls.authenticationStrength", id.to_string()),
            Self::Context(id) => ("conditions.applications", id.to_string()),
            Self::Agreement(id) => ("grantControls.termsOfUse", id.to_string()),
        }
    }

    /// Whether it names what conditional access itself keeps, without which a policy means nothing.
    const fn is_rule(self) -> bool {
        matches!(
            self,
            Self::Location(_) | Self::Strength(_) | Self::Context(_) | Self::Agreement(_)
        )
    }

    async fn is_there(self, rules: &AccessRules, tx: &mut Tx<'_>) -> Result<bool, ConditionalError> {
        Ok(match self {
            Self::User(id) => Users(tx).find(id).await?.is_some(),
            Self::Group(id) => Groups(tx).find(id).await?.is_some(),
            Self::Application(id) => Principals(tx).find_by_app(id).await?.is_some(),
            Self::ServicePrincipal(id) => Principals(tx).find(id).await?.is_some(),
            Self::Location(id) => {
                id.uuid() == FORMER_TRUSTED_ADDRESSES || rules.locations.iter().any(|one| one.id == Some(id))
            }
            Self::Strength(id) => rules.find_strength(id).is_some(),
            Self::Context(id) => rules.contexts.iter().any(|one| one.id == id),
            Self::Agreement(id) => Agreements(tx).find(id).await?.is_some(),
        })
    }
}

/// Refuses a policy that names what is not there and was not named before.
pub(super) async fn refuse_missing<T: Kept>(
    after: &T,
    before: Option<&T>,
    rules: &AccessRules,
    tx: &mut Tx<'_>,
) -> Result<(), ConditionalError> {
    let named_before = before.map(Kept::references).unwrap_or_default();
    for reference in after.references() {
        if !named_before.contains(&reference) && !reference.is_there(rules, tx).await? {
            let (at, id) = reference.told();
            return Err(ConditionalError::Missing { at, id });
        }
    }
    Ok(())
}

/// Refuses to bring back what names rules that are not there. Accounts and applications may be gone, as those that a policy
/// names which was not deleted.
pub(super) async fn refuse_missing_rules<T: Kept>(
    restored: &T,
    rules: &AccessRules,
    tx: &mut Tx<'_>,
) -> Result<(), ConditionalError> {
    for reference in restored.references().into_iter().filter(|one| one.is_rule()) {
        if !reference.is_there(rules, tx).await? {
            let (at, id) = reference.told();
            return Err(ConditionalError::Missing { at, id });
        }
    }
    Ok(())
}

/// What a policy names.
pub(super) fn of_policy(policy: &Policy) -> Vec<Reference> {
    Reference::of(policy)
}
