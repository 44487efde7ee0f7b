//! Sends bundles or lines: with a token, again when the service asks to wait, and never without end.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use url::Url;

use super::Entrance;
use super::tally::Outcome;
use super::token::{TokenError, Tokens};
use hygie_command::failure::Failure;
use hygie_command::files;

const FHIR_JSON: &str = "application/fhir+json";
const FHIR_NDJSON: &str = "application/fhir+ndjson";
/// The bulk entry below the base address of a service.
const BULK: &str = ".hygie/bulk";
const ATTEMPTS: u32 = 10;
const REQUEST_TIMEOUT: Duration = Duration::from_mins(5);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;
const CA_LIMIT: u64 = 1024 * 1024;

/// How to reach the service.
pub struct Options {
    /// What is sent.
    pub entrance: Entrance,
    /// Authority to trust instead of the public ones.
    pub ca: Option<PathBuf>,
    /// Where tokens come from.
    pub tokens: Tokens,
    /// Hosts that are this machine although no name service knows them (a demo world with a domain).
    pub loopback: Vec<String>,
}

/// A FHIR service.
pub struct Client {
    http: reqwest::Client,
    address: Url,
    content_type: &'static str,
    tokens: Tokens,
}

/// Why a bundle was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No answer.
    #[error("{}", innermost(.0))]
    Transport(#[from] reqwest::Error),
    /// An answer larger than any we expect.
    #[error("the answer is larger than {ANSWER_LIMIT} bytes")]
    TooLarge,
    /// A refusal.
    #[error("{text}")]
    Refused {
        /// The status.
        status: u16,
        /// What the service says.
        text: String,
    },
}

impl SendError {
    /// The status, when there was an answer.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// What to do after an attempt.
enum Attempt {
    Done(Vec<u8>),
    /// The token was refused: try once more with a new one.
    Renew(SendError),
    /// Try again after a while.
    Wait(Option<Duration>, SendError),
}

/// A client that trusts this authority, where one is named, and finds these hosts on this machine.
pub fn trusting(
    mut builder: reqwest::ClientBuilder,
    ca: Option<&Path>,
    (base, loopback): (&Url, &[String]),
) -> Result<reqwest::ClientBuilder, Failure> {
    if let Some(path) = ca {
        let pem = files::read_limited(path, CA_LIMIT).map_err(|error| Failure::usage(format!("{error:#}")))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem)
            .ok()
            .filter(|certificates| !certificates.is_empty())
            .ok_or_else(|| Failure::usage(format!("{} holds no certificate in PEM form", path.display())))?;
        builder = builder.tls_certs_only(certificates);
    }
    for host in loopback {
        builder = builder.resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    }
    let is_local = matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if is_local || !loopback.is_empty() {
        builder = builder.no_proxy();
    }
    Ok(builder)
}

impl Client {
    /// Of the service at `base`.
    pub fn new(options: Options, base: Url) -> Result<Self, Failure> {
        let builder = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("hygie-load/", env!("CARGO_PKG_VERSION")));
        let builder = trusting(builder, options.ca.as_deref(), (&base, &options.loopback))?;
        let (address, content_type) = match options.entrance {
            Entrance::Bundles => (base, FHIR_JSON),
            Entrance::Bulk => {
                let text = format!("{}/{BULK}", base.as_str().trim_end_matches('/'));
                (Url::parse(&text)?, FHIR_NDJSON)
            }
        };
        Ok(Self {
            http: builder.build().context("cannot set up the HTTP client")?,
            address,
            content_type,
            tokens: options.tokens,
        })
    }

    /// Sends a parcel and gives the answer's body.
    pub async fn send(&self, body: &Bytes) -> Result<Vec<u8>, SendError> {
        let mut renewed = false;
        for attempt in 1.. {
            match self.attempt(body).await? {
                Attempt::Done(body) => return Ok(body),
                Attempt::Renew(error) if renewed => return Err(error),
                Attempt::Renew(_) => {
                    renewed = true;
                    self.tokens.forget().await;
                }
                Attempt::Wait(_, error) if attempt >= ATTEMPTS => return Err(error),
                Attempt::Wait(asked, _) => {
                    let growing = Duration::from_millis(250) * 2_u32.saturating_pow(attempt - 1);
                    tokio::time::sleep(asked.unwrap_or(growing).min(LONGEST_WAIT)).await;
                }
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn attempt(&self, body: &Bytes) -> Result<Attempt, SendError> {
        let token = self.tokens.get(&self.http).await?;
        let sent = self
            .http
            .post(self.address.clone())
            .bearer_auth(token.expose())
            .header(CONTENT_TYPE, self.content_type)
            .header(ACCEPT, FHIR_JSON)
            .header("prefer", "return=minimal")
            .body(body.clone())
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            // Nothing was sent, so that nothing can have been done twice.
            Err(error) if error.is_connect() => return Ok(Attempt::Wait(None, error.into())),
            Err(error) => return Err(error.into()),
        };
        let status = answer.status();
        let asked = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = read(answer).await?;
        if status.is_success() {
            return Ok(Attempt::Done(body));
        }
        let error = SendError::Refused {
            status: status.as_u16(),
            text: explain(status, &body),
        };
        match status {
            StatusCode::UNAUTHORIZED => Ok(Attempt::Renew(error)),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Ok(Attempt::Wait(asked.map(Duration::from_secs), error))
            }
            _ => Err(error),
        }
    }
}

async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, SendError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(SendError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn explain(status: StatusCode, body: &[u8]) -> String {
    let outcome = serde_json::from_slice::<Outcome>(body).map(|outcome| outcome.text());
    match outcome {
        Ok(text) if !text.is_empty() => text,
        _ => status.canonical_reason().unwrap_or("refused").to_owned(),
    }
}

/// The cause itself ("connection refused"), without the layers around it.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if error.is_timeout() {
        "the service did not answer in time".to_owned()
    } else {
        cause.to_string()
    }
}
