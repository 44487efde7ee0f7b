//! A stand-in for Microsoft Entra ID on a loopback port: discovery, keys and tokens with the members that were recorded
//! from the real one, in their order.
//!
//! Sources of the shapes: the discovery and key documents of `login.microsoftonline.com`, and the claims reference of
//! the Microsoft identity platform (access tokens, id tokens), versions 1 and 2.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use hygie_access::{EntraCloud, Version};
use hygie_core::{AppId, Clock, ObjectId, TenantId};
use hygie_jose::{Algorithm, Certificate, Protected, SigningKey};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const YEAR: Duration = Duration::from_hours(24 * 365);

/// A fake Entra ID.
#[derive(Clone)]
pub struct FakeEntra(Arc<Inner>);

struct Inner {
    base: String,
    clock: Arc<dyn Clock>,
    /// The last one signs.
    keys: Mutex<Vec<SigningKey>>,
    is_down: AtomicBool,
    requests: AtomicUsize,
}

/// Whom a token is about, and for whom it is.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The tenant.
    pub tenant: TenantId,
    /// The user or service principal.
    pub id: ObjectId,
    /// The client.
    pub app: AppId,
    /// The resource.
    pub audience: &'a str,
}

impl FakeEntra {
    /// Starts to serve. It stops with the runtime of the test.
    pub async fn start(clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let entra = Self(Arc::new(Inner {
            base: format!("http://{address}"),
            keys: Mutex::new(vec![signing_key(&*clock)]),
            clock,
            is_down: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
        }));
        let router = router(&entra);
        tokio::spawn(async move { axum::serve(listener, router).await });
        entra
    }

    /// Its authority. As in the real one, version 1 issuers are of another host.
    pub fn cloud(&self) -> EntraCloud {
        EntraCloud {
            authority: self.0.base.clone(),
            sts: "https://sts.windows.net".to_owned(),
        }
    }

    /// `127.0.0.1:port`, for an egress policy.
    pub fn host(&self) -> String {
        self.0.base.trim_start_matches("http://").to_owned()
    }

    /// `iss` of a tenant's tokens.
    pub fn issuer(&self, tenant: TenantId, version: Version) -> String {
        match version {
            Version::V1 => format!("https://sts.windows.net/{tenant}/"),
            Version::V2 => format!("{}/{tenant}/v2.0", self.0.base),
        }
    }

    /// Publishes another key, which signs from now on.
    pub fn roll(&self) {
        let key = signing_key(&*self.0.clock);
        self.0.keys.lock().push(key);
    }

    /// Answers 503 from now on, or no more.
    pub fn set_down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Ordering::SeqCst);
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.0.requests.load(Ordering::SeqCst)
    }

    /// The claims of an application's access token.
    pub fn application(&self, version: Version, subject: Subject<'_>) -> Value {
        let mut claims = self.common(version, subject);
        claims["sub"] = json!(subject.id);
        claims["idtyp"] = json!("app");
        if version == Version::V1 {
            claims["idp"] = claims["iss"].clone();
        }
        claims
    }

    /// The claims of a person's access token, with this scope.
    pub fn person(&self, version: Version, subject: Subject<'_>, scope: &str) -> Value {
        let mut claims = self.common(version, subject);
        claims["scp"] = json!(scope);
        claims["name"] = json!("Camille Martin");
        match version {
            Version::V1 => {
                claims["acr"] = json!("1");
                claims["amr"] = json!(["pwd", "mfa"]);
                claims["ipaddr"] = json!("192.0.2.7");
                claims["unique_name"] = json!("camille.martin@chu.example");
                claims["upn"] = json!("camille.martin@chu.example");
            }
            Version::V2 => claims["preferred_username"] = json!("camille.martin@chu.example"),
        }
        claims
    }

    /// The claims of a person's id token, whose audience is the client; it answers no authorization request that had
    /// a nonce.
    pub fn id_token(&self, version: Version, subject: Subject<'_>) -> Value {
        let mut claims = self.person(version, subject, "openid");
        let members = claims.as_object_mut().expect("an object");
        for absent in ["scp", "appid", "appidacr", "azp", "azpacr"] {
            members.remove(absent);
        }
        claims
    }

    /// A token with these claims, signed with the newest key.
    pub fn sign(&self, claims: &Value) -> String {
        let keys = self.0.keys.lock();
        let key = keys.last().expect("there is always one");
        let header = match claims["ver"].as_str() {
            Some("1.0") => Protected::jwt().with_x5t(),
            _ => Protected::jwt(),
        };
        key.sign(&header, claims).expect("an object is signed")
    }

    fn common(&self, version: Version, subject: Subject<'_>) -> Value {
        let now = self.0.clock.now().secs();
        let mut claims = json!({
            "aud": subject.audience, "iss": self.issuer(subject.tenant, version), "iat": now, "nbf": now,
            "exp": now + 4500, "aio": "E2ZgYAgM3Lj9VPPMkuhZ",
        });
        match version {
            Version::V1 => {
                claims["appid"] = json!(subject.app);
                claims["appidacr"] = json!("1");
            }
            Version::V2 => {
                claims["azp"] = json!(subject.app);
                claims["azpacr"] = json!("1");
            }
        }
        claims["oid"] = json!(subject.id);
        claims["rh"] = json!("0.AXkAv4j5cvGGr0GRqy180BHbR");
        claims["sub"] = json!("l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA");
        claims["tid"] = json!(subject.tenant);
        claims["uti"] = json!("fqiBqXLPj0eQa82S-IYFAA");
        claims["ver"] = json!(version.ver());
        claims
    }
}

fn signing_key(clock: &dyn Clock) -> SigningKey {
    let now = clock.now();
    let key = SigningKey::generate(Algorithm::Rs256).expect("a key");
    let name = "accounts.accesscontrol.windows.net";
    let certificate = Certificate::self_signed(&key, name, now, now + YEAR).expect("a certificate");
    key.with_certificate(certificate).expect("its own certificate")
}

fn router(entra: &FakeEntra) -> Router {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(configuration_v2))
        .route("/{tenant}/.well-known/openid-configuration", get(configuration_v1))
        .route("/{tenant}/discovery/v2.0/keys", get(keys_v2))
        .route("/{tenant}/discovery/keys", get(keys_v1))
        .layer(from_fn_with_state(entra.clone(), count))
        .with_state(entra.clone())
}

async fn count(State(entra): State<FakeEntra>, request: Request, next: Next) -> Response {
    entra.0.requests.fetch_add(1, Ordering::SeqCst);
    if entra.0.is_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let mut response = next.run(request).await;
    let headers = HeaderMap::from_iter([
        (
            http::header::CACHE_CONTROL,
            "max-age=86400, private".parse().expect("a value"),
        ),
        (http::header::ACCESS_CONTROL_ALLOW_ORIGIN, "*".parse().expect("a value")),
        (
            http::header::X_CONTENT_TYPE_OPTIONS,
            "nosniff".parse().expect("a value"),
        ),
    ]);
    response.headers_mut().extend(headers);
    response
}

/// The tenant as documents name it: the literal template where the path names no tenant.
fn named(tenant: &str) -> &str {
    match tenant {
        "common" | "organizations" => "{tenantid}",
        tenant => tenant,
    }
}

async fn configuration_v2(State(entra): State<FakeEntra>, Path(tenant): Path<String>) -> Json<Value> {
    let base = &entra.0.base;
    Json(json!({
        "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/{tenant}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{base}/{}/v2.0", named(&tenant)),
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
        "authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{base}/{tenant}/oauth2/v2.0/logout"),
        "claims_supported": ["sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name",
            "msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid",
            "ver", "at_hash", "c_hash", "email"],
        "kerberos_endpoint": format!("{base}/{tenant}/kerberos"),
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    }))
}

async fn configuration_v1(State(entra): State<FakeEntra>, Path(tenant): Path<String>) -> Json<Value> {
    let base = &entra.0.base;
    Json(json!({
        "token_endpoint": format!("{base}/{tenant}/oauth2/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/{tenant}/discovery/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "token id_token", "token"],
        "scopes_supported": ["openid"],
        "issuer": format!("https://sts.windows.net/{}/", named(&tenant)),
        "microsoft_multi_refresh_token": true,
        "authorization_endpoint": format!("{base}/{tenant}/oauth2/authorize"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{base}/{tenant}/oauth2/logout"),
        "check_session_iframe": format!("{base}/{tenant}/oauth2/checksession"),
        "userinfo_endpoint": format!("{base}/{tenant}/openid/userinfo"),
    }))
}

/// Each key with the issuer that it signs for.
async fn keys_v2(State(entra): State<FakeEntra>, Path(tenant): Path<String>) -> Json<Value> {
    let issuer = format!("{}/{}/v2.0", entra.0.base, named(&tenant));
    Json(document(&entra, Some(&issuer)))
}

async fn keys_v1(State(entra): State<FakeEntra>) -> Json<Value> {
    Json(document(&entra, None))
}

fn document(entra: &FakeEntra, issuer: Option<&str>) -> Value {
    let keys = entra.0.keys.lock();
    let keys = keys.iter().map(|key| {
        let jwk = key.public_jwk();
        let mut shown = json!({
            "kty": jwk.kty, "use": "sig", "kid": jwk.kid, "x5t": jwk.x5t, "n": jwk.n, "e": jwk.e, "x5c": jwk.x5c,
        });
        if let Some(issuer) = issuer {
            shown["issuer"] = json!(issuer);
        }
        shown
    });
    json!({ "keys": keys.collect::<Vec<_>>() })
}
