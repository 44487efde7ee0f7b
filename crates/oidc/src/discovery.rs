//! Metadata documents (OpenID Connect Discovery 1.0 §3, RFC 8414), members in the order of Entra ID, and instance
//! discovery.
//!
//! # Deviations
//! `code_challenge_methods_supported`, `grant_types_supported` and `revocation_endpoint` (RFC 7009) are added. The v1 issuer is on the login host
//! (`https://H/{tenant}/`), because there is no second one. What is named is served: `kerberos_endpoint`,
//! `check_session_iframe` and `rbac_url` are not listed.

use hygie_core::TenantId;
use serde_json::{Value, json};

/// Where the provider is.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Base URL of the login host, without a final slash.
    pub login: String,
    /// Base URL of the directory API, without a final slash; `None` where it is not served.
    pub graph: Option<String>,
    /// Base URL of the token endpoint for clients with a certificate, without a final slash; `None` where it is not served.
    pub back_channel: Option<String>,
}

/// Whom a metadata document is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// One tenant.
    Tenant(TenantId),
    /// `organizations`: any tenant.
    Organizations,
    /// `common`: any account; the same as `organizations` here, where there are no personal accounts.
    Common,
}

impl Audience {
    /// The first segment of the path.
    pub fn segment(self) -> String {
        match self {
            Self::Tenant(tenant) => tenant.to_string(),
            Self::Organizations => "organizations".to_owned(),
            Self::Common => "common".to_owned(),
        }
    }

    /// The tenant in an issuer, or the literal text that a client replaces by the `tid` of a token.
    fn in_issuer(self) -> String {
        match self {
            Self::Tenant(tenant) => tenant.to_string(),
            Self::Organizations | Self::Common => "{tenantid}".to_owned(),
        }
    }
}

/// The grants of the token endpoint.
const GRANT_TYPES: [&str; 5] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    crate::token::DEVICE_CODE,
];

impl Provider {
    /// Issuer of v1 tokens.
    pub fn issuer_v1(&self, tenant: TenantId) -> String {
        format!("{}/{tenant}/", self.login)
    }

    /// Issuer of v2 tokens.
    pub fn issuer_v2(&self, tenant: TenantId) -> String {
        format!("{}/{tenant}/v2.0", self.login)
    }

    /// Whether tokens of this issuer are of one of our tenants.
    pub fn is_issuer(&self, issuer: &str) -> bool {
        let rest = issuer.strip_prefix(&self.login).and_then(|rest| rest.strip_prefix('/'));
        let tenant = rest.and_then(|rest| rest.strip_suffix("/v2.0").or_else(|| rest.strip_suffix('/')));
        tenant.is_some_and(|tenant| tenant.parse::<TenantId>().is_ok_and(|id| id.to_string() == tenant))
    }

    /// The `aud` of what a client signs for this tenant's token endpoint (RFC 7523 §3): the endpoints and the issuers, by
    /// the tenant's id and by the segment that the request used.
    pub fn token_audiences(&self, segment: &str, tenant: TenantId) -> Vec<String> {
        let tenant = tenant.to_string();
        let forms = |name: &str| {
            ["oauth2/v2.0/token", "oauth2/token", "v2.0", ""].map(|end| format!("{}/{name}/{end}", self.login))
        };
        let back = self.back_channel.iter();
        let aliases = back.flat_map(|back| [segment, &tenant].map(|name| format!("{back}/{name}/oauth2/v2.0/token")));
        forms(segment)
            .into_iter()
            .chain(forms(&tenant))
            .chain(aliases)
            .collect()
    }

    /// Issuer of each published key: every tenant's.
    pub fn issuer_of_keys(&self) -> String {
        format!("{}/{{tenantid}}/v2.0", self.login)
    }

    /// `/{tenant}/v2.0/.well-known/openid-configuration`.
    pub fn v2(&self, audience: Audience) -> Value {
        let base = format!("{}/{}", self.login, audience.segment());
        let mut document = json!({
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{}/{}/v2.0", self.login, audience.in_issuer()),
            "request_uri_parameter_supported": false,
            "userinfo_endpoint": self.userinfo(audience),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
            "http_logout_supported": true,
            "frontchannel_logout_supported": true,
            "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
            "claims_supported": [
                "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name",
                "msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid",
                "ver", "at_hash", "c_hash", "email"
            ],
            "tenant_region_scope": region(audience),
            "cloud_instance_name": self.host(),
            "cloud_graph_host_name": self.graph_host(),
            "msgraph_host": self.graph_host(),
            "revocation_endpoint": format!("{base}/oauth2/v2.0/revoke"),
            "code_challenge_methods_supported": ["S256", "plain"],
            "grant_types_supported": GRANT_TYPES,
        });
        if let Audience::Tenant(_) = audience {
            // CIBA Core §4: in poll mode, for one tenant.
            document["backchannel_authentication_endpoint"] = format!("{base}/oauth2/v2.0/bc-authorize").into();
            document["backchannel_token_delivery_modes_supported"] = json!(["poll"]);
            document["backchannel_user_code_parameter_supported"] = false.into();
            if let Some(grants) = document["grant_types_supported"].as_array_mut() {
                grants.push(crate::ciba::GRANT_TYPE.into());
            }
        }
        if let Some(back) = &self.back_channel {
            // RFC 8705 §5, §3.3.
            let token = format!("{back}/{}/oauth2/v2.0/token", audience.segment());
            document["mtls_endpoint_aliases"] = json!({ "token_endpoint": token });
            document["tls_client_certificate_bound_access_tokens"] = json!(true);
        }
        document
    }

    /// `/{tenant}/.well-known/openid-configuration`.
    pub fn v1(&self, audience: Audience) -> Value {
        let base = format!("{}/{}", self.login, audience.segment());
        json!({
            "token_endpoint": format!("{base}/oauth2/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{base}/discovery/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "token id_token", "token"],
            "scopes_supported": ["openid"],
            "issuer": format!("{}/{}/", self.login, audience.in_issuer()),
            "microsoft_multi_refresh_token": true,
            "authorization_endpoint": format!("{base}/oauth2/authorize"),
            "device_authorization_endpoint": format!("{base}/oauth2/devicecode"),
            "http_logout_supported": true,
            "frontchannel_logout_supported": true,
            "end_session_endpoint": format!("{base}/oauth2/logout"),
            "claims_supported": [
                "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name",
                "msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "email", "given_name",
                "family_name", "nickname"
            ],
            "userinfo_endpoint": format!("{base}/openid/userinfo"),
            "tenant_region_scope": region(audience),
            "cloud_instance_name": self.host(),
            "cloud_graph_host_name": self.graph_host(),
            "msgraph_host": self.graph_host(),
            "code_challenge_methods_supported": ["S256", "plain"],
            "grant_types_supported": GRANT_TYPES,
        })
    }

    /// `/common/discovery/instance`: the document of our host, or `None` for a host that is not ours.
    pub fn instance(&self, authorization_endpoint: &str) -> Option<Value> {
        let asked = url::Url::parse(authorization_endpoint).ok()?;
        let ours = url::Url::parse(&self.login).ok()?;
        if asked.origin() != ours.origin() {
            return None;
        }
        let tenant = asked.path_segments()?.next().filter(|segment| !segment.is_empty())?;
        let v2 = if asked.path().contains("/v2.0/") { "/v2.0" } else { "" };
        let host = self.host();
        Some(json!({
            "tenant_discovery_endpoint": format!("{}/{tenant}{v2}/.well-known/openid-configuration", self.login),
            "api-version": "1.1",
            "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
        }))
    }

    fn userinfo(&self, audience: Audience) -> String {
        match &self.graph {
            Some(graph) => format!("{graph}/oidc/userinfo"),
            None => format!("{}/{}/openid/userinfo", self.login, audience.segment()),
        }
    }

    /// Host and port of the login host.
    pub fn host(&self) -> &str {
        host(&self.login)
    }

    fn graph_host(&self) -> &str {
        self.graph.as_deref().map_or_else(|| self.host(), host)
    }
}

/// Host and port of a base URL.
fn host(base: &str) -> &str {
    base.split_once("://").map_or(base, |(_, host)| host)
}

/// Personal data stay in the European Union; documents for all tenants name no region.
/// Where tenants are (`tenant_region_scope`).
pub const REGION: &str = "EU";

fn region(audience: Audience) -> Option<&'static str> {
    matches!(audience, Audience::Tenant(_)).then_some(REGION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider() -> Provider {
        Provider {
            login: "https://login.example:8441".to_owned(),
            graph: None,
            back_channel: None,
        }
    }

    #[test]
    fn clients_with_a_certificate_have_an_address_of_their_own() {
        let tenant: TenantId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001".parse().unwrap();
        let token = format!("https://back.example/{tenant}/oauth2/v2.0/token");
        let audience = Audience::Tenant(tenant);
        assert_eq!(provider().v2(audience).get("mtls_endpoint_aliases"), None);
        assert!(!provider().token_audiences("ch.example", tenant).contains(&token));
        let provider = Provider {
            back_channel: Some("https://back.example".to_owned()),
            ..provider()
        };
        let document = provider.v2(audience);
        assert_eq!(document["mtls_endpoint_aliases"], json!({"token_endpoint": token}));
        assert_eq!(document["tls_client_certificate_bound_access_tokens"], true);
        assert!(provider.token_audiences("ch.example", tenant).contains(&token));
    }

    #[test]
    fn issuers_are_templates_for_all_tenants() {
        assert_eq!(
            provider().v2(Audience::Organizations)["issuer"],
            "https://login.example:8441/{tenantid}/v2.0"
        );
        assert_eq!(
            provider().v1(Audience::Common)["issuer"],
            "https://login.example:8441/{tenantid}/"
        );
        let tenant: TenantId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001".parse().unwrap();
        let document = provider().v2(Audience::Tenant(tenant));
        assert_eq!(document["issuer"], provider().issuer_v2(tenant));
        for (issuer, is_ours) in [
            (provider().issuer_v1(tenant), true),
            (provider().issuer_v2(tenant), true),
            (format!("{}/{{tenantid}}/v2.0", provider().login), false),
            (provider().issuer_v2(tenant).to_uppercase(), false),
            (format!("{}/v2.0", provider().login), false),
            (format!("{}.evil.example/{tenant}/v2.0", provider().login), false),
        ] {
            assert_eq!(provider().is_issuer(&issuer), is_ours, "{issuer}");
        }
        assert_eq!(document["cloud_instance_name"], "login.example:8441");
        assert_eq!(document["tenant_region_scope"], "EU");
        assert_eq!(provider().v2(Audience::Common)["tenant_region_scope"], Value::Null);
    }

    #[test]
    fn instances() {
        let found = provider()
            .instance("https://login.example:8441/t/oauth2/v2.0/authorize")
            .unwrap();
        let expected = "https://login.example:8441/t/v2.0/.well-known/openid-configuration";
        assert_eq!(found["tenant_discovery_endpoint"], expected);
        for other in [
            "https://login.example/t/oauth2/v2.0/authorize",
            "https://evil.example:8441/t/x",
            "x",
            "https://login.example:8441",
        ] {
            assert_eq!(provider().instance(other), None, "{other}");
        }
    }
}
