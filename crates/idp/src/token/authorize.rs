//! What the authorization endpoint decides (RFC 6749 §4.1, OpenID Connect Core §3): who asks, and the answer once it is
//! known who signed in.

use hygie_core::{AppId, Cx, Secret, Timestamp, random_array};
use hygie_oidc::grant::CODE_TTL;
use hygie_oidc::{Aadsts, AuthorizeRequest, AuthorizeTarget, Params, Platform, Refusal, Response, Version};
use hygie_store::audit::Record;
use uuid::Uuid;

use super::claims::{Facts, IdTokenFacts};
use super::code::{new_family, proof};
use super::issue::{AccessToken, client_info, object};
use super::party::{Parties, Wanted};
use super::{Authorization, Place, opaque};
use crate::directory::{Application, Audience};
use crate::repo::{Applications, Codes, Global, Principals, Sessions, Tenants};
use crate::signin::{SESSION_TTL, SignedIn};
use crate::{Idp, IdpError};

/// A request of the authorization endpoint whose client and redirect URI are good: refusals may go there.
#[derive(Clone, Debug)]
pub struct Asking {
    /// What the path named.
    pub place: Place,
    /// Endpoint family.
    pub version: Version,
    /// All parameters, to be carried through the sign-in pages.
    pub params: Params,
    /// The client and what it wants back.
    pub target: AuthorizeTarget,
    /// Its registration.
    pub application: Application,
    /// The platform of the redirect URI.
    pub platform: Platform,
    /// Where the answer goes.
    pub redirect_uri: String,
}

/// What the transaction keeps.
#[derive(Clone)]
struct Kept {
    code: Option<([u8; 32], String)>,
    family: Uuid,
    session: hygie_core::SessionId,
    app: AppId,
    record: Record,
}

impl Idp {
    /// Checks who asks. Every refusal of this step is shown to the person.
    pub(crate) async fn asking(
        &self,
        cx: &Cx,
        place: Place,
        version: Version,
        params: Params,
    ) -> Result<Asking, IdpError> {
        let target = AuthorizeTarget::parse(&params)?;
        let application = self.asking_application(cx, place, &target).await?;
        let (platform, redirect_uri) = application
            .definition
            .redirect_uris
            .choose(target.redirect_uri.as_deref(), &application.app.to_string())?;
        Ok(Asking {
            place,
            version,
            params,
            target,
            application,
            platform,
            redirect_uri,
        })
    }

    async fn asking_application(
        &self,
        cx: &Cx,
        place: Place,
        target: &AuthorizeTarget,
    ) -> Result<Application, IdpError> {
        let (segment, home) = match place {
            Place::Tenant(tenant) => {
                let app = target.app(&tenant.to_string())?;
                (
                    tenant.to_string(),
                    self.home_in_tenant(&cx.for_tenant(tenant), app).await?,
                )
            }
            Place::Organizations => (
                "organizations".to_owned(),
                self.home(cx, target.app("organizations")?).await?,
            ),
            Place::Common => ("common".to_owned(), self.home(cx, target.app("common")?).await?),
        };
        let unknown = || Refusal::about(Aadsts::UnknownClient, &[&target.client_id, &segment]);
        let (app, home) = home.ok_or_else(unknown)?;
        let application = self
            .inner()
            .store
            .read(&cx.for_tenant(home), app, |app, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Applications(tx).find(*app).await?) })
            })
            .await?
            .ok_or_else(unknown)?;
        if place.tenant() != Some(home) && application.definition.sign_in_audience != Audience::Tenants {
            return Err(Refusal::about(Aadsts::NotMultiTenant, &[&target.client_id, &format!("/{segment}")]).into());
        }
        Ok(application)
    }

    /// The home of an application that is present in the tenant of `cx`.
    async fn home_in_tenant(&self, cx: &Cx, app: AppId) -> Result<Option<(AppId, hygie_core::TenantId)>, IdpError> {
        let principal = self
            .inner()
            .store
            .read(cx, app, |app, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Principals(tx).find_by_app(*app).await?) })
            })
            .await?;
        match principal {
            Some(principal) if !principal.is_enabled => {
                Err(Refusal::about(Aadsts::AppDisabled, &[&app.to_string()]).into())
            }
            found => Ok(found.map(|principal| (app, principal.home))),
        }
    }

    async fn home(&self, cx: &Cx, app: AppId) -> Result<Option<(AppId, hygie_core::TenantId)>, IdpError> {
        self.inner()
            .store
            .read(cx, app, |app, tx| {
                Box::pin(async move { Ok(Global(tx).find_home_of_app(*app).await?.map(|home| (*app, home))) })
            })
            .await
    }

    /// What the first segment of a path names: a tenant by id or domain name, or all of them.
    pub(crate) async fn place(&self, cx: &Cx, segment: &str) -> Result<Place, IdpError> {
        let unknown = || Refusal::about(Aadsts::UnknownTenant, &[segment]);
        match segment {
            "organizations" => return Ok(Place::Organizations),
            "common" => return Ok(Place::Common),
            "consumers" | "9188040d-6c67-4c5b-b112-36a304b66dad" => {
                return Err(Refusal::new(Aadsts::NoPersonalAccounts).into());
            }
            _ if segment.len() > 253 => return Err(unknown().into()),
            _ => {}
        }
        let tenant = match segment.parse() {
            Ok(id) => Some(id),
            Err(_) => self.tenant_of_domain(cx, segment).await?,
        };
        let tenant = tenant.ok_or_else(unknown)?;
        let exists = self
            .inner()
            .store
            .read(&cx.for_tenant(tenant), (), |(), tx| {
                Box::pin(async move { Ok::<_, IdpError>(Tenants(tx).find().await?.is_some()) })
            })
            .await?;
        if exists {
            Ok(Place::Tenant(tenant))
        } else {
            Err(unknown().into())
        }
    }

    /// The tenant of a verified domain name.
    pub(crate) async fn tenant_of_domain(
        &self,
        cx: &Cx,
        domain: &str,
    ) -> Result<Option<hygie_core::TenantId>, IdpError> {
        self.inner()
            .store
            .read(cx, domain.to_owned(), |domain, tx| {
                Box::pin(async move { Ok(Global(tx).find_tenant_of_domain(domain).await?) })
            })
            .await
    }

    /// The answer to the application, now that this account is signed in.
    pub(crate) async fn authorize(
        &self,
        cx: &Cx,
        asking: &Asking,
        request: &AuthorizeRequest,
        signed_in: &SignedIn,
    ) -> Result<Response, IdpError> {
        let tenant = signed_in.account.tenant;
        let cx = cx.for_tenant(tenant);
        let authorization = authorization(asking, request, signed_in);
        let parties = self.consented(&cx, &authorization).await?;
        let cx = Cx {
            principal: Some(self.person_actor(tenant, &authorization).into()),
            ..cx
        };
        let code = request
            .response_type
            .code
            .then(|| opaque(tenant, &Secret::new(random_array(&*cx.random))));
        let kept = self.kept(&cx, &authorization, code.as_ref())?;
        self.keep(&cx, kept).await?;
        let mut members = Vec::new();
        if let Some(code) = &code {
            members.push(("code", code.expose().clone()));
        }
        if request.response_type.is_implicit() {
            let facts = self.facts(&cx, &parties, &authorization, proof(Platform::Spa));
            members.extend(self.implicit(&facts, (&authorization, request), code.as_ref()).await?);
        }
        if asking.params.get("client_info") == Some("1") {
            members.push(("client_info", client_info(&authorization, tenant)));
        }
        members.push(("session_state", authorization.session.to_string()));
        let response = Response {
            redirect_uri: asking.redirect_uri.clone(),
            mode: request.mode,
            members,
        };
        Ok(response.with_state(asking.target.state.as_deref()))
    }

    /// The parties for the first resource, once every resource of the request is consented to.
    async fn consented(&self, cx: &Cx, authorization: &Authorization) -> Result<Parties, IdpError> {
        let scopes = &authorization.scopes;
        let first = Wanted::first(scopes);
        for other in scopes.resources.iter().skip(1).map(Wanted::of) {
            let parties = self
                .parties(cx, authorization.client, &other.resource, Some(authorization.user))
                .await?;
            parties.delegated(&other.names)?;
        }
        let parties = self
            .parties(cx, authorization.client, &first.resource, Some(authorization.user))
            .await?;
        parties.delegated(&first.names)?;
        Ok(parties)
    }

    fn kept(&self, cx: &Cx, authorization: &Authorization, code: Option<&Secret<String>>) -> Result<Kept, IdpError> {
        let code = match code {
            Some(code) => Some((
                self.inner().digests.codes.digest(code.expose()),
                serde_json::to_string(authorization)?,
            )),
            None => None,
        };
        Ok(Kept {
            code,
            family: new_family(cx),
            session: authorization.session,
            app: authorization.client,
            record: Record::success(cx, "idp.authorize", object(authorization.client)),
        })
    }

    async fn keep(&self, cx: &Cx, kept: Kept) -> Result<(), IdpError> {
        self.inner()
            .store
            .write(cx, kept, |kept, tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    if let Some((digest, json)) = &kept.code {
                        Codes(tx).insert(digest, kept.family, json, now + CODE_TTL).await?;
                    }
                    Sessions(tx)
                        .used(kept.session, kept.app, now, now + SESSION_TTL)
                        .await?;
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

impl Asking {
    /// The rest of the request. Refusals of this step go to the application.
    pub fn request(&self) -> Result<AuthorizeRequest, Refusal> {
        let request = AuthorizeRequest::parse(&self.params, self.version)?;
        let definition = &self.application.definition;
        let disabled = |word: &str| Refusal::about(Aadsts::ResponseTypeDisabled, &[word]);
        if request.response_type.id_token && !definition.enable_id_token_issuance {
            return Err(disabled("id_token"));
        }
        if request.response_type.token && !definition.enable_access_token_issuance {
            return Err(disabled("token"));
        }
        if request.response_type.code && self.platform != Platform::Web && request.challenge.is_none() {
            return Err(Refusal::new(Aadsts::PkceRequired));
        }
        Ok(request)
    }
}

fn lasts((issued, ends): (Timestamp, Timestamp)) -> u64 {
    ends.since(issued).as_secs()
}

fn authorization(asking: &Asking, request: &AuthorizeRequest, signed_in: &SignedIn) -> Authorization {
    Authorization {
        client: asking.application.app,
        platform: asking.platform,
        version: request.version,
        user: signed_in.account.user,
        session: signed_in.account.session,
        auth_time: signed_in.account.auth_time,
        methods: signed_in.methods.clone(),
        scopes: request.scopes.clone(),
        redirect_uri: asking.target.redirect_uri.clone(),
        nonce: request.nonce.clone(),
        challenge: request.challenge.clone(),
    }
}
