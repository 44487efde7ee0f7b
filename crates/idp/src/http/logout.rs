//! `GET|POST /{tenant}/oauth2/v2.0/logout` — OpenID Connect RP-Initiated Logout 1.0, Front-Channel Logout 1.0.
//!
//! Ending a session needs no form token: who makes a browser leave gains nothing, and on a shared workstation leaving
//! must be one click. But the browser has to go here itself: images and frames of other sites end nothing.

use axum::extract::State;
use axum::http::Method;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFRESH, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse, Response};
use hygie_core::AppId;
use hygie_directory::{Application, Place};
use hygie_oidc::{Aadsts, Params, Refusal};
use hygie_web::audit::Note;
use hygie_web::cookie::{self, Cookie};
use hygie_web::error::Failure;
use hygie_web::pages::SignedOut;
use hygie_web::ui::View;
use url::Url;

use super::flow::{as_get, redirect, set_cookie};
use super::inbound::Inbound;
use super::{SESSION_COOKIE, refused};
use hygie_idp_core::signin::SignedIn;
use hygie_idp_core::{Idp, IdpError};

/// How long the frames of the applications get before the browser goes on.
const SECONDS: u32 = 3;

/// Ends every session of the browser.
pub const EVERYONE: &str = "/organizations/oauth2/v2.0/logout";

pub async fn get(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let fail = |error: IdpError| refused::page(&idp, &inbound, &error);
    let place = idp.place(&inbound.cx(), &inbound.segment).await.map_err(fail)?;
    let params = inbound.params().map_err(|refusal| fail(refusal.into()))?;
    if !is_visited(&inbound) {
        return Err(fail(Refusal::new(Aadsts::Malformed).into()));
    }
    let cookie = cookie::get(&inbound.headers, SESSION_COOKIE);
    if cookie.is_none() && *inbound.asked.method() == Method::POST {
        return Ok(as_get(&inbound, params));
    }
    let all = idp.accounts(&inbound.cx(), cookie, None).await.map_err(fail)?;
    let (leaving, staying): (Vec<SignedIn>, Vec<SignedIn>) =
        all.into_iter().partition(|known| leaves(known, place, params));
    let apps = idp.sign_out(&inbound.cx(), &leaving).await.map_err(fail)?;
    let mut registered = Vec::new();
    let mut frames = Vec::new();
    for (signed_in, app) in apps {
        if let Some(application) = idp
            .directory()
            .find_application(&inbound.cx(), app)
            .await
            .map_err(|error| fail(error.into()))?
        {
            frames.extend(frame(&idp, &application, &signed_in));
            registered.push(application);
        }
    }
    if let Some(app) = named(&idp, params) {
        registered.extend(present(&idp, &inbound, place, app).await.map_err(fail)?);
    }
    let next = next(params, &registered);
    let removed = staying
        .is_empty()
        .then(|| (SET_COOKIE, set_cookie(&Cookie::removed(SESSION_COOKIE))));
    let page = inbound.asked.page();
    let view = SignedOut {
        // The language switch comes back with GET: to the same address, or to who is still signed in.
        page: match *inbound.asked.method() {
            Method::POST => page.at("/"),
            _ => page,
        },
        ended: !leaving.is_empty(),
        remaining: staying.into_iter().map(|known| known.account.display_name).collect(),
        everyone: EVERYONE.to_owned(),
        next,
        frames,
    };
    let response = farewell(&inbound, view);
    Ok((AppendHeaders(removed), Note::recorded(), response).into_response())
}

/// Whether the browser goes here with its window (Fetch Metadata §2); one that is too old to say so is believed.
fn is_visited(inbound: &Inbound) -> bool {
    let is = |name: &str, expected: &str| inbound.header(name).is_none_or(|value| value == expected);
    is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

/// The accounts of the tenant of the path, or the one of the hint.
fn leaves(signed_in: &SignedIn, place: Place, params: &Params) -> bool {
    let account = &signed_in.account;
    place.tenant().is_none_or(|tenant| tenant == account.tenant)
        && params
            .get("logout_hint")
            .is_none_or(|hint| hint.to_lowercase() == account.user_principal_name.to_lowercase())
}

/// The application that asks: by its client id, or as the audience of an id token of ours, alive or not; both must be
/// the same (RP-Initiated Logout §2).
fn named(idp: &Idp, params: &Params) -> Option<AppId> {
    let asked: Option<AppId> = params.get("client_id").and_then(|id| id.parse().ok());
    let hint = params.get("id_token_hint");
    let hint = hint.and_then(|hint| hygie_jose::verify(hint, &idp.key_set()).ok());
    let hinted: Option<AppId> = hint.and_then(|hint| hint.claims.audience.first()?.parse().ok());
    match (asked, hinted) {
        (Some(asked), Some(hinted)) if asked != hinted => None,
        (asked, hinted) => asked.or(hinted),
    }
}

/// The registration of an application that the tenant of the path has: of others it sends nobody on.
async fn present(idp: &Idp, inbound: &Inbound, place: Place, app: AppId) -> Result<Option<Application>, IdpError> {
    let cx = inbound.cx();
    if let Some(tenant) = place.tenant()
        && idp
            .directory()
            .find_service_principal(&cx.for_tenant(tenant), app)
            .await?
            .is_none()
    {
        return Ok(None);
    }
    Ok(idp.directory().find_application(&cx, app).await?)
}

/// Where to go on: only to an address that one of these applications registered.
fn next(params: &Params, registered: &[Application]) -> Option<String> {
    let asked = params.get("post_logout_redirect_uri")?;
    let is_known = registered
        .iter()
        .any(|app| app.definition.redirect_uris.find(asked).is_some());
    let mut address = Url::parse(asked).ok().filter(|_| is_known)?;
    if let Some(state) = params.get("state") {
        address.query_pairs_mut().append_pair("state", state);
    }
    Some(address.into())
}

/// The address that tells an application, in a frame, that the session is over (Front-Channel Logout §3).
fn frame(idp: &Idp, application: &Application, signed_in: &SignedIn) -> Option<String> {
    let mut address = Url::parse(application.definition.logout_url.as_deref()?).ok()?;
    if address.scheme() != "https" {
        return None;
    }
    address
        .query_pairs_mut()
        .append_pair("iss", &idp.provider().issuer_v2(signed_in.account.tenant))
        .append_pair("sid", &signed_in.account.session.to_string());
    Some(address.into())
}

/// Straight on to the application, unless others are told in frames first.
fn farewell(inbound: &Inbound, view: SignedOut) -> Response {
    let refresh = match &view.next {
        Some(address) if view.frames.is_empty() => return redirect(&inbound.asked, address),
        Some(address) => HeaderValue::try_from(format!("{SECONDS}; url={address}")).ok(),
        None => None,
    };
    let refresh = AppendHeaders(refresh.map(|value| (REFRESH, value)));
    (policy(&view.frames), refresh, View(view)).into_response()
}

/// The policy of our pages, with the frames of these applications.
fn policy(frames: &[String]) -> AppendHeaders<Option<(HeaderName, HeaderValue)>> {
    let origins: Vec<String> = frames
        .iter()
        .filter_map(|address| Some(Url::parse(address).ok()?.origin().ascii_serialization()))
        .collect();
    let text = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; frame-ancestors 'none'; form-action 'self'; frame-src {}",
        origins.join(" ")
    );
    let value = HeaderValue::try_from(text).ok().filter(|_| !frames.is_empty());
    AppendHeaders(value.map(|value| (CONTENT_SECURITY_POLICY, value)))
}
