//! Conditions of writes: a search that says which resource is meant.
//! <http://hl7.org/fhir/R4/http.html#ccreate>

use hygie_access::Interaction as Permitted;
use hygie_fhir_model::ResourceType;
use url::form_urlencoded;

use super::Error;
use crate::repo::{Resources, Version};
use crate::search::{self, Asked, Handling, Query};
use crate::service::{Fhir, Mandate};

/// A search for at most one resource. Unknown parameters are errors here: ignored, they would widen the condition.
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
        let pairs = pairs(query.strip_prefix('?').unwrap_or(query));
        // A search leaves a parameter without value out, which widens the condition as well.
        if pairs.iter().any(|(_, value)| value.is_empty()) {
            return Err(Error::NoCriteria);
        }
        let query = search::parse(&Asked {
            kind,
            pairs: &pairs,
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

    /// What it finds now.
    pub async fn find(&self, resources: &mut Resources<'_, '_>) -> Result<Match, Error> {
        let mut found = search::matches(resources, &self.0, 2).await?;
        Ok(match (found.pop(), found.is_empty()) {
            (None, _) => Match::None,
            (Some(version), true) => Match::One(version),
            (Some(_), false) => Match::Several,
        })
    }
}

/// Names and values of a query.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
