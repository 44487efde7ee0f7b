//! Pro Santé Connect, whose access tokens a tenant exchanges for its own.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use hygie_access::{Document, ThumbprintForm};
use hygie_core::AppId;
use serde::Deserialize;

use super::SecretPlace;

/// A token of ours lives at most as long as a session there.
const MINUTES: std::ops::RangeInclusive<u32> = 2..=240;

/// Pro Santé Connect, or whatever has its protocol surface.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Psc {
    /// `iss` of its tokens, character by character.
    pub issuer: String,
    /// Where its metadata are, when not at its usual place below the issuer.
    pub metadata: Option<String>,
    /// We, as it knows us: whoever asks it about tokens.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: SecretPlace,
    /// Applications of the tenant that exchange tokens, each with whose.
    #[serde(default)]
    pub clients: Vec<PscClient>,
    /// How it writes the thumbprint of a certificate that a token is bound to.
    #[serde(default)]
    pub thumbprint: ThumbprintForm,
    /// How long a token of ours lives; as long as the one that is exchanged (two minutes) when absent.
    pub lifetime_minutes: Option<u32>,
}

/// An application that exchanges tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PscClient {
    /// The application, as the tenant knows it.
    pub app: AppId,
    /// Client ids at Pro Santé Connect (`azp`) of the services whose tokens it may present.
    #[serde(default)]
    pub services: Vec<String>,
}

impl Psc {
    /// Where its metadata are, and whose they are.
    pub fn document(&self) -> Document {
        let usual = Document::of_psc(&self.issuer);
        Document {
            address: self.metadata.clone().unwrap_or(usual.address),
            ..usual
        }
    }

    /// How long a token of ours lives.
    pub fn life(&self) -> Option<Duration> {
        self.lifetime_minutes.map(|minutes| Duration::from_mins(minutes.into()))
    }

    /// Takes relative paths as relative to `base`.
    pub fn make_absolute(&mut self, base: &Path) {
        if let Some(file) = &mut self.client_secret.file {
            *file = base.join(&*file);
        }
    }

    /// What is wrong with it besides its addresses.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.clients.is_empty() {
            let what =
                "psc needs `clients`: the applications of the tenant that exchange tokens, with their `services`";
            problems.push(what.to_owned());
        }
        let mut seen = HashSet::new();
        for PscClient { app, services } in &self.clients {
            if services.is_empty() || services.iter().any(String::is_empty) {
                problems.push(format!(
                    "client {app} of psc needs `services`: the client ids at Pro Santé Connect whose tokens it may present"
                ));
            }
            if !seen.insert(app) {
                problems.push(format!("client {app} of psc is there twice"));
            }
        }
        if let Err(error) = self.client_secret.read() {
            problems.push(format!("client_secret of psc: {error:#}"));
        }
        if self.lifetime_minutes.is_some_and(|minutes| !MINUTES.contains(&minutes)) {
            let (least, most) = (MINUTES.start(), MINUTES.end());
            problems.push(format!("lifetime_minutes of psc must be {least} to {most}, or absent"));
        }
        problems
    }
}
