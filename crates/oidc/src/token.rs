//! The token request and its response (RFC 6749 §4.1.3, §4.4.2, §5.1, §6).

use hygie_core::{Secret, Timestamp};
use serde_json::{Map, Value, json};

use crate::{Aadsts, ClaimsRequest, ClientAuth, Params, Refusal, Scopes, Version};

/// `grant_type` of a token exchange — RFC 8693 §2.1.
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// `grant_type` of a JWT — RFC 7523 §2.1.
const ON_BEHALF_OF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// `grant_type` of a device code — RFC 8628 §3.4.
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Types of tokens — RFC 8693 §3. An access token of Pro Santé Connect is both, and its clients say the one or the other.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// Longest code or refresh token.
const MAX_TOKEN: usize = 4 * 1024;

/// What a token is asked for.
#[derive(Clone, Debug)]
pub enum Grant {
    /// The client itself.
    ClientCredentials,
    /// A code of the authorization endpoint.
    AuthorizationCode {
        /// The code.
        code: Secret<String>,
        /// The redirect URI of the authorization request.
        redirect_uri: Option<String>,
        /// PKCE.
        code_verifier: Option<String>,
    },
    /// A refresh token.
    RefreshToken(Secret<String>),
    /// The access token of a person, by which the client was called (RFC 7523 §2.1, Entra's on-behalf-of).
    OnBehalfOf(Secret<String>),
    /// A device code, for which a person may have signed in elsewhere (RFC 8628 §3.4).
    DeviceCode(Secret<String>),
    /// The id of a request for a person whom the client named (CIBA Core §10.1).
    Ciba(Secret<String>),
    /// Name and password of a person (RFC 6749 §4.3).
    Password {
        /// The user principal name.
        username: String,
        /// The password.
        password: Secret<String>,
    },
    /// The access token of a person from an issuer that is trusted for it (RFC 8693).
    TokenExchange(Secret<String>),
}

impl Grant {
    const fn is_exchange(&self) -> bool {
        matches!(self, Self::TokenExchange(_))
    }
}

/// Where a token request was posted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Endpoint family.
    pub version: Version,
    /// The first segment of the path, which names the tenant by its id, by a domain, or not at all.
    pub segment: String,
}

/// A token request.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// Endpoint family.
    pub version: Version,
    /// The first segment of the path.
    pub segment: String,
    /// The client and its proof.
    pub client: ClientAuth,
    /// The grant.
    pub grant: Grant,
    /// What is asked; `None` leaves it to the grant.
    pub scopes: Option<Scopes>,
    /// What is asked of the authentication (`claims`).
    pub claims: ClaimsRequest,
    /// Whether the client wants the `client_info` member.
    pub wants_client_info: bool,
}

impl TokenRequest {
    /// From the body and the `Authorization` header.
    pub fn parse(params: &Params, authorization: Option<&str>, endpoint: Endpoint) -> Result<Self, Refusal> {
        let Endpoint { version, segment } = endpoint;
        let grant = match params.require("grant_type")? {
            "client_credentials" => Grant::ClientCredentials,
            "authorization_code" => Grant::AuthorizationCode {
                code: token(params, "code")?,
                redirect_uri: params.get("redirect_uri").map(str::to_owned),
                code_verifier: params.get("code_verifier").map(str::to_owned),
            },
            "refresh_token" => Grant::RefreshToken(token(params, "refresh_token")?),
            ON_BEHALF_OF => {
                if params.require("requested_token_use")? != "on_behalf_of" {
                    return Err(Refusal::about(Aadsts::BadParameter, &["requested_token_use"]));
                }
                Grant::OnBehalfOf(Secret::new(params.require("assertion")?.to_owned()))
            }
            // The second is the word of the first version; MSAL for Node says it at the second one too.
            DEVICE_CODE | "device_code" => Grant::DeviceCode(device_code(params)?),
            crate::ciba::GRANT_TYPE if version == Version::V2 => Grant::Ciba(token(params, "auth_req_id")?),
            "password" => Grant::Password {
                username: params.require("username")?.to_owned(),
                password: Secret::new(params.require("password")?.to_owned()),
            },
            // An addition of ours, which Entra ID has at neither of its versions: at ours for new things only.
            TOKEN_EXCHANGE if version == Version::V2 => Grant::TokenExchange(subject_token(params)?),
            other => return Err(Refusal::about(Aadsts::GrantType, &[other])),
        };
        let scopes = if grant.is_exchange() {
            target(params)?
        } else {
            scopes(params, version)?
        };
        Ok(Self {
            version,
            segment,
            client: ClientAuth::parse(params, authorization)?,
            grant,
            scopes,
            claims: ClaimsRequest::parse_claims(params)?,
            wants_client_info: params.get("client_info").is_some_and(|v| v == "1"),
        })
    }
}

fn token(params: &Params, name: &str) -> Result<Secret<String>, Refusal> {
    let value = params.require(name)?;
    if value.len() > MAX_TOKEN {
        return Err(Refusal::about(Aadsts::BadGrant, &[name]));
    }
    Ok(Secret::new(value.to_owned()))
}

/// RFC 8693 §2.1. Nobody acts for somebody else here, so an actor's token would be ignored: it is refused instead.
fn subject_token(params: &Params) -> Result<Secret<String>, Refusal> {
    if ![ACCESS_TOKEN, JWT].contains(&params.require("subject_token_type")?) {
        return Err(Refusal::bad("subject_token_type"));
    }
    if params
        .get("requested_token_type")
        .is_some_and(|kind| ![ACCESS_TOKEN, JWT].contains(&kind))
    {
        return Err(Refusal::bad("requested_token_type"));
    }
    if let Some(name) = ["actor_token", "actor_token_type"]
        .into_iter()
        .find(|name| params.get(name).is_some())
    {
        return Err(Refusal::bad(name));
    }
    Ok(Secret::new(params.require("subject_token")?.to_owned()))
}

/// What an exchange is for: one resource, named by `resource` or `audience` (RFC 8693 §2.1) with what is wanted of it in
/// `scope`, or by the scopes themselves, as everywhere else.
fn target(params: &Params) -> Result<Option<Scopes>, Refusal> {
    let target = match (params.get("resource"), params.get("audience")) {
        (Some(one), Some(other)) if one != other => return Err(Refusal::about(Aadsts::BadTarget, &[other])),
        (one, other) => one.or(other),
    };
    let scopes = params.get("scope").map(Scopes::parse).transpose()?;
    match target {
        Some(target) => scopes.unwrap_or_default().of(target).map(Some),
        None => Ok(scopes),
    }
}

/// Some libraries of Entra ID send it as `code`, some under both names.
fn device_code(params: &Params) -> Result<Secret<String>, Refusal> {
    match (params.get("device_code"), params.get("code")) {
        (None, Some(_)) => token(params, "code"),
        _ => token(params, "device_code"),
    }
}

/// What is asked: by `scope`, at v1 by `resource`.
pub(crate) fn scopes(params: &Params, version: Version) -> Result<Option<Scopes>, Refusal> {
    match (version, params.get("resource"), params.get("scope")) {
        (Version::V2, Some(_), _) => Err(Refusal::new(Aadsts::ResourceOnV2)),
        (Version::V2, None, scope) => scope.map(Scopes::parse).transpose(),
        (Version::V1, resource, _) => resource.map(Scopes::of_resource).transpose(),
    }
}

/// What a token response holds; how it is written depends on the endpoint ([`TokenResponse::render`]).
#[derive(Clone)]
pub struct TokenResponse {
    /// Endpoint family.
    pub version: Version,
    /// The access token.
    pub access_token: String,
    /// When it was issued and ends.
    pub validity: (Timestamp, Timestamp),
    /// The resource, for v1.
    pub resource: String,
    /// Granted scopes; `None` for the client itself.
    pub scope: Option<String>,
    /// The next refresh token, and for a single-page application its end.
    pub refresh: Option<(String, Option<Timestamp>)>,
    /// The id token.
    pub id_token: Option<String>,
    /// base64url of `{"uid":…,"utid":…}`.
    pub client_info: Option<String>,
    /// Whether a token was exchanged, whose answer names the type of the new one (RFC 8693 §2.2.1).
    pub is_exchanged: bool,
}

/// Without the tokens.
impl std::fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenResponse")
            .field("version", &self.version)
            .field("validity", &self.validity)
            .field("resource", &self.resource)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl TokenResponse {
    /// The JSON body: numbers at v2, strings at v1 with `expires_on`, `not_before` and `resource`.
    pub fn render(&self) -> Value {
        let (issued, ends) = self.validity;
        let lasts = ends.secs().saturating_sub(issued.secs());
        let mut body = Map::new();
        body.insert("token_type".to_owned(), json!("Bearer"));
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        put("scope", self.scope.as_ref().map(|scope| json!(scope)));
        match self.version {
            Version::V2 => {
                put("expires_in", Some(json!(lasts)));
                put("ext_expires_in", Some(json!(lasts)));
            }
            Version::V1 => {
                put("expires_in", Some(json!(lasts.to_string())));
                put("ext_expires_in", Some(json!(lasts.to_string())));
                put("expires_on", Some(json!(ends.secs().to_string())));
                put("not_before", Some(json!(issued.secs().to_string())));
                put("resource", Some(json!(self.resource)));
            }
        }
        put("issued_token_type", self.is_exchanged.then(|| json!(ACCESS_TOKEN)));
        put("access_token", Some(json!(self.access_token)));
        put("refresh_token", self.refresh.as_ref().map(|(token, _)| json!(token)));
        let refresh_end = self.refresh.as_ref().and_then(|(_, end)| *end);
        put(
            "refresh_token_expires_in",
            refresh_end.map(|end| json!(end.secs().saturating_sub(issued.secs()))),
        );
        put("id_token", self.id_token.as_ref().map(|token| json!(token)));
        put("client_info", self.client_info.as_ref().map(|value| json!(value)));
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(version: Version) -> Endpoint {
        Endpoint {
            version,
            segment: "organizations".to_owned(),
        }
    }

    fn parse(body: &str, version: Version) -> Result<TokenRequest, Aadsts> {
        TokenRequest::parse(&Params::parse(body.as_bytes()).unwrap(), None, at(version)).map_err(|r| r.code())
    }

    #[test]
    fn grants() {
        let request = parse(
            "grant_type=client_credentials&client_id=x&client_secret=s&scope=api://r/.default",
            Version::V2,
        );
        assert!(matches!(request.unwrap().grant, Grant::ClientCredentials));
        let v1 = parse(
            "grant_type=refresh_token&refresh_token=r&client_id=x&resource=r&client_info=1",
            Version::V1,
        )
        .unwrap();
        assert!(v1.wants_client_info && v1.scopes.is_some());
        let person = parse("grant_type=password&client_id=x&username=u&password=p", Version::V2).unwrap();
        assert!(
            matches!(person.grant, Grant::Password { username, password } if username == "u" && password.expose() == "p")
        );
        let device = "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=x";
        for (body, version) in [
            (format!("{device}&device_code=d&code=d"), Version::V2),
            (format!("{device}&code=d"), Version::V2),
            ("grant_type=device_code&client_id=x&code=d".to_owned(), Version::V1),
            (
                "grant_type=device_code&client_id=x&device_code=d".to_owned(),
                Version::V2,
            ),
        ] {
            match parse(&body, version).unwrap().grant {
                Grant::DeviceCode(code) => assert_eq!(code.expose(), "d", "{body}"),
                other => panic!("{other:?}"),
            }
        }
        for (body, code) in [
            (device, Aadsts::Missing),
            ("grant_type=device_code&client_id=x", Aadsts::Missing),
            ("client_id=x", Aadsts::Missing),
            ("grant_type=magic&client_id=x", Aadsts::GrantType),
            ("grant_type=password&client_id=x&username=u", Aadsts::Missing),
            ("grant_type=authorization_code&client_id=x", Aadsts::Missing),
            ("grant_type=client_credentials", Aadsts::Missing),
            (
                "grant_type=client_credentials&client_id=x&resource=r",
                Aadsts::ResourceOnV2,
            ),
        ] {
            assert_eq!(parse(body, Version::V2).unwrap_err(), code, "{body}");
        }
        let long = format!(
            "grant_type=refresh_token&client_id=x&refresh_token={}",
            "r".repeat(MAX_TOKEN + 1)
        );
        assert_eq!(parse(&long, Version::V2).unwrap_err(), Aadsts::BadGrant);
    }

    #[test]
    fn exchanges() {
        let exchange = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&client_id=x&subject_token=a.b.c";
        let access = format!("{exchange}&subject_token_type={ACCESS_TOKEN}");
        let request = parse(&format!("{exchange}&subject_token_type={JWT}&scope=r/a"), Version::V2).unwrap();
        assert!(matches!(&request.grant, Grant::TokenExchange(token) if token.expose() == "a.b.c"));
        let all = Some(Scopes::parse("api://r/.default").unwrap());
        let one = Some(Scopes::parse("api://r/a").unwrap());
        for (more, expected) in [
            ("", None),
            ("&scope=api://r/a", one.clone()),
            ("&resource=api://r", all.clone()),
            (
                "&audience=api://r&requested_token_type=urn:ietf:params:oauth:token-type:access_token",
                all.clone(),
            ),
            ("&audience=api://r&resource=api://r", all.clone()),
            ("&audience=api://r&scope=a", one.clone()),
            ("&audience=api://r&scope=api://r/a", one.clone()),
            ("&audience=api://r&scope=a+api://r/a", one),
            ("&audience=api://r&scope=.default", all),
        ] {
            let request = parse(&format!("{access}{more}"), Version::V2).unwrap();
            assert_eq!(request.scopes, expected, "{more}");
        }
        for (body, code) in [
            (access.replace("&subject_token=a.b.c", ""), Aadsts::Missing),
            (exchange.to_owned(), Aadsts::Missing),
            (
                format!("{exchange}&subject_token_type=urn:ietf:params:oauth:token-type:id_token"),
                Aadsts::BadParameter,
            ),
            (
                format!("{access}&requested_token_type=urn:ietf:params:oauth:token-type:refresh_token"),
                Aadsts::BadParameter,
            ),
            (format!("{access}&actor_token=a.b.c"), Aadsts::BadParameter),
            (format!("{access}&audience=api://r&resource=api://s"), Aadsts::BadTarget),
            (format!("{access}&audience=api://r&scope=api://s/a"), Aadsts::BadTarget),
            (format!("{access}&audience=api://r&scope=a+.default"), Aadsts::BadScope),
            (format!("{access}&audience=a+b"), Aadsts::BadTarget),
            (format!("{access}&audience=api://r&audience=api://s"), Aadsts::Malformed),
        ] {
            let params = Params::parse(body.as_bytes());
            let refused = params.and_then(|params| TokenRequest::parse(&params, None, at(Version::V2)));
            assert_eq!(refused.unwrap_err().code(), code, "{body}");
        }
        assert_eq!(parse(&access, Version::V1).unwrap_err(), Aadsts::GrantType);
    }

    #[test]
    fn numbers_at_v2_strings_at_v1() {
        let mut response = TokenResponse {
            version: Version::V2,
            access_token: "t".into(),
            validity: (Timestamp::from_secs(1000), Timestamp::from_secs(4600)),
            resource: "https://r".into(),
            scope: Some("a b".into()),
            refresh: Some(("r".into(), Some(Timestamp::from_secs(87_400)))),
            id_token: None,
            client_info: None,
            is_exchanged: false,
        };
        assert_eq!(
            response.render().to_string(),
            r#"{"token_type":"Bearer","scope":"a b","expires_in":3600,"ext_expires_in":3600,"access_token":"t","refresh_token":"r","refresh_token_expires_in":86400}"#
        );
        assert!(!format!("{response:?}").contains("access_token"), "{response:?}");
        response.version = Version::V1;
        response.refresh = None;
        assert_eq!(
            response.render().to_string(),
            r#"{"token_type":"Bearer","scope":"a b","expires_in":"3600","ext_expires_in":"3600","expires_on":"4600","not_before":"1000","resource":"https://r","access_token":"t"}"#
        );
    }

    proptest! {
        #[test]
        fn never_panics(body in "(grant_type|client_id|scope|code|=|&|%|[a-z]|[0-9])*") {
            if let Ok(params) = Params::parse(body.as_bytes()) {
                let _ = TokenRequest::parse(&params, Some(&body), at(Version::V1));
                let _ = TokenRequest::parse(&params, None, at(Version::V2));
            }
        }
    }
}
