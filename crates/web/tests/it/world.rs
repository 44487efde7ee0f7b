//! What the tests stand on: a trail in memory, a clock that is set, a router with its layers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use hygie_core::{Clock, Cx, Random, Timestamp};
use hygie_store::audit::Record;
use hygie_store::{Engine, Store, StoreError, Work};
use hygie_web::client::Peer;
use hygie_web::error::Render;
use hygie_web::i18n::shell_messages;
use hygie_web::layers::{Cors, Layers, Limits, Settings, layers};
use parking_lot::Mutex;
use tower::ServiceExt;

/// The edge of the audit trail: keeps records in memory, or refuses them as a full disk does.
#[derive(Default)]
pub struct Trail {
    pub records: Mutex<Vec<Record>>,
    pub full: Mutex<bool>,
}

impl Engine for Trail {
    fn write<'a>(&'a self, _: &'a Cx, _: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn read<'a>(&'a self, _: &'a Cx, _: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn record(&self, record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if *self.full.lock() {
                return Err(StoreError::Full("no space".into()));
            }
            self.records.lock().push(record);
            Ok(())
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

#[derive(Default)]
pub struct Virtual(pub AtomicI64);

impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::Relaxed))
    }
}

#[derive(Default)]
pub struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

pub struct World {
    pub router: Router,
    pub layers: Layers,
    pub trail: Arc<Trail>,
    pub clock: Arc<Virtual>,
}

impl World {
    pub fn new(router: Router) -> Self {
        Self::with(router, Arc::new(hygie_web::error::Outcome::default()))
    }

    pub fn with(router: Router, render: Arc<dyn Render>) -> Self {
        Self::within(router, render, Duration::from_secs(5))
    }

    pub fn within(router: Router, render: Arc<dyn Render>, time: Duration) -> Self {
        let trail = Arc::new(Trail::default());
        let clock = Arc::new(Virtual::default());
        let settings = Layers::new(Settings {
            service: "fhir",
            clock: clock.clone(),
            random: Arc::new(Counting::default()),
            limits: Limits {
                body: 100,
                larger: |request| (request.uri.path() == "/larger").then_some(200),
                time,
                concurrent: 1,
                waiting: 1,
                uploads: |request| request.uri.path() == "/upload",
            },
            proxies: Vec::new(),
            messages: shell_messages(),
            home: "/".into(),
            render,
            cors: |route| if route == "/open" { Cors::Open } else { Cors::Closed },
            hsts: Some(Duration::from_mins(1)),
            store: Store::new(trail.clone()),
            refusals_interval: Duration::from_mins(1),
        });
        Self {
            router: layers(router, &settings),
            layers: settings,
            trail,
            clock,
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("a router always answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub async fn get(&self, uri: &str) -> Answer {
        self.send(request(Method::GET, uri, &[], Body::empty())).await
    }

    pub fn records(&self) -> Vec<Record> {
        std::mem::take(&mut *self.trail.records.lock())
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Code of the first issue, checked to be an `OperationOutcome` with the request's id.
    pub fn issue(&self) -> String {
        let outcome: serde_json::Value = serde_json::from_slice(&self.body).expect("JSON");
        assert_eq!(outcome["resourceType"], "OperationOutcome");
        assert_eq!(self.headers["content-type"], "application/fhir+json; charset=utf-8");
        assert_eq!(self.headers["x-request-id"].to_str().ok(), outcome["id"].as_str());
        outcome["issue"][0]["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub fn request(method: Method, uri: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let peer = Peer(SocketAddr::from(([192, 0, 2, 7], 4711)));
    request.extension(peer).body(body).expect("a request")
}
