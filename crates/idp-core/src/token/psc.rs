//! Pro Santé Connect, asked about a token of its own: its signature by the keys that are kept, then introspection
//! (RFC 7662), then UserInfo.
//!
//! Each request that waits for it holds a place of the login host, where everybody signs in. So few wait at once, the
//! others are refused, and one that did not answer is left alone for a moment.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use hygie_access::{Confirmation, Discovered, KeySource, Outgoing, ThumbprintForm};
use hygie_core::{AppId, Clock, Secret, TenantId, Timestamp};
use hygie_jose::{Claims, Untrusted, json};
use hygie_oidc::psc::{self, Expected, Identity, SubjectToken, Unacceptable};
use hygie_oidc::{Aadsts, Refusal};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use super::Sender;
use crate::IdpError;

/// Largest answer that is read; UserInfo of somebody with many practices has some thirty thousand octets.
const MAX_ANSWER: usize = 256 * 1024;
/// Exchanges that wait for one Pro Santé Connect at once: a few of the 512 requests that a host works on.
const MOST_AT_ONCE: usize = 16;
/// After it did not answer it is left alone for this; clients are told to wait as long.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);

/// The Pro Santé Connect that a tenant trusts, and whose tokens it takes from whom.
#[derive(Clone)]
pub struct TrustedPsc {
    /// The tenant.
    pub tenant: TenantId,
    /// `iss` of its tokens.
    pub issuer: String,
    /// Its keys and endpoints.
    pub metadata: Discovered,
    /// We, as it knows us.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Secret<String>,
    /// Applications of ours that exchange tokens.
    pub clients: Vec<PscClient>,
    /// How it writes the thumbprint of a certificate that a token is bound to.
    pub thumbprint: ThumbprintForm,
    /// How long our tokens live; as long as the token that is exchanged, when absent.
    pub life: Option<Duration>,
}

/// An application of ours that exchanges tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PscClient {
    /// The application.
    pub app: AppId,
    /// The services there (`azp`) whose tokens it may present: its own. A token names no audience, so that another
    /// service's, which somebody handed on or lost, would be as good.
    pub services: Vec<String>,
}

/// Whose tokens are exchanged. Cheap to clone.
#[derive(Clone)]
pub struct Exchanges(Arc<[Psc]>);

impl Exchanges {
    /// Of these, at most one for a tenant.
    pub fn new(outgoing: &Outgoing, clock: &Arc<dyn Clock>, trusted: Vec<TrustedPsc>) -> Self {
        let asked = |trusted| Psc {
            trusted,
            outgoing: outgoing.clone(),
            clock: clock.clone(),
            places: Semaphore::new(MOST_AT_ONCE),
            failed_at: Mutex::new(None),
        };
        Self(trusted.into_iter().map(asked).collect())
    }

    /// The one that a tenant trusts.
    pub(super) fn of(&self, tenant: TenantId) -> Option<&Psc> {
        self.0.iter().find(|psc| psc.trusted.tenant == tenant)
    }
}

/// A Pro Santé Connect that is asked.
pub(super) struct Psc {
    pub trusted: TrustedPsc,
    outgoing: Outgoing,
    clock: Arc<dyn Clock>,
    places: Semaphore,
    failed_at: Mutex<Option<Timestamp>>,
}

impl TrustedPsc {
    /// The services whose tokens an application may present.
    pub(super) fn services_of(&self, client: AppId) -> Result<&[String], Refusal> {
        let named = self.clients.iter().find(|known| known.app == client);
        let named = named.ok_or_else(|| Refusal::about(Aadsts::NotExchanging, &[&client.to_string()]))?;
        Ok(&named.services)
    }

    /// The claims of a token that it signed.
    async fn claims(&self, token: &str) -> Result<Claims, IdpError> {
        let token = Untrusted::parse(token).map_err(|_| Unacceptable::Signature)?;
        if token.issuer() != Some(&self.issuer) {
            return Err(Unacceptable::Issuer.into());
        }
        let mut keys = self.metadata.keys().await.map_err(|_| unavailable())?;
        if !keys.knows(token.header()) {
            keys = self.metadata.refreshed().await.map_err(|_| unavailable())?;
        }
        let verified = token.verify(&keys).map_err(|_| Unacceptable::Signature)?;
        Ok(verified.claims)
    }
}

impl Psc {
    /// What a token is, and whose; it must be of one of these services.
    pub async fn ask(
        &self,
        services: &[String],
        token: &Secret<String>,
        (now, sender): (Timestamp, Sender<'_>),
    ) -> Result<(SubjectToken, Identity), IdpError> {
        let _place = self.place()?;
        let trusted = &self.trusted;
        let claims = trusted.claims(token.expose()).await?;
        let expected = Expected {
            issuer: &trusted.issuer,
            client: &trusted.client_id,
            services,
            now,
        };
        let subject = psc::subject_token(&claims, &expected)?;
        let bound = Confirmation::of(&claims, trusted.thumbprint).map_err(|_| Unacceptable::Confirmation)?;
        let proved = bound.map_or(Ok(()), |bound| bound.check(sender.certificate));
        proved.map_err(|_| Unacceptable::Certificate)?;
        let endpoints = trusted.metadata.endpoints().await.map_err(|_| unavailable())?;
        let (Some(introspection), Some(userinfo)) = (endpoints.introspection_endpoint, endpoints.userinfo_endpoint)
        else {
            tracing::error!(
                issuer = trusted.issuer,
                "its metadata name no introspection endpoint or no userinfo endpoint"
            );
            return Err(unavailable().into());
        };
        self.introspect((&introspection, token), &subject).await?;
        let identity = self.userinfo((&userinfo, token), &subject).await?;
        Ok((subject, identity))
    }

    /// A place among those that wait, unless all are taken or it has just failed.
    fn place(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        let failed_at = *self.failed_at.lock();
        if failed_at.is_some_and(|at| self.clock.now().since(at) < FAILURE_PAUSE) {
            return Err(unavailable());
        }
        self.places.try_acquire().map_err(|_| unavailable())
    }

    async fn introspect(
        &self,
        (endpoint, token): (&Url, &Secret<String>),
        subject: &SubjectToken,
    ) -> Result<(), IdpError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token.expose())
            .append_pair("token_type_hint", "access_token")
            .finish();
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        // RFC 6749 §2.3.1: both halves are form-encoded first.
        let pair = format!(
            "{}:{}",
            encode(&self.trusted.client_id),
            encode(self.trusted.client_secret.expose())
        );
        let request = http::Request::post(endpoint.as_str())
            .header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(body.into_bytes())
            .map_err(|_| unavailable())?;
        let answer = self.answer(request, endpoint).await?;
        if answer.status().as_u16() != 200 {
            tracing::error!(%endpoint, status = answer.status().as_u16(), "introspection is not answered: is the client known there?");
            return Err(unavailable().into());
        }
        Ok(psc::introspected(&read(&answer, endpoint)?, subject)?)
    }

    async fn userinfo(
        &self,
        (endpoint, token): (&Url, &Secret<String>),
        subject: &SubjectToken,
    ) -> Result<Identity, IdpError> {
        let request = http::Request::get(endpoint.as_str())
            .header(AUTHORIZATION, format!("Bearer {}", token.expose()))
            .header(ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| Unacceptable::Signature)?;
        let answer = self.answer(request, endpoint).await?;
        match answer.status().as_u16() {
            200 => Ok(psc::identity(&read(&answer, endpoint)?, subject)?),
            // It ended between the two requests.
            401 | 403 => Err(Unacceptable::Inactive.into()),
            status => {
                tracing::warn!(%endpoint, status, "userinfo is not answered");
                Err(unavailable().into())
            }
        }
    }

    async fn answer(
        &self,
        request: http::Request<Vec<u8>>,
        endpoint: &Url,
    ) -> Result<http::Response<Vec<u8>>, IdpError> {
        match self.outgoing.send(request).await {
            // 429 and 502 to 504 tell that it cannot; any other answer is about this one request.
            Ok(answer) if !matches!(answer.status().as_u16(), 429 | 502..=504) => return Ok(answer),
            Ok(answer) => {
                let status = answer.status().as_u16();
                tracing::warn!(%endpoint, status, "Pro Santé Connect cannot answer");
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%endpoint, error, "Pro Santé Connect does not answer");
            }
        }
        *self.failed_at.lock() = Some(self.clock.now());
        Err(unavailable().into())
    }
}

fn read(answer: &http::Response<Vec<u8>>, endpoint: &Url) -> Result<Value, IdpError> {
    let body = answer.body();
    let value = (body.len() <= MAX_ANSWER).then(|| json::read(body, "answer").ok());
    value.flatten().ok_or_else(|| {
        tracing::warn!(%endpoint, "the answer is not JSON, or too large or too deep");
        unavailable().into()
    })
}

fn unavailable() -> Refusal {
    Refusal::new(Aadsts::Unavailable)
}
