//! The identity provider over the directory.

use std::num::NonZero;

use anyhow::{Context, Result};
use hygie_idp::{Deps, Idp};
use hygie_store::Store;

use super::Settings;

/// Opens it.
pub async fn open(settings: &Settings, store: Store) -> Result<Idp> {
    let deps = Deps {
        store,
        clock: settings.clock.clone(),
        random: settings.random.clone(),
        login: settings.login.clone(),
        graph: None,
        back_channel: settings.back_channel.clone(),
        exchanges: settings.exchanges.clone(),
        workers: std::thread::available_parallelism().map_or(1, NonZero::get),
    };
    Idp::open(deps).await.context("cannot open the identity provider")
}
