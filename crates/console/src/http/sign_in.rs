//! Signing in to the console and out of it: an authorization code with PKCE at the login host (OpenID Connect Core
//! §3.1), redeemed without leaving the program.

use axum::extract::{Query, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, ORIGIN, SET_COOKIE};
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use hygie_core::{Fault as _, Random, TenantId, Timestamp, random_array};
use hygie_jose::{base64url, digest};
use hygie_web::Asked;
use hygie_web::client::Peer;
use hygie_web::cookie::{self, Cookie, SameSite};
use hygie_web::error::PageError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::{CALLBACK, HOME, Visit};
use crate::api::{Api, ApiError, Listed};
use crate::session::Session;
use crate::wire::Organization;
use crate::{Console, Host};

/// What is remembered until the person comes back.
const PENDING: &str = "__Host-hygie-portal-sign-in";
const PENDING_PURPOSE: &str = "sign-in";
/// Everything that is granted to the console on the directory API.
const SCOPE: &str = "openid profile https://graph.microsoft.com/.default";
/// Longest address that is come back to.
const MAX_RETURN: usize = 1_024;

/// What is remembered until the person comes back.
#[derive(Serialize, Deserialize)]
struct Pending {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct Answer {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// What the token endpoint gives.
#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    id_token: String,
    expires_in: i64,
}

/// The tenant of a request before anybody is signed in.
const fn nobody() -> TenantId {
    TenantId::from_uuid(Uuid::nil())
}

/// What is read of an id token. It came from the token endpoint itself (OpenID Connect Core §3.1.3.7, point 6).
#[derive(Deserialize)]
struct Claims {
    nonce: Option<String>,
    name: Option<String>,
    tid: String,
}

/// `GET /admin/sign-in`
pub async fn get(
    State(console): State<Console>,
    asked: Asked,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    let cx = asked.cx(nobody());
    let fresh = || secret(&*cx.random);
    let pending = Pending {
        state: fresh(),
        nonce: fresh(),
        verifier: fresh(),
        next: own_address(&wanted.next),
    };
    let deps = &console.0.deps;
    let challenge = base64url::encode(digest::sha256(&pending.verifier));
    let query = Serializer::new(String::new())
        .append_pair("client_id", &deps.client.to_string())
        .append_pair("response_type", "code")
        .append_pair("response_mode", "query")
        .append_pair("redirect_uri", &format!("{}{CALLBACK}", deps.portal))
        .append_pair("scope", SCOPE)
        .append_pair("state", &pending.state)
        .append_pair("nonce", &pending.nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .finish();
    let content = serde_json::to_vec(&pending).map_err(ApiError::Unreadable)?;
    let sealed = console.0.seal.seal(&*cx.random, PENDING_PURPOSE, &content);
    let cookie = Cookie::session(PENDING, &sealed, SameSite::Lax).header();
    let mut headers = HeaderMap::new();
    headers.extend(cookie.ok().map(|cookie| (SET_COOKIE, cookie)));
    let address = format!("{}/organizations/oauth2/v2.0/authorize?{query}", deps.login);
    Ok((headers, Redirect::to(&address)).into_response())
}

/// `GET /admin/callback`
pub async fn callback(
    State(console): State<Console>,
    asked: Asked,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Result<Response, PageError> {
    let pending = cookie::get(&headers, PENDING)
        .and_then(|text| console.0.seal.open(PENDING_PURPOSE, text))
        .and_then(|content| serde_json::from_slice::<Pending>(&content).ok())
        .filter(|pending| answer.state.as_deref() == Some(pending.state.as_str()));
    let Some(pending) = pending else {
        // Another tab began anew, or the browser was closed in between: nothing is lost by beginning again.
        return Ok(Redirect::to(HOME).into_response());
    };
    let Some(code) = answer.code.filter(|_| answer.error.is_none()) else {
        let refused = ApiError::Denied;
        return Err(PageError::new(
            refused.kind(),
            "admin-not-signed-in",
            "the sign-in was not completed",
        ));
    };
    let session = begin(&console, &asked, &code, &pending).await?;
    let cx = asked.cx(nobody());
    let cookies = session.cookies(&console, &*cx.random).and_then(Result::ok);
    let cookies = cookies.ok_or(ApiError::Failed(StatusCode::INTERNAL_SERVER_ERROR))?;
    let mut response = Redirect::to(&pending.next).into_response();
    for cookie in cookies.into_iter().chain(Cookie::removed(PENDING).header()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// `POST /admin/sign-out`: ends the session here and the token that it holds, then the session of the login host.
pub async fn sign_out(visit: Visit, asked: Asked, body: super::Fields) -> Result<Response, super::Wrong> {
    visit.check(&body)?;
    revoke(&visit, &asked).await;
    let deps = &visit.console.0.deps;
    let query = Serializer::new(String::new())
        .append_pair("post_logout_redirect_uri", &format!("{}/", deps.portal))
        .finish();
    let address = format!("{}/{}/oauth2/v2.0/logout?{query}", deps.login, visit.session.tenant);
    let mut response = Redirect::to(&address).into_response();
    for cookie in Session::removal().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Redeems the code.
async fn begin(console: &Console, asked: &Asked, code: &str, pending: &Pending) -> Result<Session, ApiError> {
    let tokens = redeem(console, asked, code, pending).await?;
    let claims = claims(&tokens.id_token).filter(|claims| claims.nonce.as_deref() == Some(pending.nonce.as_str()));
    let claims = claims.ok_or(ApiError::SignedOut)?;
    let api = Api::new(console, &tokens.access_token, asked.client());
    let organization: Listed<Organization> = api
        .get("/organization", &[("$select", "id,displayName")])
        .await
        .unwrap_or_else(|_| Listed::empty());
    let random = &*asked.cx(nobody()).random;
    Ok(Session {
        id: secret(random),
        name: claims.name.unwrap_or_default(),
        tenant: claims.tid,
        place: organization.value.into_iter().next().map(|found| found.display_name),
        token: tokens.access_token,
        until: ends(asked.now(), tokens.expires_in),
    })
}

/// Has the token revoked at the login host (RFC 7009). Where that fails the person is signed out none the less: the token ends
/// by itself, the browser has it no more, and the login host records why.
async fn revoke(visit: &Visit, asked: &Asked) {
    let deps = &visit.console.0.deps;
    let form = Serializer::new(String::new())
        .append_pair("client_id", &deps.client.to_string())
        .append_pair("token", &visit.session.token)
        .finish();
    let address = format!("{}/{}/oauth2/v2.0/revoke", deps.login, visit.session.tenant);
    let Ok(request) = form_to(&address, form, asked) else {
        return;
    };
    drop(deps.upstream.send(Host::Login, request).await);
}

/// A form for the login host, from the address of the person.
fn form_to(address: &str, form: String, asked: &Asked) -> Result<Request<Bytes>, ApiError> {
    let mut request = Request::new(form.into());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = address.parse().map_err(|_| ApiError::NotFound)?;
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    if let Some(client) = asked.client() {
        request.extensions_mut().insert(Peer((client, 0).into()));
    }
    Ok(request)
}

async fn redeem(console: &Console, asked: &Asked, code: &str, pending: &Pending) -> Result<Tokens, ApiError> {
    let deps = &console.0.deps;
    let form = Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("client_id", &deps.client.to_string())
        .append_pair("code", code)
        .append_pair("redirect_uri", &format!("{}{CALLBACK}", deps.portal))
        .append_pair("code_verifier", &pending.verifier)
        .append_pair("scope", SCOPE)
        .finish();
    let address = format!("{}/organizations/oauth2/v2.0/token", deps.login);
    let mut request = form_to(&address, form, asked)?;
    let origin = HeaderValue::try_from(&deps.portal).map_err(|_| ApiError::NotFound)?;
    request.headers_mut().insert(ORIGIN, origin);
    let answer = deps.upstream.send(Host::Login, request).await;
    if !answer.status().is_success() {
        return Err(ApiError::SignedOut);
    }
    serde_json::from_slice(answer.body()).map_err(ApiError::Unreadable)
}

/// The claims of a token that was not given by a browser.
fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    let bytes = base64url::decode(payload).ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    serde_json::from_value(value).ok()
}

fn ends(now: Timestamp, expires_in: i64) -> i64 {
    now.secs().saturating_add(expires_in)
}

/// Where to go after signing in: a page of the console, whatever the address asked for.
fn own_address(next: &str) -> String {
    let is_own = next.starts_with(HOME) && next.len() <= MAX_RETURN && !next.contains(['\\', '\n', '\r']);
    let address = if is_own { next } else { HOME };
    address.to_owned()
}

fn secret(random: &dyn Random) -> String {
    base64url::encode(random_array::<32>(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_a_page_of_the_console_and_nowhere_else() {
        for (next, expected) in [
            ("/admin/users?page=2", "/admin/users?page=2"),
            ("", HOME),
            ("https://evil.example/admin", HOME),
            ("//evil.example/admin", HOME),
            ("/admin\\@evil.example", HOME),
        ] {
            assert_eq!(own_address(next), expected, "{next}");
        }
    }
}
