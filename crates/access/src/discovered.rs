//! The keys of an outside issuer, found by discovery — OpenID Connect Discovery 1.0 §4, RFC 8414 §3.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::future::BoxFuture;
use hygie_core::{Clock, TenantId, Timestamp};
use hygie_jose::{Jwks, KeySet, json};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};
use url::Url;

use crate::{EntraCloud, KeySource, KeysUnavailable, Outgoing, OutgoingError};

/// Keys are asked for again after this.
const REFRESH: Duration = Duration::from_hours(1);
/// Keys of an issuer that does not answer are used until this age, so that its outage is not ours.
const MAX_AGE: Duration = Duration::from_hours(24);
/// An unknown key makes us ask at most this often: tokens with invented keys must not make us flood an issuer.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_mins(5);
/// After a failure the issuer is left alone for this.
const FAILURE_PAUSE: Duration = Duration::from_secs(30);
/// Who has older keys to go on with waits no longer than this for the issuer; it may answer later.
const PATIENCE: Duration = Duration::from_secs(1);

/// A discovery document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Document {
    /// Where it is.
    pub address: String,
    /// What it says its issuer is, character by character; `{tenantid}` in one for all tenants.
    pub issuer: String,
}

impl Document {
    /// That of an OpenID Connect issuer.
    pub fn of_issuer(issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        Self {
            address: format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')),
            issuer,
        }
    }

    /// That of Pro Santé Connect, which has it under a name of its own: the one with the usual name, of the software below,
    /// has other endpoints.
    pub fn of_psc(issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        Self {
            address: format!(
                "{}/.well-known/wallet-openid-configuration",
                issuer.trim_end_matches('/')
            ),
            issuer,
        }
    }

    /// That of a tenant of Entra ID; its keys are those of both versions.
    pub fn of_entra(cloud: &EntraCloud, tenant: TenantId) -> Self {
        Self::of_issuer(format!("{}/{tenant}/v2.0", cloud.authority))
    }

    /// The one for all tenants of Entra ID: one request serves a workspace that trusts many.
    pub fn of_entra_organizations(cloud: &EntraCloud) -> Self {
        let authority = &cloud.authority;
        Self {
            address: format!("{authority}/organizations/v2.0/.well-known/openid-configuration"),
            issuer: format!("{authority}/{{tenantid}}/v2.0"),
        }
    }
}

/// Where an issuer answers about its tokens and people, as its document says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// `introspection_endpoint` (RFC 8414 §2).
    pub introspection_endpoint: Option<Url>,
    /// `userinfo_endpoint`.
    pub userinfo_endpoint: Option<Url>,
}

struct Fetched {
    keys: Arc<KeySet>,
    endpoints: Endpoints,
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

/// The keys of one outside issuer, or of all tenants of one cloud. Cheap to clone.
#[derive(Clone)]
pub struct Discovered(Arc<Inner>);

struct Inner {
    outgoing: Outgoing,
    document: Document,
    clock: Arc<dyn Clock>,
    fetched: ArcSwapOption<Fetched>,
    attempts: Arc<Mutex<Attempts>>,
}

impl Discovered {
    /// By this document. Nothing is fetched before the first token comes.
    pub fn new(outgoing: Outgoing, document: Document, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            outgoing,
            document,
            clock,
            fetched: ArcSwapOption::empty(),
            attempts: Arc::default(),
        }))
    }

    /// Its endpoints, which are asked for and kept with its keys.
    pub async fn endpoints(&self) -> Result<Endpoints, KeysUnavailable> {
        self.current().await?;
        let fetched = self.0.fetched.load();
        fetched
            .as_ref()
            .map(|fetched| fetched.endpoints.clone())
            .ok_or(KeysUnavailable)
    }

    /// The keys that are young enough to be used without asking.
    pub fn at_hand(&self) -> Option<Arc<KeySet>> {
        self.0.younger_than(REFRESH)
    }

    async fn current(&self) -> Result<Arc<KeySet>, KeysUnavailable> {
        if let Some(keys) = self.0.younger_than(REFRESH) {
            return Ok(keys);
        }
        // One caller asks; the others go on with what there is, or wait when there is nothing.
        let attempts = match (self.0.attempts.clone().try_lock_owned(), self.0.younger_than(MAX_AGE)) {
            (Ok(attempts), _) => attempts,
            (Err(_), Some(keys)) => return Ok(keys),
            (Err(_), None) => self.0.attempts.clone().lock_owned().await,
        };
        if let Some(keys) = self.0.younger_than(REFRESH) {
            return Ok(keys);
        }
        self.fetch(attempts).await
    }

    async fn after_unknown_key(&self) -> Result<Arc<KeySet>, KeysUnavailable> {
        let locking = self.0.attempts.clone().lock_owned();
        let Ok(mut attempts) = tokio::time::timeout(PATIENCE, locking).await else {
            return self.0.younger_than(MAX_AGE).ok_or(KeysUnavailable);
        };
        let now = self.0.clock.now();
        let is_paused = attempts
            .unknown_key_at
            .is_some_and(|at| now.since(at) < UNKNOWN_KEY_PAUSE);
        let has_failed = attempts.failed_at.is_some_and(|at| now.since(at) < FAILURE_PAUSE);
        if is_paused || has_failed || self.0.younger_than(FAILURE_PAUSE).is_some() {
            return self.0.younger_than(MAX_AGE).ok_or(KeysUnavailable);
        }
        attempts.unknown_key_at = Some(now);
        self.fetch(attempts).await
    }

    /// Asks the issuer, unless it failed a moment ago; falls back on what there is. The request goes on when its
    /// caller is gone: who sends a token and hangs up must not use up the chance of the others.
    async fn fetch(&self, attempts: OwnedMutexGuard<Attempts>) -> Result<Arc<KeySet>, KeysUnavailable> {
        let inner = self.0.clone();
        let asking = tokio::spawn(async move { inner.ask_unless_failed(attempts).await });
        // Outside of these waits nothing happens: a task that ended badly has left the keys as they were.
        if self.0.younger_than(MAX_AGE).is_some() {
            let _ = tokio::time::timeout(PATIENCE, asking).await;
        } else {
            let _ = asking.await;
        }
        self.0.younger_than(MAX_AGE).ok_or(KeysUnavailable)
    }
}

impl Inner {
    /// What was fetched, if it is younger than `age`.
    fn younger_than(&self, age: Duration) -> Option<Arc<KeySet>> {
        let fetched = self.fetched.load();
        let fetched = fetched.as_ref()?;
        (self.clock.now().since(fetched.at) < age).then(|| fetched.keys.clone())
    }

    async fn ask_unless_failed(&self, mut attempts: OwnedMutexGuard<Attempts>) {
        let now = self.clock.now();
        if attempts.failed_at.is_some_and(|at| now.since(at) < FAILURE_PAUSE) {
            return;
        }
        match self.ask().await {
            Ok((keys, endpoints)) => {
                attempts.failed_at = None;
                let keys = Arc::new(keys);
                let fetched = Fetched {
                    keys,
                    endpoints,
                    at: now,
                };
                self.fetched.store(Some(Arc::new(fetched)));
            }
            Err(error) => {
                attempts.failed_at = Some(now);
                // Nothing was learned: the next unknown key asks again when the issuer may be well.
                attempts.unknown_key_at = None;
                let issuer = &self.document.issuer;
                tracing::warn!(issuer, %error, "the keys of an issuer could not be fetched");
            }
        }
    }

    async fn ask(&self) -> Result<(KeySet, Endpoints), FetchError> {
        #[derive(Deserialize)]
        struct Discovery {
            issuer: String,
            jwks_uri: String,
            introspection_endpoint: Option<Value>,
            userinfo_endpoint: Option<Value>,
        }
        let document = self.document(&self.document.address).await?;
        let discovery: Discovery = json::read(&document, "discovery").map_err(|_| FetchError::Malformed)?;
        if discovery.issuer != self.document.issuer {
            return Err(FetchError::OtherIssuer);
        }
        let document = self.document(&discovery.jwks_uri).await?;
        let keys = KeySet::new(&Jwks::parse(&document).map_err(|_| FetchError::Malformed)?);
        if keys.is_empty() {
            return Err(FetchError::NoKey);
        }
        // Whoever has keys only is as good an issuer as before, whatever else its document says.
        let url = |value: Option<Value>| Url::parse(value?.as_str()?).ok();
        let endpoints = Endpoints {
            introspection_endpoint: url(discovery.introspection_endpoint),
            userinfo_endpoint: url(discovery.userinfo_endpoint),
        };
        Ok((keys, endpoints))
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
