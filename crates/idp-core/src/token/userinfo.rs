//! UserInfo (OpenID Connect Core §5.3): what the scopes of an access token for the directory API tell of its person.

use hygie_access::Reason;
use hygie_core::{Cx, Principal, PrincipalKind};
use hygie_directory::{DIRECTORY_API, DIRECTORY_API_NAMES};
use hygie_oidc::Refusal;
use serde::Serialize;

use super::claims::pairwise;
use crate::{Idp, IdpError};

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
    /// What the directory API is asked for by: its address here is a name as good as Microsoft's.
    pub(crate) fn directory_names(&self) -> Vec<String> {
        let names = DIRECTORY_API_NAMES.iter().map(|&name| name.to_owned());
        let own = self
            .provider()
            .graph
            .iter()
            .flat_map(|base| [base.clone(), format!("{base}/")]);
        names.chain(own).chain([DIRECTORY_API.to_string()]).collect()
    }

    /// What the bearer of this token may know of its person, and who the bearer is.
    pub async fn user_info(
        &self,
        cx: &Cx,
        token: &str,
        certificate: Option<&[u8]>,
    ) -> Result<(Principal, UserInfo), UserInfoError> {
        let bearer = self.bearer(cx, token).map_err(UserInfoError::Token)?;
        bearer.check(certificate).map_err(UserInfoError::Token)?;
        if !bearer.is_for(&self.directory_names()) {
            return Err(UserInfoError::Token(Reason::Audience));
        }
        if !bearer.has("openid") {
            return Err(UserInfoError::Token(Reason::Scope));
        }
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
}
