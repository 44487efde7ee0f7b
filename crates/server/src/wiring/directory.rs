//! The directory, and the identity provider over it.

use std::num::NonZero;

use anyhow::{Context, Result};
use hygie_directory::Directory;
use hygie_idp::Idp;
use hygie_means::Means;
use hygie_store::Store;

use super::Settings;

/// Opens the directory.
pub async fn open(settings: &Settings, store: Store) -> Result<Directory> {
    let deps = hygie_directory::Deps {
        store,
        clock: settings.clock.clone(),
        random: settings.random.clone(),
        workers: workers(),
    };
    Directory::open(deps).await.context("cannot open the directory")
}

/// Opens the identity provider.
pub async fn provider(settings: &Settings, directory: Directory) -> Result<Idp> {
    let means = hygie_means::Deps {
        directory: directory.clone(),
        login: settings.login.clone(),
        metadata: None,
    };
    let deps = hygie_idp::Deps {
        means: Means::open(means).context("cannot open the means of identification")?,
        directory,
        login: settings.login.clone(),
        graph: settings.graph.clone(),
        back_channel: settings.back_channel.clone(),
        exchanges: settings.exchanges.clone(),
        workers: workers(),
    };
    Idp::open(deps).await.context("cannot open the identity provider")
}

fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
