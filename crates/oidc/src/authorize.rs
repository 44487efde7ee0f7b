//! The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1, OAuth 2.0 Form Post Response Mode).
//!
//! It is read in two steps: first where an answer may go ([`AuthorizeTarget`]), whose errors are shown to the person,
//! then everything else ([`AuthorizeRequest`]), whose errors go to the application.

use hygie_core::{AppId, SessionId};
use serde::{Deserialize, Serialize};

use crate::{Aadsts, Challenge, ClaimsRequest, OidcScopes, Params, Refusal, Scopes, Version};

/// Longest `state` and `nonce`.
const MAX_OPAQUE: usize = 8 * 1024;

/// Who asks, and where it wants its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizeTarget {
    /// The client as written.
    pub client_id: String,
    /// The redirect URI, not checked yet.
    pub redirect_uri: Option<String>,
    /// To be given back unchanged.
    pub state: Option<String>,
    /// Mode of the answer, errors included.
    pub mode: ResponseMode,
}

impl AuthorizeTarget {
    /// From the parameters.
    pub fn parse(params: &Params) -> Result<Self, Refusal> {
        let state = params.get("state");
        if state.is_some_and(|state| state.len() > MAX_OPAQUE) {
            return Err(Refusal::bad("state"));
        }
        Ok(Self {
            client_id: params.require("client_id")?.to_owned(),
            redirect_uri: params.get("redirect_uri").map(str::to_owned),
            state: state.map(str::to_owned),
            mode: ResponseMode::for_errors(params),
        })
    }

    /// The client as an application id.
    pub fn app(&self, tenant: &str) -> Result<AppId, Refusal> {
        self.client_id
            .parse()
            .map_err(|_| Refusal::about(Aadsts::UnknownClient, &[&self.client_id, tenant]))
    }
}

/// What the authorization endpoint is asked to return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseType {
    /// `code`.
    pub code: bool,
    /// `id_token`.
    pub id_token: bool,
    /// `token`.
    pub token: bool,
}

impl ResponseType {
    /// The words in any order (OAuth 2.0 Multiple Response Types §5).
    fn parse(text: &str) -> Result<Self, Refusal> {
        let unsupported = || Refusal::about(Aadsts::UnsupportedResponseType, &[text]);
        let mut set = Self {
            code: false,
            id_token: false,
            token: false,
        };
        for word in text.split(' ') {
            let slot = match word {
                "code" => &mut set.code,
                "id_token" => &mut set.id_token,
                "token" => &mut set.token,
                _ => return Err(unsupported()),
            };
            if std::mem::replace(slot, true) {
                return Err(unsupported());
            }
        }
        // `code token` and `code id_token token` are not Entra's.
        if set.code && set.token {
            Err(unsupported())
        } else {
            Ok(set)
        }
    }

    /// Whether tokens come through the browser.
    pub fn is_implicit(self) -> bool {
        self.id_token || self.token
    }
}

/// How an authorization response travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In its fragment.
    Fragment,
    /// Posted by a page.
    FormPost,
}

impl ResponseMode {
    fn named(text: &str) -> Option<Self> {
        match text {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }

    /// The mode in which a refusal of these parameters is told.
    fn for_errors(params: &Params) -> Self {
        let implicit = params.get("response_type").and_then(|t| ResponseType::parse(t).ok());
        let default = if implicit.is_some_and(ResponseType::is_implicit) {
            Self::Fragment
        } else {
            Self::Query
        };
        params.get("response_mode").and_then(Self::named).unwrap_or(default)
    }
}

/// The `prompt` parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prompt {
    /// Absent: ask what is needed.
    #[default]
    AsNeeded,
    /// `none`: ask nothing.
    None,
    /// `login`: ask for the credentials again.
    Login,
    /// `select_account`: ask which account.
    SelectAccount,
    /// `consent`: ask for consent again.
    Consent,
}

/// The rest of an authorization request.
#[derive(Clone, Debug)]
pub struct AuthorizeRequest {
    /// Endpoint family.
    pub version: Version,
    /// What to return.
    pub response_type: ResponseType,
    /// How.
    pub mode: ResponseMode,
    /// What is asked.
    pub scopes: Scopes,
    /// To be repeated in the id token.
    pub nonce: Option<String>,
    /// What to ask the person.
    pub prompt: Prompt,
    /// Who is expected: a user principal name, or the opaque claim of the same name.
    pub login_hint: Option<String>,
    /// Which establishment is expected.
    pub domain_hint: Option<String>,
    /// Which session is expected.
    pub sid: Option<SessionId>,
    /// Greatest age of the authentication in seconds.
    pub max_age: Option<u32>,
    /// What is asked of the authentication.
    pub claims: ClaimsRequest,
    /// PKCE.
    pub challenge: Option<Challenge>,
}

impl AuthorizeRequest {
    /// From the parameters, once client and redirect URI are known to be good.
    pub fn parse(params: &Params, version: Version) -> Result<Self, Refusal> {
        let response_type = ResponseType::parse(params.require("response_type")?)?;
        let mode = mode(params, response_type)?;
        let scopes = scopes(params, version)?;
        let nonce = params.get("nonce");
        if nonce.is_some_and(|nonce| nonce.len() > MAX_OPAQUE) {
            return Err(Refusal::bad("nonce"));
        }
        if response_type.id_token && nonce.is_none() {
            // OpenID Connect Core §3.2.2.1: a token that passes the browser must be bound to the request.
            return Err(Refusal::missing("nonce"));
        }
        if response_type.id_token && version == Version::V2 && !scopes.oidc.openid {
            return Err(Refusal::about(Aadsts::BadScope, &["without openid"]));
        }
        if params.get("request").is_some() || params.get("request_uri").is_some() {
            return Err(Refusal::bad("request"));
        }
        Ok(Self {
            version,
            response_type,
            mode,
            scopes,
            nonce: nonce.map(str::to_owned),
            prompt: prompt(params)?,
            login_hint: params.get("login_hint").map(str::to_owned),
            domain_hint: params.get("domain_hint").map(str::to_owned),
            sid: params
                .get("sid")
                .map(|sid| sid.parse().map_err(|_| Refusal::bad("sid")))
                .transpose()?,
            max_age: params
                .get("max_age")
                .map(|age| age.parse().map_err(|_| Refusal::bad("max_age")))
                .transpose()?,
            claims: ClaimsRequest::parse(params)?,
            challenge: Challenge::parse(params)?,
        })
    }
}

/// `query` is forbidden when tokens pass the browser (OAuth 2.0 Multiple Response Types §5).
fn mode(params: &Params, response_type: ResponseType) -> Result<ResponseMode, Refusal> {
    let Some(text) = params.get("response_mode") else {
        return Ok(if response_type.is_implicit() {
            ResponseMode::Fragment
        } else {
            ResponseMode::Query
        });
    };
    match ResponseMode::named(text) {
        Some(ResponseMode::Query) if response_type.is_implicit() => {}
        Some(mode) => return Ok(mode),
        None => {}
    }
    Err(Refusal::about(Aadsts::UnsupportedResponseMode, &[text]))
}

fn scopes(params: &Params, version: Version) -> Result<Scopes, Refusal> {
    match version {
        Version::V2 if params.get("resource").is_some() => Err(Refusal::new(Aadsts::ResourceOnV2)),
        Version::V2 => Scopes::parse(params.require("scope")?),
        Version::V1 => {
            // v1 always signs in; of `scope` only the OpenID Connect words count.
            let oidc = params
                .get("scope")
                .map(Scopes::parse)
                .transpose()?
                .unwrap_or_default()
                .oidc;
            let resource = params.get("resource").map(Scopes::of_resource).transpose()?;
            let mut scopes = resource.unwrap_or_default();
            scopes.oidc = OidcScopes {
                openid: true,
                offline_access: true,
                ..oidc
            };
            Ok(scopes)
        }
    }
}

fn prompt(params: &Params) -> Result<Prompt, Refusal> {
    Ok(match params.get("prompt") {
        None => Prompt::AsNeeded,
        Some("none") => Prompt::None,
        // Microsoft's libraries send refresh_session for login at v1.
        Some("login" | "refresh_session") => Prompt::Login,
        Some("select_account") => Prompt::SelectAccount,
        Some("consent" | "admin_consent") => Prompt::Consent,
        Some(_) => return Err(Refusal::bad("prompt")),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(query: &str, version: Version) -> Result<AuthorizeRequest, Aadsts> {
        AuthorizeRequest::parse(&Params::parse(query.as_bytes()).unwrap(), version).map_err(|r| r.code())
    }

    #[test]
    fn a_code_request() {
        let request = parse(
            "response_type=code&scope=openid+api://x/a&max_age=60&prompt=login",
            Version::V2,
        )
        .unwrap();
        assert!(request.response_type.code && !request.response_type.is_implicit());
        assert_eq!(
            (request.mode, request.prompt, request.max_age),
            (ResponseMode::Query, Prompt::Login, Some(60))
        );
        let v1 = parse("response_type=code&resource=https://r.example/", Version::V1).unwrap();
        assert_eq!(v1.scopes.resources[0].resource.as_deref(), Some("https://r.example/"));
        assert!(v1.scopes.oidc.openid);
    }

    #[test]
    fn refusals() {
        for (query, code) in [
            ("scope=openid", Aadsts::Missing),
            ("response_type=code", Aadsts::Missing),
            ("response_type=magic&scope=openid", Aadsts::UnsupportedResponseType),
            ("response_type=code+code&scope=openid", Aadsts::UnsupportedResponseType),
            ("response_type=code+token&scope=openid", Aadsts::UnsupportedResponseType),
            ("response_type=code&scope=openid&resource=x", Aadsts::ResourceOnV2),
            ("response_type=id_token&scope=openid", Aadsts::Missing),
            ("response_type=id_token&scope=a&nonce=n", Aadsts::BadScope),
            (
                "response_type=id_token&scope=openid&nonce=n&response_mode=query",
                Aadsts::UnsupportedResponseMode,
            ),
            (
                "response_type=code&scope=openid&response_mode=web",
                Aadsts::UnsupportedResponseMode,
            ),
            ("response_type=code&scope=openid&prompt=maybe", Aadsts::BadParameter),
            ("response_type=code&scope=openid&max_age=-1", Aadsts::BadParameter),
            ("response_type=code&scope=openid&sid=x", Aadsts::BadParameter),
            ("response_type=code&scope=openid&request=x", Aadsts::BadParameter),
            (
                "response_type=code&scope=openid&code_challenge=x",
                Aadsts::ChallengeSize,
            ),
        ] {
            assert_eq!(parse(query, Version::V2).unwrap_err(), code, "{query}");
        }
    }

    #[test]
    fn errors_travel_as_the_answer_would() {
        let mode = |query: &str| {
            AuthorizeTarget::parse(&Params::parse(query.as_bytes()).unwrap())
                .unwrap()
                .mode
        };
        assert_eq!(mode("client_id=x&response_type=code"), ResponseMode::Query);
        assert_eq!(mode("client_id=x&response_type=code+id_token"), ResponseMode::Fragment);
        assert_eq!(mode("client_id=x&response_mode=form_post"), ResponseMode::FormPost);
    }

    proptest! {
        #[test]
        fn never_panics(values in prop::collection::vec("\\PC{0,30}", 8)) {
            let names = ["response_type", "scope", "prompt", "response_mode", "max_age", "nonce", "code_challenge", "state"];
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(names.iter().zip(&values)).finish();
            let params = Params::parse(query.as_bytes()).unwrap();
            let _ = AuthorizeTarget::parse(&params);
            let _ = AuthorizeRequest::parse(&params, Version::V2);
            let _ = AuthorizeRequest::parse(&params, Version::V1);
        }
    }
}
