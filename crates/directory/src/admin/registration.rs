//! Changing applications, what they prove themselves by, and service principals.

use std::sync::Arc;

use hygie_core::{Cx, ObjectId};
use hygie_directory_store::profile::merged;
use hygie_jose::Certificate;
use hygie_store::Tx;
use hygie_store::audit::Record;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::applications::names_of;
use super::holders::{self, CredentialChange};
use super::{identifier_uris, named, new_uuid};
use crate::repo::{Applications, Holder, Principals};
use crate::{Application, DIRECTORY_API, Definition, Directory, DirectoryError, ServicePrincipal};

/// Most certificates of an application.
const MAX_KEYS: usize = 20;

/// What changes of a service principal; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct PrincipalChange {
    /// Whether tokens are issued to and for it.
    pub is_enabled: Option<bool>,
    /// Whether only principals with a role in it get tokens for it.
    pub requires_assignment: Option<bool>,
    /// Members of the profile, by their names.
    pub profile: Map<String, Value>,
    /// The certificates that it proves itself by in the tenant, and no others.
    pub keys: Option<Vec<KeyCredential>>,
}

/// A certificate that an application proves itself by.
#[derive(Clone, Debug)]
pub enum KeyCredential {
    /// One that is there, by its `keyId`.
    Kept(Uuid),
    /// Another one, with its name.
    New(String, Box<Certificate>),
}

impl Directory {
    /// Changes a registration that was read as `before`; what else changed meanwhile is not overwritten.
    pub async fn update_application(
        &self,
        cx: &Cx,
        before: Application,
        (display_name, definition): (String, Definition),
        keys: Option<Vec<KeyCredential>>,
    ) -> Result<(), DirectoryError> {
        definition.redirect_uris.check()?;
        definition.check().map_err(DirectoryError::Value)?;
        let after = Application {
            display_name: named(display_name)?,
            definition: Arc::new(definition),
            ..before.clone()
        };
        let json = serde_json::to_string(&*after.definition)?;
        let record = Record::success(cx, "idp.application.update", format!("app/{}", after.app));
        let keys = keys.map(|keys| with_ids(cx, keys));
        let input = (before, (after, json), keys, record);
        self.change(cx, input, |(before, (after, json), keys, record), tx| {
            Box::pin(async move {
                let found = Applications(tx).find(before.app).await?;
                if found.ok_or(DirectoryError::NotFound("application"))? != *before {
                    return Err(DirectoryError::Changed);
                }
                identifier_uris::check(tx, after, Some(before)).await?;
                if let Some(keys) = keys {
                    set_certificates(tx, after.app.into(), keys).await?;
                    let record = Record::success(tx.cx(), "idp.application.certificate", format!("app/{}", after.app));
                    tx.audit(&record).await?;
                }
                Applications(tx).update(after, json).await?;
                if let Some(principal) = Principals(tx).find_by_app(after.app).await? {
                    Principals(tx).rename(principal.id, &after.display_name).await?;
                    Principals(tx).set_names(principal.id, &names_of(after)).await?;
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Gives an application or its presence one more certificate, by the proof of one that it has then; gives its `keyId`.
    pub async fn add_key(
        &self,
        cx: &Cx,
        (of, proof): (Holder, Uuid),
        (display_name, certificate): (String, Box<Certificate>),
    ) -> Result<Uuid, DirectoryError> {
        let id = new_uuid(cx);
        let name = named(display_name)?;
        let record = holders::record(cx, of, CredentialChange::Certificate);
        let input = ((of, proof), (id, name, certificate), record);
        self.change(cx, input, |((of, proof), (id, name, certificate), record), tx| {
            Box::pin(async move {
                if proven(tx, *of, *proof).await?.len() >= MAX_KEYS {
                    return Err(DirectoryError::Value("keyCredentials"));
                }
                let now = tx.cx().now;
                Applications(tx)
                    .insert_certificate(*of, (*id, name), certificate, now)
                    .await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(id)
    }

    /// Takes one certificate from it, by the proof of one that it has then.
    pub async fn remove_key(&self, cx: &Cx, (of, proof): (Holder, Uuid), id: Uuid) -> Result<(), DirectoryError> {
        let record = holders::record(cx, of, CredentialChange::Certificate);
        self.change(cx, (of, proof, id, record), |(of, proof, id, record), tx| {
            Box::pin(async move {
                proven(tx, *of, *proof).await?;
                if !Applications(tx).remove_certificate(*of, *id).await? {
                    return Err(DirectoryError::NotFound("key credential"));
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Takes a secret from an application, or from the presence of one.
    pub async fn remove_secret(&self, cx: &Cx, of: impl Into<Holder>, id: Uuid) -> Result<(), DirectoryError> {
        let of = of.into();
        let record = holders::record(cx, of, CredentialChange::SecretRemoved);
        self.change(cx, (of, id, record), |(of, id, record), tx| {
            Box::pin(async move {
                if !Applications(tx).remove_secret(*of, *id).await? {
                    return Err(DirectoryError::NotFound("secret"));
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Changes an application in this tenant.
    pub async fn update_service_principal(
        &self,
        cx: &Cx,
        id: ObjectId,
        change: PrincipalChange,
    ) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.principal.update", format!("principal/{id}"));
        let keys = change.keys.clone().map(|keys| with_ids(cx, keys));
        self.change(cx, (id, change, keys, record), |(id, change, keys, record), tx| {
            Box::pin(async move {
                let found = Principals(tx).find(*id).await?;
                let principal = found.ok_or(DirectoryError::NotFound("service principal"))?;
                changed(tx, &principal, (change, keys.as_deref())).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}

/// Changes a service principal; its certificates have their ids.
pub(super) async fn changed(
    tx: &mut Tx<'_>,
    principal: &ServicePrincipal,
    (change, keys): (&PrincipalChange, Option<&[(Uuid, KeyCredential)]>),
) -> Result<(), DirectoryError> {
    let id = principal.id;
    if let Some(is_enabled) = change.is_enabled {
        if principal.app == DIRECTORY_API && !is_enabled {
            return Err(DirectoryError::Fixed("the directory API"));
        }
        Principals(tx).set_enabled(id, is_enabled).await?;
    }
    if let Some(required) = change.requires_assignment {
        Principals(tx).set_requires_assignment(id, required).await?;
    }
    if !change.profile.is_empty() {
        let profile = merged(&principal.profile, &change.profile)?;
        profile.check().map_err(DirectoryError::Value)?;
        Principals(tx).set_profile(id, &profile).await?;
    }
    if let Some(keys) = keys {
        let of = Holder::Principal(id);
        holders::check(tx, of).await?;
        set_certificates(tx, of, keys).await?;
        let record = holders::record(tx.cx(), of, CredentialChange::Certificate);
        tx.audit(&record).await?;
    }
    Ok(())
}

/// The certificates of an application, among which is the one that signed the proof.
async fn proven(tx: &mut Tx<'_>, of: Holder, proof: Uuid) -> Result<Vec<Uuid>, DirectoryError> {
    let (_, rows) = Applications(tx).credential_rows(of).await?;
    let ids: Vec<Uuid> = rows.into_iter().map(|row| row.id).collect();
    // It was removed since the proof was looked at.
    if ids.contains(&proof) {
        Ok(ids)
    } else {
        Err(DirectoryError::Changed)
    }
}

/// Each with the id that it gets if it is another one.
pub(super) fn with_ids(cx: &Cx, keys: Vec<KeyCredential>) -> Vec<(Uuid, KeyCredential)> {
    keys.into_iter().map(|key| (new_uuid(cx), key)).collect()
}

/// Gives an application these certificates and no others.
pub(super) async fn set_certificates(
    tx: &mut Tx<'_>,
    of: Holder,
    keys: &[(Uuid, KeyCredential)],
) -> Result<(), DirectoryError> {
    if keys.len() > MAX_KEYS {
        return Err(DirectoryError::Value("keyCredentials"));
    }
    let now = tx.cx().now;
    let (_, there) = Applications(tx).credential_rows(of).await?;
    let kept = |id: &Uuid| {
        keys.iter()
            .any(|(_, key)| matches!(key, KeyCredential::Kept(kept) if kept == id))
    };
    for row in there.iter().filter(|row| !kept(&row.id)) {
        Applications(tx).remove_certificate(of, row.id).await?;
    }
    for (id, key) in keys {
        match key {
            KeyCredential::Kept(id) if there.iter().any(|row| row.id == *id) => {}
            KeyCredential::Kept(_) => return Err(DirectoryError::NotFound("key credential")),
            KeyCredential::New(name, certificate) => {
                let name = named(name.clone())?;
                Applications(tx)
                    .insert_certificate(of, (*id, &name), certificate, now)
                    .await?;
            }
        }
    }
    Ok(())
}
