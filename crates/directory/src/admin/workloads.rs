//! Workloads and managed identities.

use hygie_core::{AppId, Cx, ObjectId, Secret};
use hygie_jose::random_secret;
use hygie_store::StoreError;
use hygie_store::audit::Record;

use crate::repo::{Principals, Workloads};
use crate::{Belongs, Directory, DirectoryError, PrincipalProfile, ServicePrincipal, Workload, is_workload_name};

/// A workload that was made: the secret is shown this once.
#[derive(Clone, Debug)]
pub struct NewWorkload {
    /// What it shows to get tokens (`X-IDENTITY-HEADER`).
    pub header: Secret<String>,
    /// Its own identity.
    pub identity: ServicePrincipal,
}

impl Directory {
    /// Makes a workload with an identity of its own.
    pub async fn create_workload(&self, cx: &Cx, name: &str) -> Result<NewWorkload, DirectoryError> {
        let identity = identity(cx, Belongs::Workload(name), name)?;
        let header = random_secret(&*cx.random);
        let workload = Workload {
            name: name.to_owned(),
            identity: identity.id,
            created_at: cx.now,
        };
        let digest = self.digests().workloads.digest(header.expose());
        let record = Record::success(cx, "idp.workload.create", format!("workload/{name}"));
        let input = (workload, identity.clone(), digest, record);
        self.change(cx, input, |(workload, identity, digest, record), tx| {
            Box::pin(async move {
                Principals(tx).insert(identity, &[]).await?;
                Workloads(tx).insert(workload, digest).await?;
                tx.audit(record).await?;
                Ok::<_, DirectoryError>(())
            })
        })
        .await?;
        Ok(NewWorkload { header, identity })
    }

    /// The workload of this name in the tenant.
    pub async fn find_workload(&self, cx: &Cx, name: &str) -> Result<Option<Workload>, StoreError> {
        self.store()
            .read(cx, name.to_owned(), |name, tx| {
                Box::pin(async move { Workloads(tx).find(name).await })
            })
            .await
    }

    /// Gives a workload another header secret; the one before is worth nothing from then on.
    pub async fn renew_workload_header(&self, cx: &Cx, name: &str) -> Result<Secret<String>, DirectoryError> {
        let header = random_secret(&*cx.random);
        let digest = self.digests().workloads.digest(header.expose());
        let record = Record::success(cx, "idp.workload.header", format!("workload/{name}"));
        self.change(cx, (name.to_owned(), digest, record), |(name, digest, record), tx| {
            Box::pin(async move {
                if !Workloads(tx).set_header(name, digest).await? {
                    return Err(DirectoryError::NotFound("workload"));
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(header)
    }

    /// Makes an identity that workloads may share.
    pub async fn create_user_assigned_identity(&self, cx: &Cx, name: &str) -> Result<ServicePrincipal, DirectoryError> {
        let identity = identity(cx, Belongs::Nobody(name), name)?;
        let record = Record::success(cx, "idp.identity.create", format!("app/{}", identity.app));
        self.change(cx, (identity.clone(), record), |(identity, record), tx| {
            Box::pin(async move {
                let resource_id = identity.resource_id.as_deref().unwrap_or_default();
                if Principals(tx).find_by_resource_id(resource_id).await?.is_some() {
                    return Err(DirectoryError::Exists);
                }
                Principals(tx).insert(identity, &[]).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(identity)
    }

    /// The shared identity of this name in the tenant.
    pub async fn find_user_assigned_identity(
        &self,
        cx: &Cx,
        name: &str,
    ) -> Result<Option<ServicePrincipal>, StoreError> {
        let resource_id = Belongs::Nobody(name).resource_id(cx.tenant);
        self.store()
            .read(cx, resource_id, |resource_id, tx| {
                Box::pin(async move { Principals(tx).find_by_resource_id(resource_id).await })
            })
            .await
    }

    /// Lets a workload use a shared identity.
    pub async fn assign_identity(&self, cx: &Cx, workload: &str, identity: ObjectId) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.workload.identity", format!("workload/{workload}"));
        let input = (workload.to_owned(), identity, record);
        self.change(cx, input, |(workload, identity, record), tx| {
            Box::pin(async move {
                if Workloads(tx).find(workload).await?.is_none() {
                    return Err(DirectoryError::NotFound("workload"));
                }
                let known = Principals(tx).find(*identity).await?;
                // What belongs to another workload is that one's alone.
                let user_assigned = |principal: &ServicePrincipal| {
                    let id = principal.resource_id.as_deref();
                    id == Some(&*Belongs::Nobody(&principal.display_name).resource_id(principal.home))
                };
                if !known.as_ref().is_some_and(user_assigned) {
                    return Err(DirectoryError::NotFound("user-assigned identity"));
                }
                Workloads(tx).assign(workload, *identity).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Removes a workload, with the identity that is its own.
    pub async fn remove_workload(&self, cx: &Cx, name: &str) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.workload.remove", format!("workload/{name}"));
        self.change(cx, (name.to_owned(), record), |(name, record), tx| {
            Box::pin(async move {
                if !Workloads(tx).remove(name).await? {
                    return Err(DirectoryError::NotFound("workload"));
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}

fn identity(cx: &Cx, belongs: Belongs<'_>, name: &str) -> Result<ServicePrincipal, DirectoryError> {
    if !is_workload_name(name) {
        return Err(DirectoryError::Value("name"));
    }
    Ok(ServicePrincipal {
        id: ObjectId::random(&*cx.random),
        app: AppId::random(&*cx.random),
        home: cx.tenant,
        display_name: name.to_owned(),
        is_enabled: true,
        requires_assignment: false,
        resource_id: Some(belongs.resource_id(cx.tenant)),
        profile: PrincipalProfile::default(),
        created_at: cx.now,
    })
}
