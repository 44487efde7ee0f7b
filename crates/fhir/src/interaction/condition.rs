//! Conditions of writes: a search that says which resource is meant.
//! <http://hl7.org/fhir/R4/http.html#ccreate>, <http://hl7.org/fhir/R4/http.html#cond-update>

use hygie_access::Interaction as Permitted;
use hygie_fhir_model::{Id, ResourceType};
use hygie_fhir_store::repo::{Resources, Version};
use hygie_fhir_store::search::{self, Asked, Handling, Query};
use url::form_urlencoded;

use super::Error;
use crate::service::{Fhir, Mandate};

/// A search for at most one resource. Unknown parameters are errors here: ignored, they would widen the condition.
#[derive(Clone)]
pub struct Condition(Query);

/// What a condition found.
#[derive(Debug)]
pub enum Match {
    /// No resource.
    None,
    /// This one.
    One(Version),
    /// More than one.
    Several,
}

impl Condition {
    /// Reads `identifier=…&…`; a question mark before it is no part of it.
    pub fn parse(fhir: &Fhir, mandate: &Mandate, kind: ResourceType, query: &str) -> Result<Self, Error> {
        Self::of(fhir, mandate, kind, &pairs(query.strip_prefix('?').unwrap_or(query)))
    }

    /// Of these parameters.
    pub fn of(fhir: &Fhir, mandate: &Mandate, kind: ResourceType, pairs: &[(String, String)]) -> Result<Self, Error> {
        // A search leaves a parameter without value out, which widens the condition as well.
        if pairs.iter().any(|(_, value)| value.is_empty()) {
            return Err(Error::NoCriteria);
        }
        let query = search::parse(&Asked {
            kind,
            pairs,
            handling: Handling::Strict,
            base: fhir.base(),
            now: mandate.cx.now,
            permitted: &|kind| mandate.check(Permitted::SearchType, kind),
        })?;
        if query.is_unrestricted() {
            return Err(Error::NoCriteria);
        }
        Ok(Self(query))
    }

    /// At most so many of those that meet it.
    pub async fn list(&self, resources: &mut Resources<'_, '_>, limit: usize) -> Result<Vec<Version>, Error> {
        Ok(search::matches(resources, &self.0, limit).await?)
    }

    /// What it finds now.
    pub async fn find(&self, resources: &mut Resources<'_, '_>) -> Result<Match, Error> {
        let mut found = self.list(resources, 2).await?;
        Ok(match (found.pop(), found.is_empty()) {
            (None, _) => Match::None,
            (Some(version), true) => Match::One(version),
            (Some(_), false) => Match::Several,
        })
    }
}

/// The resource that a write is about.
#[derive(Clone)]
pub enum Subject {
    /// `{type}/{id}`
    Named(Id),
    /// `{type}?…`: the one that meets it. Where none does, what is created gets this id.
    Meeting(Condition, Id),
    /// The one that met a condition already.
    Met(Id),
    /// Nothing met a condition already: what is created gets this id.
    Unmet(Id),
}

impl Subject {
    /// How a write with it is permitted, by its name and by a condition.
    pub fn permitted(&self, (named, conditional): (Permitted, Permitted)) -> Permitted {
        match self {
            Self::Named(_) => named,
            Self::Meeting(..) | Self::Met(_) | Self::Unmet(_) => conditional,
        }
    }

    /// Its current version, a deletion included.
    pub async fn find(&self, kind: ResourceType, resources: &mut Resources<'_, '_>) -> Result<Option<Version>, Error> {
        match self {
            Self::Named(id) | Self::Met(id) => Ok(resources.find(kind, id).await?),
            Self::Unmet(_) => Ok(None),
            Self::Meeting(condition, _) => match condition.find(resources).await? {
                Match::None => Ok(None),
                Match::One(version) => Ok(Some(version)),
                Match::Several => Err(Error::MultipleMatches),
            },
        }
    }
}

/// Names and values of a query.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
