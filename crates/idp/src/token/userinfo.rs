//! UserInfo (OpenID Connect Core §5.3): what the scopes of an access token for the directory API tell of its person.

use std::time::Duration;

use hygie_access::{Origin, Revocations};
use hygie_core::{AppId, Cx, ObjectId, Principal, PrincipalKind, SessionId, TenantId};
use hygie_jose::Verified;
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
    Token,
    /// Something else.
    #[error(transparent)]
    Idp(#[from] IdpError),
}

impl Idp {
    /// What the bearer of this token may know of its person, and who the bearer is.
    pub(crate) async fn user_info(&self, cx: &Cx, token: &str) -> Result<(Principal, UserInfo), UserInfoError> {
        let verified = hygie_jose::verify(token, &self.inner().signer.ring().keys).map_err(|_| UserInfoError::Token)?;
        let bearer = self.bearer(cx, &verified).ok_or(UserInfoError::Token)?;
        let cx = cx.for_tenant(bearer.tenant);
        let parties = self
            .parties(&cx, bearer.client, &DIRECTORY_API.to_string(), Some(bearer.user))
            .await
            .map_err(|error| match error {
                // Disabled, removed or no longer assigned since the token was issued.
                IdpError::Refused(_) => UserInfoError::Token,
                other => UserInfoError::Idp(other),
            })?;
        let sub = pairwise(&parties, bearer.client, bearer.user);
        let user = parties.subject.ok_or(UserInfoError::Token)?.user;
        if bearer.auth_before(user.valid_from) {
            return Err(UserInfoError::Token);
        }
        let profile = |value: Option<String>| value.filter(|_| bearer.has("profile"));
        let principal = Principal {
            app: Some(bearer.client),
            session: bearer.session,
            ..self.actor(bearer.tenant, bearer.user, PrincipalKind::User)
        };
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

    fn bearer(&self, cx: &Cx, verified: &Verified) -> Option<Bearer> {
        let claims = &verified.claims;
        let tenant: TenantId = claims.text("tid")?.parse().ok()?;
        let issuers = [
            self.inner().provider.issuer_v1(tenant),
            self.inner().provider.issuer_v2(tenant),
        ];
        let audience = DIRECTORY_API.to_string();
        let is_ours = claims.issuer.as_ref().is_some_and(|issuer| issuers.contains(issuer));
        let is_for_us = claims
            .audience
            .iter()
            .any(|aud| *aud == audience || DIRECTORY_API_NAMES.contains(&aud.as_str()));
        let scopes: Vec<String> = claims.text("scp")?.split(' ').map(str::to_owned).collect();
        let is_live = claims.check_instants(cx.now, LEEWAY).is_ok();
        let user: ObjectId = claims.text("oid")?.parse().ok()?;
        let session = claims.text("sid").and_then(|sid| sid.parse().ok());
        let origin = Origin {
            tenant,
            subject: user,
            session,
            issued_at: claims.issued_at,
            rh: claims.text("rh").map(Box::from),
        };
        let is_revoked = self.revoked(&origin).is_some();
        if !(is_ours && is_for_us && is_live && scopes.iter().any(|scope| scope == "openid")) || is_revoked {
            return None;
        }
        let client = claims.text("appid").or_else(|| claims.text("azp"))?.parse().ok()?;
        Some(Bearer {
            tenant,
            user,
            client,
            session,
            scopes,
            issued_at: claims.issued_at,
        })
    }
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
