//! The keys of an outside issuer, found by discovery — OpenID Connect Discovery 1.0 §4, RFC 8414 §3.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::future::BoxFuture;
use hygie_core::{Clock, Timestamp};
use hygie_jose::{Jwks, KeySet, json};
use serde::Deserialize;
use tokio::sync::{Mutex, MutexGuard};
use url::Url;

use crate::{KeySource, KeysUnavailable, Outgoing, OutgoingError};

/// Keys are asked for again after this.
const REFRESH: Duration = Duration::from_hours(1);
/// Keys of an issuer that does not answer are used until this age, so that its outage is not ours.
const MAX_AGE: Duration = Duration::from_hours(24);
/// An unknown key makes us ask at most this often: tokens with invented keys must not make us flood an issuer.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_mins(5);
/// After a failure the issuer is left alone for this.
const FAILURE_PAUSE: Duration = Duration::from_secs(30);

struct Fetched {
    keys: Arc<KeySet>,
    at: Timestamp,
}

#[derive(Default)]
struct Attempts {
    failed_at: Option<Timestamp>,
    unknown_key_at: Option<Timestamp>,
}

/// Why the keys were not fetched; for the log.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Outgoing(#[from] OutgoingError),
    #[error("status {0}")]
    Status(u16),
    #[error("the document names another issuer")]
    OtherIssuer,
    #[error("malformed document")]
    Malformed,
    #[error("no usable key")]
    NoKey,
}

/// The keys of one outside issuer.
pub struct Discovered {
    outgoing: Outgoing,
    issuer: String,
    clock: Arc<dyn Clock>,
    fetched: ArcSwapOption<Fetched>,
    attempts: Mutex<Attempts>,
}

impl Discovered {
    /// Of this issuer, whose discovery document is at `{issuer}/.well-known/openid-configuration`. Nothing is fetched
    /// before the first token comes.
    pub fn new(outgoing: Outgoing, issuer: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            outgoing,
            issuer: issuer.into(),
            clock,
            fetched: ArcSwapOption::empty(),
            attempts: Mutex::default(),
        }
    }

    /// What was fetched, if it is younger than `age`.
    fn younger_than(&self, age: Duration) -> Option<Arc<KeySet>> {
        let fetched = self.fetched.load();
        let fetched = fetched.as_ref()?;
        (self.clock.now().since(fetched.at) < age).then(|| fetched.keys.clone())
    }

    async fn current(&self) -> Result<Arc<KeySet>, KeysUnavailable> {
        if let Some(keys) = self.younger_than(REFRESH) {
            return Ok(keys);
        }
        // One caller asks; the others go on with what there is, or wait when there is nothing.
        let attempts = match (self.attempts.try_lock(), self.younger_than(MAX_AGE)) {
            (Ok(attempts), _) => attempts,
            (Err(_), Some(keys)) => return Ok(keys),
            (Err(_), None) => self.attempts.lock().await,
        };
        if let Some(keys) = self.younger_than(REFRESH) {
            return Ok(keys);
        }
        self.fetch(attempts).await
    }

    async fn after_unknown_key(&self) -> Result<Arc<KeySet>, KeysUnavailable> {
        let mut attempts = self.attempts.lock().await;
        let now = self.clock.now();
        let paused = attempts
            .unknown_key_at
            .is_some_and(|at| now.since(at) < UNKNOWN_KEY_PAUSE);
        if paused || self.younger_than(FAILURE_PAUSE).is_some() {
            return self.younger_than(MAX_AGE).ok_or(KeysUnavailable);
        }
        attempts.unknown_key_at = Some(now);
        self.fetch(attempts).await
    }

    /// Asks the issuer, unless it failed a moment ago; falls back on what there is.
    async fn fetch(&self, mut attempts: MutexGuard<'_, Attempts>) -> Result<Arc<KeySet>, KeysUnavailable> {
        let now = self.clock.now();
        if attempts.failed_at.is_none_or(|at| now.since(at) >= FAILURE_PAUSE) {
            match self.ask().await {
                Ok(keys) => {
                    let keys = Arc::new(keys);
                    attempts.failed_at = None;
                    self.fetched.store(Some(Arc::new(Fetched {
                        keys: keys.clone(),
                        at: now,
                    })));
                    return Ok(keys);
                }
                Err(error) => {
                    attempts.failed_at = Some(now);
                    tracing::warn!(issuer = self.issuer, %error, "the keys of an issuer could not be fetched");
                }
            }
        }
        self.younger_than(MAX_AGE).ok_or(KeysUnavailable)
    }

    async fn ask(&self) -> Result<KeySet, FetchError> {
        #[derive(Deserialize)]
        struct Discovery {
            issuer: String,
            jwks_uri: String,
        }
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let document = self.document(&address).await?;
        let discovery: Discovery = json::read(&document, "discovery").map_err(|_| FetchError::Malformed)?;
        if discovery.issuer != self.issuer {
            return Err(FetchError::OtherIssuer);
        }
        let document = self.document(&discovery.jwks_uri).await?;
        let keys = KeySet::new(&Jwks::parse(&document).map_err(|_| FetchError::Malformed)?);
        if keys.is_empty() {
            return Err(FetchError::NoKey);
        }
        Ok(keys)
    }

    async fn document(&self, address: &str) -> Result<Vec<u8>, FetchError> {
        let url = Url::parse(address).map_err(|_| FetchError::Malformed)?;
        let answer = self.outgoing.get(&url).await?;
        if answer.status().as_u16() != 200 {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        Ok(answer.into_body())
    }
}

impl KeySource for Discovered {
    fn keys(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        Box::pin(self.current())
    }

    fn refreshed(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        Box::pin(self.after_unknown_key())
    }
}
