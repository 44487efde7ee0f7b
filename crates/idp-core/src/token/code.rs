//! The authorization code grant (RFC 6749 §4.1.3).

use hygie_core::{Cx, Secret, TenantId, Timestamp, random_array};
use hygie_directory::repo::{CodeRow, Codes, Refreshes, Sessions, Users};
use hygie_directory::{Authorization, Place};
use hygie_oidc::grant::{self, CodeAttempt, GrantRefusal};
use hygie_oidc::{Aadsts, Grant, Platform, Refusal, Scopes, TokenRequest};
use hygie_store::audit::{Outcome, Record};
use hygie_web::audit::Note;
use uuid::Uuid;

use super::challenge::challenged;
use super::claims::Proof;
use super::issue::{Grounds, ResponseAsk, client_info, earlier, object};
use super::party::{Parties, Wanted};
use super::{Granted, Sender, opaque, tenant_of};
use crate::{Idp, IdpError};

/// What is presented with a code.
pub(super) struct Attempt {
    /// The digest of the code.
    pub digest: [u8; 32],
    pub redirect_uri: Option<String>,
    pub verifier: Option<String>,
}

/// A code as presented.
#[derive(Clone)]
struct Presented {
    digest: [u8; 32],
    redirect_uri: Option<String>,
    verifier: Option<String>,
    client: hygie_core::AppId,
    /// Digest and end of the refresh token to be kept, when one is issued.
    refresh: Option<([u8; 32], Timestamp)>,
    record: Record,
}

impl Idp {
    /// Decides and answers. The code is consumed only when everything else is in order.
    pub async fn authorization_code(
        &self,
        cx: &Cx,
        place: Place,
        request: &TokenRequest,
        sender: Sender<'_>,
    ) -> Result<Granted, IdpError> {
        let Grant::AuthorizationCode {
            code,
            redirect_uri,
            code_verifier,
        } = &request.grant
        else {
            return Err(Refusal::about(Aadsts::BadGrant, &["grant_type"]).into());
        };
        let (cx, stored) = self.presented(cx, place, request, code).await?;
        let attempt = Attempt {
            digest: self.inner().digests.codes.digest(code.expose()),
            redirect_uri: redirect_uri.clone(),
            verifier: code_verifier.clone(),
        };
        self.redeemed(&cx, stored, attempt, (request, sender)).await
    }

    /// Answers for a code of this client, once everything is in order.
    pub(super) async fn redeemed(
        &self,
        cx: &Cx,
        stored: CodeRow,
        attempt: Attempt,
        (request, sender): (&TokenRequest, Sender<'_>),
    ) -> Result<Granted, IdpError> {
        let authorization = &challenged(&stored.authorization, &request.claims, cx.now)?;
        let wanted = wanted(request.scopes.as_ref(), authorization)?;
        let (parties, proof) = self
            .grant_parties(cx, authorization, &wanted, (request, sender))
            .await?;
        let cx = Cx {
            principal: Some(self.person_actor(cx.tenant, authorization).into()),
            ..cx.clone()
        };
        // The conditions are those of the browser that got the code, wherever the application runs.
        let until = self
            .admit_exchange(&cx, authorization, (&parties, &wanted), authorization.arrival.address)
            .await?
            .until;
        let platform = authorization.platform;
        let refresh = authorization
            .scopes
            .oidc
            .offline_access
            .then(|| self.new_refresh(&cx, platform, (cx.now, until)));
        let presented = Presented {
            digest: attempt.digest,
            redirect_uri: attempt.redirect_uri,
            verifier: attempt.verifier,
            client: authorization.client,
            refresh: refresh.as_ref().map(|new| (new.digest, new.ends)),
            record: Record::success(&cx, "idp.token", object(parties.resource.party.application.app)),
        };
        self.redeem(&cx, presented)
            .await?
            .map_err(|refusal| self.revoked_where_reused(cx.tenant, stored.family, (refusal, cx.now)))?;
        let grounds = Grounds {
            authorization,
            grant: stored.family,
            until,
        };
        let facts = self.facts(&cx, &parties, grounds, (proof, sender));
        let ask = ResponseAsk {
            version: request.version,
            refresh: refresh.map(|new| new.told(platform)),
            client_info: request.wants_client_info.then(|| client_info(&parties)),
        };
        let response = self.user_response(&facts, authorization, &wanted, ask).await?;
        Ok(Granted {
            response,
            note: Note::recorded(),
            platform: Some(platform),
        })
    }

    /// The code as stored, when it is this client's, and a context of its tenant.
    async fn presented(
        &self,
        cx: &Cx,
        place: Place,
        request: &TokenRequest,
        code: &Secret<String>,
    ) -> Result<(Cx, CodeRow), IdpError> {
        let bad = || Refusal::about(Aadsts::BadGrant, &["code"]);
        let tenant = tenant_of(code.expose()).ok_or_else(bad)?;
        if place.tenant().is_some_and(|place| place != tenant) {
            return Err(Refusal::new(Aadsts::CodeOfOtherTenant).into());
        }
        let cx = cx.for_tenant(tenant);
        let client = request.client.app(&tenant.to_string())?;
        let stored = self
            .find_code(&cx, self.inner().digests.codes.digest(code.expose()))
            .await?;
        let stored = stored
            .filter(|stored| stored.authorization.client == client)
            .ok_or_else(bad)?;
        Ok((cx, stored))
    }

    /// The parties of a person's grant, and how the client proved itself, once it may have what it wants.
    pub(super) async fn grant_parties(
        &self,
        cx: &Cx,
        authorization: &Authorization,
        wanted: &Wanted,
        (request, sender): (&TokenRequest, Sender<'_>),
    ) -> Result<(Parties, Proof), IdpError> {
        let parties = self
            .parties(cx, authorization.client, &wanted.resource, Some(authorization.user))
            .await?;
        if let Some(subject) = &parties.subject {
            self.stands_at_home(cx, &subject.user, Some(authorization.auth_time))
                .await?;
        }
        grant::credential(
            authorization.client_platform(),
            &request.client.credential,
            sender.origin,
        )?;
        // RFC 8705 §4: their refresh tokens would have to be bound too, and are not.
        if sender.certificate.is_some() && authorization.client_platform() != Platform::Web {
            return Err(Refusal::new(Aadsts::PublicClient).into());
        }
        let proof = self
            .proof(cx, authorization.client, (request, &parties.credentials))
            .await?;
        parties.delegated(&wanted.names)?;
        self.count_token(cx, authorization.client, authorization.user).await?;
        Ok((parties, proof))
    }

    pub(super) async fn find_code(&self, cx: &Cx, digest: [u8; 32]) -> Result<Option<CodeRow>, IdpError> {
        self.inner()
            .store
            .read(cx, digest, |digest, tx| {
                Box::pin(async move { Ok(Codes(tx).find(digest).await?) })
            })
            .await
    }

    /// The outer result is of the store, the inner one the decision: a reuse commits the revocation.
    async fn redeem(&self, cx: &Cx, presented: Presented) -> Result<Result<(), GrantRefusal>, IdpError> {
        self.inner()
            .store
            .write(cx, presented, |presented, tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    let Some(row) = Codes(tx).find(&presented.digest).await? else {
                        return Ok(Err(Refusal::about(Aadsts::BadGrant, &["code"]).into()));
                    };
                    let mut decision = decide(&row, presented, now);
                    if decision.is_ok() && is_revoked(tx, &row.authorization).await? {
                        decision = Err(Refusal::new(Aadsts::SessionRevoked).into());
                    }
                    if decision.is_ok() && !Codes(tx).redeemed(&presented.digest, now).await? {
                        decision = Err(GrantRefusal::Reused(Refusal::new(Aadsts::CodeReused)));
                    }
                    if let Err(refusal) = decision {
                        if let GrantRefusal::Reused(_) = refusal {
                            Refreshes(tx).revoke(row.family, now).await?;
                            tx.audit(&presented.record.clone().ended(Outcome::Refused, "AADSTS54005"))
                                .await?;
                        }
                        return Ok(Err(refusal));
                    }
                    if let Some((digest, ends)) = presented.refresh {
                        begin_family(tx, (row.family, &row.authorization), (digest, ends), now).await?;
                    }
                    tx.audit(&presented.record).await?;
                    Ok::<_, IdpError>(Ok(()))
                })
            })
            .await
    }

    /// The refusal of a code or refresh token. When it was used twice, the store has the grant revoked by now: the data
    /// services of this process know at once.
    pub(super) fn revoked_where_reused(
        &self,
        tenant: TenantId,
        grant: Uuid,
        (refusal, now): (GrantRefusal, Timestamp),
    ) -> Refusal {
        match refusal {
            GrantRefusal::Refused(refusal) => refusal,
            GrantRefusal::Reused(refusal) => {
                self.directory().know_revoked_grant(tenant, grant, now);
                refusal
            }
        }
    }

    /// A refresh token to be kept and told, which ends before `until` where policies say so.
    pub(super) fn new_refresh(
        &self,
        cx: &Cx,
        platform: Platform,
        (first_issued, until): (Timestamp, Option<Timestamp>),
    ) -> NewRefresh {
        let token = opaque(cx.tenant, &Secret::new(random_array(&*cx.random)));
        NewRefresh {
            digest: self.inner().digests.refreshes.digest(token.expose()),
            ends: earlier(grant::refresh_end(platform, first_issued, cx.now), until),
            token,
        }
    }
}

/// Whether the person or the session that vouched was revoked since: a code is no way around a revocation, and the
/// tokens made of it would be younger than that.
pub(super) async fn is_revoked(tx: &mut hygie_store::Tx<'_>, authorization: &Authorization) -> Result<bool, IdpError> {
    let user = Users(tx).find(authorization.user).await?;
    let lost = user.is_none_or(|user| authorization.auth_time < user.valid_from);
    Ok(lost || Sessions(tx).is_revoked(authorization.session).await?)
}

pub(super) async fn begin_family(
    tx: &mut hygie_store::Tx<'_>,
    (family, authorization): (Uuid, &Authorization),
    (digest, ends): ([u8; 32], Timestamp),
    now: Timestamp,
) -> Result<(), IdpError> {
    // The nonce belongs to this one id token, the challenge to this one code.
    let kept = Authorization {
        nonce: None,
        challenge: None,
        redirect_uri: None,
        ..authorization.clone()
    };
    let json = serde_json::to_string(&kept)?;
    let of = (kept.user, kept.session);
    Refreshes(tx).insert_family(family, of, &json, (now, ends)).await?;
    Refreshes(tx).insert(&digest, family, ends).await?;
    Ok(())
}

/// A new refresh token.
pub(super) struct NewRefresh {
    pub token: Secret<String>,
    pub digest: [u8; 32],
    pub ends: Timestamp,
}

impl NewRefresh {
    /// As the response tells it: with its end where that is fixed.
    pub fn told(self, platform: Platform) -> (String, Option<Timestamp>) {
        (
            self.token.expose().clone(),
            (platform == Platform::Spa).then_some(self.ends),
        )
    }
}

fn decide(row: &CodeRow, presented: &Presented, now: Timestamp) -> Result<(), GrantRefusal> {
    let code = grant::Code {
        client: row.authorization.client,
        redirect_uri: row.authorization.redirect_uri.as_deref(),
        challenge: row.authorization.challenge.as_ref(),
        expires_at: row.expires_at,
        redeemed_at: row.redeemed_at,
    };
    let attempt = CodeAttempt {
        client: presented.client,
        redirect_uri: presented.redirect_uri.as_deref(),
        verifier: presented.verifier.as_deref(),
        now,
    };
    grant::redeem(&code, &attempt)
}

/// The one resource of the request, or the first that was authorized.
pub(super) fn wanted(asked: Option<&Scopes>, authorization: &Authorization) -> Result<Wanted, Refusal> {
    let Some(scopes) = asked else {
        return Ok(Wanted::first(&authorization.scopes));
    };
    Ok(match scopes.single()? {
        Some(one) => Wanted::of(one),
        // Only words of OpenID Connect: the resource of the authorization, or the user endpoint.
        None => Wanted::first(&authorization.scopes),
    })
}

/// A new name for what descends from one authorization.
pub(super) fn new_family(cx: &Cx) -> Uuid {
    uuid::Builder::from_random_bytes(random_array(&*cx.random)).into_uuid()
}
