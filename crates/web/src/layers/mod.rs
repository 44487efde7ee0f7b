//! What every request passes, in one function and one order ([`pass`]).

mod cors;
mod headers;
mod limits;
mod record;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Method};
use hygie_core::{Clock, ErrorKind, Random, RequestId};
use hygie_store::{Store, StoreError};
use tracing::Instrument;

pub use cors::Cors;
pub use headers::FormAction;
pub use limits::Limits;

use crate::asked::{Asked, Opened, Told};
use crate::audit::Refusals;
use crate::client::{Proxies, client_address};
use crate::error::{Failure, Render};
use crate::i18n::{Lang, Messages};
use crate::ui::Theme;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// How a service wants its requests treated. One per service; keep a clone to give out the last refusals at the stop.
#[derive(Clone)]
pub struct Layers(Arc<Shared>);

/// The settings of [`Layers`].
pub struct Settings {
    /// Name of the service in logs, metrics and records: `idp`, `fhir`.
    pub service: &'static str,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of request ids.
    pub random: Arc<dyn Random>,
    /// Size, time and number.
    pub limits: Limits,
    /// The reverse proxies whose word on the client's address is taken.
    pub proxies: Proxies,
    /// The messages of its pages.
    pub messages: Arc<Messages>,
    /// Where the name of the product and "back to the start page" lead: the portal.
    pub home: Arc<str>,
    /// How it renders failures that name no renderer: those of the layers, of unknown routes and of extractors.
    pub render: Arc<dyn Render>,
    /// Which other origins may call a route, by its template.
    pub cors: fn(&str) -> Cors,
    /// `Strict-Transport-Security`, where the host is not the local one; none without.
    pub hsts: Option<Duration>,
    /// Where requests are recorded that concern no service instance of their own.
    pub store: Store,
    /// For how long refusals of unknown callers are counted before they become records.
    pub refusals_interval: Duration,
}

pub(crate) struct Shared {
    settings: Settings,
    limiter: limits::Limiter,
    refusals: Refusals,
}

impl Layers {
    /// With these settings.
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Shared {
            limiter: limits::Limiter::new(settings.limits),
            refusals: Refusals::new(settings.refusals_interval),
            settings,
        }))
    }

    /// Records the refusals counted so far: when the program stops, and from time to time while nobody calls.
    pub async fn record_refusals(&self) -> Result<(), StoreError> {
        record::keep_all(&self.0, self.0.refusals.rest()).await
    }
}

/// Puts the layers around a router. Unknown routes and methods answer in the protocol of the service.
pub fn layers(router: Router, layers: &Layers) -> Router {
    router
        .fallback(|| async { Failure::new(ErrorKind::NotFound, "not-found", "there is nothing at this address") })
        .method_not_allowed_fallback(|| async {
            Failure::new(
                ErrorKind::NotSupported,
                "not-supported",
                "the method is not offered at this address",
            )
        })
        // The limit is ours, with the protocol's error.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(layers.0.clone(), pass))
}

/// The path of a request.
async fn pass(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let settings = &shared.settings;
    let started = tokio::time::Instant::now();
    let asked = open(settings, &request);
    let ids = Ids::of(&asked, request.headers());
    let cors = (settings.cors)(asked.route().unwrap_or_default());
    let origin = request.headers().get(ORIGIN).cloned();
    let hsts = settings.hsts.filter(|_| !headers::is_local(request.headers()));
    request.extensions_mut().insert(asked.clone());
    let span = tracing::info_span!("request", id = %asked.request(), service = asked.service(),
        method = %asked.method(), route = asked.route().unwrap_or("none"));
    async {
        let mut response = match cors.preflight(asked.method(), request.headers()) {
            Some(preflight) => preflight,
            None => shared.limiter.run(request, next).await,
        };
        name_rejection(&mut response).await;
        if let Err(failure) = record::close(&shared, &asked, &mut response).await {
            response = failure.into_response();
        }
        if let Some(failure) = response.extensions_mut().remove::<Failure>() {
            let told = std::mem::take(response.headers_mut());
            response = failure.answer(&*settings.render, &asked);
            keep_headers(&mut response, told);
        }
        let form_action = response.extensions_mut().remove::<FormAction>();
        headers::secure(response.headers_mut(), form_action.as_ref());
        headers::transport(response.headers_mut(), hsts);
        cors.mark(origin.as_ref(), response.headers_mut());
        ids.mark(response.headers_mut());
        settings.render.mark(&asked, response.headers_mut());
        measure(&asked, &response, started);
        response
    }
    .instrument(span)
    .await
}

/// What is known before anything is read.
fn open(settings: &Settings, request: &Request) -> Asked {
    let headers = request.headers();
    Asked(Arc::new(Opened {
        service: settings.service,
        request: RequestId::random(&*settings.random),
        client_request: client_request(headers),
        now: settings.clock.now(),
        client: client_address(request.extensions(), headers, &settings.proxies),
        method: request.method().clone(),
        uri: request.uri().clone(),
        route: request.extensions().get::<MatchedPath>().cloned(),
        lang: Lang::of(headers, request.uri().query()),
        theme: Theme::of(headers),
        messages: settings.messages.clone(),
        home: settings.home.clone(),
        clock: settings.clock.clone(),
        random: settings.random.clone(),
        told: parking_lot::Mutex::new(Told::default()),
    }))
}

/// The id that a client gave its request: short, of signs that may stand in a header and a log.
fn client_request(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get("client-request-id")?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_id = !sent.is_empty() && sent.len() <= 64 && sent.bytes().all(is_plain);
    is_id.then(|| sent.to_owned())
}

/// Our id of the request, and the caller's own, which it sent as `X-Request-Id` or `X-Correlation-Id`.
struct Ids {
    request: HeaderValue,
    correlation: Option<HeaderValue>,
}

impl Ids {
    fn of(asked: &Asked, headers: &HeaderMap) -> Self {
        let sent = headers.get(REQUEST_ID).or_else(|| headers.get(CORRELATION_ID));
        Self {
            request: HeaderValue::try_from(asked.request().to_string()).expect("a UUID is ASCII"),
            correlation: sent.filter(|value| value.len() <= 128).cloned(),
        }
    }

    fn mark(self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.request);
        if let Some(correlation) = self.correlation {
            headers.insert(CORRELATION_ID, correlation);
        }
    }
}

/// Headers that were beside a failure (`Allow`, `Set-Cookie`), but those of its empty body.
fn keep_headers(response: &mut Response, told: HeaderMap) {
    let mut last = None;
    for (name, value) in told {
        last = name.or(last);
        let Some(name) = last.clone() else { continue };
        if name != CONTENT_TYPE && name != CONTENT_LENGTH && !response.headers().contains_key(&name)
            || name == SET_COOKIE
        {
            response.headers_mut().append(name, value);
        }
    }
}

/// A rejection of axum's extractors is a status with a line of text: it becomes a failure, to be rendered as any other.
async fn name_rejection(response: &mut Response) {
    let status = response.status();
    let is_text = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/plain"));
    if !status.is_client_error() || !is_text || response.extensions().get::<Failure>().is_some() {
        return;
    }
    let body = std::mem::take(response.body_mut());
    let text = axum::body::to_bytes(body, 1024).await.unwrap_or_default();
    let (kind, code) = match status.as_u16() {
        404 => (ErrorKind::NotFound, "not-found"),
        405 => (ErrorKind::NotSupported, "not-supported"),
        408 => (ErrorKind::Timeout, "timeout"),
        413 => (ErrorKind::TooLarge, "too-long"),
        415 => (ErrorKind::UnsupportedMediaType, "not-supported"),
        422 => (ErrorKind::Unprocessable, "processing"),
        _ => (ErrorKind::Invalid, "invalid"),
    };
    let failure = Failure::new(kind, code, String::from_utf8_lossy(&text)).status(status);
    response.extensions_mut().insert(failure);
}

/// Counts and times by route template: a label per path would be one per patient.
fn measure(asked: &Asked, response: &Response, started: tokio::time::Instant) {
    let labels = [
        metrics::Label::from_static_parts("service", asked.service()),
        metrics::Label::new("route", asked.route().unwrap_or("none").to_owned()),
        metrics::Label::from_static_parts("method", method_label(asked.method())),
        metrics::Label::new("status", response.status().as_u16().to_string()),
    ];
    let elapsed = started.elapsed();
    metrics::counter!("hygie_http_requests_total", labels.iter()).increment(1);
    metrics::histogram!("hygie_http_request_seconds", labels[..3].iter()).record(elapsed.as_secs_f64());
    tracing::debug!(
        status = response.status().as_u16(),
        micros = elapsed.as_micros() as u64,
        "answered"
    );
}

/// The methods we know; a caller that invents others does not grow the metrics.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
