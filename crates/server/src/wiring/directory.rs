//! The directory, and the identity provider over it.

use std::num::NonZero;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use hygie_directory::Directory;
use hygie_idp::Idp;
use hygie_means::{Means, Metadata};
use hygie_store::Store;

use super::Settings;
use crate::files;
use crate::geo::CountryDatabase;

/// Octets of a file of metadata.
const METADATA_LIMIT: u64 = 64 << 20;

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

/// Reads the countries of addresses, where there is a database of them, and tells the directory.
/// What a tenant enforces by country wants one.
pub async fn countries(settings: &Settings, directory: &Directory) -> Result<Option<Arc<CountryDatabase>>> {
    let Some(path) = &settings.countries else {
        let lacking = directory.find_policy_without_countries(&directory.provider_cx()).await;
        return match lacking.context("cannot read the policies")? {
            None => Ok(None),
            Some(tenant) => bail!(
                "the tenant {tenant} enforces a policy by country, and there is no [geo] database any more: give it one, or start \
                 with it and make the policy report-only first"
            ),
        };
    };
    let database = Arc::new(CountryDatabase::open(path)?);
    directory.know_countries(database.clone());
    Ok(Some(database))
}

/// Opens the identity provider.
pub async fn provider(settings: &Settings, directory: Directory) -> Result<Idp> {
    let deps = hygie_idp::Deps {
        means: means(settings, directory.clone())?,
        directory,
        login: settings.login.clone(),
        graph: settings.graph.clone(),
        back_channel: settings.back_channel.clone(),
        certauth: settings.certauth.clone(),
        exchanges: settings.exchanges.clone(),
        outgoing: Some(settings.outgoing.clone()),
        workers: workers(),
    };
    Idp::open(deps).await.context("cannot open the identity provider")
}

/// Opens the means of identification; the metadata of authenticators are read here, once.
fn means(settings: &Settings, directory: Directory) -> Result<Means> {
    let metadata = match &settings.authenticator_metadata {
        Some(path) => {
            let cannot = || format!("cannot use the metadata of authenticators in {}", path.display());
            let file = files::read_limited(path, METADATA_LIMIT).with_context(cannot)?;
            Some(Arc::new(Metadata::from_json(&file).with_context(cannot)?))
        }
        None => None,
    };
    let deps = hygie_means::Deps {
        directory,
        login: settings.login.clone(),
        metadata,
        outgoing: Some(settings.outgoing.clone()),
    };
    Means::open(deps).context("cannot open the means of identification")
}

fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
