//! One FHIR service instance: what it is made of, and how an interaction is run in it.

use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hygie_access::{self as access, Gate, Permissions, Refusal};
use hygie_core::{Cx, Timestamp};
use hygie_fhir_model::ResourceType;
use hygie_fhir_model::json;
use hygie_fhir_store::repo::{Learned, Repository, Resources};
use hygie_store::blobs::Blobs;
use hygie_store::{Store, Tx};
use hygie_web::caller::{Guarded, Instances};
use tokio::sync::Semaphore;
use url::Url;

use crate::binary::UPLOADS;
use crate::interaction::Error;
use crate::wire::{capability_statement, smart_configuration};

/// What `server` gives.
#[derive(Clone)]
pub struct Settings {
    /// The store of the instance, opened with `repository` as its replay.
    pub store: Store,
    /// The layout of the resources in it.
    pub repository: Repository,
    /// Where the content of Binary resources lies that comes in its native form, if there is a place for it.
    pub blobs: Option<Blobs>,
    /// Who is let in.
    pub gate: Arc<Gate>,
    /// Where it is from outside, without final slash: `https://localhost:8446/demo/fhir`.
    pub base: Url,
    /// How large things may be.
    pub limits: Limits,
    /// Where callers get their tokens.
    pub authority: Authority,
    /// When the program was started: the date of the CapabilityStatement.
    pub started: Timestamp,
}

/// How large things may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one resource.
    pub resource: usize,
    /// Bytes of a bundle.
    pub bundle: usize,
    /// Bytes of a Binary in its native form.
    pub binary: u64,
    /// Entries of a bundle.
    pub entries: usize,
    /// Time for a request, which those who serve it keep. A bulk load ends somewhat before, to say how far it came.
    pub time: Duration,
}

impl Default for Limits {
    /// 4 MiB, 64 MiB, 1 GiB, 500 entries as in Azure; two minutes.
    fn default() -> Self {
        Self {
            resource: 4 << 20,
            bundle: 64 << 20,
            binary: 1 << 30,
            entries: 500,
            time: Duration::from_mins(2),
        }
    }
}

/// The authorization server as the SMART document and the CapabilityStatement name it.
#[derive(Clone, Debug)]
pub struct Authority {
    /// `iss` of its tokens.
    pub issuer: String,
    /// RFC 6749 §3.1.
    pub authorization_endpoint: String,
    /// RFC 6749 §3.2.
    pub token_endpoint: String,
    /// Its signing keys.
    pub jwks_uri: String,
}

/// A FHIR service instance. Cheap to clone.
#[derive(Clone)]
pub struct Fhir(Arc<Inner>);

struct Inner {
    settings: Settings,
    base: String,
    path: String,
    documents: Documents,
    /// Places for bodies that are being received.
    uploads: Semaphore,
}

/// One router serves one instance.
impl Instances for Inner {
    fn find(&self, _: &Parts) -> Option<Guarded> {
        Some(Guarded {
            gate: self.settings.gate.clone(),
            store: self.settings.store.clone(),
        })
    }
}

/// Documents that do not change while the program runs.
pub(crate) struct Documents {
    pub capability_statement: Bytes,
    pub smart_configuration: Bytes,
}

impl Fhir {
    /// Of these parts.
    pub fn new(settings: Settings) -> Self {
        let base = settings.base.as_str().trim_end_matches('/').to_owned();
        let path = settings.base.path().trim_end_matches('/').to_owned();
        let documents = Documents {
            capability_statement: capability_statement(&settings, &base).into(),
            smart_configuration: smart_configuration(&settings.authority).into(),
        };
        Self(Arc::new(Inner {
            settings,
            base,
            path,
            documents,
            uploads: Semaphore::new(UPLOADS),
        }))
    }

    /// The same service at another address: its links name the address that was called.
    #[must_use]
    pub fn at(&self, base: Url) -> Self {
        Self::new(Settings {
            base,
            ..self.settings().clone()
        })
    }

    /// Its address, without final slash.
    pub fn base(&self) -> &str {
        &self.0.base
    }

    /// The path of its address, without final slash.
    pub(crate) fn path(&self) -> &str {
        &self.0.path
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn instances(&self) -> Arc<dyn Instances> {
        self.0.clone()
    }

    pub(crate) fn documents(&self) -> &Documents {
        &self.0.documents
    }

    pub(crate) fn uploads(&self) -> &Semaphore {
        &self.0.uploads
    }

    pub(crate) fn limits(&self) -> Limits {
        self.0.settings.limits
    }

    /// Does a unit of work in one transaction: a snapshot when it only reads.
    pub(crate) async fn run<W: Work>(&self, cx: &Cx, work: W) -> Result<W::Outcome, Error> {
        let Settings { store, repository, .. } = self.settings();
        let is_write = work.is_write();
        let input = (repository.clone(), work);
        let done = if is_write {
            store
                .write(cx, input, |(repository, work), tx| {
                    Box::pin(within(repository, work, tx))
                })
                .await
        } else {
            store
                .read(cx, input, |(repository, work), tx| {
                    Box::pin(within(repository, work, tx))
                })
                .await
        };
        let (outcome, learned) = done?;
        repository.learn(learned);
        Ok(outcome)
    }
}

/// A unit of work on the resources of one transaction. It may be run again on the same value.
pub(crate) trait Work: Send + Sync + 'static {
    /// What it gives.
    type Outcome: Send + 'static;

    /// Whether it changes something.
    fn is_write(&self) -> bool;

    /// Does it.
    fn run<'r>(&'r self, resources: &'r mut Resources<'_, '_>) -> BoxFuture<'r, Result<Self::Outcome, Error>>;
}

async fn within<W: Work>(repository: &Repository, work: &W, tx: &mut Tx<'_>) -> Result<(W::Outcome, Learned), Error> {
    let mut resources = repository.resources(tx);
    let outcome = work.run(&mut resources).await?;
    Ok((outcome, resources.learned()))
}

/// Runs `work` here, or when it is long where it holds up nobody.
pub(crate) async fn beside<T: Send + 'static>(is_long: bool, work: impl FnOnce() -> T + Send + 'static) -> T {
    if !is_long {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => unreachable!("nobody cancels it"),
        },
    }
}

/// Who acts, and what they may do here: decided once for all entries of a bundle.
#[derive(Clone)]
pub struct Mandate {
    /// The context of the request, with its principal.
    pub cx: Cx,
    /// What the roles and scopes of the principal allow.
    pub permissions: Permissions,
}

impl Mandate {
    /// Whether an interaction with a type is allowed.
    pub fn check(&self, interaction: access::Interaction, kind: ResourceType) -> Result<(), Refusal> {
        Ok(self.permissions.check(interaction.on(kind.name()))?)
    }
}

impl Limits {
    /// Of the JSON text of a resource.
    pub(crate) fn json(&self) -> json::Limits {
        json::Limits {
            bytes: self.resource,
            ..json::Limits::default()
        }
    }

    /// Of the JSON text of a bundle.
    pub(crate) fn bundle_json(&self) -> json::Limits {
        json::Limits {
            bytes: self.bundle,
            values: json::Limits::default().values.max(self.bundle / 16),
            ..json::Limits::default()
        }
    }
}
