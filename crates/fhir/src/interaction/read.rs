//! read and vread. <http://hl7.org/fhir/R4/http.html#read>, <http://hl7.org/fhir/R4/http.html#vread>

use hygie_access::Interaction as Permitted;
use hygie_core::Timestamp;
use hygie_fhir_model::{Id, ResourceType};
use hygie_fhir_store::repo::{Method, Resources, Version};

use super::{Answer, Error};
use crate::service::Mandate;

/// A resource that is to be read.
pub struct Read {
    kind: ResourceType,
    id: Id,
    unless: Unless,
}

/// What the client has already. <http://hl7.org/fhir/R4/http.html#cread>
#[derive(Clone, Debug, Default)]
pub struct Unless {
    /// `If-None-Match`: the text of the header.
    pub none_match: Option<String>,
    /// `If-Modified-Since`: looked at only without `If-None-Match` (RFC 9110 §13.1.3).
    pub modified_since: Option<Timestamp>,
}

impl Unless {
    fn has(&self, version: &Version) -> bool {
        match (&self.none_match, self.modified_since) {
            (Some(tags), _) => tags.split(',').any(|tag| is_tag_of(tag.trim(), version.number)),
            // The header has no milliseconds.
            (None, Some(since)) => version.updated.secs() <= since.secs(),
            (None, None) => false,
        }
    }
}

/// Weak comparison (RFC 9110 §8.8.3.2).
fn is_tag_of(tag: &str, number: u32) -> bool {
    let opaque = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
    tag == "*" || opaque.parse() == Ok(number)
}

impl Read {
    /// A read of the current version.
    pub fn prepare(mandate: &Mandate, (kind, id): (ResourceType, Id), unless: Unless) -> Result<Self, Error> {
        mandate.check(Permitted::Read, kind)?;
        Ok(Self { kind, id, unless })
    }

    /// Reads it.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        let version = present(resources.find(self.kind, &self.id).await?)?;
        Ok(if self.unless.has(&version) {
            Answer::NotModified(version)
        } else {
            Answer::Found(version)
        })
    }
}

/// A version that is to be read.
pub struct Vread {
    kind: ResourceType,
    id: Id,
    number: u32,
}

impl Vread {
    /// A read of the version `vid`; a text that is no version number names none of ours.
    pub fn prepare(mandate: &Mandate, (kind, id): (ResourceType, Id), vid: &str) -> Result<Self, Error> {
        mandate.check(Permitted::Vread, kind)?;
        let number = vid.parse().map_err(|_| Error::NotFound)?;
        Ok(Self { kind, id, number })
    }

    /// What it reads, for the audit trail.
    pub fn object(&self) -> String {
        format!("{}/{}/_history/{}", self.kind, self.id, self.number)
    }

    /// Reads it.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        let found = resources.find_version(self.kind, &self.id, self.number).await?;
        present(found).map(Answer::Found)
    }
}

/// The version, unless it is none or a deletion.
pub(super) fn present(found: Option<Version>) -> Result<Version, Error> {
    let version = found.ok_or(Error::NotFound)?;
    match version.method {
        Method::Delete => Err(Error::Gone { number: version.number }),
        Method::Create | Method::Update => Ok(version),
    }
}
