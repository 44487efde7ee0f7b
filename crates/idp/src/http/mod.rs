//! The endpoints, one file each: parse, call, render. What they share is in `inbound` (how a request is read), `refused`
//! (how a refusal is shown) and `flow` (the pages of an authorization request).

mod approvals;
mod authorize;
mod backchannel;
mod campaign;
mod certificate;
mod consent;
mod device;
mod devicecode;
mod discovery;
mod entry;
mod error_page;
mod finish;
mod flow;
mod inbound;
mod instance;
mod keep;
mod keys;
mod login;
mod logout;
mod managed;
mod new_password;
mod prove;
mod redeem;
mod refused;
mod revoke;
mod security;
mod terms;
mod token;
mod userinfo;
mod userrealm;
mod ways;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CONNECTION, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use hygie_web::Asked;
use hygie_web::layers::Cors;

use hygie_idp_core::Idp;
pub use managed::router as managed_identity_router;

/// The session cookie of a browser.
pub(crate) const SESSION_COOKIE: &str = "__Host-hygie-idp";

/// The cookie by which a browser is known that people signed in from: wrong passwords from there are counted apart.
pub(crate) const BROWSER_COOKIE: &str = "__Host-hygie-browser";

/// Where tokens are asked for.
const TOKEN_ENDPOINT: &str = "/{tenant}/oauth2/v2.0/token";
/// Where a person is told about, at the host of the directory API.
const USER_INFO: &str = "/oidc/userinfo";
/// Where a person types the code of a device.
const DEVICE: &str = "/device";

const MS_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
const MS_TELEMETRY: HeaderName = HeaderName::from_static("x-ms-clitelem");

/// The endpoints of the login host; they are at its root, where the libraries of Entra ID look for them. The layers of
/// `web` go around it, with [`cors`].
pub fn router(idp: Idp) -> Router {
    let protocol = Router::new()
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(discovery::get_v2),
        )
        .route("/{tenant}/.well-known/openid-configuration", get(discovery::get_v1))
        .route("/{tenant}/discovery/v2.0/keys", get(keys::get_v2))
        .route("/{tenant}/discovery/keys", get(keys::get_v1))
        .route("/{tenant}/discovery/instance", get(instance::get))
        .route(
            "/{tenant}/oauth2/v2.0/authorize",
            get(authorize::get_v2).post(authorize::post),
        )
        .route(
            "/{tenant}/oauth2/authorize",
            get(authorize::get_v1).post(authorize::post),
        )
        .route(TOKEN_ENDPOINT, token::route(token::post_v2))
        .route("/{tenant}/oauth2/token", token::route(token::post_v1))
        .route("/{tenant}/oauth2/v2.0/revoke", post(revoke::post))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(devicecode::post_v2))
        .route("/{tenant}/oauth2/devicecode", post(devicecode::post_v1))
        .route("/{tenant}/oauth2/v2.0/logout", get(logout::get).post(logout::get))
        .route("/{tenant}/oauth2/logout", get(logout::get).post(logout::get))
        .route("/{tenant}/userrealm/{user}", get(userrealm::get))
        .route("/{tenant}/openid/userinfo", get(userinfo::get).post(userinfo::get))
        .route(
            "/{tenant}/adminconsent",
            get(consent::admin::get_v1).post(consent::admin::post),
        )
        .route("/{tenant}/v2.0/adminconsent", get(consent::admin::get_v2))
        .route(
            "/{tenant}/myapplications",
            get(consent::own::get).post(consent::own::post),
        )
        .route("/{tenant}/oauth2/v2.0/bc-authorize", post(backchannel::post))
        .route("/{tenant}/approvals", get(approvals::get))
        .route("/{tenant}/redeem", get(redeem::get).post(redeem::post))
        .route("/{tenant}/login", get(login::get).post(login::post))
        .route("/{tenant}/certauth", get(certificate::come_back))
        .route("/{tenant}/terms/{agreement}/{file}", get(terms::get))
        .route("/{tenant}/securityinfo", get(security::get).post(security::post))
        .route(DEVICE, get(device::get).post(device::post))
        .route("/", get(entry::get))
        .route("/error", get(error_page::get))
        .layer(from_fn(mark))
        .with_state(idp);
    protocol.merge(hygie_web::ui::router())
}

/// The token endpoint alone, for a host that asks its clients for a certificate (RFC 8705 §5).
pub fn back_channel_router(idp: Idp) -> Router {
    Router::new()
        .route(TOKEN_ENDPOINT, token::route(token::post_v2))
        .layer(from_fn(mark))
        .with_state(idp)
}

/// What a host answers that asks people for a certificate.
pub fn certauth_router(idp: Idp) -> Router {
    let pages = Router::new()
        .route("/{tenant}/certauth", get(certificate::ask))
        .layer(from_fn(mark))
        .with_state(idp);
    pages.merge(hygie_web::ui::router())
}

/// Goes around all of [`certauth_router`], its layers included: each request is a connection of its own. A browser that
/// kept one would be let in by a card that is no longer there.
pub async fn alone(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// UserInfo where Entra ID has it: at the host of the directory API, for any tenant.
pub fn user_info_router(idp: Idp) -> Router {
    Router::new()
        .route(USER_INFO, get(userinfo::get).post(userinfo::get))
        .layer(from_fn(mark))
        .with_state(idp)
}

/// Whether this path is that of [`user_info_router`].
pub fn is_user_info(path: &str) -> bool {
    path == USER_INFO
}

/// Whether this path is that of [`back_channel_router`].
pub fn is_token_endpoint(path: &str) -> bool {
    let tenant = path
        .strip_suffix("/oauth2/v2.0/token")
        .and_then(|rest| rest.strip_prefix('/'));
    tenant.is_some_and(|tenant| !tenant.is_empty() && !tenant.contains('/'))
}

/// Which other origins may call a route: public documents from everywhere; the token endpoint decides by its client.
pub fn cors(route: &str) -> Cors {
    let is_public = route.contains("/.well-known/")
        || route.contains("/discovery/")
        || route.ends_with("/openid/userinfo")
        || route == USER_INFO;
    if is_public { Cors::Open } else { Cors::Closed }
}

/// The ids that the libraries of Entra ID log.
async fn mark(asked: Asked, request: Request, next: Next) -> Response {
    let correlation = request
        .headers()
        .get(CLIENT_REQUEST_ID)
        .filter(|value| value.len() <= 64)
        .cloned();
    let is_telemetry = request.headers().contains_key("x-client-current-telemetry");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(
        MS_REQUEST_ID,
        HeaderValue::try_from(asked.request().to_string()).expect("a UUID is ASCII"),
    );
    if let Some(correlation) = correlation {
        headers.insert(CLIENT_REQUEST_ID, correlation);
    }
    if is_telemetry {
        headers.insert(MS_TELEMETRY, HeaderValue::from_static("1,0,0,,"));
    }
    response
}
