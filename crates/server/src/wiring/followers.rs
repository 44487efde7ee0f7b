//! Who follows the logs of the directory: an event for each entry, kept from its transaction until it has arrived.

use std::sync::Arc;

use anyhow::{Context, Result};
use hygie_access::{EgressPolicy, Forward, Outgoing};
use hygie_store::outbox::Consumer;

use super::delivery::{self, Delivery};
use super::{Base, internal, kafka};
use crate::config::{AuditLogs, Endpoint};

/// Under which name events are kept for the HTTP endpoint.
const HTTP: &str = "http";

impl Base {
    /// Has the directory keep what it logs from now on for those who follow it, and for nobody else.
    pub async fn follow_logs(&mut self, logs: &AuditLogs, outgoing: &EgressPolicy) -> Result<()> {
        let source = self.settings.login.clone();
        let kafka = logs.kafka.as_ref().map(|events| {
            let opened = kafka::open_by_password(events.get_ref(), &source);
            opened.context("the audit logs to Kafka")
        });
        let http = logs.http.as_ref().map(|endpoint| {
            let opened = open(endpoint.get_ref(), outgoing, &source);
            opened.context("the audit logs to an endpoint")
        });
        for (name, consumer) in [(kafka::CONSUMER, kafka.transpose()?), (HTTP, http.transpose()?)] {
            let (cx, service) = (internal(&self.settings), format!("directory/{name}"));
            let store = self.stores.directory();
            match consumer {
                Some(consumer) => {
                    let delivery = Delivery::begin(service, store, &cx, consumer).await?;
                    self.deliveries.push(delivery);
                }
                None => delivery::end(store, &cx, (&service, name)).await?,
            }
        }
        Ok(())
    }
}

fn open(endpoint: &Endpoint, policy: &EgressPolicy, source: &str) -> Result<Arc<dyn Consumer>> {
    let token = match &endpoint.token {
        Some(place) => Some(place.read().context("the token")?),
        None => None,
    };
    let outgoing = Outgoing::new(endpoint.policy(policy.clone())).context("cannot set up the client")?;
    Ok(Arc::new(Forward::new(
        HTTP,
        (outgoing, endpoint.url.clone()),
        token,
        source,
    )))
}
