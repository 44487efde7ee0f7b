//! The large objects of service instances: where they lie, and the sweep of what nobody refers to
//! (`docs/adr/0021-fhir-binary.md`).

use std::time::Duration;

use hygie_core::Cx;
use hygie_store::Store;
use hygie_store::blobs::{BlobError, Blobs, MIN_GRACE, Swept};

use crate::listen::Stop;

/// The first sweep comes when a start is over, the next ones as often as there may be something for them.
const FIRST: Duration = Duration::from_mins(10);
const EVERY: Duration = MIN_GRACE;

/// The large objects of an instance.
#[derive(Clone)]
pub struct Objects {
    /// `WORKSPACE/SERVICE`, for logs.
    pub service: String,
    /// What refers to them.
    pub store: Store,
    /// The program's own context.
    pub cx: Cx,
    /// The objects.
    pub blobs: Blobs,
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
