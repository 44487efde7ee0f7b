//! Federated credentials of applications: read, made, changed, taken away.

use hygie_core::{AppId, Cx};
use hygie_directory_store::MAX_FEDERATED;
use hygie_store::StoreError;
use hygie_store::audit::Record;
use uuid::Uuid;

use super::new_uuid;
use crate::repo::{Applications, FederatedCredentials, Global};
use crate::{Directory, DirectoryError, FederatedCredential};

const ADD: &str = "idp.application.federated";
const UPDATE: &str = "idp.application.federated.update";
const REMOVE: &str = "idp.application.federated.remove";

impl Directory {
    /// Those of an application, in whichever tenant it is registered.
    pub async fn federated_credentials(&self, cx: &Cx, app: AppId) -> Result<Vec<FederatedCredential>, StoreError> {
        let home = self.store().read(cx, app, |app, tx| {
            Box::pin(async move { Global(tx).find_home_of_app(*app).await })
        });
        let Some(home) = home.await? else {
            return Ok(Vec::new());
        };
        self.store()
            .read(&cx.for_tenant(home), app, |app, tx| {
                Box::pin(async move { FederatedCredentials(tx).list(*app).await })
            })
            .await
    }

    /// One of an application of this tenant, by its id or its name.
    pub async fn find_federated_credential(
        &self,
        cx: &Cx,
        app: AppId,
        key: &str,
    ) -> Result<Option<FederatedCredential>, StoreError> {
        self.store()
            .read(cx, (app, key.to_owned()), |(app, key), tx| {
                Box::pin(async move {
                    // A name may have the form of an id, and is found then too.
                    if let Ok(id) = Uuid::try_parse(key)
                        && let Some(found) = FederatedCredentials(tx).find(*app, id).await?
                    {
                        return Ok(Some(found));
                    }
                    FederatedCredentials(tx).find_by_name(*app, key).await
                })
            })
            .await
    }

    /// Adds one to an application of this tenant; its id and instant are set here.
    pub async fn add_federated_credential(
        &self,
        cx: &Cx,
        app: AppId,
        new: FederatedCredential,
    ) -> Result<FederatedCredential, DirectoryError> {
        let new = FederatedCredential {
            id: new_uuid(cx),
            created_at: cx.now,
            ..new
        };
        new.check().map_err(DirectoryError::Value)?;
        let record = Record::success(cx, ADD, format!("app/{app}"));
        self.change(cx, (app, new.clone(), record), |(app, new, record), tx| {
            Box::pin(async move {
                if Applications(tx).find(*app).await?.is_none() {
                    return Err(DirectoryError::NotFound("application"));
                }
                if FederatedCredentials(tx).list(*app).await?.len() >= MAX_FEDERATED {
                    return Err(DirectoryError::Value("federatedIdentityCredentials"));
                }
                FederatedCredentials(tx).insert(*app, new).await?;
                Ok(tx.audit(record).await?)
            })
        })
        .await?;
        Ok(new)
    }

    /// Changes one that was read as `before`; what else changed meanwhile is not overwritten.
    pub async fn update_federated_credential(
        &self,
        cx: &Cx,
        app: AppId,
        (before, after): (FederatedCredential, FederatedCredential),
    ) -> Result<(), DirectoryError> {
        after.check().map_err(DirectoryError::Value)?;
        let record = Record::success(cx, UPDATE, format!("app/{app}"));
        let input = (app, (before, after), record);
        self.change(cx, input, |(app, (before, after), record), tx| {
            Box::pin(async move {
                let found = FederatedCredentials(tx).find(*app, before.id).await?;
                if found.ok_or(DirectoryError::NotFound("federated credential"))? != *before {
                    return Err(DirectoryError::Changed);
                }
                FederatedCredentials(tx).update(*app, after).await?;
                Ok(tx.audit(record).await?)
            })
        })
        .await
    }

    /// Takes one away.
    pub async fn remove_federated_credential(&self, cx: &Cx, app: AppId, id: Uuid) -> Result<(), DirectoryError> {
        let record = Record::success(cx, REMOVE, format!("app/{app}"));
        self.change(cx, (app, id, record), |(app, id, record), tx| {
            Box::pin(async move {
                if !FederatedCredentials(tx).remove(*app, *id).await? {
                    return Err(DirectoryError::NotFound("federated credential"));
                }
                Ok(tx.audit(record).await?)
            })
        })
        .await
    }
}
