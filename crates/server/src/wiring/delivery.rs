//! The events of service instances on their way out: a loop for each, as long as the program serves
//! (`docs/adr/0020-fhir-events.md`).

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use hygie_core::Cx;
use hygie_store::outbox::{Backlog, Consumer, Consumers, Round, deliver};
use hygie_store::{Owner, Store, StoreError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::listen::Stop;

/// When nothing waits, it is looked again after so long: an event leaves a quarter of a second after its write at most.
const IDLE: Duration = Duration::from_millis(250);
/// While another process delivers.
const ELSEWHERE: Duration = Duration::from_secs(1);
/// After a delivery that came to nothing.
const REFUSED: Duration = Duration::from_secs(1);
/// What waits is counted so often, for the metrics.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// A delivery that is under way when the program stops has so long to end.
const GRACE: Duration = Duration::from_secs(5);

/// The events of an instance.
#[derive(Clone)]
pub struct Delivery {
    /// `WORKSPACE/SERVICE`, for logs and metrics.
    service: String,
    store: Store,
    cx: Cx,
    consumer: Arc<dyn Consumer>,
}

impl Delivery {
    /// Has the instance keep its events from now on, those whose kind begins with `kinds`.
    pub async fn begin(
        (service, kinds): (String, &'static str),
        store: &Store,
        cx: &Cx,
        consumer: Arc<dyn Consumer>,
    ) -> Result<Self> {
        let name = consumer.name().to_owned();
        let known = store.read(cx, name.clone(), |name, tx| {
            Box::pin(async move { Consumers(tx).kinds(name).await })
        });
        let known: Result<Option<String>, StoreError> = known.await;
        if known?.as_deref() != Some(kinds) {
            let added = store.write(cx, name, move |name, tx| {
                Box::pin(async move { Consumers(tx).add(name, kinds).await })
            });
            let added: Result<(), StoreError> = added.await;
            added?;
        }
        Ok(Self {
            service,
            store: store.clone(),
            cx: cx.clone(),
            consumer,
        })
    }

    /// Delivers until the program stops.
    pub fn start(&self, stop: &Stop, owner: Owner) {
        let (delivery, token) = (self.clone(), stop.token());
        stop.spawn(async move {
            delivery.run(owner, &token).await;
            // Another process need not wait for the end of the lease.
            let name = delivery.consumer.name().to_owned();
            let left = delivery.store.write(&delivery.cx, name, move |name, tx| {
                Box::pin(async move { Consumers(tx).leave(name, owner).await })
            });
            let left: Result<(), StoreError> = left.await;
            if let Err(error) = &left {
                let error: &dyn std::error::Error = error;
                tracing::warn!(service = %delivery.service, error, "the lease of the events ends by itself");
            }
        });
    }

    async fn run(&self, owner: Owner, token: &CancellationToken) {
        let mut is_lost = false;
        let mut count_at = Instant::now();
        loop {
            let round = tokio::select! {
                round = deliver(&self.store, &self.cx, owner, &*self.consumer) => round,
                () = over(token) => return,
            };
            if count_at <= Instant::now() {
                count_at = Instant::now() + COUNT_EVERY;
                self.count().await;
            }
            let pause = self.pause(&round);
            // Once: the database is gone, or another process has taken over, and the next rounds say the same.
            if let Err(error) = &round
                && !is_lost
            {
                let error: &dyn std::error::Error = error;
                tracing::error!(service = %self.service, error, "events are not delivered");
            }
            is_lost = round.is_err();
            tokio::select! {
                biased;
                () = token.cancelled() => return,
                () = sleep(pause) => {}
            }
        }
    }

    fn pause(&self, round: &Result<Round, StoreError>) -> Duration {
        match round {
            Ok(Round::Delivered(count)) => {
                metrics::counter!("hygie_events_delivered_total", "service" => self.service.clone())
                    .increment(*count as u64);
                Duration::ZERO
            }
            Ok(Round::Idle) => IDLE,
            Ok(Round::Elsewhere) => ELSEWHERE,
            Ok(Round::Refused) | Err(_) => {
                metrics::counter!("hygie_events_failures_total", "service" => self.service.clone()).increment(1);
                REFUSED
            }
        }
    }

    /// Tells the metrics what waits, and for how long the oldest does.
    async fn count(&self) {
        let Ok(backlog) = backlog(&self.store, &self.cx, self.consumer.name()).await else {
            return;
        };
        let age = backlog.oldest.map(|oldest| self.cx.clock.now().since(oldest));
        metrics::gauge!("hygie_events_waiting", "service" => self.service.clone()).set(backlog.events as f64);
        metrics::gauge!("hygie_events_oldest_seconds", "service" => self.service.clone())
            .set(age.unwrap_or_default().as_secs_f64());
    }
}

/// Has an instance keep no events for this consumer any more: what waits would wait for ever.
pub async fn end(store: &Store, cx: &Cx, (service, name): (&str, &str)) -> Result<()> {
    let known = consumers(store, cx).await?;
    if !known.iter().any(|known| known == name) {
        return Ok(());
    }
    let waiting = backlog(store, cx, name).await?.events;
    let removed = store.write(cx, name.to_owned(), |name, tx| {
        Box::pin(async move { Consumers(tx).remove(name).await })
    });
    let removed: Result<(), StoreError> = removed.await;
    removed?;
    tracing::warn!(
        service,
        waiting,
        "events go nowhere any more; those that waited are dropped"
    );
    Ok(())
}

/// Returns when the program has been stopping for a while.
async fn over(token: &CancellationToken) {
    token.cancelled().await;
    sleep(GRACE).await;
}

async fn consumers(store: &Store, cx: &Cx) -> Result<Vec<String>, StoreError> {
    let listed = store.read(cx, (), |(), tx| Box::pin(async move { Consumers(tx).list().await }));
    listed.await
}

async fn backlog(store: &Store, cx: &Cx, name: &str) -> Result<Backlog, StoreError> {
    let counted = store.read(cx, name.to_owned(), |name, tx| {
        Box::pin(async move { Consumers(tx).backlog(name).await })
    });
    counted.await
}
