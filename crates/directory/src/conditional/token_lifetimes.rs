//! How long tokens live: policies that applications and service principals are given, and the one of the establishment.
//! <https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes>

use std::time::Duration;

use hygie_core::{Cx, ObjectId, Timestamp};
use hygie_policy::TokenLifetimePolicyId;
use hygie_policy::check::Broken;
use hygie_policy::token_lifetime::TokenLifetimePolicy;
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use uuid::Uuid;

use super::kept::{Kept, given};
use super::{AccessRules, ConditionalError};
use crate::admin::new_uuid;
use crate::browse::owned;
use crate::repo::{Applications, PolicyTargets, Principals};
use crate::{Application, Cursor, Directory, Owned, ServicePrincipal};

/// Such policies of a tenant.
pub const MAX_TOKEN_LIFETIMES: usize = 100;

impl Kept for TokenLifetimePolicy {
    const KIND: &'static str = hygie_directory_store::logs::TOKEN_LIFETIME_POLICY;
    const MOST: (&'static str, usize) = ("token lifetime policies", MAX_TOKEN_LIFETIMES);

    fn key(&self) -> Option<String> {
        self.id.map(|id| id.to_string())
    }

    fn list(rules: &AccessRules) -> &Vec<Self> {
        &rules.token_lifetimes
    }

    fn made(self, cx: &Cx) -> Result<Self, ConditionalError> {
        given([
            ("id", self.id.is_some()),
            ("deletedDateTime", self.deleted_at.is_some()),
        ])?;
        Ok(Self {
            id: Some(TokenLifetimePolicyId::from_uuid(new_uuid(cx))),
            is_default: Some(self.is_default()),
            ..self
        })
    }

    fn touched(&mut self, _: Timestamp) {
        self.is_default = Some(self.is_default());
    }

    fn check(&self) -> Result<(), Broken> {
        Self::check(self)
    }

    fn admit(&self, _: Option<&Self>, rules: &AccessRules) -> Result<(), ConditionalError> {
        let is_other = |one: &&Self| one.is_default() && one.id != self.id;
        match rules.token_lifetimes.iter().find(is_other) {
            Some(other) if self.is_default() => Err(ConditionalError::Default(other.display_name.clone())),
            _ => Ok(()),
        }
    }

    /// As in Entra ID it goes from all that it was given to.
    fn release(&self, _: &AccessRules) -> Result<(), ConditionalError> {
        Ok(())
    }
}

impl AccessRules {
    /// How long tokens live by a policy; nothing where it is gone.
    fn lifetime_by(&self, policy: Uuid) -> Option<Duration> {
        let id = Some(TokenLifetimePolicyId::from_uuid(policy));
        let found = self.token_lifetimes.iter().find(|one| one.id == id);
        found.and_then(|policy| policy.lifetime().ok())
    }

    /// By that of the establishment.
    fn default_lifetime(&self) -> Option<Duration> {
        let found = self.token_lifetimes.iter().find(|one| one.is_default());
        found.and_then(|policy| policy.lifetime().ok())
    }
}

impl Directory {
    /// Gives an application or a service principal a policy; it must have none.
    pub async fn assign_token_lifetime(&self, cx: &Cx, object: ObjectId, policy: Uuid) -> Result<(), ConditionalError> {
        let record = Record::success(cx, "idp.policy.assign", format!("object/{object}"));
        self.change(cx, (object, policy, record), |(object, policy, record), tx| {
            Box::pin(async move {
                refuse_missing(tx, *object, *policy).await?;
                if !PolicyTargets(tx).list_of(&[*object]).await?.is_empty() {
                    return Err(ConditionalError::Assigned);
                }
                PolicyTargets(tx).insert(*object, *policy).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Takes it away again.
    pub async fn unassign_token_lifetime(
        &self,
        cx: &Cx,
        object: ObjectId,
        policy: Uuid,
    ) -> Result<(), ConditionalError> {
        let record = Record::success(cx, "idp.policy.unassign", format!("object/{object}"));
        self.change(cx, (object, policy, record), |(object, policy, record), tx| {
            Box::pin(async move {
                if !PolicyTargets(tx).remove(*object, *policy).await? {
                    return Err(ConditionalError::NotFound(policy.to_string()));
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// The policy that an object was given.
    pub async fn token_lifetime_of(
        &self,
        cx: &Cx,
        object: ObjectId,
    ) -> Result<Option<TokenLifetimePolicy>, StoreError> {
        let rules = self.read_access_rules(cx).await?;
        let given = self.policies_given(cx, vec![object]).await?;
        let Some((_, policy)) = given.first() else {
            return Ok(None);
        };
        let id = Some(TokenLifetimePolicyId::from_uuid(*policy));
        Ok(rules.token_lifetimes.into_iter().find(|one| one.id == id))
    }

    /// A page of the applications and service principals that were given a policy.
    pub async fn page_policy_targets(&self, cx: &Cx, policy: Uuid, at: Cursor) -> Result<Vec<Owned>, StoreError> {
        self.store()
            .read(cx, (policy, at), |(policy, at), tx| {
                Box::pin(async move {
                    let ids = PolicyTargets(tx).page(*policy, at.after, at.limit).await?;
                    owned(tx, ids).await
                })
            })
            .await
    }

    /// How long tokens for an application live in the tenant, where a policy says so: that of its service principal, else that
    /// of the establishment, else that which its registration was given at home.
    pub async fn token_lifetime(
        &self,
        cx: &Cx,
        principal: &ServicePrincipal,
        application: &Application,
    ) -> Result<Option<Duration>, StoreError> {
        let rules = self.access_rules(cx).await?;
        if let Some(lifetime) = self.lifetime_given(cx, principal.id, &rules).await? {
            return Ok(Some(lifetime));
        }
        if let Some(lifetime) = rules.default_lifetime() {
            return Ok(Some(lifetime));
        }
        let home = cx.for_tenant(application.home);
        let rules = self.access_rules(&home).await?;
        self.lifetime_given(&home, application.id, &rules).await
    }

    /// Nothing is read where the tenant has no such policy.
    async fn lifetime_given(
        &self,
        cx: &Cx,
        object: ObjectId,
        rules: &AccessRules,
    ) -> Result<Option<Duration>, StoreError> {
        if rules.token_lifetimes.is_empty() {
            return Ok(None);
        }
        let given = self.policies_given(cx, vec![object]).await?;
        Ok(given.first().and_then(|(_, policy)| rules.lifetime_by(*policy)))
    }

    async fn policies_given(&self, cx: &Cx, objects: Vec<ObjectId>) -> Result<Vec<(ObjectId, Uuid)>, StoreError> {
        self.store()
            .read(cx, objects, |objects, tx| {
                Box::pin(async move { PolicyTargets(tx).list_of(objects).await })
            })
            .await
    }
}

/// The object and the policy must be there; a managed identity has no such policy, as in Entra ID.
async fn refuse_missing(tx: &mut Tx<'_>, object: ObjectId, policy: Uuid) -> Result<(), ConditionalError> {
    let rules = AccessRules::load(tx).await?;
    if rules.lifetime_by(policy).is_none() {
        return Err(ConditionalError::NotFound(policy.to_string()));
    }
    if let Some(principal) = Principals(tx).find(object).await? {
        return match principal.resource_id {
            Some(_) => Err(ConditionalError::ManagedIdentity),
            None => Ok(()),
        };
    }
    match Applications(tx).find_by_id(object).await? {
        Some(_) => Ok(()),
        None => Err(ConditionalError::NotFound(object.to_string())),
    }
}
