//! The health listener, plain HTTP: `/live` (the process runs), `/ready` (every part answers), `/metrics` (Prometheus
//! text format).

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::future::{BoxFuture, join_all};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;

const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Tells whether one part answers.
pub type Probe = Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// The state of the program as the health listener and the portal show it.
#[derive(Clone, Default)]
pub struct Health(Arc<Parts>);

#[derive(Default)]
struct Parts {
    started: AtomicBool,
    stopping: AtomicBool,
    probes: Vec<(&'static str, Probe)>,
}

/// The state of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PartState {
    /// Its name.
    pub name: &'static str,
    /// Whether it answers.
    pub ok: bool,
}

#[derive(Serialize)]
struct Report {
    status: &'static str,
    parts: Vec<PartState>,
}

impl Health {
    /// Of these parts, not yet started.
    pub fn new(probes: Vec<(&'static str, Probe)>) -> Self {
        Self(Arc::new(Parts {
            probes,
            ..Parts::default()
        }))
    }

    /// Everything is loaded and listens.
    pub fn started(&self) {
        self.0.started.store(true, Ordering::Release);
    }

    /// The stop has begun: load balancers send nothing new.
    pub fn stopping(&self) {
        self.0.stopping.store(true, Ordering::Release);
    }

    /// Asks every part, all at once.
    pub async fn parts(&self) -> Vec<PartState> {
        let asked = self.0.probes.iter().map(|(name, probe)| async move {
            let ok = tokio::time::timeout(PROBE_TIMEOUT, probe()).await.unwrap_or(false);
            PartState { name, ok }
        });
        join_all(asked).await
    }

    async fn report(&self) -> Report {
        let parts = self.parts().await;
        let status = if self.0.stopping.load(Ordering::Acquire) {
            "stopping"
        } else if !self.0.started.load(Ordering::Acquire) {
            "starting"
        } else if parts.iter().all(|part| part.ok) {
            "ready"
        } else {
            "failing"
        };
        Report { status, parts }
    }
}

/// The routes of the health listener.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/live", get(async || "live\n"))
        .route("/ready", get(ready))
        .route("/metrics", get(render_metrics))
        .with_state(health)
}

async fn ready(State(health): State<Health>) -> Response {
    let report = health.report().await;
    let status = if report.status == "ready" {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report)).into_response()
}

async fn render_metrics() -> Response {
    let Some(recorder) = recorder() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    if let Some(kib) = resident_kib() {
        metrics::gauge!("process_resident_memory_bytes").set(f64::from(kib) * 1024.0);
    }
    recorder.run_upkeep();
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        recorder.render(),
    )
        .into_response()
}

/// The process-wide recorder, installed on first use (metrics made before are lost: call it at start).
pub fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER
        .get_or_init(|| PrometheusBuilder::new().install_recorder().ok())
        .as_ref()
}

/// Resident memory in KiB, as Linux reports it.
fn resident_kib() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
