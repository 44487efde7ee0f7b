//! Events to an HTTP endpoint: a consumer of the outbox that posts them, some in each request, as a batch of CloudEvents.
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#33-batched-content-mode>

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use hygie_core::Secret;
use hygie_store::outbox::{Consumer, Event};
use serde_json::{Value, json};
use url::Url;

use crate::{Outgoing, OutgoingError};

/// Bytes of a request, as soon as it has an event.
const MAX_REQUEST: usize = 1 << 20;

/// Where events go.
pub struct Forward {
    /// Under which name they are kept for it.
    pub name: String,
    /// The client, which may reach the endpoint.
    pub outgoing: Outgoing,
    /// The endpoint.
    pub url: Url,
    /// What it is shown as `Authorization: Bearer`, where it asks for something.
    pub token: Option<Secret<String>>,
    /// What the events say to be from (`source`): with their ids it tells each from all others.
    pub source: String,
    /// Whether the last request came to nothing: it is said once.
    is_lost: AtomicBool,
}

impl Forward {
    /// To this endpoint.
    pub fn new(name: &str, (outgoing, url): (Outgoing, Url), token: Option<Secret<String>>, source: &str) -> Self {
        Self {
            name: name.to_owned(),
            outgoing,
            url,
            token,
            source: source.to_owned(),
            is_lost: AtomicBool::new(false),
        }
    }

    /// As many events as a request takes, the first in any case.
    fn batch(&self, events: &[Event]) -> (Vec<u8>, usize) {
        let (mut body, mut count) = (b"[".to_vec(), 0);
        for event in events {
            let one = self.event(event).to_string();
            if count > 0 && body.len() + one.len() > MAX_REQUEST {
                break;
            }
            if count > 0 {
                body.push(b',');
            }
            body.extend_from_slice(one.as_bytes());
            count += 1;
        }
        body.push(b']');
        (body, count)
    }

    fn event(&self, event: &Event) -> Value {
        // What we wrote ourselves is JSON; anything else is told as it is.
        let data: Value = serde_json::from_slice(&event.body)
            .unwrap_or_else(|_| String::from_utf8_lossy(&event.body).into_owned().into());
        json!({
            "specversion": "1.0", "id": event.seq.to_string(), "source": self.source, "type": event.kind,
            "subject": event.key, "time": event.at.to_rfc3339(), "tenant": event.tenant.to_string(),
            "datacontenttype": "application/json", "data": data,
        })
    }

    async fn post(&self, body: Vec<u8>) -> Result<http::StatusCode, OutgoingError> {
        let mut request = http::Request::post(self.url.as_str())
            .header(CONTENT_TYPE, "application/cloudevents-batch+json; charset=utf-8");
        if let Some(token) = &self.token {
            let mut value = http::HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                .map_err(|_| OutgoingError::Malformed)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(body).map_err(|_| OutgoingError::Malformed)?;
        Ok(self.outgoing.send(request).await?.status())
    }

    fn tell(&self, outcome: &Result<http::StatusCode, OutgoingError>) {
        let is_lost = !outcome.as_ref().is_ok_and(http::StatusCode::is_success);
        if !is_lost || self.is_lost.swap(is_lost, Ordering::Relaxed) {
            self.is_lost.store(is_lost, Ordering::Relaxed);
            return;
        }
        match outcome {
            Ok(status) => tracing::warn!(consumer = %self.name, status = status.as_u16(), "events are not taken"),
            Err(error) => {
                let error: &dyn std::error::Error = error;
                tracing::warn!(consumer = %self.name, error, "events are not taken");
            }
        }
    }
}

impl Consumer for Forward {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, usize> {
        Box::pin(async move {
            if events.is_empty() {
                return 0;
            }
            let (body, count) = self.batch(events);
            let outcome = self.post(body).await;
            self.tell(&outcome);
            if outcome.is_ok_and(|status| status.is_success()) {
                count
            } else {
                0
            }
        })
    }
}
