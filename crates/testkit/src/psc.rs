//! A stand-in for Pro Santé Connect on a loopback port: discovery under the name that it has there, keys, introspection
//! and UserInfo, with the members that were observed on its sandbox. The person is composed; the number is of the range
//! that is kept for tests.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::{Form, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use hygie_core::Clock;
use hygie_jose::{Algorithm, Protected, SigningKey};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

const REALM: &str = "/auth/realms/esante-wallet";
/// The client that may introspect, and its secret.
pub const PSC_CLIENT: (&str, &str) = ("hygie", "s&cret with signs");
/// A digital service that people sign in to.
pub const PSC_SERVICE: &str = "dossier-patient";
/// Access tokens live so long, in seconds.
const LIFE: i64 = 120;

/// A fake Pro Santé Connect.
#[derive(Clone)]
pub struct FakePsc(Arc<Inner>);

struct Inner {
    base: String,
    clock: Arc<dyn Clock>,
    /// The last one signs.
    keys: Mutex<Vec<SigningKey>>,
    /// UserInfo by token, while it is active.
    active: Mutex<HashMap<String, Value>>,
    is_down: AtomicBool,
    is_hanging: AtomicBool,
    requests: AtomicUsize,
}

impl FakePsc {
    /// Starts to serve. It stops with the runtime of the test.
    pub async fn start(clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let psc = Self(Arc::new(Inner {
            base: format!("http://{address}"),
            clock,
            keys: Mutex::new(vec![signing_key()]),
            active: Mutex::default(),
            is_down: AtomicBool::new(false),
            is_hanging: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
        }));
        let router = router(&psc);
        tokio::spawn(async move { axum::serve(listener, router).await });
        psc
    }

    /// `127.0.0.1:port`, for an egress policy.
    pub fn host(&self) -> String {
        self.0.base.trim_start_matches("http://").to_owned()
    }

    /// `iss` of its tokens.
    pub fn issuer(&self) -> String {
        format!("{}{REALM}", self.0.base)
    }

    /// Publishes another key, which signs from now on.
    pub fn roll(&self) {
        self.0.keys.lock().push(signing_key());
    }

    /// Answers 503 from now on, or no more.
    pub fn set_down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Ordering::SeqCst);
    }

    /// Takes requests and never answers them from now on, or no more.
    pub fn set_hanging(&self, is_hanging: bool) {
        self.0.is_hanging.store(is_hanging, Ordering::SeqCst);
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.0.requests.load(Ordering::SeqCst)
    }

    /// The claims of an access token of this person, who signed in with a card.
    pub fn claims(&self, national_id: &str) -> Value {
        let now = self.0.clock.now().secs();
        let (session, person) = (Uuid::from_u128(5), subject(national_id));
        json!({
            "exp": now + LIFE, "iat": now, "auth_time": now - 1, "jti": Uuid::from_u128(6), "iss": self.issuer(),
            "sub": person, "typ": "Bearer", "azp": PSC_SERVICE, "nonce": "0123456789abcdef", "session_state": session,
            "acr": "eidas3", "scope": "openid profile scope_all identity", "sid": session, "authMode": "CARD",
            "otherIds": [{"identifiant": national_id, "origine": "RPPS", "qualite": 1}],
            "preferred_username": national_id,
        })
    }

    /// A token with these claims, signed with the newest key and active; UserInfo answers with `user` to whoever has it.
    pub fn issue(&self, claims: &Value, user: &Value) -> String {
        let token = self.sign(claims);
        self.0.active.lock().insert(token.clone(), user.clone());
        token
    }

    /// The same without making it active.
    pub fn sign(&self, claims: &Value) -> String {
        let keys = self.0.keys.lock();
        let key = keys.last().expect("there is always one");
        key.sign(&Protected::jwt(), claims).expect("an object is signed")
    }

    /// Ends the session of a token.
    pub fn revoke(&self, token: &str) {
        self.0.active.lock().remove(token);
    }

    /// UserInfo about somebody with one practice: a profession with its category, exercised in these structures.
    pub fn person(national_id: &str, (profession, category): (&str, &str), structures: &[&str]) -> Value {
        let activities: Vec<Value> = structures.iter().map(|structure| activity(structure)).collect();
        json!({
            "sub": subject(national_id),
            "preferred_username": national_id,
            "SubjectNameID": national_id,
            "given_name": "ALIX",
            "family_name": "EXEMPLE",
            "codeCivilite": "MME",
            "UITVersion": "1.0",
            "authMode": "CARD",
            "Palier_Authentification": "APPPRIP3^1.2.250.1.213.1.5.1.1.1",
            "Mode_Acces_Raison": "",
            "Acces_Regulation_Medicale": "FAUX",
            "PSI_Locale": "1.2.250.1.213.1.3.1.1",
            "Secteur_Activite": "SA01^1.2.250.1.71.4.2.4",
            "codeGenreActivite": "GENR01",
            "SubjectOrganization": "HOPITAL DE DEMONSTRATION",
            "SubjectOrganizationID": structures.first().copied().unwrap_or_default(),
            "SubjectRole": [format!("{profession}^1.2.250.1.213.1.1.5.5")],
            "otherIds": [{"identifiant": national_id, "origine": "RPPS", "qualite": 1}],
            "SubjectRefPro": {"exercices": [{
                "codeProfession": profession,
                "codeCategorieProfessionnelle": category,
                "codeCiviliteDexercice": "DR",
                "nomDexercice": "EXEMPLE",
                "prenomDexercice": "ALIX",
                "codeTypeSavoirFaire": "S",
                "codeSavoirFaire": "SM26",
                "activities": activities,
            }]},
        })
    }
}

fn subject(national_id: &str) -> String {
    format!("f:{}:{national_id}", Uuid::from_u128(1))
}

/// The members that tell something; the other twenty are empty texts.
fn activity(structure: &str) -> Value {
    json!({
        "codeModeExercice": "S", "codeSecteurDactivite": "SA01", "codeSectionPharmacien": "", "codeRole": "",
        "codeGenreActivite": "GENR01", "numeroFinessSite": structure.trim_start_matches('F'),
        "identifiantTechniqueDeLaStructure": structure, "raisonSocialeSite": "HOPITAL DE DEMONSTRATION",
        "codePostal": "75000", "codePays": "99000", "autoriteDenregistrement": "CNOM/CNOM/ARS",
    })
}

fn signing_key() -> SigningKey {
    SigningKey::generate(Algorithm::Rs256).expect("a key")
}

fn router(psc: &FakePsc) -> Router {
    let at = |path: &str| format!("{REALM}{path}");
    Router::new()
        .route(&at("/.well-known/wallet-openid-configuration"), get(configuration))
        .route(&at("/protocol/openid-connect/certs"), get(certs))
        .route(&at("/protocol/openid-connect/userinfo"), get(userinfo))
        .route(&at("/protocol/openid-connect/token/introspect"), post(introspect))
        .layer(from_fn_with_state(psc.clone(), count))
        .with_state(psc.clone())
}

async fn count(State(psc): State<FakePsc>, request: Request, next: Next) -> Response {
    psc.0.requests.fetch_add(1, Ordering::SeqCst);
    if psc.0.is_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if psc.0.is_hanging.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    next.run(request).await
}

async fn configuration(State(psc): State<FakePsc>) -> Json<Value> {
    let issuer = psc.issuer();
    let at = |path: &str| format!("{issuer}/protocol/openid-connect{path}");
    let methods = [
        "private_key_jwt",
        "client_secret_basic",
        "client_secret_post",
        "tls_client_auth",
        "client_secret_jwt",
    ];
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": "https://wallet.bas.psc.esante.gouv.fr/auth",
        "token_endpoint": at("/token"),
        "introspection_endpoint": at("/token/introspect"),
        "userinfo_endpoint": at("/userinfo"),
        "end_session_endpoint": at("/logout"),
        "frontchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "jwks_uri": at("/certs"),
        "check_session_iframe": at("/login-status-iframe.html"),
        "grant_types_supported": ["authorization_code", "implicit", "refresh_token", "password", "client_credentials",
            "urn:openid:params:grant-type:ciba", "urn:ietf:params:oauth:grant-type:device_code"],
        "acr_values_supported": ["0", "0"],
        "subject_types_supported": ["public", "pairwise"],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "claims_supported": ["aud", "sub", "iss", "auth_time", "name", "given_name", "family_name",
            "preferred_username", "email", "acr"],
        "scopes_supported": ["openid", "profile", "email", "offline_access", "rpps", "identity", "scope_all", "eidas1"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "tls_client_certificate_bound_access_tokens": true,
        "backchannel_token_delivery_modes_supported": ["poll", "ping"],
    }))
}

async fn certs(State(psc): State<FakePsc>) -> Json<Value> {
    let keys = psc.0.keys.lock();
    let keys = keys.iter().map(|key| {
        let jwk = key.public_jwk();
        json!({ "kid": jwk.kid, "kty": jwk.kty, "alg": "RS256", "use": "sig", "n": jwk.n, "e": jwk.e })
    });
    Json(json!({ "keys": keys.collect::<Vec<_>>() }))
}

async fn userinfo(State(psc): State<FakePsc>, headers: HeaderMap) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = authorization
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    match psc.0.active.lock().get(token) {
        Some(user) => Json(user).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// RFC 7662 §2; the claims of the token and three members more.
async fn introspect(
    State(psc): State<FakePsc>,
    headers: HeaderMap,
    Form(fields): Form<HashMap<String, String>>,
) -> Response {
    // RFC 6749 §2.3.1: both halves are encoded as in a form.
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let (client, secret) = PSC_CLIENT;
    let expected = format!(
        "Basic {}",
        STANDARD.encode(format!("{}:{}", encode(client), encode(secret)))
    );
    if headers
        .get(header::AUTHORIZATION)
        .is_none_or(|value| value != expected.as_str())
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let token = fields.get("token").map(String::as_str).unwrap_or_default();
    let claims = token
        .split('.')
        .nth(1)
        .and_then(|part| hygie_jose::base64url::decode(part).ok());
    let claims = claims.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    match claims {
        Some(mut claims) if psc.0.active.lock().contains_key(token) => {
            claims["client_id"] = claims["azp"].clone();
            claims["username"] = claims["preferred_username"].clone();
            claims["active"] = json!(true);
            Json(claims).into_response()
        }
        _ => Json(json!({ "active": false })).into_response(),
    }
}
