//! The large objects of service instances: where they lie, and the sweep of what nobody refers to
//! (`docs/adr/0021-fhir-binary.md`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use hygie_core::Cx;
use hygie_store::blobs::{BlobError, Blobs, MIN_GRACE, References, Swept};
use hygie_store::keys::{Keyring, Purpose};
use hygie_store::{Store, StoreError};

use super::{bucket, fhir_database};
use crate::config::{self, Config};
use crate::listen::Stop;

/// The first sweep comes when a start is over, the next ones as often as there may be something for them.
const FIRST: Duration = Duration::from_mins(10);
const EVERY: Duration = MIN_GRACE;

/// The large objects of an instance.
#[derive(Clone)]
pub struct Objects {
    /// `WORKSPACE/SERVICE`, for logs.
    pub service: String,
    /// Name of the instance.
    pub instance: String,
    /// What refers to them.
    pub store: Store,
    /// The program's own context.
    pub cx: Cx,
    /// The objects.
    pub blobs: Blobs,
    /// Whether they lie in a bucket.
    pub is_in_bucket: bool,
}

impl Objects {
    /// Removes from time to time what uploads left that came to nothing. Where several processes do, each finds less.
    pub fn start(&self, stop: &Stop) {
        let (objects, token) = (self.clone(), stop.token());
        stop.spawn(async move {
            let mut pause = FIRST;
            loop {
                tokio::select! {
                    () = token.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
                tokio::select! {
                    () = token.cancelled() => return,
                    swept = objects.sweep() => objects.tell(&swept),
                }
                pause = EVERY;
            }
        });
    }

    /// Bytes of all that the database refers to.
    pub async fn total(&self) -> Result<u64, StoreError> {
        let read = self.store.read(&self.cx, (), |(), tx| {
            Box::pin(async move { References(tx).total().await })
        });
        read.await
    }

    async fn sweep(&self) -> Result<Swept, BlobError> {
        self.blobs.sweep(&self.store, &self.cx, MIN_GRACE).await
    }

    fn tell(&self, swept: &Result<Swept, BlobError>) {
        let service = &self.service;
        match swept {
            Ok(Swept {
                orphans: 0, uploads: 0, ..
            }) => {}
            Ok(Swept {
                orphans,
                bytes,
                uploads,
            }) => {
                tracing::info!(
                    service,
                    orphans,
                    bytes,
                    uploads,
                    "large objects without reference are removed"
                );
            }
            Err(error) => {
                let error: &dyn std::error::Error = error;
                tracing::error!(service, error, "large objects without reference are not removed");
            }
        }
    }
}

/// The buckets that a configuration names, by instance.
#[derive(Clone, Debug, Default)]
pub struct Buckets(BTreeMap<String, config::Blobs>);

/// Where large objects lie that are not looked for beside their database, by instance.
#[derive(Clone, Default)]
pub struct Places(BTreeMap<String, Reach>);

/// How large objects are reached.
#[derive(Clone)]
pub enum Reach {
    /// They are open.
    Open(Blobs),
    /// By the managed identity of the service, whose tokens the running program alone can make.
    ByIdentity,
}

impl Buckets {
    /// Of this configuration.
    pub fn of(config: &Config) -> Self {
        let workspaces = config.workspaces.iter().map(toml::Spanned::get_ref);
        let named = workspaces.flat_map(|workspace| {
            let name = |service: &config::FhirInstance| fhir_database(&workspace.name, &service.name);
            workspace
                .blobs()
                .map(move |(service, blobs)| (name(service), blobs.clone()))
        });
        Self(named.collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What lies in them, as far as these keys open it.
    pub fn open(&self, keyring: &Arc<Keyring>) -> Result<Places> {
        let mut places = Places::default();
        for (instance, blobs) in &self.0 {
            if keyring.find(&Purpose::blobs(instance)).is_none() {
                continue;
            }
            let reach = match bucket::open_by_key(blobs)? {
                Some(bucket) => Reach::Open(bucket.existing_blobs(instance, keyring)?),
                None => Reach::ByIdentity,
            };
            places.0.insert(instance.clone(), reach);
        }
        Ok(places)
    }
}

impl Places {
    /// Of what is open.
    pub fn of(objects: &[Objects]) -> Self {
        let open = |objects: &Objects| (objects.instance.clone(), Reach::Open(objects.blobs.clone()));
        Self(objects.iter().map(open).collect())
    }

    /// How those of an instance are reached; `None` for beside its database.
    pub fn find(&self, instance: &str) -> Option<&Reach> {
        self.0.get(instance)
    }
}
