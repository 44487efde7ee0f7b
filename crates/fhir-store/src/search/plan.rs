//! Choosing how to answer a search.

use hygie_fhir_model::ResourceType;
use hygie_fhir_model::search::ParameterKind;

use super::candidate::Asked;
use super::chain::{self, Reach};
use super::continuation::Plan;
use super::criteria::{Filter, Test};
use super::error::SearchError;
use super::hint;
use super::query::SortBy;
use super::ranges::{self, Layout, Range};
use crate::index::extract::principal;
use crate::repo::Resources;

/// A filter with at most so many keys is taken whole: checking so many candidates takes about two milliseconds.
const LIST: usize = 128;

/// Ranges of a chain that are walked along at once.
const AT_ONCE: usize = 8;

/// The filters of a search of a type, with their ranges.
pub async fn asked(
    resources: &mut Resources<'_, '_>,
    (kind, filters): (ResourceType, &[Filter]),
    reach: Reach,
) -> Result<Vec<Asked>, SearchError> {
    let mut asked = Vec::with_capacity(filters.len());
    for filter in filters {
        let inner = chain::inner(filter, reach, resources).await?;
        let ranges = if inner.is_empty() {
            ranges::of(filter, kind, resources).await?
        } else {
            chain::ranges(filter, kind, (&inner, reach), resources).await?
        };
        asked.push(Asked {
            filter: filter.clone(),
            ranges,
            inner,
        });
    }
    hint::give(kind, &mut asked);
    Ok(asked)
}

/// A way to all matches in no order.
pub struct Way {
    /// All matches are in these.
    pub ranges: Vec<Range>,
    /// The filter whose ranges they are, if it has any.
    pub at: Option<usize>,
    /// The same, when every key of them is one of its matches.
    pub known: Option<usize>,
}

impl Way {
    /// The shortest there is.
    pub async fn choose(
        resources: &mut Resources<'_, '_>,
        kind: ResourceType,
        asked: &[Asked],
    ) -> Result<Self, SearchError> {
        let at = match choose(resources, (kind, SortBy::Any), asked).await? {
            Plan::List(at) | Plan::Along(at) | Plan::Through(at) => Some(usize::from(at)),
            Plan::Sorted | Plan::Unsorted | Plan::Updates | Plan::Whole => None,
        };
        let found = at.and_then(|at| asked.get(at)?.ranges.as_ref());
        Ok(Self {
            ranges: found.map_or_else(|| vec![ranges::all_of(kind)], |found| found.ranges.clone()),
            at,
            known: at.filter(|_| found.is_some_and(|found| found.exact)),
        })
    }
}

/// How to answer the first page.
pub async fn choose(
    resources: &mut Resources<'_, '_>,
    (kind, sort): (ResourceType, SortBy),
    asked: &[Asked],
) -> Result<Plan, SearchError> {
    let mut shortest: Option<(usize, usize)> = None;
    for (at, one) in asked.iter().enumerate() {
        if let Some(len) = count_up_to(resources, one, LIST).await?
            && shortest.is_none_or(|(_, least)| len < least)
        {
            shortest = Some((at, len));
        }
    }
    if let Some((at, _)) = shortest {
        return Ok(Plan::List(at as u8));
    }
    let along = (0..asked.len())
        .filter_map(|at| rank(kind, sort, &asked[at]).map(|rank| (rank, at)))
        .min()
        .map(|(_, at)| {
            if sort == SortBy::Any && leads_on(kind, &asked[at]) {
                Plan::Through(at as u8)
            } else {
                Plan::Along(at as u8)
            }
        });
    Ok(along.unwrap_or(match sort {
        SortBy::Any | SortBy::Updated => Plan::Updates,
        SortBy::Principal | SortBy::Parameter(..) => Plan::Sorted,
    }))
}

/// Whether a chain leads to so many resources that what refers to each is better gone through one after the other: a walk
/// along all at once has to read of each before it gives the first. What refers to several of them has one place only in such a
/// walk.
fn leads_on(kind: ResourceType, asked: &Asked) -> bool {
    let ranges = asked.ranges.as_ref().map_or(&[][..], |found| &found.ranges);
    matches!(asked.filter.test, Test::Refers(_))
        && asked.filter.parameter.is_single(kind)
        && ranges.len() > AT_ONCE
        && ranges.iter().all(|range| range.target().is_some())
}

/// Number of keys of a filter, when it has at most `limit`.
async fn count_up_to(
    resources: &mut Resources<'_, '_>,
    asked: &Asked,
    limit: usize,
) -> Result<Option<usize>, SearchError> {
    let Some(found) = &asked.ranges else { return Ok(None) };
    let mut count = 0;
    for range in &found.ranges {
        count += resources.count_in(&range.keys, limit + 1 - count).await?;
        if count > limit {
            return Ok(None);
        }
    }
    Ok(Some(count))
}

/// How well a walk along this filter serves the search; less is better. `None` when it cannot serve its order.
fn rank(kind: ResourceType, sort: SortBy, asked: &Asked) -> Option<u8> {
    let layout = layout_of(asked)?;
    let parameter = asked.filter.parameter;
    let by_update = parameter.code == "_lastUpdated";
    let is_patient = principal(kind).patient == Some(parameter.number.get());
    match sort {
        SortBy::Updated => by_update.then_some(0),
        SortBy::Principal => (layout == Layout::Dated && !by_update).then_some(u8::from(!is_patient)),
        SortBy::Parameter(number, _) => (parameter.number.get() == number).then_some(0),
        SortBy::Any => Some(match (parameter.kind, layout) {
            (_, Layout::Dated) if is_patient => 0,
            (ParameterKind::Reference, _) => 1,
            (_, Layout::Dated) if !by_update => 2,
            (_, Layout::Number) => 3,
            (_, Layout::Dated) => 4,
            _ => 5,
        }),
    }
}

/// The common layout of a filter's ranges, if they can be walked as one.
pub fn layout_of(asked: &Asked) -> Option<Layout> {
    let ranges = &asked.ranges.as_ref()?.ranges;
    let first = ranges.first()?.layout;
    let walkable = !matches!(first, Layout::Code | Layout::DatedCode);
    (walkable && ranges.iter().all(|range| range.layout == first)).then_some(first)
}
