//! The one client for requests that the program sends out: key documents, discovery, revocation lists, webhooks.
//!
//! Addresses come from tokens, certificates and resources that others wrote, so every request is bounded in size and
//! time, and reaches a private or loopback address only where the configuration names the host. Redirects are checked
//! like first addresses, and names when they are resolved for the connection itself, so that a name cannot change its
//! address in between. Proxies of the environment are not used: they would connect for us, unchecked.

mod address;
mod policy;

use std::sync::Arc;
use std::time::Duration;

use hygie_core::{ErrorKind, Fault};
use reqwest::redirect;
use url::Url;

pub use policy::EgressPolicy;

use policy::{Resolver, Way};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 3;

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// The client cannot be made (no TLS roots, for instance).
    #[error("the outgoing client cannot be made")]
    Setup(#[source] reqwest::Error),
    /// The policy does not allow the address.
    #[error("the address is not allowed")]
    Denied,
    /// The answer is larger than its limit.
    #[error("the answer is larger than its limit")]
    TooLarge,
    /// Not reached, broken off, or too slow.
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// A request that is none.
    #[error("malformed request")]
    Malformed,
}

impl Fault for OutgoingError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Setup(_) => ErrorKind::Internal,
            Self::Denied | Self::Malformed => ErrorKind::Invalid,
            Self::TooLarge | Self::NoAnswer(_) => ErrorKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            ErrorKind::Internal => "internal",
            ErrorKind::Invalid => "invalid",
            _ => "unavailable",
        }
    }

    fn public(&self) -> String {
        match self.kind() {
            ErrorKind::Internal => "an internal error occurred",
            ErrorKind::Invalid => "the address cannot be used",
            _ => "another server did not answer",
        }
        .to_owned()
    }
}

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Outgoing {
    /// For requests that only ask: follows redirects.
    asking: reqwest::Client,
    /// For all others: what they carry is for nobody else, so a redirect is their answer.
    telling: reqwest::Client,
    /// For what its maker signed: in plain http as well.
    open: reqwest::Client,
    policy: Arc<EgressPolicy>,
}

impl Outgoing {
    /// With this policy.
    pub fn new(policy: EgressPolicy) -> Result<Self, OutgoingError> {
        let policy = Arc::new(policy);
        Ok(Self {
            asking: client(&policy, follow(&policy, Way::Protected))?,
            telling: client(&policy, redirect::Policy::none())?,
            open: client(&policy, follow(&policy, Way::Open))?,
            policy,
        })
    }

    /// The answer to a `GET`, whatever its status.
    pub async fn get(&self, url: &Url) -> Result<http::Response<Vec<u8>>, OutgoingError> {
        let request = http::Request::get(url.as_str()).body(Vec::new());
        self.send(request.map_err(|_| OutgoingError::Malformed)?).await
    }

    /// The answer to a request, whatever its status.
    pub async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, OutgoingError> {
        let request = reqwest::Request::try_from(request).map_err(|_| OutgoingError::Malformed)?;
        self.policy
            .check(request.url(), Way::Protected)
            .map_err(|_| OutgoingError::Denied)?;
        let client = match *request.method() {
            http::Method::GET | http::Method::HEAD => &self.asking,
            _ => &self.telling,
        };
        answer(client, request, self.policy.max_answer).await
    }

    /// The answer to a `GET` of something public that its maker signed (a revocation list), so that it may come in plain
    /// http and be as large as `max_answer`. Whoever asks checks the signature.
    pub async fn get_signed(&self, url: &Url, max_answer: usize) -> Result<http::Response<Vec<u8>>, OutgoingError> {
        self.policy.check(url, Way::Open).map_err(|_| OutgoingError::Denied)?;
        let request = reqwest::Request::new(http::Method::GET, url.clone());
        answer(&self.open, request, max_answer).await
    }
}

/// The answer to a request that is allowed.
async fn answer(
    client: &reqwest::Client,
    request: reqwest::Request,
    max_answer: usize,
) -> Result<http::Response<Vec<u8>>, OutgoingError> {
    let mut response = client.execute(request).await.map_err(refused_or_lost)?;
    let mut answer = http::Response::builder().status(response.status());
    if let Some(headers) = answer.headers_mut() {
        headers.clone_from(response.headers());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(OutgoingError::NoAnswer)? {
        if body.len() + chunk.len() > max_answer {
            return Err(OutgoingError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    answer.body(body).map_err(|_| OutgoingError::Malformed)
}

/// Redirects to where the first request might have gone.
fn follow(policy: &Arc<EgressPolicy>, way: Way) -> redirect::Policy {
    let policy = policy.clone();
    redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > MAX_REDIRECTS || policy.check(attempt.url(), way).is_err() {
            return attempt.error(policy::NotAllowed);
        }
        attempt.follow()
    })
}

fn client(policy: &Arc<EgressPolicy>, redirects: redirect::Policy) -> Result<reqwest::Client, OutgoingError> {
    let roots = policy.roots.iter().map(|der| reqwest::Certificate::from_der(der));
    let roots: Vec<_> = roots.collect::<Result<_, _>>().map_err(OutgoingError::Setup)?;
    reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(Duration::from_secs(5))
        .timeout(policy.timeout)
        .redirect(redirects)
        .dns_resolver(Arc::new(Resolver(policy.clone())))
        .tls_certs_merge(roots)
        .user_agent(concat!("hygie/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(OutgoingError::Setup)
}

/// Our own refusal of a redirect or of a resolved address comes back as the cause of an error of the client.
fn refused_or_lost(error: reqwest::Error) -> OutgoingError {
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(current) = cause {
        if current.is::<policy::NotAllowed>() {
            return OutgoingError::Denied;
        }
        cause = current.source();
    }
    OutgoingError::NoAnswer(error)
}
