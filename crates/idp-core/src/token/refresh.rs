//! The refresh token grant (RFC 6749 §6) with rotation (RFC 9700 §4.14): each use gives the next token; the used one
//! stays good for a short grace, because processes that share a cache use the same one; later use revokes the family.

use hygie_core::{AppId, Cx, Timestamp};
use hygie_directory::repo::{FamilyRow, Refreshes, SignIns, Users};
use hygie_directory::{Place, SignInEntry};
use hygie_oidc::grant::{self, GrantRefusal};
use hygie_oidc::{Aadsts, Grant, Refusal, TokenRequest};
use hygie_store::audit::{Outcome, Record};
use hygie_web::audit::Note;

use super::challenge::challenged;
use super::issue::{Grounds, ResponseAsk, client_info, object};
use super::party::Wanted;
use super::{Granted, Sender, tenant_of};
use crate::{Idp, IdpError};

/// A refresh token as presented, and its successor.
#[derive(Clone)]
struct Exchange {
    digest: [u8; 32],
    client: AppId,
    next: ([u8; 32], Timestamp),
    record: Record,
    /// What the log of sign-ins is told.
    entry: SignInEntry,
}

impl Idp {
    /// Decides and answers. The token is exchanged only when everything else is in order.
    pub async fn refresh_token(
        &self,
        cx: &Cx,
        place: Place,
        request: &TokenRequest,
        sender: Sender<'_>,
    ) -> Result<Granted, IdpError> {
        let Grant::RefreshToken(token) = &request.grant else {
            return Err(Refusal::about(Aadsts::BadGrant, &["grant_type"]).into());
        };
        let bad = || Refusal::about(Aadsts::BadGrant, &["refresh_token"]);
        let tenant = tenant_of(token.expose()).ok_or_else(bad)?;
        if let Some(other) = place.tenant().filter(|place| *place != tenant) {
            let words = [other.to_string(), request.client.client_id.clone()];
            return Err(Refusal::about(Aadsts::OtherTenant, &[&words[0], &words[1]]).into());
        }
        let cx = cx.for_tenant(tenant);
        let client = request.client.app(&tenant.to_string())?;
        let digest = self.inner().digests.refreshes.digest(token.expose());
        let stored = self.find_refresh(&cx, digest).await?.ok_or_else(bad)?;
        if stored.authorization.client != client {
            return Err(bad().into());
        }
        let authorization = &challenged(&stored.authorization, &request.claims, cx.now)?;
        // Of several resources the token is for the first one.
        let first = request.scopes.as_ref().and_then(|scopes| scopes.resources.first());
        let wanted = first.map_or_else(|| Wanted::first(&authorization.scopes), Wanted::of);
        let (parties, proof) = self
            .grant_parties(&cx, authorization, &wanted, (request, sender))
            .await?;
        let admitted = self
            .admit_exchange(&cx, authorization, (&parties, &wanted), cx.client)
            .await?;
        let until = admitted.until;
        let next = self.new_refresh(&cx, authorization.client_platform(), (stored.created_at, until));
        let cx = Cx {
            principal: Some(self.person_actor(tenant, authorization).into()),
            ..cx
        };
        let exchange = Exchange {
            digest,
            client,
            next: (next.digest, next.ends),
            record: Record::success(&cx, "idp.token.refresh", object(parties.resource.party.application.app)),
            entry: admitted.entry,
        };
        self.exchange(&cx, exchange)
            .await?
            .map_err(|refusal| self.revoked_where_reused(cx.tenant, stored.family, (refusal, cx.now)))?;
        let grounds = Grounds {
            authorization,
            grant: authorization.root.unwrap_or(stored.family),
            until,
        };
        let facts = self.facts(&cx, &parties, grounds, (proof, sender));
        let ask = ResponseAsk {
            version: request.version,
            refresh: Some(next.told(authorization.client_platform())),
            client_info: request.wants_client_info.then(|| client_info(&parties)),
        };
        let response = self.user_response(&facts, authorization, &wanted, ask).await?;
        Ok(Granted {
            response,
            note: Note::recorded(),
            platform: Some(authorization.client_platform()),
        })
    }

    pub(super) async fn find_refresh(&self, cx: &Cx, digest: [u8; 32]) -> Result<Option<FamilyRow>, IdpError> {
        self.inner()
            .store
            .read(cx, digest, |digest, tx| {
                Box::pin(async move { Ok(Refreshes(tx).find(digest).await?) })
            })
            .await
    }

    /// The outer result is of the store, the inner one the decision: a reuse commits the revocation.
    async fn exchange(&self, cx: &Cx, exchange: Exchange) -> Result<Result<(), GrantRefusal>, IdpError> {
        self.inner()
            .store
            .write(cx, exchange, |exchange, tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    let refused = || Refusal::about(Aadsts::BadGrant, &["refresh_token"]);
                    let Some(row) = Refreshes(tx).find(&exchange.digest).await? else {
                        return Ok(Err(refused().into()));
                    };
                    let Some(user) = Users(tx).find(row.authorization.user).await? else {
                        return Ok(Err(Refusal::new(Aadsts::UnknownUser).into()));
                    };
                    if let Err(refusal) = grant::refresh(&token_of(&row, user.valid_from), exchange.client, now) {
                        if let GrantRefusal::Reused(_) = refusal {
                            Refreshes(tx).revoke(row.family, now).await?;
                            tx.audit(&exchange.record.clone().ended(Outcome::Refused, "AADSTS50173"))
                                .await?;
                        }
                        return Ok(Err(refusal));
                    }
                    Refreshes(tx).rotated(&exchange.digest, now).await?;
                    let (digest, ends) = exchange.next;
                    Refreshes(tx).insert(&digest, row.family, ends).await?;
                    SignIns(tx).insert(&exchange.entry).await?;
                    tx.audit(&exchange.record).await?;
                    Ok::<_, IdpError>(Ok(()))
                })
            })
            .await
    }
}

fn token_of(row: &FamilyRow, valid_from: Timestamp) -> grant::Refresh {
    grant::Refresh {
        client: row.authorization.client,
        platform: row.authorization.client_platform(),
        expires_at: row.expires_at,
        rotated_at: row.rotated_at,
        revoked_at: row.revoked_at,
        auth_time: row.authorization.auth_time,
        valid_from,
    }
}
