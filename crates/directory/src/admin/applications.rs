//! Applications, their secrets and service principals.

use std::sync::Arc;
use std::time::Duration;

use hygie_core::{AppId, Cx, ObjectId};
use hygie_jose::{Certificate, random_secret};
use hygie_store::StoreError;
use hygie_store::audit::Record;
use uuid::Uuid;

use super::holders::{self, CredentialChange};
use super::registration::{PrincipalChange, changed, set_certificates, with_ids};
use super::{Enabled, KeyCredential, NewApplication, NewSecret, identifier_uris, named, new_uuid, principal_of};
use crate::repo::{Applications, Global, Holder, Principals, SecretRow};
use crate::{Application, Audience, DIRECTORY_API, Directory, DirectoryError, ServicePrincipal, directory_api};

impl Directory {
    /// Registers an application without a service principal, with the certificates that it proves itself by.
    pub async fn register_application(
        &self,
        cx: &Cx,
        new: NewApplication,
        keys: Vec<KeyCredential>,
    ) -> Result<Application, DirectoryError> {
        let (application, json) = registered(cx, self.published(cx, new).await?)?;
        let keys = with_ids(cx, keys);
        let record = Record::success(cx, "idp.application.create", format!("app/{}", application.app));
        let input = (application.clone(), json, keys, record);
        self.change(cx, input, |(application, json, keys, record), tx| {
            Box::pin(async move {
                identifier_uris::check(tx, application, None).await?;
                Applications(tx).insert(application, json).await?;
                set_certificates(tx, application.app.into(), keys).await?;
                tx.audit(record).await?;
                Ok::<_, DirectoryError>(())
            })
        })
        .await?;
        Ok(application)
    }

    /// Registers an application, with a service principal in its own tenant.
    pub async fn create_application(
        &self,
        cx: &Cx,
        new: NewApplication,
    ) -> Result<(Application, ServicePrincipal), DirectoryError> {
        let (application, json) = registered(cx, self.published(cx, new).await?)?;
        let principal = principal_of(cx, &application);
        let record = Record::success(cx, "idp.application.create", format!("app/{}", application.app));
        let input = (application.clone(), json, principal.clone(), record);
        self.change(cx, input, |(application, json, principal, record), tx| {
            Box::pin(async move {
                identifier_uris::check(tx, application, None).await?;
                Applications(tx).insert(application, json).await?;
                Principals(tx).insert(principal, &names_of(application)).await?;
                tx.audit(record).await?;
                Ok::<_, DirectoryError>(())
            })
        })
        .await?;
        Ok((application, principal))
    }

    /// Makes an application of another tenant present in this one, as the consent of an administrator does.
    pub async fn create_service_principal(&self, cx: &Cx, app: AppId) -> Result<ServicePrincipal, DirectoryError> {
        self.create_service_principal_with(cx, app, PrincipalChange::default())
            .await
    }

    /// The same, with what the tenant says of it from the beginning.
    pub async fn create_service_principal_with(
        &self,
        cx: &Cx,
        app: AppId,
        change: PrincipalChange,
    ) -> Result<ServicePrincipal, DirectoryError> {
        let application = self
            .find_application(cx, app)
            .await?
            .ok_or(DirectoryError::NotFound("application"))?;
        let is_foreign = application.home != cx.tenant;
        if is_foreign && application.definition.sign_in_audience != Audience::Tenants {
            return Err(DirectoryError::NotFound("application"));
        }
        let principal = principal_of(cx, &application);
        let record = Record::success(cx, "idp.principal.create", format!("app/{app}"));
        let keys = change.keys.clone().map(|keys| with_ids(cx, keys));
        let input = (names_of(&application), principal.clone(), (change, keys), record);
        self.change(cx, input, |(names, principal, (change, keys), record), tx| {
            Box::pin(async move {
                Principals(tx).insert(principal, names).await?;
                changed(tx, principal, (change, keys.as_deref())).await?;
                tx.audit(record).await?;
                Ok::<_, DirectoryError>(())
            })
        })
        .await?;
        Ok(principal)
    }

    /// An application, in whichever tenant it is registered.
    pub async fn find_application(&self, cx: &Cx, app: AppId) -> Result<Option<Application>, StoreError> {
        if app == DIRECTORY_API {
            return Ok(Some(directory_api()));
        }
        let home = self
            .store()
            .read(cx, app, |app, tx| {
                Box::pin(async move { Global(tx).find_home_of_app(*app).await })
            })
            .await?;
        let Some(home) = home else { return Ok(None) };
        self.store()
            .read(&cx.for_tenant(home), app, |app, tx| {
                Box::pin(async move { Applications(tx).find(*app).await })
            })
            .await
    }

    /// The presence of an application in the tenant.
    pub async fn find_service_principal(&self, cx: &Cx, app: AppId) -> Result<Option<ServicePrincipal>, StoreError> {
        self.store()
            .read(cx, app, |app, tx| {
                Box::pin(async move { Principals(tx).find_by_app(*app).await })
            })
            .await
    }

    /// Makes a secret of an application of this tenant, or of the presence of one in it.
    pub async fn add_secret(
        &self,
        cx: &Cx,
        of: impl Into<Holder>,
        display_name: &str,
        valid_for: Duration,
    ) -> Result<NewSecret, DirectoryError> {
        let of = of.into();
        let value = random_secret(&*cx.random);
        let row = SecretRow {
            id: new_uuid(cx),
            display_name: named(display_name.to_owned())?,
            hint: value.expose().chars().take(3).collect(),
            digest: self.digests().secrets.digest(value.expose()),
            created_at: cx.now,
            expires_at: cx.now + valid_for,
        };
        let made = NewSecret {
            id: row.id,
            value,
            expires_at: row.expires_at,
        };
        let record = holders::record(cx, of, CredentialChange::Secret);
        self.change(cx, (of, row, record), |(of, row, record), tx| {
            Box::pin(async move {
                holders::check(tx, *of).await?;
                Applications(tx).insert_secret(*of, row).await?;
                tx.audit(record).await?;
                Ok::<_, DirectoryError>(())
            })
        })
        .await?;
        Ok(made)
    }

    /// Registers a certificate by whose key an application of this tenant may prove itself; gives its `keyId`.
    pub async fn add_certificate(
        &self,
        cx: &Cx,
        app: AppId,
        display_name: &str,
        certificate: Certificate,
    ) -> Result<Uuid, DirectoryError> {
        let id = new_uuid(cx);
        let name = named(display_name.to_owned())?;
        let record = Record::success(cx, "idp.application.certificate", format!("app/{app}"));
        let input = (app, (id, name), certificate, record);
        self.change(cx, input, |(app, (id, name), certificate, record), tx| {
            Box::pin(async move {
                if Applications(tx).find(*app).await?.is_none() {
                    return Err(DirectoryError::NotFound("application"));
                }
                let now = tx.cx().now;
                Applications(tx)
                    .insert_certificate(*app, (*id, name), certificate, now)
                    .await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(id)
    }

    /// Says whether only assigned principals get tokens for an application.
    pub async fn set_requires_assignment(&self, cx: &Cx, app: AppId, state: Enabled) -> Result<(), DirectoryError> {
        let action = match state {
            Enabled::Yes => "idp.principal.assignment.require",
            Enabled::No => "idp.principal.assignment.lift",
        };
        let record = Record::success(cx, action, format!("app/{app}"));
        self.change(cx, (app, state, record), |(app, state, record), tx| {
            Box::pin(async move {
                let missing = DirectoryError::NotFound("service principal");
                let principal = Principals(tx).find_by_app(*app).await?.ok_or(missing)?;
                Principals(tx)
                    .set_requires_assignment(principal.id, *state == Enabled::Yes)
                    .await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Enables or disables an application in this tenant.
    pub async fn set_app_enabled(&self, cx: &Cx, app: AppId, state: Enabled) -> Result<(), DirectoryError> {
        let action = match state {
            Enabled::Yes => "idp.principal.enable",
            Enabled::No => "idp.principal.disable",
        };
        let record = Record::success(cx, action, format!("app/{app}"));
        self.change(cx, (app, state, record), |(app, state, record), tx| {
            Box::pin(async move {
                let missing = DirectoryError::NotFound("service principal");
                let principal = Principals(tx).find_by_app(*app).await?.ok_or(missing)?;
                Principals(tx).set_enabled(principal.id, *state == Enabled::Yes).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}

impl Directory {
    /// With the domain of its publisher: the first of its tenant.
    async fn published(&self, cx: &Cx, mut new: NewApplication) -> Result<NewApplication, StoreError> {
        let tenant = self.find_tenant(cx).await?;
        new.definition.publisher_domain = tenant.and_then(|(_, domains)| domains.into_iter().next());
        Ok(new)
    }
}

/// A new application and its definition as it is written.
fn registered(cx: &Cx, new: NewApplication) -> Result<(Application, String), DirectoryError> {
    new.definition.redirect_uris.check()?;
    new.definition.check().map_err(DirectoryError::Value)?;
    let json = serde_json::to_string(&new.definition)?;
    let application = Application {
        app: new.app.unwrap_or_else(|| AppId::random(&*cx.random)),
        id: ObjectId::random(&*cx.random),
        home: cx.tenant,
        display_name: named(new.display_name)?,
        definition: Arc::new(new.definition),
        created_at: cx.now,
    };
    Ok((application, json))
}

/// The names an application is asked for by: its client id and its identifier URIs.
pub(crate) fn names_of(application: &Application) -> Vec<String> {
    let mut names = vec![application.app.to_string()];
    names.extend(application.definition.identifier_uris.iter().cloned());
    names
}
