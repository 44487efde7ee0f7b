//! Kafka and Event Hubs, as those to whom the events of a service go.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hygie_access::OwnIdentity;
use hygie_store::outbox::Consumer;
use hygie_store_cloud::kafka::{self, Limits, Login, Options, Security};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::tokens::IdentityTokens;
use crate::config::{Events, Who};

/// Under which name events are kept for them: whatever brokers and topic are configured, what waits goes there.
pub const CONSUMER: &str = "kafka";

/// How long whoever checks a configuration waits for brokers.
const CHECK: Duration = Duration::from_secs(5);

/// What is wrong with the addresses and the authorities, as far as is known without reaching a broker.
pub fn problems(events: &Events) -> Vec<String> {
    let made = options(events, "", Login::None).and_then(|options| Ok(kafka::open(options)?));
    made.err().map(|error| format!("{error:#}")).into_iter().collect()
}

/// Reaches the brokers. A managed identity cannot log in without the program that makes its tokens: then it is only seen
/// whether a broker answers.
pub async fn reach(events: &Events) -> Result<()> {
    let login = password(events)?;
    let is_identity = matches!(events.login.who(), Some(Who::Identity(_)));
    let mut options = options(events, "", login)?;
    options.limits.delivery = CHECK;
    let kafka = kafka::open(options)?;
    if is_identity {
        kafka.reach().await?;
    } else {
        kafka.check().await?;
    }
    Ok(())
}

/// Opens the way to the brokers, which need not answer yet. `source` names the service in its events.
pub fn open(events: &Events, source: &str, identity: Arc<dyn OwnIdentity>) -> Result<Arc<dyn Consumer>> {
    let login = match events.login.who() {
        Some(Who::Identity(resource)) => Login::Tokens {
            tokens: Arc::new(IdentityTokens(identity)),
            resource: resource.to_owned(),
        },
        _ => password(events)?,
    };
    Ok(Arc::new(kafka::open(options(events, source, login)?)?))
}

/// The same for what belongs to no tenant, and logs in by a password or not at all.
pub fn open_by_password(events: &Events, source: &str) -> Result<Arc<dyn Consumer>> {
    Ok(Arc::new(kafka::open(options(events, source, password(events)?)?)?))
}

/// The login by a password, where there is one.
fn password(events: &Events) -> Result<Login> {
    Ok(match events.login.who() {
        Some(Who::User(user, place)) => Login::Plain {
            user: user.to_owned(),
            password: place.read().context("the password of events")?,
        },
        _ => Login::None,
    })
}

fn options(events: &Events, source: &str, login: Login) -> Result<Options> {
    Ok(Options {
        name: CONSUMER.to_owned(),
        source: source.to_owned(),
        brokers: events.brokers.clone(),
        topic: events.topic.clone(),
        security: if events.tls {
            Security::Tls(authorities(events)?)
        } else {
            Security::Clear
        },
        login,
        limits: Limits::default(),
    })
}

fn authorities(events: &Events) -> Result<Vec<CertificateDer<'static>>> {
    let text = events.read_authorities().context("the authorities of events")?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found
        .ok()
        .filter(|found| events.authorities.is_none() || !found.is_empty());
    found.context("the authorities of events hold no certificate in PEM form")
}
