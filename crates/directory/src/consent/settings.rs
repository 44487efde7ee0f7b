//! What a tenant says about consent: its authorization policy, permissions of low impact, verified publishers.

use std::sync::Arc;

use hygie_core::{Cx, ObjectId};
use hygie_policy::consent::AuthorizationPolicy;
use hygie_store::StoreError;
use hygie_store::audit::Record;
use serde_json::Value;
use uuid::Uuid;

use crate::admin::named;
use crate::repo::{Applications, Consents, LowImpactRow, Principals, Publisher, Publishers};
use crate::{Application, Directory, DirectoryError, VerifiedPublisher};

/// Longest id of a publisher.
const MAX_PUBLISHER: usize = 64;

/// A delegated permission of a resource that the tenant classified as of low impact (`delegatedPermissionClassification`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowImpact {
    /// Id of the classification.
    pub id: ObjectId,
    /// Id of the permission.
    pub permission: Uuid,
    /// Its word; none where the resource offers it no more.
    pub value: Option<String>,
}

impl Directory {
    /// What everybody in the tenant may do without a role.
    pub async fn authorization_policy(&self, cx: &Cx) -> Result<AuthorizationPolicy, StoreError> {
        self.store()
            .read(cx, (), |(), tx| Box::pin(async move { Consents(tx).policy().await }))
            .await
    }

    /// Changes it by a partial document of Graph.
    pub async fn change_authorization_policy(&self, cx: &Cx, change: Value) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.authorizationpolicy.update", "authorizationPolicy");
        self.change(cx, (change, record), |(change, record), tx| {
            Box::pin(async move {
                let policy = Consents(tx).policy().await?.patched(change)?;
                Consents(tx).set_policy(&policy).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// The permissions of a resource that are of low impact.
    pub async fn low_impact(&self, cx: &Cx, resource: ObjectId) -> Result<Vec<LowImpact>, DirectoryError> {
        let application = self.offering(cx, resource).await?;
        let rows = self
            .store()
            .read(cx, resource, |resource, tx| {
                Box::pin(async move { Consents(tx).list_low(*resource).await })
            })
            .await?;
        let offered = &application.definition.scopes;
        let shown = |row: LowImpactRow| LowImpact {
            id: row.id,
            permission: row.permission,
            value: offered
                .iter()
                .find(|scope| scope.id == row.permission)
                .map(|scope| scope.value.clone()),
        };
        Ok(rows.into_iter().map(shown).collect())
    }

    /// Classifies a permission of a resource as of low impact, by its id or its word.
    pub async fn classify_low(
        &self,
        cx: &Cx,
        resource: ObjectId,
        (id, value): (Option<Uuid>, Option<String>),
    ) -> Result<LowImpact, DirectoryError> {
        let application = self.offering(cx, resource).await?;
        let is_meant = |scope: &&crate::Scope| {
            id.is_none_or(|id| id == scope.id) && value.as_ref().is_none_or(|value| *value == scope.value)
        };
        let mut offered = application.definition.scopes.iter();
        let scope = offered.find(is_meant).filter(|_| id.is_some() || value.is_some());
        let scope = scope.ok_or(DirectoryError::NotFound("permission"))?;
        let row = LowImpactRow {
            id: ObjectId::random(&*cx.random),
            resource,
            permission: scope.id,
        };
        let record = Record::success(cx, "idp.permission.classify", format!("app/{}", application.app));
        self.change(cx, (row, record), |(row, record), tx| {
            Box::pin(async move {
                Consents(tx).insert_low(row).await?;
                tx.audit(record).await?;
                Ok::<_, DirectoryError>(())
            })
        })
        .await?;
        Ok(LowImpact {
            id: row.id,
            permission: row.permission,
            value: Some(scope.value.clone()),
        })
    }

    /// Takes a classification away.
    pub async fn declassify(&self, cx: &Cx, resource: ObjectId, id: ObjectId) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.permission.declassify", format!("principal/{resource}"));
        self.change(cx, (resource, id, record), |(resource, id, record), tx| {
            Box::pin(async move {
                if !Consents(tx).remove_low(*resource, *id).await? {
                    return Err(DirectoryError::NotFound("classification"));
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// The application behind a service principal of the tenant.
    async fn offering(&self, cx: &Cx, resource: ObjectId) -> Result<Application, DirectoryError> {
        let found = self
            .store()
            .read(cx, resource, |resource, tx| {
                Box::pin(async move { Principals(tx).find(*resource).await })
            })
            .await?;
        let principal = found.ok_or(DirectoryError::NotFound("service principal"))?;
        let found = self.find_application(cx, principal.app).await?;
        found.ok_or(DirectoryError::NotFound("application"))
    }

    /// Vouches for a publisher of the tenant. It is the operator of the installation who does: people of other tenants
    /// trust the mark.
    pub async fn vouch_for_publisher(&self, cx: &Cx, publisher: Publisher) -> Result<(), DirectoryError> {
        let is_id =
            |id: &str| (1..=MAX_PUBLISHER).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_id(&publisher.id) {
            return Err(DirectoryError::Value("verifiedPublisherId"));
        }
        let publisher = Publisher {
            display_name: named(publisher.display_name)?,
            ..publisher
        };
        let record = Record::success(cx, "idp.publisher.verify", format!("publisher/{}", publisher.id));
        self.change(cx, (publisher, record), |(publisher, record), tx| {
            Box::pin(async move {
                let now = tx.cx().now;
                if Publishers(tx).find(&publisher.id).await?.as_ref() == Some(publisher) {
                    return Ok(());
                }
                Publishers(tx).put(publisher, now).await?;
                tx.audit(record).await?;
                Ok::<_, DirectoryError>(())
            })
        })
        .await
    }

    /// Marks an application as of a verified publisher of its tenant, or takes the mark away.
    pub async fn set_verified_publisher(
        &self,
        cx: &Cx,
        application: ObjectId,
        publisher: Option<String>,
    ) -> Result<(), DirectoryError> {
        let action = match publisher {
            Some(_) => "idp.application.publisher",
            None => "idp.application.publisher.remove",
        };
        self.change(cx, (application, publisher, action), |(id, publisher, action), tx| {
            Box::pin(async move {
                let found = Applications(tx).find_by_id(*id).await?;
                let mut application = found.ok_or(DirectoryError::NotFound("application"))?;
                let mut definition = (*application.definition).clone();
                definition.verified_publisher = match publisher {
                    Some(id) => {
                        let known = Publishers(tx).find(id).await?;
                        let known = known.ok_or(DirectoryError::NotFound("verified publisher"))?;
                        Some(VerifiedPublisher {
                            display_name: known.display_name,
                            verified_publisher_id: known.id,
                            added_date_time: tx.cx().now,
                        })
                    }
                    None => None,
                };
                let json = serde_json::to_string(&definition)?;
                application.definition = Arc::new(definition);
                Applications(tx).update(&application, &json).await?;
                let record = Record::success(tx.cx(), action, format!("app/{}", application.app));
                tx.audit(&record).await?;
                Ok(())
            })
        })
        .await
    }
}
