//! Fills the FHIR service of a demo world with patients, over its own address and with the token of `fhir-writer`: what
//! loads is what any client can load.

use std::path::Path;

use anyhow::{Context, Result};
use bytes::Bytes;
use hygie_synthetic::Request;
use time::Date;
use time::format_description::well_known::Iso8601;
use url::Url;

use super::document::Document;
use super::world::World;
use crate::failure::Failure;
use hygie_load::Entrance;
use hygie_load::client::{Client, Options};
use hygie_load::token::{Tokens, demo_account};

const PATIENTS: u32 = 25;

/// Sends the patients; cut short, they are sent again at the next start, to the same ids.
pub async fn fill(world: &World, document: &Document, dir: &Path) -> Result<(), Failure> {
    let request = Request {
        seed: world.seed,
        patients: PATIENTS,
        until: Date::parse(&world.made_on, &Iso8601::DATE).context("the day the world was made is not a date")?,
    };
    for service in document.workspaces.iter().flat_map(|workspace| &workspace.fhir) {
        let base = Url::parse(&service.base)?;
        let (account, loopback) = demo_account(document, &base, Entrance::Bundles.demo_app())?;
        let options = Options {
            entrance: Entrance::Bundles,
            ca: Some(dir.join(&document.ca_certificate)),
            tokens: Tokens::of_account(account),
            loopback,
        };
        let client = Client::new(options, base)?;
        for bundle in hygie_synthetic::bundles(request) {
            client
                .send(&Bytes::from(bundle))
                .await
                .context("the patients of the demo world cannot be loaded")?;
        }
    }
    Ok(())
}
