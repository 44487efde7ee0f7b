//! Revocation of a token by its client (RFC 7009) [ours: Entra ID has none]: with it goes everything that came of the same
//! authorization, access tokens included.

use hygie_core::{AppId, Cx, TenantId};
use hygie_directory::repo::Refreshes;
use hygie_directory::{Place, grant_of};
use hygie_oidc::{ClientAuth, Credential, Platform};
use hygie_store::audit::Record;
use hygie_web::audit::Note;
use uuid::Uuid;

use super::issue::object;
use super::tenant_of;
use crate::{Idp, IdpError};

/// What a token leads to.
struct Found {
    tenant: TenantId,
    client: AppId,
    grant: Uuid,
}

impl Idp {
    /// Revokes what a client presents; what is no live token of that client is nothing to revoke (§2.2).
    pub async fn revoke_token(
        &self,
        cx: &Cx,
        place: Place,
        (client, token): (&ClientAuth, &str),
    ) -> Result<Note, IdpError> {
        let (client_at, application) = self.client_at(cx, place, &client.client_id).await?;
        let app = application.app;
        let none = || Note::new("idp.token.revoke", object(app));
        let found = self.token_to_revoke(cx, token).await?;
        let tenant = found.as_ref().map(|found| found.tenant).or(place.tenant());
        // Without either it is proved at home: what is proved does not hang on what the token is.
        let tenant = tenant.unwrap_or(client_at.home);
        let cx = cx.for_tenant(tenant);
        // A client without a credential shows the token itself; one that presents any proves it.
        let definition = &application.definition;
        let uris = &definition.redirect_uris;
        let is_public = definition.is_fallback_public_client || !uris.spa.is_empty() || !uris.public_client.is_empty();
        if !is_public || !matches!(client.credential, Credential::None) {
            self.device_client(&cx, app, (Platform::Web, &client.credential), None)
                .await?;
        }
        let is_there = |found: &Found| found.client == app && place.tenant().is_none_or(|at| at == found.tenant);
        let Some(found) = found.filter(is_there) else {
            return Ok(none());
        };
        let record = Record::success(&cx, "idp.token.revoke", object(app));
        let written = self
            .inner()
            .store
            .write(&cx, (found.grant, record), |(grant, record), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    Refreshes(tx).revoke(*grant, now).await?;
                    Ok::<_, IdpError>(tx.audit(record).await?)
                })
            });
        written.await?;
        self.directory().know_revoked_grant(tenant, found.grant, cx.now);
        Ok(Note::recorded())
    }

    async fn token_to_revoke(&self, cx: &Cx, token: &str) -> Result<Option<Found>, IdpError> {
        if let Some(tenant) = tenant_of(token) {
            let digest = self.inner().digests.refreshes.digest(token);
            let stored = self.find_refresh(&cx.for_tenant(tenant), digest).await?;
            return Ok(stored.map(|stored| Found {
                tenant,
                client: stored.authorization.client,
                grant: stored.family,
            }));
        }
        let Ok(bearer) = self.bearer(cx, token) else {
            return Ok(None);
        };
        let grant = bearer.rh.as_deref().and_then(grant_of);
        Ok(grant.map(|grant| Found {
            tenant: bearer.tenant,
            client: bearer.client,
            grant,
        }))
    }
}
