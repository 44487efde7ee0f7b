//! `POST /{tenant}/oauth2/v2.0/token` and its v1 form — RFC 6749 §3.2.

use axum::Json;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    AUTHORIZATION, CACHE_CONTROL, HeaderValue, ORIGIN, PRAGMA, USER_AGENT, VARY, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use hygie_core::Cx;
use hygie_directory::Place;
use hygie_oidc::{Aadsts, Endpoint, Grant, Platform, Refusal, TokenRequest, Version};
use hygie_web::audit::Note;
use hygie_web::error::Failure;

use super::inbound::Inbound;
use super::refused;
use hygie_idp_core::token::{EXCHANGE, Granted, Sender};
use hygie_idp_core::{Idp, IdpError};

/// Headers that Microsoft's libraries send from a browser.
const ALLOWED_HEADERS: &str = "Content-Type, client-request-id, return-client-request-id, x-client-sku, x-client-ver, \
     x-client-os, x-client-cpu, x-client-current-telemetry, x-client-last-telemetry, x-ms-lib-capability, \
     x-anchormailbox, x-app-name, x-app-ver";

/// POST, the preflight of browsers, and the refusal of other methods.
pub fn route<H, T>(post: H) -> MethodRouter<Idp>
where
    H: Handler<T, Idp>,
    T: 'static,
{
    axum::routing::post(post).options(preflight).fallback(wrong_verb)
}

pub async fn post_v2(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    post(&idp, &inbound, Version::V2).await
}

pub async fn post_v1(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    post(&idp, &inbound, Version::V1).await
}

async fn post(idp: &Idp, inbound: &Inbound, version: Version) -> Result<Response, Failure> {
    let origin = inbound.header(ORIGIN.as_str());
    let spa = spa_origin(idp, inbound, origin).await;
    match grant(idp, inbound, version).await {
        Ok(granted) => {
            let readable = spa.filter(|_| granted.platform == Some(Platform::Spa));
            let mut headers = cross_origin(readable);
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
            Ok((headers, granted.note, Json(granted.response.render())).into_response())
        }
        Err(error) => {
            let mut failure = refused::json(idp, inbound, &error);
            failure.headers.extend(cross_origin(spa));
            if failure.status == StatusCode::UNAUTHORIZED && inbound.headers.contains_key(AUTHORIZATION) {
                // RFC 6749 §5.2: to a client that used the header.
                failure = failure.header(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"login\""));
            }
            Err(failure)
        }
    }
}

async fn grant(idp: &Idp, inbound: &Inbound, version: Version) -> Result<Granted, IdpError> {
    let place = idp.named_place(&inbound.cx(), &inbound.segment).await?;
    let cx = place
        .tenant()
        .map_or_else(|| inbound.cx(), |tenant| inbound.asked.cx(tenant));
    let authorization = inbound.header(AUTHORIZATION.as_str());
    let endpoint = Endpoint {
        version,
        segment: inbound.segment.clone(),
    };
    let request = TokenRequest::parse(inbound.params()?, authorization, endpoint)?;
    inbound.asked.note(Note::new("idp.token", named(&request)));
    let granted = Box::pin(decide(idp, inbound, &cx, (place, &request)));
    idp.limited(&cx, &request.client, granted).await
}

/// The answer of the grant that is asked for.
async fn decide(
    idp: &Idp,
    inbound: &Inbound,
    cx: &Cx,
    (place, request): (Place, &TokenRequest),
) -> Result<Granted, IdpError> {
    let sender = Sender {
        origin: inbound.header(ORIGIN.as_str()),
        user_agent: inbound.header(USER_AGENT.as_str()),
        certificate: inbound.certificate(),
    };
    match &request.grant {
        Grant::ClientCredentials => idp.client_credentials(cx, place, request, sender).await,
        Grant::AuthorizationCode { .. } => idp.authorization_code(cx, place, request, sender).await,
        Grant::RefreshToken(_) => idp.refresh_token(cx, place, request, sender).await,
        Grant::DeviceCode(_) => idp.device_code(cx, place, request, sender).await,
        Grant::OnBehalfOf(_) => idp.on_behalf_of(cx, place, request, sender).await,
        Grant::Ciba(_) => idp.ciba(cx, place, request, sender).await,
        Grant::Password { .. } => idp.password(cx, place, request, sender).await,
        Grant::TokenExchange(_) => {
            let object = named(request);
            inbound.asked.note(Note::new(EXCHANGE, object.clone()));
            let exchanged = idp.token_exchange(cx, place, request, sender).await;
            if let Err(IdpError::Subject { fault, by }) = &exchanged {
                let note = Note::new(EXCHANGE, object).refused(fault.code());
                inbound.asked.note(match by {
                    Some(client) => note.by(client),
                    None => note,
                });
            }
            exchanged
        }
    }
}

/// The client in the record of a refusal; what is no id is not repeated.
fn named(request: &TokenRequest) -> String {
    request
        .client
        .app("")
        .map_or_else(|_| "app".to_owned(), |app| format!("app/{app}"))
}

/// The origin of a page, when the client has it registered as a single-page application: it may read the answer.
async fn spa_origin(idp: &Idp, inbound: &Inbound, origin: Option<&str>) -> Option<HeaderValue> {
    let origin = origin?;
    let app = inbound.params().ok()?.get("client_id")?.parse().ok()?;
    let application = idp.directory().find_application(&inbound.cx(), app).await.ok()??;
    let is_registered = application.definition.redirect_uris.has_spa_origin(origin);
    is_registered.then(|| HeaderValue::from_str(origin).ok())?
}

fn cross_origin(origin: Option<HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(VARY, HeaderValue::from_static("Origin"));
    }
    headers
}

/// A preflight does not name the client, so any origin may ask; whether it may read the answer is decided then.
async fn preflight(headers: HeaderMap) -> Response {
    let mut answer = cross_origin(headers.get(ORIGIN).cloned());
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    (StatusCode::NO_CONTENT, answer).into_response()
}

async fn wrong_verb(State(idp): State<Idp>, inbound: Inbound) -> Failure {
    let refusal = Refusal::about(Aadsts::WrongVerb, &["POST, OPTIONS", inbound.asked.method().as_str()]);
    refused::json(&idp, &inbound, &IdpError::from(refusal))
}
