//! How a request is read: first path segment, parameters of the query or of the form, ids.

use std::sync::OnceLock;

use axum::RequestExt;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use hygie_core::{Cx, RequestId, Secret, TenantId};
use hygie_oidc::{Aadsts, Occurrence, Params, Refusal};
use hygie_web::Asked;
use hygie_web::client::ClientCertificate;
use hygie_web::cookie;
use hygie_web::error::Failure;
use uuid::Uuid;

use super::BROWSER_COOKIE;
use hygie_idp_core::Idp;

/// Longest body: a little more than the longest that is accepted, so that too long is told apart from cut off.
const MAX_BODY: usize = 65 * 1024;

/// A request as the handlers see it.
pub struct Inbound {
    /// As the layers see it.
    pub asked: Asked,
    /// The first segment of the path: a tenant, or all.
    pub segment: String,
    /// Headers.
    pub headers: HeaderMap,
    certificate: Option<ClientCertificate>,
    /// Parameters: of the query for GET, of the body for POST.
    pub params: Result<Params, Refusal>,
    correlation: RequestId,
    /// What the answer tells the browser that it is known by, where it tells anything.
    told: OnceLock<Secret<String>>,
}

impl FromRequest<Idp> for Inbound {
    type Rejection = Failure;

    async fn from_request(mut request: Request, idp: &Idp) -> Result<Self, Failure> {
        let asked: Asked = request.extract_parts_with_state(idp).await?;
        // As it stands: ids and domain names need no escape.
        let segment = request.uri().path().split('/').nth(1).unwrap_or_default().to_owned();
        let headers = request.headers().clone();
        let certificate = request.extensions().get().cloned();
        let params = match *request.method() {
            Method::POST => body(request).await,
            _ => Params::parse(request.uri().query().unwrap_or_default().as_bytes()),
        };
        let correlation = correlation(&headers, params.as_ref().ok()).unwrap_or_else(|| asked.request());
        Ok(Self {
            asked,
            segment,
            headers,
            certificate,
            params,
            correlation,
            told: OnceLock::new(),
        })
    }
}

impl Inbound {
    /// What the browser is known by: what this answer tells it, or what it says, where that was made here.
    pub fn browser(&self, idp: &Idp) -> Option<&str> {
        if let Some(told) = self.told.get() {
            return Some(told.expose());
        }
        let said = cookie::get(&self.headers, BROWSER_COOKIE);
        said.filter(|said| idp.is_browser(said))
    }

    /// The same to tell it: made where there is none.
    pub fn browser_to_tell(&self, idp: &Idp, cx: &Cx) -> Secret<String> {
        let next = match self.browser(idp) {
            Some(said) => Secret::new(said.to_owned()),
            None => idp.new_browser(cx),
        };
        Secret::new(self.told.get_or_init(|| next).expose().clone())
    }

    /// The parameters, or the refusal of their form.
    pub fn params(&self) -> Result<&Params, Refusal> {
        self.params.as_ref().map_err(Clone::clone)
    }

    /// The context before a tenant is known.
    pub fn cx(&self) -> Cx {
        self.asked.cx(TenantId::from_uuid(Uuid::nil()))
    }

    /// Where and when, for a refusal.
    pub fn occurrence<'a>(&self, idp: &'a Idp) -> Occurrence<'a> {
        Occurrence {
            login: &idp.provider().login,
            trace: self.asked.request(),
            correlation: self.correlation,
            at: self.asked.now(),
        }
    }

    /// The certificate (DER) that the client proved to hold, where it was asked for one.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_ref().map(|certificate| &*certificate.0)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

async fn body(request: Request) -> Result<Params, Refusal> {
    let malformed = || Refusal::new(Aadsts::Malformed);
    let is_form = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(';').next().unwrap_or_default().trim() == "application/x-www-form-urlencoded");
    let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY)
        .await
        .map_err(|_| malformed())?;
    if !is_form && !bytes.is_empty() {
        return Err(malformed());
    }
    Params::parse(&bytes)
}

/// The client's own id of the request, when it is a UUID: as a header, or as a parameter where a browser is sent.
fn correlation(headers: &HeaderMap, params: Option<&Params>) -> Option<RequestId> {
    let header = headers.get("client-request-id").and_then(|value| value.to_str().ok());
    header.or_else(|| params?.get("client-request-id"))?.trim().parse().ok()
}
