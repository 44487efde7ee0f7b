//! Applications as they are present in a tenant, with what they have of their own there.

use std::collections::HashMap;

use hygie_core::{AppId, Cx, ObjectId};
use hygie_store::{StoreError, Tx};

use crate::repo::{Applications, CertificateRow, Principals, SecretRow};
use crate::{Application, Cursor, Directory, Presence, ServicePrincipal};

/// What is kept in the tenant itself: the registration may be another's.
struct Own {
    principal: ServicePrincipal,
    names: Vec<String>,
    secrets: Vec<SecretRow>,
    certificates: Vec<CertificateRow>,
}

impl Own {
    fn with(self, application: Option<Application>) -> Presence {
        Presence {
            principal: self.principal,
            names: self.names,
            application,
            secrets: self.secrets,
            certificates: self.certificates,
        }
    }
}

impl Directory {
    /// A service principal, by its object id.
    pub async fn find_presence(&self, cx: &Cx, id: ObjectId) -> Result<Option<Presence>, StoreError> {
        let found = self
            .store()
            .read(cx, id, |id, tx| {
                Box::pin(async move {
                    let found = Principals(tx).find(*id).await?;
                    own(tx, found.into_iter().collect()).await.map(|mut all| all.pop())
                })
            })
            .await?;
        match found {
            Some(found) => Ok(Some(self.presence(cx, found).await?)),
            None => Ok(None),
        }
    }

    /// The presence of an application in this tenant.
    pub async fn find_presence_of(&self, cx: &Cx, app: AppId) -> Result<Option<Presence>, StoreError> {
        match self.find_service_principal(cx, app).await? {
            Some(principal) => self.find_presence(cx, principal.id).await,
            None => Ok(None),
        }
    }

    /// A page of service principals.
    pub async fn page_presences(&self, cx: &Cx, at: Cursor) -> Result<Vec<Presence>, StoreError> {
        let (page, here) = self
            .store()
            .read(cx, at, |at, tx| {
                Box::pin(async move {
                    let page = Principals(tx).page(at.after, at.limit).await?;
                    let apps: Vec<AppId> = page.iter().map(|principal| principal.app).collect();
                    let here = Applications(tx).list_by_apps(&apps).await?;
                    Ok::<_, StoreError>((own(tx, page).await?, here))
                })
            })
            .await?;
        let mut here: HashMap<AppId, Application> = here.into_iter().map(|found| (found.app, found)).collect();
        let mut presences = Vec::new();
        for found in page {
            // Only what is registered elsewhere is looked for by itself.
            presences.push(match here.remove(&found.principal.app) {
                Some(application) => found.with(Some(application)),
                None => self.presence(cx, found).await?,
            });
        }
        Ok(presences)
    }

    async fn presence(&self, cx: &Cx, found: Own) -> Result<Presence, StoreError> {
        let application = match &found.principal.resource_id {
            Some(_) => None,
            None => self.find_application(cx, found.principal.app).await?,
        };
        Ok(found.with(application))
    }
}

/// These with their names and credentials.
async fn own(tx: &mut Tx<'_>, page: Vec<ServicePrincipal>) -> Result<Vec<Own>, StoreError> {
    let ids: Vec<ObjectId> = page.iter().map(|principal| principal.id).collect();
    let mut names: HashMap<ObjectId, Vec<String>> = HashMap::new();
    if !ids.is_empty() {
        for (id, name) in Principals(tx).list_names_of(&ids).await? {
            names.entry(id).or_default().push(name);
        }
    }
    let mut all = Vec::new();
    let (mut secrets, mut certificates) = Applications(tx).credential_rows_of(&ids).await?;
    for principal in page {
        all.push(Own {
            names: names.remove(&principal.id).unwrap_or_default(),
            secrets: secrets.remove(&principal.id).unwrap_or_default(),
            certificates: certificates.remove(&principal.id).unwrap_or_default(),
            principal,
        });
    }
    Ok(all)
}
