//! A resource that may be a match: what is known of it so far.

use hygie_fhir_model::ResourceType;
use hygie_fhir_model::search::SearchParameter;
use hygie_store::{IndexRange, StoreError};

use super::chain::{self, InnerAsked};
use super::criteria::Filter;
use super::dates;
use super::ranges::{Accept, Layout, Ranges};
use super::verify::{Verdict, check, references};
use crate::index::extract::principal;
use crate::index::key::Key;
use crate::repo::{Current, Resources, Version};

/// A filter with the ranges of its matches.
pub struct Asked {
    /// What must hold.
    pub filter: Filter,
    /// Where its matches are, when they are in ranges.
    pub ranges: Option<Ranges>,
    /// The searches inside of it.
    pub inner: Vec<InnerAsked>,
}

/// Ranges that are looked up one by one; with more a chain is followed.
const MAX_PROBES: usize = 16;

impl Asked {
    /// Whether one look-up per range tells if a resource matches.
    pub fn can_be_probed(&self) -> bool {
        self.ranges.as_ref().is_some_and(|found| {
            let one_key = |layout| matches!(layout, Layout::Number | Layout::Dated);
            // The ranges of `_lastUpdated` are dated, but by another date than the principal one.
            let own = self.filter.parameter.code == "_lastUpdated";
            found.exact
                && !own
                && (self.inner.is_empty() || found.ranges.len() <= MAX_PROBES)
                && found
                    .ranges
                    .iter()
                    .all(|range| one_key(range.layout) && range.accept == Accept::All)
        })
    }
}

/// A resource that may be a match.
pub struct Candidate {
    /// Its number.
    pub rid: i64,
    current: Option<Current>,
    version: Option<Version>,
}

impl Candidate {
    /// Of which nothing is known yet.
    pub fn new(rid: i64) -> Self {
        Self {
            rid,
            current: None,
            version: None,
        }
    }

    /// What the index keeps of the resource; `None` when there is no current version.
    pub async fn current(&mut self, resources: &mut Resources<'_, '_>) -> Result<Option<Current>, StoreError> {
        if self.current.is_none() {
            self.current = resources.find_current_of(self.rid).await?;
        }
        Ok(self.current.filter(|current| !current.is_deleted))
    }

    /// The version itself.
    pub async fn version(&mut self, resources: &mut Resources<'_, '_>) -> Result<&Version, StoreError> {
        if self.version.is_none() {
            let current = self.current(resources).await?;
            let seq =
                current.ok_or_else(|| StoreError::Inconsistent(format!("resource {} has no version", self.rid)))?;
            self.version = Some(resources.get(seq.seq).await?);
        }
        self.version.as_ref().ok_or(StoreError::Unavailable(None))
    }

    /// Takes the version out.
    pub async fn into_version(mut self, resources: &mut Resources<'_, '_>) -> Result<Version, StoreError> {
        self.version(resources).await?;
        self.version.ok_or(StoreError::Unavailable(None))
    }

    /// Whether it is of the type and all filters hold but the one at `known`, which is known to hold.
    pub async fn passes(
        &mut self,
        kind: ResourceType,
        filters: &[Asked],
        known: Option<usize>,
        resources: &mut Resources<'_, '_>,
    ) -> Result<bool, StoreError> {
        let Some(current) = self.current(resources).await? else {
            return Ok(false);
        };
        if current.kind != kind {
            return Ok(false);
        }
        let open = filters
            .iter()
            .enumerate()
            .filter(|(at, _)| Some(*at) != known)
            .map(|(_, asked)| asked);
        let (probed, read): (Vec<_>, Vec<_>) = open.partition(|asked| asked.can_be_probed());
        for asked in probed {
            if !is_in(asked, (current.when.low, self.rid), resources).await? {
                return Ok(false);
            }
        }
        let (chained, read): (Vec<_>, Vec<_>) = read.into_iter().partition(|asked| !asked.inner.is_empty());
        for asked in chained {
            if !chain::holds(asked, kind, self, resources).await? {
                return Ok(false);
            }
        }
        let mut open = Vec::with_capacity(read.len());
        for asked in read {
            let is_principal = dates::is_principal(&asked.filter, kind);
            match is_principal
                .then(|| dates::holds(&asked.filter, current.when))
                .flatten()
            {
                Some(false) => return Ok(false),
                Some(true) => {}
                None => open.push(asked),
            }
        }
        if open.is_empty() {
            return Ok(true);
        }
        let filters: Vec<Filter> = open.iter().map(|asked| asked.filter.clone()).collect();
        let (verdicts, _) = check(self.version(resources).await?, &filters, None)?;
        Ok(verdicts
            .iter()
            .zip(&filters)
            .all(|(verdict, filter)| verdict.holds(filter)))
    }

    /// The resources of a type that this one refers to by a parameter.
    pub async fn targets(
        &mut self,
        (parameter, kind): (&SearchParameter, ResourceType),
        resources: &mut Resources<'_, '_>,
    ) -> Result<Vec<i64>, StoreError> {
        let Some(current) = self.current(resources).await? else {
            return Ok(Vec::new());
        };
        let is_patient = principal(current.kind).patient == Some(parameter.number.get()) && kind.name() == "Patient";
        if is_patient && current.patient != 0 {
            return Ok(vec![current.patient]);
        }
        let mut found = Vec::new();
        for (named, id) in references(self.version(resources).await?, parameter.number)? {
            if named == kind {
                found.extend(resources.find_number(kind, &id).await?);
            }
        }
        Ok(found)
    }

    /// What the resource says of one filter and of the parameter sorted by.
    pub async fn say(
        &mut self,
        filter: Option<&Filter>,
        sort: Option<u16>,
        resources: &mut Resources<'_, '_>,
    ) -> Result<(Verdict, Verdict), StoreError> {
        let filters: Vec<Filter> = filter.into_iter().cloned().collect();
        let (verdicts, sorted) = check(self.version(resources).await?, &filters, sort)?;
        Ok((verdicts.into_iter().next().unwrap_or_default(), sorted))
    }
}

/// Whether a key of the filter's ranges names the resource with this principal date and number.
pub async fn is_in(
    asked: &Asked,
    (date, rid): (i64, i64),
    resources: &mut Resources<'_, '_>,
) -> Result<bool, StoreError> {
    for range in asked.ranges.iter().flat_map(|found| &found.ranges) {
        let beginning = range.keys.from.get(..range.prefix).unwrap_or_default();
        let key = Key::from(beginning.to_vec());
        let key = if range.layout == Layout::Dated {
            key.date(date)
        } else {
            key
        };
        let key = key.number(rid);
        let inside = key.as_bytes() >= &*range.keys.from && key.as_bytes() < &*range.keys.to;
        if inside && resources.first_in(&IndexRange::prefix(key.as_bytes())).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
