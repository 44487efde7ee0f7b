//! Searches inside of searches: where their matches lead, and whether a candidate is where they lead.
//!
//! When the inner search has few matches, a chain is the ranges of what refers to them, a `_has` the resources that they
//! refer to. When it has many, each candidate is asked: whether what it refers to, or what refers to it, matches.

use std::collections::BTreeSet;

use hygie_fhir_model::ResourceType;
use hygie_store::StoreError;

use super::candidate::{Asked, Candidate};
use super::criteria::{Filter, Inner, Test};
use super::error::SearchError;
use super::hint;
use super::plan::{self, Way};
use super::ranges::{self, Ranges};
use crate::repo::Resources;

/// How far an inner search goes to become ranges.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Most matches.
    matches: usize,
    /// Most candidates that are looked at for them.
    looked_at: usize,
}

impl Reach {
    /// Of a first page.
    pub const FIRST: Self = Self {
        matches: 500,
        looked_at: 5000,
    };

    /// Of later pages, which go on in the ranges of the first though there may be more by now.
    pub const LATER: Self = Self {
        matches: 5000,
        looked_at: 50_000,
    };
}

/// A search inside of a filter, with its ranges.
pub struct InnerAsked {
    /// The type searched.
    pub kind: ResourceType,
    /// Its filters.
    pub asked: Vec<Asked>,
}

/// The searches inside of a filter.
pub async fn inner(
    filter: &Filter,
    reach: Reach,
    resources: &mut Resources<'_, '_>,
) -> Result<Vec<InnerAsked>, SearchError> {
    let inners: &[Inner] = match &filter.test {
        Test::Refers(inners) => inners,
        Test::ReferredBy(inner) => std::slice::from_ref(inner),
        Test::Any(_) | Test::None(_) | Test::Missing(_) => return Ok(Vec::new()),
    };
    let mut found = Vec::with_capacity(inners.len());
    for inner in inners {
        let asked = Box::pin(plan::asked(resources, (inner.kind, &inner.filters), reach)).await?;
        found.push(InnerAsked {
            kind: inner.kind,
            asked,
        });
    }
    Ok(found)
}

/// The ranges of a filter with searches inside, when they have few matches.
pub async fn ranges(
    filter: &Filter,
    kind: ResourceType,
    (inner, reach): (&[InnerAsked], Reach),
    resources: &mut Resources<'_, '_>,
) -> Result<Option<Ranges>, SearchError> {
    let mut found = Ranges {
        ranges: Vec::new(),
        exact: true,
    };
    let mut numbers = BTreeSet::new();
    for inner in inner {
        let Some(matches) = matches(inner, reach, resources).await? else {
            return Ok(None);
        };
        for mut candidate in matches {
            if let Test::ReferredBy(_) = filter.test {
                numbers.extend(candidate.targets((filter.parameter, kind), resources).await?);
            } else {
                let parameter = (kind, filter.parameter.number.get());
                found
                    .ranges
                    .push(ranges::referring(parameter, inner.kind, candidate.rid));
            }
        }
        if found.ranges.len() > reach.matches {
            return Ok(None);
        }
    }
    found.ranges.extend(numbers.into_iter().map(ranges::one));
    Ok(Some(found))
}

/// The matches of an inner search; `None` when there are many, or they are hard to find.
async fn matches(
    inner: &InnerAsked,
    reach: Reach,
    resources: &mut Resources<'_, '_>,
) -> Result<Option<Vec<Candidate>>, SearchError> {
    let way = Way::choose(resources, inner.kind, &inner.asked).await?;
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    for range in &way.ranges {
        let mut rest = range.keys.clone();
        while let Some(keys) = resources.next_in(&mut rest).await? {
            for posting in keys.iter().filter_map(|key| range.read(key)) {
                if !seen.insert(posting.rid) {
                    continue;
                }
                let mut candidate = Candidate::new(posting.rid);
                let passes = Box::pin(candidate.passes(inner.kind, &inner.asked, way.known, resources)).await?;
                found.extend(passes.then_some(candidate));
                if found.len() > reach.matches || seen.len() > reach.looked_at {
                    return Ok(None);
                }
            }
        }
    }
    Ok(Some(found))
}

/// Whether a filter with searches inside holds for a candidate of a type.
pub async fn holds(
    asked: &Asked,
    kind: ResourceType,
    candidate: &mut Candidate,
    resources: &mut Resources<'_, '_>,
) -> Result<bool, StoreError> {
    for inner in &asked.inner {
        let holds = match asked.filter.test {
            Test::ReferredBy(_) => is_referred_to(&asked.filter, inner, (kind, candidate.rid), resources).await?,
            _ => refers(&asked.filter, inner, candidate, resources).await?,
        };
        if holds {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the candidate refers to a match of the inner search.
async fn refers(
    filter: &Filter,
    inner: &InnerAsked,
    candidate: &mut Candidate,
    resources: &mut Resources<'_, '_>,
) -> Result<bool, StoreError> {
    for rid in candidate.targets((filter.parameter, inner.kind), resources).await? {
        let mut target = Candidate::new(rid);
        if Box::pin(target.passes(inner.kind, &inner.asked, None, resources)).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a match of the inner search refers to the resource.
async fn is_referred_to(
    filter: &Filter,
    inner: &InnerAsked,
    (kind, rid): (ResourceType, i64),
    resources: &mut Resources<'_, '_>,
) -> Result<bool, StoreError> {
    let mut range = ranges::referring((inner.kind, filter.parameter.number.get()), kind, rid);
    hint::give_codes(inner.kind, &inner.asked, &mut range);
    let mut rest = range.keys.clone();
    while let Some(keys) = resources.next_in(&mut rest).await? {
        for posting in keys.iter().filter_map(|key| range.read(key)) {
            let mut source = Candidate::new(posting.rid);
            if Box::pin(source.passes(inner.kind, &inner.asked, None, resources)).await? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
