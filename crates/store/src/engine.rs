//! The one type that services hold, and the trait that an engine implements.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_core::Cx;
use parking_lot::Mutex;

use crate::audit::Record;
use crate::tx::Attendants;
use crate::{Scribe, StoreError, Tx, Vault};

/// Whether a unit of work wants its effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Keep them.
    Commit,
    /// Leave nothing behind.
    Rollback,
}

/// A type-erased unit of work, as an engine sees it. It may be run more than once.
pub trait Work: Send {
    /// Runs on a fresh transaction and keeps its outcome outside of it.
    fn run<'t>(&'t mut self, tx: &'t mut Tx<'_>) -> BoxFuture<'t, Verdict>;
}

/// A storage engine for one service instance. Every implementation passes the checks of `hygie-store-conformance`.
pub trait Engine: Send + Sync {
    /// Runs `work` in a write transaction; returns after the commit is durable or the rollback is done.
    fn write<'a>(&'a self, cx: &'a Cx, work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Runs `work` over one snapshot; writing in it is an error.
    fn read<'a>(&'a self, cx: &'a Cx, work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Records an access (a read, a sign-in, a refusal) and returns once it is durable.
    fn record(&self, record: Record) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Finishes what is deferred (index rows merged, logs synced), then stops taking work.
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// The store of one service instance (the directory, one FHIR service…). Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<dyn Engine>, Attendants);

impl Store {
    /// Over this engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self(engine, Attendants::default())
    }

    /// The same, whose writes tell this scribe what they record.
    #[must_use]
    pub fn with_scribe(self, scribe: Arc<dyn Scribe>) -> Self {
        let attendants = Attendants {
            scribe: Some(scribe),
            ..self.1
        };
        Self(self.0, attendants)
    }

    /// The same, whose transactions seal and open columns with this vault.
    #[must_use]
    pub fn with_vault(self, vault: Vault) -> Self {
        let attendants = Attendants {
            vault: Some(vault),
            ..self.1
        };
        Self(self.0, attendants)
    }

    /// What seals its columns, where some are.
    pub fn vault(&self) -> Option<&Vault> {
        self.1.vault.as_ref()
    }

    /// Runs a write transaction and answers after its commit is durable.
    ///
    /// `body` may await nothing but `tx`, and may be run again on the same `input`: make ids, instants and random values
    /// before. `Ok` commits; an error rolls back and leaves nothing. Neither may ignore an error of its transaction.
    ///
    /// ```ignore
    /// store.write(&cx, (id, name), |(id, name), tx| Box::pin(async move { Groups(tx).insert(*id, name).await })).await
    /// ```
    pub async fn write<I, T, E, F>(&self, cx: &Cx, input: I, body: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> Fn(&'t I, &'t mut Tx<'_>) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let outcome = Arc::new(Mutex::new(None));
        self.0
            .write(
                cx,
                Box::new(Unit {
                    input,
                    body,
                    attendants: self.1.clone(),
                    outcome: outcome.clone(),
                }),
            )
            .await?;
        let outcome = outcome.lock().take();
        outcome.unwrap_or_else(|| Err(StoreError::Unavailable(None).into()))
    }

    /// Runs `body` over one snapshot of what is committed. It never waits for writers.
    pub async fn read<I, T, E, F>(&self, cx: &Cx, input: I, body: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> Fn(&'t I, &'t mut Tx<'_>) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let outcome = Arc::new(Mutex::new(None));
        self.0
            .read(
                cx,
                Box::new(Unit {
                    input,
                    body,
                    attendants: Attendants {
                        scribe: None,
                        ..self.1.clone()
                    },
                    outcome: outcome.clone(),
                }),
            )
            .await?;
        let outcome = outcome.lock().take();
        outcome.unwrap_or_else(|| Err(StoreError::Unavailable(None).into()))
    }

    /// Records an access and returns once the record is durable: call it before the answer leaves.
    pub async fn record(&self, record: Record) -> Result<(), StoreError> {
        self.0.record(record).await
    }

    /// Finishes deferred work and stops.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.0.close().await
    }
}

struct Unit<I, T, E, F> {
    input: I,
    body: F,
    attendants: Attendants,
    outcome: Arc<Mutex<Option<Result<T, E>>>>,
}

impl<I, T, E, F> Work for Unit<I, T, E, F>
where
    I: Send + Sync,
    T: Send,
    E: From<StoreError> + Send,
    F: for<'t> Fn(&'t I, &'t mut Tx<'_>) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx<'_>) -> BoxFuture<'t, Verdict> {
        Box::pin(async move {
            tx.attend(self.attendants.clone());
            let mut outcome = (self.body)(&self.input, tx).await;
            if outcome.is_ok() && tx.has_failed() {
                let ignored = "a transaction went on after one of its statements failed";
                outcome = Err(StoreError::Inconsistent(ignored.to_owned()).into());
            }
            let verdict = if outcome.is_ok() {
                Verdict::Commit
            } else {
                Verdict::Rollback
            };
            *self.outcome.lock() = Some(outcome);
            verdict
        })
    }
}
