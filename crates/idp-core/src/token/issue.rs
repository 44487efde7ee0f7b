//! Making the tokens of a person's grant.

use hygie_core::{AppId, Cx, ObjectId, Principal, PrincipalKind, TenantId, Timestamp};
use hygie_directory::{Authorization, DIRECTORY_API};
use hygie_jose::{Protected, base64url};
use hygie_oidc::{Names, TokenResponse, Version};
use uuid::Uuid;

use super::Sender;
use super::claims::{self, Facts, IdTokenFacts, Proof, SignIn};
use super::party::{Parties, Wanted, oidc_names};
use crate::{Idp, IdpError};

/// Why a person's tokens are issued.
#[derive(Clone, Copy)]
pub(super) struct Grounds<'a> {
    /// What was authorized.
    pub authorization: &'a Authorization,
    /// Its name: everything that comes of it is revoked together.
    pub grant: Uuid,
    /// No token lives longer: policies ask for the person again then.
    pub until: Option<Timestamp>,
}

/// An instant, or the bound where that is earlier.
pub(super) fn earlier(instant: Timestamp, bound: Option<Timestamp>) -> Timestamp {
    bound.map_or(instant, |bound| bound.min(instant))
}

/// A signed access token.
pub(super) struct AccessToken {
    pub token: String,
    pub validity: (Timestamp, Timestamp),
    /// The granted scopes as the response tells them.
    pub scope: String,
}

impl Idp {
    /// The facts of a person's tokens.
    pub(super) fn facts<'a>(
        &'a self,
        cx: &'a Cx,
        parties: &'a Parties,
        grounds: Grounds<'a>,
        (proof, sender): (Proof, Sender<'_>),
    ) -> Facts<'a> {
        let authorization = grounds.authorization;
        Facts {
            provider: &self.inner().provider,
            parties,
            now: cx.now,
            random: &*cx.random,
            proof,
            confirmation: sender.confirmation(),
            client_address: cx.client,
            until: grounds.until,
            signed_in: Some(SignIn {
                grant: grounds.grant,
                session: authorization.session,
                auth_time: authorization.auth_time,
                used: &authorization.used,
                oidc: authorization.scopes.oidc,
                asked: &authorization.claims,
            }),
        }
    }

    /// An access token for the resource of `parties`.
    pub(super) async fn access_token(
        &self,
        facts: &Facts<'_>,
        wanted: &Wanted,
        version: Version,
    ) -> Result<AccessToken, IdpError> {
        let mut scopes = facts.parties.delegated(&wanted.names)?;
        if facts.parties.resource.party.application.app == DIRECTORY_API
            && let Some(signed_in) = &facts.signed_in
        {
            // Whatever else is asked of it: UserInfo takes the same token.
            for name in oidc_names(signed_in.oidc) {
                if !scopes.contains(&name) {
                    scopes.push(name);
                }
            }
        }
        let ends = earlier(facts.now + facts.parties.lifetimes.access(facts.random), facts.until);
        let claims = claims::access(facts, ends, &scopes);
        let token = self.inner().signer.sign(header(facts.parties), claims).await?;
        let scope = scope_text(facts.parties, wanted, &scopes, version);
        Ok(AccessToken {
            token,
            validity: (facts.now, ends),
            scope,
        })
    }

    /// An id token for the client of `parties`.
    pub(super) async fn id_token(&self, facts: &Facts<'_>, told: &IdTokenFacts<'_>) -> Result<String, IdpError> {
        let claims = claims::id(
            facts,
            told,
            earlier(facts.now + facts.parties.lifetimes.id(), facts.until),
        );
        let header = match told.version {
            Version::V1 => Protected::jwt().with_x5t(),
            Version::V2 => Protected::jwt(),
        };
        self.inner().signer.sign(header, claims).await
    }

    /// The response of a code or refresh token: an access token, an id token where the person signed in with one, and
    /// the next refresh token.
    pub(super) async fn user_response(
        &self,
        facts: &Facts<'_>,
        authorization: &Authorization,
        wanted: &Wanted,
        ask: ResponseAsk,
    ) -> Result<TokenResponse, IdpError> {
        let access = self.access_token(facts, wanted, ask.version).await?;
        let oidc = authorization.scopes.oidc;
        let told = IdTokenFacts {
            version: ask.version,
            oidc,
            nonce: authorization.nonce.as_deref(),
            code: None,
            access_token: None,
            passes_browser: false,
        };
        let id_token = if oidc.openid {
            Some(self.id_token(facts, &told).await?)
        } else {
            None
        };
        Ok(TokenResponse {
            version: ask.version,
            access_token: access.token,
            validity: access.validity,
            resource: wanted.resource.clone(),
            scope: Some(access.scope),
            refresh: ask.refresh,
            id_token,
            client_info: ask.client_info,
            is_exchanged: false,
        })
    }

    /// The application as the actor of a record.
    pub(super) fn application_actor(&self, parties: &Parties) -> Principal {
        Principal {
            app: Some(parties.client.application.app),
            ..self.actor(parties.tenant.id, parties.client.principal.id, PrincipalKind::App)
        }
    }

    /// A person, through an application, as the actor of a record.
    pub(super) fn person_actor(&self, tenant: TenantId, authorization: &Authorization) -> Principal {
        Principal {
            app: Some(authorization.client),
            session: Some(authorization.session),
            ..self.actor(tenant, authorization.user, PrincipalKind::User)
        }
    }
}

/// What a response holds besides the tokens.
pub(super) struct ResponseAsk {
    pub version: Version,
    pub refresh: Option<(String, Option<Timestamp>)>,
    pub client_info: Option<String>,
}

/// The header of an access token: `x5t` in version 1 only.
pub(super) fn header(parties: &Parties) -> Protected {
    if parties.resource.party.application.definition.wants_v2() {
        Protected::jwt()
    } else {
        Protected::jwt().with_x5t()
    }
}

/// The `client_info` member, from which Microsoft's libraries make the id of an account: a guest's is that at home.
pub(super) fn client_info(parties: &Parties) -> String {
    let of = |user: ObjectId, tenant: TenantId| base64url::encode(format!(r#"{{"uid":"{user}","utid":"{tenant}"}}"#));
    let user = parties.subject.as_ref().map(|subject| &subject.user);
    match user.map(|user| (user.id, user.profile.home)) {
        Some((_, Some(home))) => of(home.user, home.tenant),
        Some((user, None)) => of(user, parties.tenant.id),
        None => of(parties.client.principal.id, parties.tenant.id),
    }
}

/// The granted scopes in the words of the request, by which Microsoft's libraries find the token again: at v2 with the
/// resource before each, unless the directory API was asked without. Scopes of OpenID Connect never have one.
pub(super) fn scope_text(parties: &Parties, wanted: &Wanted, scopes: &[String], version: Version) -> String {
    let is_directory: bool = parties.resource.party.application.app == DIRECTORY_API;
    let is_bare = is_directory && wanted.resource == DIRECTORY_API.to_string() && wanted.names != Names::Default;
    if version == Version::V1 || is_bare {
        return scopes.join(" ");
    }
    let names = scopes
        .iter()
        .map(String::as_str)
        .chain((wanted.names == Names::Default).then_some(".default"));
    let full: Vec<String> = names
        .map(|name| match name {
            "openid" | "profile" | "email" if is_directory => name.to_owned(),
            _ => format!("{}/{name}", wanted.resource),
        })
        .collect();
    full.join(" ")
}

/// The object of a record about a token.
pub(super) fn object(app: AppId) -> String {
    format!("app/{app}")
}
