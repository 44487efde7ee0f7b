//! Keeps certificates fresh while the program runs.

use std::sync::Arc;
use std::time::Duration;

use hygie_core::{Clock, Random};
use tokio_util::sync::CancellationToken;

use super::Certificate;

const INTERVAL: Duration = Duration::from_hours(1);

/// Looks after the certificates every hour until `stop`. A renewal that fails is logged and tried again.
pub async fn keep_renewed(
    certificates: Vec<Arc<Certificate>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        for certificate in &certificates {
            match certificate.renew(clock.now(), &*random) {
                Ok(true) => tracing::info!("server certificate renewed"),
                Ok(false) => {}
                Err(error) => tracing::error!(error = format!("{error:#}"), "server certificate not renewed"),
            }
        }
    }
}
