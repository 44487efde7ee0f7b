//! On behalf of: an application that was called with a person's token gets one for the service that it calls itself.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow>
//!
//! The new token descends from the same authorization, so that whatever revokes the caller's revokes it. With
//! `offline_access` there is a refresh token, by which a server works on: a grant of the application's own, which is revoked
//! with the caller's and with the session.

use hygie_access::Reason;
use hygie_core::{Cx, SessionId, Timestamp, random_array};
use hygie_directory::repo::{Codes, Refreshes, SessionRow, Sessions};
use hygie_directory::{Arrival, Authorization, Place, grant_of};
use hygie_oidc::{Aadsts, ClaimsRequest, Grant, Platform, Refusal, Scopes, TokenRequest, grant};
use hygie_store::audit::Record;
use hygie_web::audit::Note;
use uuid::Uuid;

use super::bearer::Bearer;
use super::challenge::challenged;
use super::code::{NewRefresh, begin_family, is_revoked};
use super::issue::{Grounds, ResponseAsk, client_info, object};
use super::party::{Parties, Wanted};
use super::{Granted, Sender};
use crate::{Idp, IdpError};

impl Idp {
    /// Decides and answers.
    pub async fn on_behalf_of(
        &self,
        cx: &Cx,
        place: Place,
        request: &TokenRequest,
        sender: Sender<'_>,
    ) -> Result<Granted, IdpError> {
        let Grant::OnBehalfOf(assertion) = &request.grant else {
            return Err(Refusal::about(Aadsts::BadGrant, &["grant_type"]).into());
        };
        let client = request.client.app(&request.segment)?;
        grant::credential(Platform::Web, &request.client.credential, sender.origin)?;
        let scopes = request.scopes.as_ref().ok_or_else(|| Refusal::missing("scope"))?;
        let wanted = scopes.single()?.map_or_else(|| Wanted::first(scopes), Wanted::of);
        let bearer = self.bearer(cx, assertion.expose()).map_err(refusal)?;
        if let Some(other) = place.tenant().filter(|place| *place != bearer.tenant) {
            let words = [other.to_string(), client.to_string()];
            return Err(Refusal::about(Aadsts::OtherTenant, &[&words[0], &words[1]]).into());
        }
        let cx = cx.for_tenant(bearer.tenant);
        let parties = match self.parties(&cx, client, &wanted.resource, Some(bearer.user)).await {
            Ok(parties) => parties,
            Err(error) => {
                self.prove(&cx, client, request).await?;
                return Err(error);
            }
        };
        let proof = self.proof(&cx, client, (request, &parties.credentials)).await?;
        if !bearer.is_for(&audiences(&parties)) {
            return Err(refusal(Reason::Audience).into());
        }
        parties.delegated(&wanted.names)?;
        let (authorization, family) = self.descended(&cx, (&bearer, &parties), (request, scopes)).await?;
        // As in Entra ID the address is that of the person, not of the server that asks for them.
        let admitted = self
            .admit_exchange(&cx, &authorization, (&parties, &wanted), authorization.arrival.address)
            .await?;
        let refresh = if authorization.scopes.oidc.offline_access {
            Some(self.begin(&cx, &authorization, (family, admitted.until)).await?)
        } else {
            None
        };
        let grant = Grounds {
            authorization: &authorization,
            grant: family,
            until: admitted.until,
        };
        let facts = self.facts(&cx, &parties, grant, (proof, sender));
        let ask = ResponseAsk {
            version: request.version,
            refresh: refresh.map(|new| new.told(Platform::Web)),
            client_info: request.wants_client_info.then(|| client_info(&parties)),
        };
        let response = self.user_response(&facts, &authorization, &wanted, ask).await?;
        self.directory().log_sign_in(&cx, admitted.entry).await?;
        let note = Note::new("idp.token", object(parties.resource.party.application.app));
        Ok(Granted {
            response,
            note: note.by(&self.person_actor(cx.tenant, &authorization)),
            platform: Some(Platform::Web),
        })
    }

    /// What the person authorized, as this client's; and the name of everything that came of it.
    async fn descended(
        &self,
        cx: &Cx,
        (bearer, parties): (&Bearer, &Parties),
        (request, scopes): (&TokenRequest, &Scopes),
    ) -> Result<(Authorization, Uuid), IdpError> {
        let revoked = || Refusal::new(Aadsts::SessionRevoked);
        let session = bearer.session.ok_or_else(revoked)?;
        let family = bearer.rh.as_deref().and_then(grant_of).ok_or_else(revoked)?;
        let valid_from = parties.subject.as_ref().map(|subject| subject.user.valid_from);
        if valid_from.is_none_or(|instant| bearer.auth_before(instant)) {
            return Err(revoked().into());
        }
        let row = self.live_session(cx, session).await?.ok_or_else(revoked)?;
        if let Some(subject) = &parties.subject {
            self.stands_at_home(cx, &subject.user, Some(row.auth_time)).await?;
        }
        let (arrival, platform) = self.arrival_of(cx, (session, family)).await?;
        let authorization = Authorization {
            client: parties.client.application.app,
            platform,
            version: request.version,
            user: bearer.user,
            session,
            auth_time: row.auth_time,
            used: row.used,
            arrival,
            scopes: scopes.clone(),
            claims: ClaimsRequest::default(),
            redirect_uri: None,
            nonce: None,
            challenge: None,
            root: Some(family),
        };
        Ok((challenged(&authorization, &request.claims, cx.now)?, family))
    }

    /// Begins a grant of the application's own, which ends with that of its caller.
    async fn begin(
        &self,
        cx: &Cx,
        authorization: &Authorization,
        (root, until): (Uuid, Option<Timestamp>),
    ) -> Result<NewRefresh, IdpError> {
        let new = self.new_refresh(cx, Platform::Web, (cx.now, until));
        let family = uuid::Builder::from_random_bytes(random_array(&*cx.random)).into_uuid();
        let record = Record::success(cx, "idp.token.refresh", object(authorization.client));
        // What was asked of these tokens is not asked of those after them.
        let kept = Authorization {
            claims: ClaimsRequest::default(),
            ..authorization.clone()
        };
        let begun = (kept, (family, root), (new.digest, new.ends), record);
        self.inner()
            .store
            .write(cx, begun, |(authorization, (family, root), refresh, record), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    begin_family(tx, (*family, authorization), *refresh, now).await?;
                    let is_good = Refreshes(tx).descend(*family, *root).await?;
                    if !is_good || is_revoked(tx, authorization).await? {
                        return Err(Refusal::new(Aadsts::SessionRevoked).into());
                    }
                    tx.audit(record).await?;
                    Ok::<_, IdpError>(())
                })
            })
            .await?;
        Ok(new)
    }

    /// How the person came to what the caller's token descends from: policies ask about that, and not about the server that
    /// calls now.
    async fn arrival_of(&self, cx: &Cx, of: (SessionId, Uuid)) -> Result<(Arrival, Platform), IdpError> {
        let found = self.inner().store.read(cx, of, |(session, family), tx| {
            Box::pin(async move {
                if let Some(begun) = Codes(tx).find_authorization(*family).await? {
                    return Ok(Some((begun.arrival, begun.platform)));
                }
                Ok::<_, IdpError>(Sessions(tx).find_arrival(*session).await?)
            })
        });
        Ok(found.await?.unwrap_or((Arrival::default(), Platform::Web)))
    }

    async fn live_session(&self, cx: &Cx, session: SessionId) -> Result<Option<SessionRow>, IdpError> {
        self.inner()
            .store
            .read(cx, session, |session, tx| {
                Box::pin(async move { Ok(Sessions(tx).find_unrevoked(*session).await?) })
            })
            .await
    }
}

/// The names by which tokens are for an application.
fn audiences(parties: &Parties) -> Vec<String> {
    let application = &parties.client.application;
    let mut names = vec![application.app.to_string()];
    names.extend(application.definition.identifier_uris.iter().cloned());
    names
}

fn refusal(reason: Reason) -> Refusal {
    match reason {
        Reason::Audience => Refusal::new(Aadsts::AssertionAudience),
        Reason::Expired | Reason::NotYetValid => Refusal::new(Aadsts::UserAssertionTime),
        Reason::UserRevoked | Reason::SessionRevoked | Reason::GrantRevoked | Reason::TenantRevoked => {
            Refusal::new(Aadsts::SessionRevoked)
        }
        _ => Refusal::new(Aadsts::BadUserAssertion),
    }
}
