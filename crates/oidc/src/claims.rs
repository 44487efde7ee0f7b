//! The `claims` parameter (OpenID Connect Core §5.5) and `acr_values` (§3.1.2.1), as far as they change what happens.
//!
//! What is asked for and not known is passed over, as the specification wants; what is malformed is refused.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Params, Refusal};

/// Longest parameter.
const MAX_LENGTH: usize = 8 * 1024;
/// Values of one claim that are looked at.
const MAX_VALUES: usize = 32;
/// The end of the time that is reckoned with: the year 5138.
const MAX_SECONDS: i64 = 100_000_000_000;

/// What a client asks of the authentication and of its tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimsRequest {
    /// Authentication contexts that the access token is to be good for (`acrs`): `c1`, …
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<String>,
    /// Policies of conditional access that are to be met whatever the resource (`polids`): what a resource behind the one that is
    /// asked for wants, told by the challenge of an exchange on behalf of the person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Classes of authentication (`acr_values`, or `acr` of the id token), the best liked first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acr: Vec<String>,
    /// What the client can do (`xms_cc`): `cp1` understands a claims challenge.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// The access token is not to be older than this (`nbf`, in seconds): a resource asks so when something changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<i64>,
}

impl ClaimsRequest {
    /// From the parameters of a request.
    pub fn parse(params: &Params) -> Result<Self, Refusal> {
        let mut acr = Vec::new();
        if let Some(text) = params.get("acr_values") {
            if text.len() > MAX_LENGTH {
                return Err(Refusal::bad("acr_values"));
            }
            let words = text.split(' ').filter(|word| !word.is_empty());
            acr.extend(words.take(MAX_VALUES).map(str::to_owned));
        }
        let request = Self::parse_claims(params)?;
        acr.extend(request.acr);
        Ok(Self { acr, ..request })
    }

    /// From the parameter `claims` alone, as at the token endpoint.
    pub fn parse_claims(params: &Params) -> Result<Self, Refusal> {
        let mut request = Self::default();
        let Some(text) = params.get("claims").filter(|text| !text.is_empty()) else {
            return Ok(request);
        };
        let bad = || Refusal::bad("claims");
        if text.len() > MAX_LENGTH {
            return Err(bad());
        }
        let parsed: Map<String, Value> = serde_json::from_str(text).map_err(|_| bad())?;
        if let Some(access) = member(&parsed, "access_token")? {
            request.contexts = values(access, "acrs")?;
            request.policies = values(access, "polids")?;
            request.capabilities = values(access, "xms_cc")?;
            let not_before = values(access, "nbf")?;
            request.not_before = match not_before.as_slice() {
                [] => None,
                [seconds] => Some(
                    seconds
                        .parse()
                        .ok()
                        .filter(|at| (0..MAX_SECONDS).contains(at))
                        .ok_or_else(bad)?,
                ),
                _ => return Err(bad()),
            };
        }
        if let Some(id) = member(&parsed, "id_token")? {
            request.acr.extend(values(id, "acr")?);
        }
        Ok(request)
    }

    /// Whether the client understands a claims challenge.
    pub fn understands_challenges(&self) -> bool {
        self.capabilities.iter().any(|word| word.eq_ignore_ascii_case("cp1"))
    }
}

/// A member that is an object; null is none.
fn member<'a>(of: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>, Refusal> {
    match of.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(Refusal::bad("claims")),
    }
}

/// The values that are asked for of a claim: `{"value": …}` or `{"values": […]}`.
fn values(claims: &Map<String, Value>, name: &str) -> Result<Vec<String>, Refusal> {
    let Some(asked) = member(claims, name)? else {
        return Ok(Vec::new());
    };
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| Refusal::bad("claims"));
    match (asked.get("value"), asked.get("values")) {
        (Some(one), None) => Ok(vec![text(one)?]),
        (None, Some(Value::Array(many))) if many.len() <= MAX_VALUES => many.iter().map(text).collect(),
        (None, None) => Ok(Vec::new()),
        _ => Err(Refusal::bad("claims")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> Result<ClaimsRequest, u32> {
        let params = Params::parse(query.as_bytes()).unwrap();
        ClaimsRequest::parse(&params).map_err(|refusal| refusal.code().number())
    }

    fn of(claims: &str) -> Result<ClaimsRequest, u32> {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("claims", claims)
            .finish();
        parsed(&query)
    }

    #[test]
    fn what_is_asked() {
        let asked = of(r#"{"access_token":{"acrs":{"essential":true,"value":"c1"},"xms_cc":{"values":["cp1"]}},
            "id_token":{"auth_time":{"essential":true},"acr":{"values":["phr","mfa"]},"given_name":null},"userinfo":null}"#)
        .unwrap();
        assert_eq!(asked.contexts, ["c1"]);
        assert!(asked.understands_challenges());
        assert_eq!(asked.acr, ["phr", "mfa"]);
        assert_eq!(parsed("acr_values=phr+mfa").unwrap().acr, ["phr", "mfa"]);
        assert_eq!(parsed("claims=").unwrap(), ClaimsRequest::default());
        let challenge = of(r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#);
        assert_eq!(challenge.unwrap().not_before, Some(1_604_106_651));
        let polids = of(r#"{"access_token":{"polids":{"essential":true,"values":["x"]}}}"#);
        assert_eq!(polids.unwrap().policies, ["x"]);
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for claims in [
            "[]",
            "{",
            r#"{"access_token":[]}"#,
            r#"{"access_token":{"acrs":"c1"}}"#,
            r#"{"access_token":{"acrs":{"value":1}}}"#,
            r#"{"access_token":{"nbf":{"value":"soon"}}}"#,
            r#"{"access_token":{"nbf":{"value":"-1"}}}"#,
            r#"{"access_token":{"nbf":{"values":["1","2"]}}}"#,
            r#"{"access_token":{"acrs":{"values":"c1"}}}"#,
            r#"{"access_token":{"acrs":{"value":"c1","values":["c1"]}}}"#,
            &format!(
                r#"{{"access_token":{{"acrs":{{"value":"{}"}}}}}}"#,
                "c".repeat(MAX_LENGTH)
            ),
        ] {
            assert_eq!(of(claims), Err(90_023), "{claims}");
        }
    }
}
