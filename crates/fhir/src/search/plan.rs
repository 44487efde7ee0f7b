//! Choosing how to answer a search.

use hygie_fhir_model::search::ParameterKind;

use super::candidate::Asked;
use super::continuation::Plan;
use super::error::SearchError;
use super::hint;
use super::query::{Query, SortBy};
use super::ranges::{self, Layout};
use crate::index::extract::principal;
use crate::repo::Resources;

/// A filter with at most so many keys is taken whole: checking so many candidates takes about two milliseconds.
const LIST: usize = 128;

/// The filters with their ranges.
pub async fn asked(resources: &mut Resources<'_, '_>, query: &Query) -> Result<Vec<Asked>, SearchError> {
    let mut asked = Vec::with_capacity(query.filters.len());
    for filter in &query.filters {
        let ranges = ranges::of(filter, query.kind, resources).await?;
        asked.push(Asked {
            filter: filter.clone(),
            ranges,
        });
    }
    hint::give(query.kind, &mut asked);
    Ok(asked)
}

/// How to answer the first page.
pub async fn choose(resources: &mut Resources<'_, '_>, query: &Query, asked: &[Asked]) -> Result<Plan, SearchError> {
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
        .filter_map(|at| rank(query, &asked[at]).map(|rank| (rank, at)))
        .min()
        .map(|(_, at)| Plan::Along(at as u8));
    Ok(along.unwrap_or(match query.sort.by {
        SortBy::Any | SortBy::Updated => Plan::Updates,
        SortBy::Principal | SortBy::Parameter(..) => Plan::Sorted,
    }))
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
fn rank(query: &Query, asked: &Asked) -> Option<u8> {
    let layout = layout_of(asked)?;
    let parameter = asked.filter.parameter;
    let by_update = parameter.code == "_lastUpdated";
    let is_patient = principal(query.kind).patient == Some(parameter.number.get());
    match query.sort.by {
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
