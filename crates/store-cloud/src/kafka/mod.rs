//! Events to Apache Kafka or Azure Event Hubs (`docs/adr/0012-objects-and-events.md`).
//!
//! [`Kafka`] is a [`Consumer`] of an instance's outbox. It delivers to one topic, each event to the partition of its tenant
//! and key, so that events with the same key stay in order; how a record looks is in the module `records`.
//!
//! - An event has arrived when all replicas in sync have it (`acks=all`). Until then it comes again: **at least once**.
//! - A broker that is lost is waited for, and its successor found, within the time of a delivery; after that the outbox
//!   keeps the events and the next delivery goes on. Repetitions within the life of a process are known to the broker by
//!   their number and dropped; those of a process that was killed are not: consumers know an event again by `ce_source`
//!   and `ce_id`, and within a key by the rising number.
//! - The number of partitions is taken when the topic is first reached. While it is raised, events of a key may pass one
//!   another, as with any producer.

mod cluster;
mod connection;
mod delivery;
mod error;
mod messages;
mod records;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hygie_core::Secret;
use hygie_store::outbox::{Consumer, Event};
use rustls_pki_types::CertificateDer;
use tokio::sync::Mutex;

use self::cluster::Cluster;
use self::connection::Door;
pub use self::delivery::Delivered;
use self::delivery::Sender;
pub use self::error::{Code, KafkaError};
pub use self::wire::Malformed;
use crate::tls;
use crate::tokens::Tokens;

/// Where events go.
#[derive(Clone, Debug)]
pub struct Options {
    /// Under which name the consumer was added to the outbox.
    pub name: String,
    /// What stands as source in every event (a URI reference): with the event's number it names it in the whole world.
    pub source: String,
    /// `HOST:PORT` of some brokers; for Event Hubs `NAMESPACE.servicebus.windows.net:9093`.
    pub brokers: Vec<String>,
    /// The topic, which must exist; for Event Hubs the name of the hub.
    pub topic: String,
    /// How brokers are reached.
    pub security: Security,
    /// Who we are.
    pub login: Login,
    /// How long one tries.
    pub limits: Limits,
}

/// How brokers are reached.
#[derive(Clone, Debug)]
pub enum Security {
    /// In clear: only brokers on this machine.
    Clear,
    /// By TLS, with certificates of these authorities; none for those that the system trusts.
    Tls(Vec<CertificateDer<'static>>),
}

/// Who we are.
#[derive(Clone, Debug)]
pub enum Login {
    /// Nobody.
    None,
    /// SASL PLAIN. For Event Hubs the user is `$ConnectionString` and the password the connection string.
    Plain {
        /// The user.
        user: String,
        /// Its password.
        password: Secret<String>,
    },
    /// SASL OAUTHBEARER, as managed identities do.
    Tokens {
        /// Who gives the tokens.
        tokens: Arc<dyn Tokens>,
        /// For what they are; for Event Hubs `https://NAMESPACE.servicebus.windows.net`.
        resource: String,
    },
}

/// How long one tries.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until a connection is there, TLS included.
    pub connect: Duration,
    /// Until a request is answered. Replicas have half of it.
    pub request: Duration,
    /// For a delivery with all its repetitions: less than the outbox gives (30 seconds).
    pub delivery: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(10),
            delivery: Duration::from_secs(20),
        }
    }
}

/// A topic to which events are delivered.
pub struct Kafka {
    name: String,
    source: String,
    within: Duration,
    state: Mutex<State>,
}

struct State {
    sender: Sender,
    /// What was last said in the log to be wrong.
    trouble: Option<String>,
}

/// Makes a client. Nothing is sent: [`Kafka::check`] does.
pub fn open(options: Options) -> Result<Kafka, KafkaError> {
    let tls = match &options.security {
        Security::Clear => {
            // Said at once; whatever address brokers give of others is checked when it is reached.
            let hosts = options.brokers.iter().filter_map(|address| connection::split(address));
            let mut remote = hosts.map(|(host, _)| host).filter(|host| !tls::is_this_machine(host));
            if let Some(host) = remote.next() {
                return Err(KafkaError::Clear(host.to_owned()));
            }
            None
        }
        Security::Tls(authorities) => Some(tls::client_config(authorities).map_err(KafkaError::Tls)?),
    };
    let door = Door {
        tls: tls.map(Arc::new),
        login: options.login,
        limits: options.limits,
    };
    let cluster = Cluster::new(door, options.topic, options.brokers)?;
    Ok(Kafka {
        name: options.name,
        source: options.source.clone(),
        within: options.limits.delivery,
        state: Mutex::new(State {
            sender: Sender::new(cluster, options.source, options.limits.request / 2),
            trouble: None,
        }),
    })
}

impl Kafka {
    /// Whether the brokers answer, know us and have the topic. It waits for them as long as a delivery does.
    pub async fn check(&self) -> Result<(), KafkaError> {
        self.state.lock().await.sender.check(self.within).await
    }

    /// Whether a broker answers, and shows a certificate that is trusted: what can be known without a login.
    pub async fn reach(&self) -> Result<(), KafkaError> {
        self.state.lock().await.sender.reach().await
    }

    /// Delivers events in their order and says what hindered it.
    pub async fn send(&self, events: &[Event]) -> Delivered {
        self.state.lock().await.sender.deliver(events, self.within).await
    }
}

impl Consumer for Kafka {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, usize> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            let delivered = state.sender.deliver(events, self.within).await;
            let trouble = delivered.error.as_ref().map(ToString::to_string);
            // Once when it begins or changes, not with every attempt.
            match &delivered.error {
                Some(error) if trouble != state.trouble => {
                    let error = error as &dyn std::error::Error;
                    tracing::warn!(source = self.source, error, "events wait for Kafka");
                }
                None if state.trouble.is_some() => tracing::info!(source = self.source, "events get to Kafka again"),
                _ => {}
            }
            state.trouble = trouble;
            delivered.count
        })
    }
}
