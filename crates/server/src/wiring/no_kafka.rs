//! In the place of `kafka`, in a program that was built without the feature `cloud`: brokers are named as what it cannot
//! reach.

#![expect(clippy::unused_async, reason = "of the same shape as what waits for brokers")]

use std::sync::Arc;

use anyhow::Result;
use hygie_access::OwnIdentity;
use hygie_store::outbox::Consumer;

use crate::config::Events;

/// Under which name another build kept events.
pub const CONSUMER: &str = "kafka";

const WITHOUT: &str = "this program was built without Kafka (the feature `cloud`)";

pub fn problems(_events: &Events) -> Vec<String> {
    vec![WITHOUT.to_owned()]
}

pub async fn reach(_events: &Events) -> Result<()> {
    anyhow::bail!(WITHOUT)
}

pub fn open(_events: &Events, _source: &str, _identity: Arc<dyn OwnIdentity>) -> Result<Arc<dyn Consumer>> {
    anyhow::bail!(WITHOUT)
}

pub fn open_by_password(_events: &Events, _source: &str) -> Result<Arc<dyn Consumer>> {
    anyhow::bail!(WITHOUT)
}
