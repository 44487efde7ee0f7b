//! What a person consented to for themselves, and taking it back.

use std::collections::BTreeMap;

use hygie_core::{Cx, ObjectId};
use hygie_store::StoreError;
use hygie_store::audit::Record;

use crate::repo::{Consents, Grants, GrantsOf, Principals, Refreshes};
use crate::{Directory, DirectoryError, PermissionGrant, ServicePrincipal};

/// Most grants of a person that are looked at.
const MAX_GRANTS: u32 = 999;

/// An application that a person lets act for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnConsent {
    /// The application.
    pub client: ServicePrincipal,
    /// What it may do, by resource.
    pub grants: Vec<(ServicePrincipal, Vec<String>)>,
}

impl Directory {
    /// The applications that a person consented to for themselves, by name.
    pub async fn own_consents(&self, cx: &Cx, user: ObjectId) -> Result<Vec<OwnConsent>, StoreError> {
        self.store()
            .read(cx, user, |user, tx| {
                Box::pin(async move {
                    let grants = Grants(tx)
                        .page_grants(GrantsOf::User(*user), (None, MAX_GRANTS))
                        .await?;
                    let ids: Vec<ObjectId> = grants.iter().flat_map(|grant| [grant.client, grant.resource]).collect();
                    let known = Principals(tx).list_by_ids(&ids).await?;
                    Ok::<_, StoreError>(by_client(grants, &known))
                })
            })
            .await
    }

    /// Takes back what a person consented to for themselves, and what was issued by it: refresh tokens, and access tokens
    /// at services that ask us. What an administrator consented to for everybody stays.
    pub async fn revoke_own_consent(&self, cx: &Cx, user: ObjectId, client: ObjectId) -> Result<(), DirectoryError> {
        let families = self
            .change(cx, (user, client), |(user, client), tx| {
                Box::pin(async move {
                    let grants = Grants(tx)
                        .page_grants(GrantsOf::User(*user), (None, MAX_GRANTS))
                        .await?;
                    let own: Vec<_> = grants.into_iter().filter(|grant| grant.client == *client).collect();
                    let principal = Principals(tx).find(*client).await?;
                    let (Some(principal), false) = (principal, own.is_empty()) else {
                        return Err(DirectoryError::NotFound("consent"));
                    };
                    for grant in own {
                        Grants(tx).remove_grant(grant.id).await?;
                        let record = Record::success(tx.cx(), "idp.grant.remove", format!("grant/{}", grant.id));
                        tx.audit(&record).await?;
                    }
                    let now = tx.cx().now;
                    let families = Consents(tx).list_families(*user, principal.app).await?;
                    for family in &families {
                        Refreshes(tx).revoke(*family, now).await?;
                    }
                    let record = Record::success(tx.cx(), "idp.consent.revoke", format!("app/{}", principal.app));
                    tx.audit(&record).await?;
                    Ok(families)
                })
            })
            .await?;
        for family in families {
            self.know_revoked_grant(cx.tenant, family, cx.now);
        }
        Ok(())
    }
}

/// Grants by the application that has them; what is gone is left out.
fn by_client(grants: Vec<PermissionGrant>, known: &[ServicePrincipal]) -> Vec<OwnConsent> {
    let find = |id: ObjectId| known.iter().find(|principal| principal.id == id);
    let mut consents: BTreeMap<ObjectId, OwnConsent> = BTreeMap::new();
    for grant in grants {
        let (Some(client), Some(resource)) = (find(grant.client), find(grant.resource)) else {
            continue;
        };
        let consent = consents.entry(grant.client).or_insert_with(|| OwnConsent {
            client: client.clone(),
            grants: Vec::new(),
        });
        consent.grants.push((resource.clone(), grant.scopes));
    }
    let mut consents: Vec<OwnConsent> = consents.into_values().collect();
    consents.sort_by_key(|consent| consent.client.display_name.to_lowercase());
    consents
}
