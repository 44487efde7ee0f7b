//! The layers around the router of each service.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::Request;
use hygie_core::{Clock, Random};
use hygie_store::Store;
use hygie_web::client::Proxies;
use hygie_web::error::Render;
use hygie_web::i18n::{Messages, Source};
use hygie_web::layers::{Cors, Layers, Limits, Settings as LayerSettings, layers};
use tower::ServiceExt as _;

use super::Settings;

const HSTS: Duration = Duration::from_hours(24 * 365);
const REFUSALS_INTERVAL: Duration = Duration::from_mins(1);

/// How one service wants its requests treated.
pub struct Service<'a> {
    /// Its name in logs, metrics and records.
    pub name: &'static str,
    /// The messages of its pages.
    pub messages: &'a [Source],
    /// How it renders failures that name no renderer.
    pub render: Arc<dyn Render>,
    /// Which other origins may call a route.
    pub cors: fn(&str) -> Cors,
    /// Size, time and number.
    pub limits: Limits,
    /// Where requests are recorded that concern no instance of their own.
    pub store: Store,
}

/// Two services at one address, each within its layers: the first where the path is one of its own.
pub fn beside(first: Router, owns: fn(&str) -> bool, second: Router) -> Router {
    let service = tower::service_fn(move |request: Request| {
        let router = if owns(request.uri().path()) { &first } else { &second };
        router.clone().oneshot(request)
    });
    Router::new().fallback_service(service)
}

/// Puts the layers on, and keeps them for what they have to record at the end.
#[derive(Clone)]
pub struct Edge {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    proxies: Proxies,
    home: Arc<str>,
    layers: Vec<Layers>,
}

impl Edge {
    /// Without any service yet.
    pub fn new(settings: &Settings) -> Self {
        Self {
            clock: settings.clock.clone(),
            random: settings.random.clone(),
            proxies: settings.proxies.clone(),
            home: settings.home.as_str().into(),
            layers: Vec::new(),
        }
    }

    /// The router of a service with its layers.
    pub fn put(&mut self, router: Router, service: Service<'_>) -> Result<Router> {
        let messages = Messages::new(service.messages).context("the messages of the pages cannot be loaded")?;
        let around = Layers::new(LayerSettings {
            service: service.name,
            clock: self.clock.clone(),
            random: self.random.clone(),
            limits: service.limits,
            proxies: self.proxies.clone(),
            home: self.home.clone(),
            messages: Arc::new(messages),
            render: service.render,
            cors: service.cors,
            hsts: Some(HSTS),
            store: service.store,
            refusals_interval: REFUSALS_INTERVAL,
        });
        self.layers.push(around.clone());
        Ok(layers(router, &around))
    }

    /// Records the refusals that were counted; a failure is logged, since nobody waits for the answer.
    pub async fn record_refusals(&self) {
        for around in &self.layers {
            if let Err(error) = around.record_refusals().await {
                let error = anyhow::Error::from(error);
                tracing::error!(error = format!("{error:#}"), "refusals were not recorded");
            }
        }
    }
}
