//! Who follows the directory: an event for each entry of its logs and for each letter, kept from its transaction until it has
//! arrived.

use std::sync::Arc;

use anyhow::{Context, Result};
use hygie_access::{EgressPolicy, Forward, Outgoing};
use hygie_directory::LETTERS;
use hygie_directory::logs::LOGS;
use hygie_mail::{Mail, Places};
use hygie_store::outbox::Consumer;

use super::delivery::{self, Delivery};
use super::{Base, internal, kafka};
use crate::config::{AuditLogs, Config, Endpoint};

/// What the letters of the directory are kept under.
const MAIL: &str = "mail";
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
        self.follow((kafka::CONSUMER, LOGS), kafka.transpose()?).await?;
        self.follow((HTTP, LOGS), http.transpose()?).await
    }

    /// Has the directory write letters from now on, where there is who sends them.
    pub async fn send_letters(&mut self, config: &Config) -> Result<()> {
        let mail = config.mail.as_ref().map(|mail| {
            let places = Places {
                login: self.settings.login.clone(),
                portal: config
                    .portal
                    .as_ref()
                    .map(|portal| portal.get_ref().url.origin().ascii_serialization()),
            };
            let relay = mail.get_ref().relay(config)?;
            let mail = Mail::new(&relay, places, self.settings.clock.clone())?;
            anyhow::Ok(Arc::new(mail) as Arc<dyn Consumer>)
        });
        let mail = mail.transpose().context("[mail]")?;
        self.follow((MAIL, LETTERS), mail).await
    }

    /// Has the directory keep events of some kinds for a consumer, or keep none any more for its name.
    async fn follow(&mut self, (name, kinds): (&str, &'static str), consumer: Option<Arc<dyn Consumer>>) -> Result<()> {
        let (cx, service) = (internal(&self.settings), format!("directory/{name}"));
        let store = self.stores.directory();
        match consumer {
            Some(consumer) => {
                let delivery = Delivery::begin((service, kinds), store, &cx, consumer).await?;
                self.deliveries.push(delivery);
                Ok(())
            }
            None => delivery::end(store, &cx, (&service, name)).await,
        }
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
