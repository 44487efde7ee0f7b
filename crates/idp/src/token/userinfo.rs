//! UserInfo (OpenID Connect Core §5.3): what the scopes of an access token for the directory API tell of its person.

use std::str::FromStr;
use std::time::Duration;

use hygie_access::{Origin, Reason, Revocations};
use hygie_core::{AppId, Cx, ObjectId, Principal, PrincipalKind, SessionId, TenantId};
use hygie_jose::{Claims, Verified};
use hygie_oidc::Refusal;
use serde::Serialize;

use super::claims::pairwise;
use crate::directory::{DIRECTORY_API, DIRECTORY_API_NAMES};
use crate::{Idp, IdpError};

/// Clocks of our own processes differ by no more.
const LEEWAY: Duration = Duration::from_secs(30);

/// The body.
#[derive(Clone, Debug, Serialize)]
pub struct UserInfo {
    /// The same as in the id token of the application.
    pub sub: String,
    /// Name for display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// Why it is not told.
#[derive(Debug, thiserror::Error)]
pub enum UserInfoError {
    /// The token is not a live one of ours for the directory API with the scope `openid`.
    #[error("the token is not valid here")]
    Token(Reason),
    /// The token is good, but its person or application may not any more: disabled, removed, not assigned.
    #[error("the bearer may not any more")]
    Bearer(Box<Principal>, Refusal),
    /// Something else.
    #[error(transparent)]
    Idp(#[from] IdpError),
}

impl Idp {
    /// What the bearer of this token may know of its person, and who the bearer is.
    pub(crate) async fn user_info(&self, cx: &Cx, token: &str) -> Result<(Principal, UserInfo), UserInfoError> {
        let verified = hygie_jose::verify(token, &self.inner().signer.ring().keys)
            .map_err(|error| UserInfoError::Token(error.into()))?;
        let bearer = self.bearer(cx, &verified).map_err(UserInfoError::Token)?;
        let cx = cx.for_tenant(bearer.tenant);
        let principal = Principal {
            app: Some(bearer.client),
            session: bearer.session,
            ..self.actor(bearer.tenant, bearer.user, PrincipalKind::User)
        };
        let parties = self
            .parties(&cx, bearer.client, &DIRECTORY_API.to_string(), Some(bearer.user))
            .await
            .map_err(|error| match error {
                IdpError::Refused(refusal) => UserInfoError::Bearer(Box::new(principal.clone()), refusal),
                other => UserInfoError::Idp(other),
            })?;
        let sub = pairwise(&parties, bearer.client, bearer.user);
        let user = parties.subject.ok_or(UserInfoError::Token(Reason::MissingClaim))?.user;
        if bearer.auth_before(user.valid_from) {
            return Err(UserInfoError::Token(Reason::UserRevoked));
        }
        let profile = |value: Option<String>| value.filter(|_| bearer.has("profile"));
        Ok((
            principal,
            UserInfo {
                sub,
                name: profile(Some(user.display_name)),
                family_name: profile(user.surname),
                given_name: profile(user.given_name),
                email: user.mail.filter(|_| bearer.has("email")),
            },
        ))
    }

    /// Every check has its own reason, as at the gate of a data service.
    fn bearer(&self, cx: &Cx, verified: &Verified) -> Result<Bearer, Reason> {
        let claims = &verified.claims;
        let tenant: TenantId = parsed(claims, "tid")?;
        let issuers = [
            self.inner().provider.issuer_v1(tenant),
            self.inner().provider.issuer_v2(tenant),
        ];
        if !claims.issuer.as_ref().is_some_and(|issuer| issuers.contains(issuer)) {
            return Err(Reason::Issuer);
        }
        claims.check_instants(cx.now, LEEWAY)?;
        let directory = DIRECTORY_API.to_string();
        let is_for_us = |aud: &String| *aud == directory || DIRECTORY_API_NAMES.contains(&aud.as_str());
        if !claims.audience.iter().any(is_for_us) {
            return Err(Reason::Audience);
        }
        let bearer = Bearer {
            tenant,
            user: parsed(claims, "oid")?,
            client: parsed(claims, "appid").or_else(|_| parsed(claims, "azp"))?,
            session: parsed(claims, "sid").ok(),
            scopes: parsed::<String>(claims, "scp")?.split(' ').map(str::to_owned).collect(),
            issued_at: claims.issued_at,
        };
        let origin = Origin {
            tenant,
            subject: bearer.user,
            session: bearer.session,
            issued_at: claims.issued_at,
            rh: claims.text("rh").map(Box::from),
        };
        match self.revoked(&origin) {
            Some(revoked) => Err(revoked.into()),
            None if bearer.has("openid") => Ok(bearer),
            None => Err(Reason::Scope),
        }
    }
}

fn parsed<T: FromStr>(claims: &Claims, name: &str) -> Result<T, Reason> {
    let value = claims.text(name).and_then(|text| text.parse().ok());
    value.ok_or(Reason::MissingClaim)
}

/// What a token says.
struct Bearer {
    tenant: TenantId,
    user: ObjectId,
    client: AppId,
    session: Option<SessionId>,
    scopes: Vec<String>,
    issued_at: Option<hygie_core::Timestamp>,
}

impl Bearer {
    fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| known == scope)
    }

    fn auth_before(&self, instant: hygie_core::Timestamp) -> bool {
        self.issued_at.is_none_or(|at| at.secs() < instant.secs())
    }
}
