//! The answer of the authorization endpoint once it is known who signed in (RFC 6749 §4.1.2, OpenID Connect Core §3).

use hygie_core::{AppId, Cx, ObjectId, Secret, Timestamp, random_array};
use hygie_directory::repo::{Codes, Devices, Sessions, SignIns};
use hygie_directory::{Arrival, Authorization, SignInEntry};
use hygie_oidc::device::Answer;
use hygie_oidc::grant::CODE_TTL;
use hygie_oidc::{Aadsts, AuthorizeRequest, ClaimsRequest, Platform, Refusal, Response};
use hygie_store::audit::Record;
use uuid::Uuid;

use super::admitted::{Admitted, Names};
use super::claims::{Facts, IdTokenFacts, Proof};
use super::code::new_family;
use super::issue::{AccessToken, Grounds, client_info, object};
use super::party::{Parties, Wanted};
use super::{Asking, Sender, opaque};
use crate::signin::familiar::familiar;
use crate::signin::{SignedIn, known_acr};
use crate::{Idp, IdpError};

/// What the transaction keeps.
#[derive(Clone)]
struct Kept {
    code: Option<([u8; 32], String)>,
    /// How the person came, where no code tells it.
    came: Option<(Arrival, Platform)>,
    /// The device whose code it is.
    device: Option<[u8; 32]>,
    /// When what counts for a request that named the person was proved.
    proof: Option<Timestamp>,
    family: Uuid,
    user: ObjectId,
    session: hygie_core::SessionId,
    app: AppId,
    record: Record,
    /// The browser, which is familiar to the user from here on.
    browser: Option<[u8; 32]>,
    /// What the log of sign-ins is told.
    entry: SignInEntry,
}

impl Idp {
    /// The answer to the application, now that this account is signed in, in a browser that is known by this where it is by any.
    pub async fn authorize(
        &self,
        cx: &Cx,
        asking: &Asking,
        request: &AuthorizeRequest,
        (signed_in, browser): (&SignedIn, Option<&str>),
    ) -> Result<Response, IdpError> {
        let tenant = signed_in.account.tenant;
        let cx = cx.for_tenant(tenant);
        let authorization = authorization(asking, request, signed_in);
        let (parties, admitted) = self.admitted_parties(&cx, &authorization, asking, signed_in).await?;
        let until = admitted.until;
        let settled = self.settle_campaign(&cx, signed_in, request.prompt).await;
        self.logged(&cx, admitted.entry.clone(), settled).await?;
        let keeping = (admitted.persistent, request.prompt);
        let settled = self.settle_keeping(&cx, signed_in, keeping).await;
        self.logged(&cx, admitted.entry.clone(), settled).await?;
        let cx = Cx {
            principal: Some(self.person_actor(tenant, &authorization).into()),
            ..cx
        };
        let code = request
            .response_type
            .code
            .then(|| opaque(tenant, &Secret::new(random_array(&*cx.random))));
        let browser = self.familiar_digest(browser);
        let mut kept = self.kept(&cx, &authorization, code.as_ref(), admitted.entry)?;
        kept.browser = browser.filter(|_| signed_in.home.is_none());
        let grant = kept.family;
        self.keep(&cx, kept).await?;
        self.familiar_at_home(&cx, signed_in, browser).await?;
        let mut members = Vec::new();
        if let Some(code) = &code {
            members.push(("code", code.expose().clone()));
        }
        if request.response_type.is_implicit() {
            let grounds = Grounds {
                authorization: &authorization,
                grant,
                until,
            };
            let facts = self.facts(&cx, &parties, grounds, (Proof::Public, Sender::default()));
            members.extend(self.implicit(&facts, (&authorization, request), code.as_ref()).await?);
        }
        if asking.params.get("client_info") == Some("1") {
            members.push(("client_info", client_info(&parties)));
        }
        members.push(("session_state", authorization.session.to_string()));
        let response = Response {
            redirect_uri: asking.redirect_uri.clone(),
            mode: request.mode,
            members,
        };
        Ok(response.with_state(asking.target.state.as_deref()))
    }

    /// The parties of what is asked, once it is consented to and policies let it pass; the log is told what was refused.
    pub(super) async fn admitted_parties(
        &self,
        cx: &Cx,
        authorization: &Authorization,
        asking: &Asking,
        signed_in: &SignedIn,
    ) -> Result<(Parties, Admitted), IdpError> {
        let mut entry = self.entry(cx, authorization, &Names::asked(asking, signed_in));
        entry.is_emergency = self.directory().is_emergency_account(cx, authorization.user).await?;
        let (parties, resources) = match self.consented(cx, authorization).await {
            Ok(consented) => consented,
            Err(error) => return self.logged(cx, entry, Err(error)).await,
        };
        if !resources.is_empty() {
            let resource = &parties.resource.party.application;
            entry.resource = Some((resource.app, resource.display_name.clone()));
        }
        let admitted = self.admit_browser(cx, authorization, resources, entry.clone()).await;
        let admitted = self.logged(cx, entry, admitted).await?;
        Ok((parties, admitted))
    }

    /// The parties for the first resource, once every resource of the request is consented to; and which these are.
    pub(super) async fn consented(
        &self,
        cx: &Cx,
        authorization: &Authorization,
    ) -> Result<(Parties, Vec<AppId>), IdpError> {
        let scopes = &authorization.scopes;
        let first = Wanted::first(scopes);
        let mut resources = Vec::new();
        for other in scopes.resources.iter().skip(1).map(Wanted::of) {
            let parties = self
                .parties(cx, authorization.client, &other.resource, Some(authorization.user))
                .await?;
            parties.delegated(&other.names)?;
            resources.push(parties.resource.party.application.app);
        }
        let parties = self
            .parties(cx, authorization.client, &first.resource, Some(authorization.user))
            .await?;
        parties.delegated(&first.names)?;
        if !scopes.resources.is_empty() {
            resources.push(parties.resource.party.application.app);
        }
        Ok((parties, resources))
    }

    fn kept(
        &self,
        cx: &Cx,
        authorization: &Authorization,
        code: Option<&Secret<String>>,
        entry: SignInEntry,
    ) -> Result<Kept, IdpError> {
        let code = match code {
            Some(code) => Some((
                self.inner().digests.codes.digest(code.expose()),
                serde_json::to_string(authorization)?,
            )),
            None => None,
        };
        let is_untold = code.is_none();
        Ok(Kept {
            code,
            came: is_untold.then(|| (authorization.arrival.clone(), authorization.platform)),
            device: None,
            proof: None,
            browser: None,
            family: new_family(cx),
            user: authorization.user,
            session: authorization.session,
            app: authorization.client,
            record: Record::success(cx, "idp.authorize", object(authorization.client)),
            entry,
        })
    }

    /// Keeps the approval of a device, as a code of its device code.
    pub(super) async fn keep_approval(
        &self,
        cx: &Cx,
        authorization: &Authorization,
        device: [u8; 32],
        entry: SignInEntry,
    ) -> Result<(), IdpError> {
        let code = self.inner().digests.codes.digest(device);
        let kept = Kept {
            code: Some((code, serde_json::to_string(authorization)?)),
            came: None,
            device: Some(device),
            proof: authorization
                .arrival
                .is_by_backchannel
                .then_some(authorization.auth_time),
            browser: None,
            family: new_family(cx),
            user: authorization.user,
            session: authorization.session,
            app: authorization.client,
            record: Record::success(cx, "idp.device.approve", object(authorization.client)),
            entry,
        };
        self.keep(cx, kept).await
    }

    /// Keeps what was authorized without a browser, as a code that is redeemed at once.
    pub(super) async fn keep_code(
        &self,
        cx: &Cx,
        authorization: &Authorization,
        code: [u8; 32],
        entry: SignInEntry,
    ) -> Result<(), IdpError> {
        let kept = Kept {
            code: Some((code, serde_json::to_string(authorization)?)),
            came: None,
            device: None,
            proof: None,
            browser: None,
            family: new_family(cx),
            user: authorization.user,
            session: authorization.session,
            app: authorization.client,
            record: Record::success(cx, "idp.authorize", object(authorization.client)),
            entry,
        };
        self.keep(cx, kept).await
    }

    async fn keep(&self, cx: &Cx, kept: Kept) -> Result<(), IdpError> {
        let user = self.directory().find_user_by_id(cx, kept.user).await?;
        let lives = self.lives(cx, user.and_then(|user| user.profile.home)).await?;
        self.inner()
            .store
            .write(cx, (kept, lives), |(kept, lives), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    if let Some(device) = &kept.device {
                        let answer = Answer::Approved(tx.cx().tenant);
                        if !Devices(tx).answered(device, answer, now).await? {
                            return Err(Refusal::new(Aadsts::DeviceCodeExpired).into());
                        }
                    }
                    if let Some(proof) = kept.proof
                        && !Sessions(tx).confirmed(kept.session, (proof, now)).await?
                    {
                        return Err(Refusal::new(Aadsts::SessionTooOld).into());
                    }
                    if let Some((digest, json)) = &kept.code {
                        Codes(tx).insert(digest, kept.family, json, now + CODE_TTL).await?;
                    }
                    Sessions(tx).used(kept.session, kept.app, now, *lives).await?;
                    if let Some((arrival, platform)) = &kept.came {
                        Sessions(tx).came(kept.session, arrival, *platform).await?;
                    }
                    if let Some(browser) = &kept.browser {
                        familiar(tx, kept.user, browser).await?;
                    }
                    SignIns(tx).insert(&kept.entry).await?;
                    tx.audit(&kept.record).await?;
                    Ok::<_, IdpError>(())
                })
            })
            .await
    }

    /// Tokens that pass the browser (OpenID Connect Core §3.2, §3.3).
    async fn implicit(
        &self,
        facts: &Facts<'_>,
        (authorization, request): (&Authorization, &AuthorizeRequest),
        code: Option<&Secret<String>>,
    ) -> Result<Vec<(&'static str, String)>, IdpError> {
        let mut members = Vec::new();
        let mut access: Option<AccessToken> = None;
        if request.response_type.token {
            let token = self
                .access_token(facts, &Wanted::first(&authorization.scopes), request.version)
                .await?;
            members.push(("access_token", token.token.clone()));
            members.push(("token_type", "Bearer".to_owned()));
            members.push(("expires_in", lasts(token.validity).to_string()));
            members.push(("scope", token.scope.clone()));
            access = Some(token);
        }
        if request.response_type.id_token {
            let told = IdTokenFacts {
                version: request.version,
                oidc: request.scopes.oidc,
                nonce: request.nonce.as_deref(),
                code: code.map(|code| code.expose().as_str()),
                access_token: access.as_ref().map(|access| access.token.as_str()),
                passes_browser: true,
            };
            members.push(("id_token", self.id_token(facts, &told).await?));
        }
        Ok(members)
    }
}

fn lasts((issued, ends): (Timestamp, Timestamp)) -> u64 {
    ends.since(issued).as_secs()
}

pub(super) fn authorization(asking: &Asking, request: &AuthorizeRequest, signed_in: &SignedIn) -> Authorization {
    Authorization {
        root: None,
        client: asking.application.app,
        platform: asking.platform,
        version: request.version,
        user: signed_in.account.user,
        session: signed_in.account.session,
        auth_time: signed_in.account.auth_time,
        used: signed_in.used.clone(),
        arrival: asking.arrival.clone(),
        scopes: request.scopes.clone(),
        claims: ClaimsRequest {
            acr: known_acr(&request.claims.acr),
            ..request.claims.clone()
        },
        redirect_uri: asking.target.redirect_uri.clone(),
        nonce: request.nonce.clone(),
        challenge: request.challenge.clone(),
    }
}
