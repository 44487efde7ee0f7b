//! The password grant (RFC 6749 §4.3): a person's password in the hands of an application, for what cannot show a page.
//!
//! It is off for every application whose registration does not say otherwise: the application sees the password, and no
//! second factor can be asked for (RFC 9700 §2.4). Where it is on, the password is checked as on our pages, with the
//! same lock-out and the same limits; then policies are asked. What is authorized is kept as a code that is redeemed at
//! once, so that all that is checked of codes is checked here.

use hygie_core::{Cx, Secret, TenantId};
use hygie_directory::{Arrival, ExtraGrant, Place};
use hygie_jose::random_secret;
use hygie_oidc::{
    Aadsts, AuthorizeRequest, AuthorizeTarget, Grant, Params, Platform, Prompt, Refusal, ResponseMode, ResponseType,
    TokenRequest,
};
use hygie_policy::strength::{Mode, Usage};

use super::code::Attempt;
use super::{Asking, Granted, Sender};
use crate::signin::{Cookies, NewSession, PresentedPassword};
use crate::{Idp, IdpError};

impl Idp {
    /// Decides and answers.
    pub async fn password(
        &self,
        cx: &Cx,
        place: Place,
        request: &TokenRequest,
        sender: Sender<'_>,
    ) -> Result<Granted, IdpError> {
        let Grant::Password { username, password } = &request.grant else {
            return Err(Refusal::about(Aadsts::BadGrant, &["grant_type"]).into());
        };
        let tenant = self.tenant_of_person(cx, place, username).await?;
        let cx = cx.for_tenant(tenant);
        let asking = self.asking_by_password(&cx, tenant, request, sender).await?;
        let proof = (asking.platform, &request.client.credential);
        self.device_client(&cx, asking.application.app, proof, sender.origin)
            .await?;
        let wanted = self::request(request)?;
        let presented = PresentedPassword {
            name: username,
            password: Secret::new(password.expose().clone()),
            browser: None,
        };
        let user = self.check_password(&cx, presented, Some(&asking)).await?;
        // A browser that nobody has: the session is there to be revoked, and to be asked by the next application.
        let new = NewSession {
            user,
            cookies: Cookies {
                browser: random_secret(&*cx.random),
                previous: None,
                familiar: None,
            },
            usage: Usage::of(Mode::Password),
        };
        let signed_in = self.begin_session(&cx, new).await?;
        let authorization = super::authorize::authorization(&asking, &wanted, &signed_in);
        let (_, admitted) = self.admitted_parties(&cx, &authorization, &asking, &signed_in).await?;
        let cx = Cx {
            principal: Some(self.person_actor(tenant, &authorization).into()),
            ..cx
        };
        let code: Secret<String> = random_secret(&*cx.random);
        let attempt = Attempt {
            digest: self.inner().digests.codes.digest(code.expose()),
            redirect_uri: None,
            verifier: None,
        };
        self.keep_code(&cx, &authorization, attempt.digest, admitted.entry)
            .await?;
        let stored = self.find_code(&cx, attempt.digest).await?;
        let stored = stored.ok_or_else(|| Refusal::new(Aadsts::ServiceFault))?;
        self.redeemed(&cx, stored, attempt, (request, sender)).await
    }

    /// That of the path, or of the domain of the name where the path names none.
    async fn tenant_of_person(&self, cx: &Cx, place: Place, username: &str) -> Result<TenantId, IdpError> {
        match place {
            Place::Tenant(tenant) => Ok(tenant),
            Place::Common => Err(Refusal::new(Aadsts::TenantNeeded).into()),
            Place::Organizations => {
                let domain = username.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
                let tenant = match domain.filter(|domain| domain.len() <= 253) {
                    Some(domain) => self.tenant_of_domain(cx, &domain).await?,
                    None => None,
                };
                Ok(tenant.ok_or_else(|| Refusal::new(Aadsts::NoTenant))?)
            }
        }
    }

    /// The application, where people may give it their passwords.
    async fn asking_by_password(
        &self,
        cx: &Cx,
        tenant: TenantId,
        request: &TokenRequest,
        sender: Sender<'_>,
    ) -> Result<Asking, IdpError> {
        let place = Place::Tenant(tenant);
        let client_id = request.client.client_id.clone();
        let (found, application) = self.client_at(cx, place, &client_id).await?;
        let is_at_home = found.is_at_home(&client_id, tenant)?;
        if !is_at_home || !application.definition.allows(ExtraGrant::Password) {
            return Err(Refusal::about(Aadsts::GrantType, &["password"]).into());
        }
        let platform = if application.definition.is_fallback_public_client {
            Platform::PublicClient
        } else {
            Platform::Web
        };
        Ok(Asking {
            place,
            version: request.version,
            params: Params::default(),
            target: AuthorizeTarget {
                client_id,
                redirect_uri: None,
                state: None,
                mode: ResponseMode::Query,
            },
            application,
            organisation: found.organisation,
            domain: found.domain,
            platform,
            redirect_uri: String::new(),
            device: None,
            arrival: Arrival {
                is_by_password: true,
                ..Arrival::of_browser(cx.client, sender.user_agent)
            },
            offers_certificates: false,
        })
    }
}

/// As a request of the authorization endpoint.
fn request(request: &TokenRequest) -> Result<AuthorizeRequest, Refusal> {
    let scopes = request.scopes.clone().ok_or_else(|| Refusal::missing("scope"))?;
    // Tokens are for one resource.
    scopes.single()?;
    Ok(AuthorizeRequest {
        version: request.version,
        response_type: ResponseType {
            code: true,
            id_token: false,
            token: false,
        },
        mode: ResponseMode::Query,
        scopes,
        nonce: None,
        prompt: Prompt::AsNeeded,
        login_hint: None,
        domain_hint: None,
        sid: None,
        max_age: None,
        claims: request.claims.clone(),
        challenge: None,
    })
}
