//! Choosing how to answer a search, and answering it.

use std::cmp::Ordering;

use hygie_fhir_model::search::ParameterKind;
use hygie_store::StoreError;

use super::candidate::{Asked, Candidate};
use super::continuation::{Continuation, Plan};
use super::criteria::{Criterion, Test};
use super::error::SearchError;
use super::hint;
use super::query::{Query, Sort, SortBy};
use super::ranges::{self, Layout, Range};
use super::verify::check;
use super::walk::Walk;
use crate::index::extract::principal;
use crate::index::key::{FIRST_MS, Key, Kind};
use crate::repo::{Resources, Version};

/// A filter with at most so many keys is taken whole: checking so many candidates takes about two milliseconds.
const LIST: usize = 128;

/// Most keys that a list takes when it has grown since its first page.
const GROWN_LIST: usize = 20_000;

/// One page of a search.
#[derive(Debug)]
pub struct Page {
    /// The matches, in order.
    pub matches: Vec<Version>,
    /// Where the next page begins, if there is one.
    pub next: Option<Continuation>,
}

/// A match with the place at which a next page would begin after it.
struct Found {
    version: Version,
    plan: Plan,
    place: Vec<u8>,
}

/// Answers a page.
pub async fn page(
    resources: &mut Resources<'_, '_>,
    query: &Query,
    after: Option<&Continuation>,
) -> Result<Page, SearchError> {
    let asked = asked(resources, query).await?;
    let plan = match after {
        Some(continuation) => continuation.plan,
        None => choose(resources, query, &asked).await?,
    };
    let mut search = Search {
        query,
        asked,
        wanted: query.count + 1,
        found: Vec::new(),
    };
    let place = after
        .map(|continuation| continuation.after.as_slice())
        .filter(|place| !place.is_empty());
    match plan {
        Plan::List(at) => search.list(resources, usize::from(at), place).await?,
        Plan::Along(at) => search.along(resources, usize::from(at), place).await?,
        Plan::Updates => search.updates(resources, place).await?,
        Plan::Sorted => {
            search.sorted(resources, place).await?;
            search.unsorted(resources, None).await?;
        }
        Plan::Unsorted => search.unsorted(resources, place).await?,
    }
    Ok(search.finish())
}

/// Up to `limit` matches in any order: what a conditional operation needs to know.
pub async fn matches(
    resources: &mut Resources<'_, '_>,
    query: &Query,
    limit: usize,
) -> Result<Vec<Version>, SearchError> {
    let query = Query {
        count: limit,
        sort: Sort {
            by: SortBy::Any,
            descending: false,
        },
        ..query.clone()
    };
    Ok(page(resources, &query, None).await?.matches)
}

/// Whether a version is a match, found by reading it: what every answer must equal, slowly.
pub fn holds(query: &Query, version: &Version) -> Result<bool, StoreError> {
    let (verdicts, _) = check(version, &query.filters, None)?;
    let all = verdicts
        .iter()
        .zip(&query.filters)
        .all(|(verdict, filter)| verdict.holds(filter));
    Ok(version.kind == query.kind && all)
}

async fn asked(resources: &mut Resources<'_, '_>, query: &Query) -> Result<Vec<Asked>, SearchError> {
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

async fn choose(resources: &mut Resources<'_, '_>, query: &Query, asked: &[Asked]) -> Result<Plan, SearchError> {
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
fn layout_of(asked: &Asked) -> Option<Layout> {
    let ranges = &asked.ranges.as_ref()?.ranges;
    let first = ranges.first()?.layout;
    let walkable = !matches!(first, Layout::Code | Layout::DatedCode);
    (walkable && ranges.iter().all(|range| range.layout == first)).then_some(first)
}

struct Search<'q> {
    query: &'q Query,
    asked: Vec<Asked>,
    wanted: usize,
    found: Vec<Found>,
}

impl Search<'_> {
    fn is_done(&self) -> bool {
        self.found.len() >= self.wanted
    }

    fn finish(mut self) -> Page {
        let more = self.found.len() > self.query.count;
        self.found.truncate(self.query.count);
        let next = self.found.last().filter(|_| more);
        let next = next.map(|last| Continuation {
            plan: last.plan,
            after: last.place.clone(),
        });
        Page {
            matches: self.found.into_iter().map(|found| found.version).collect(),
            next,
        }
    }

    fn filter_at(&self, at: usize) -> Result<&Asked, SearchError> {
        self.asked.get(at).ok_or(SearchError::Continuation)
    }

    /// Along the ranges of a filter.
    async fn along(
        &mut self,
        resources: &mut Resources<'_, '_>,
        at: usize,
        place: Option<&[u8]>,
    ) -> Result<(), SearchError> {
        let asked = self.filter_at(at)?;
        let layout = layout_of(asked).ok_or(SearchError::Continuation)?;
        let exact = asked.ranges.as_ref().is_some_and(|found| found.exact);
        let mut ranges = asked
            .ranges
            .as_ref()
            .map(|found| found.ranges.clone())
            .unwrap_or_default();
        if layout == Layout::Dated && asked.filter.parameter.code != "_lastUpdated" {
            self.narrow(resources, &mut ranges).await?;
        }
        let several = matches!(layout, Layout::Interval | Layout::Text | Layout::Amount);
        let mut walk = Walk::new(&ranges, self.query.sort.descending, place);
        while !self.is_done()
            && let Some(posting) = walk.next(resources).await?
        {
            let mut candidate = Candidate::new(posting.rid);
            let known = exact.then_some(at);
            if !candidate.passes(self.query.kind, &self.asked, known, resources).await? {
                continue;
            }
            if several {
                let filter = self.asked.get(at).map(|asked| &asked.filter);
                let (verdict, _) = candidate.say(filter, None, resources).await?;
                if !self.is_first(verdict.places, &posting.order) {
                    continue;
                }
            }
            let version = candidate.into_version(resources).await?;
            self.found.push(Found {
                version,
                plan: Plan::Along(at as u8),
                place: posting.order,
            });
        }
        Ok(())
    }

    /// Narrows a walk by date to where a filter on that date can hold.
    async fn narrow(&self, resources: &mut Resources<'_, '_>, ranges: &mut [Range]) -> Result<(), SearchError> {
        let Some(date) = principal(self.query.kind).date else {
            return Ok(());
        };
        for asked in self
            .asked
            .iter()
            .filter(|asked| asked.filter.parameter.number.get() == date)
        {
            let Test::Any(values) = &asked.filter.test else {
                continue;
            };
            let [Criterion::Date { prefix, interval }] = values[..] else {
                continue;
            };
            let has_long = resources
                .count_in(&ranges::long_dates(date, prefix, interval), 1)
                .await?
                > 0;
            let (from, to) = ranges::lows(prefix, interval, ranges::width(has_long));
            for range in &mut *ranges {
                range.narrow_dates(from, to);
            }
        }
        Ok(())
    }

    /// Whether `order` is the first place, in walking order, at which a resource with these places stands.
    fn is_first(&self, places: Option<(Vec<u8>, Vec<u8>)>, order: &[u8]) -> bool {
        let place = places.map(|(first, last)| if self.query.sort.descending { last } else { first });
        place.is_none_or(|place| order.starts_with(&place))
    }

    /// Along the last updates of the type.
    async fn updates(&mut self, resources: &mut Resources<'_, '_>, place: Option<&[u8]>) -> Result<(), SearchError> {
        let ranges = [ranges::all_of(self.query.kind)];
        let mut walk = Walk::new(&ranges, self.query.sort.descending, place);
        while !self.is_done()
            && let Some(posting) = walk.next(resources).await?
        {
            let mut candidate = Candidate::new(posting.rid);
            if candidate.passes(self.query.kind, &self.asked, None, resources).await? {
                let version = candidate.into_version(resources).await?;
                self.found.push(Found {
                    version,
                    plan: Plan::Updates,
                    place: posting.order,
                });
            }
        }
        Ok(())
    }

    /// The parameter that is sorted by, and its kind.
    fn sort_parameter(&self) -> Option<(u16, ParameterKind)> {
        match self.query.sort.by {
            SortBy::Principal => principal(self.query.kind)
                .date
                .map(|number| (number, ParameterKind::Date)),
            SortBy::Parameter(number, kind) => Some((number, kind)),
            SortBy::Any | SortBy::Updated => None,
        }
    }

    /// Along the index of the sort parameter.
    async fn sorted(&mut self, resources: &mut Resources<'_, '_>, place: Option<&[u8]>) -> Result<(), SearchError> {
        let (number, kind) = self.sort_parameter().ok_or(SearchError::Continuation)?;
        let mut walk = Walk::new(&ranges::all_values(number, kind), self.query.sort.descending, place);
        while !self.is_done()
            && let Some(posting) = walk.next(resources).await?
        {
            let mut candidate = Candidate::new(posting.rid);
            if !candidate.passes(self.query.kind, &self.asked, None, resources).await? {
                continue;
            }
            let (_, sorted) = candidate.say(None, Some(number), resources).await?;
            if self.is_first(sorted.places, &posting.order) {
                let version = candidate.into_version(resources).await?;
                self.found.push(Found {
                    version,
                    plan: Plan::Sorted,
                    place: posting.order,
                });
            }
        }
        Ok(())
    }

    /// What has no value of the sort parameter, which comes last.
    async fn unsorted(&mut self, resources: &mut Resources<'_, '_>, place: Option<&[u8]>) -> Result<(), SearchError> {
        let (number, _) = self.sort_parameter().ok_or(SearchError::Continuation)?;
        let mut walk = Walk::new(&[ranges::all_of(self.query.kind)], false, place);
        while !self.is_done()
            && let Some(posting) = walk.next(resources).await?
        {
            let mut candidate = Candidate::new(posting.rid);
            if candidate.passes(self.query.kind, &self.asked, None, resources).await?
                && candidate.say(None, Some(number), resources).await?.1.places.is_none()
            {
                let version = candidate.into_version(resources).await?;
                self.found.push(Found {
                    version,
                    plan: Plan::Unsorted,
                    place: posting.order,
                });
            }
        }
        Ok(())
    }

    /// A filter's matches taken whole, checked and sorted.
    async fn list(
        &mut self,
        resources: &mut Resources<'_, '_>,
        at: usize,
        place: Option<&[u8]>,
    ) -> Result<(), SearchError> {
        let asked = self.filter_at(at)?;
        let found = asked.ranges.as_ref().ok_or(SearchError::Continuation)?;
        let exact = found.exact;
        let mut numbers = Vec::new();
        for range in &found.ranges {
            resources
                .collect_in(&range.keys, GROWN_LIST, &mut |key| {
                    numbers.extend(range.read(key).map(|posting| posting.rid));
                })
                .await?;
        }
        numbers.sort_unstable();
        numbers.dedup();
        let mut places = Vec::new();
        for rid in numbers {
            let mut candidate = Candidate::new(rid);
            if candidate
                .passes(self.query.kind, &self.asked, exact.then_some(at), resources)
                .await?
            {
                places.push((self.place_in_list(&mut candidate, resources).await?, candidate));
            }
        }
        let descending = self.query.sort.descending;
        places.sort_by(|(a, _), (b, _)| compare(a, b, descending));
        for (at_place, candidate) in places {
            if self.is_done() {
                break;
            }
            if place.is_none_or(|place| compare(&at_place, place, descending) == Ordering::Greater) {
                let version = candidate.into_version(resources).await?;
                self.found.push(Found {
                    version,
                    plan: Plan::List(at as u8),
                    place: at_place,
                });
            }
        }
        Ok(())
    }

    /// Where a candidate stands in a sorted list: whether it has a value (0 first), the value, the resource number.
    async fn place_in_list(
        &self,
        candidate: &mut Candidate,
        resources: &mut Resources<'_, '_>,
    ) -> Result<Vec<u8>, StoreError> {
        let value = match (self.query.sort.by, self.sort_parameter()) {
            (SortBy::Updated, _) => {
                let updated = candidate.version(resources).await?.updated.millis();
                Some(updated.to_be_bytes().to_vec())
            }
            // As a walk along the principal date sorts, and without reading the resource.
            (SortBy::Principal, _) => {
                let current = candidate.current(resources).await?;
                let date = current.map(|current| current.date).filter(|date| *date > FIRST_MS);
                date.map(|date| Key::new(Kind::Date).date(date).as_bytes()[1..].to_vec())
            }
            (_, Some((number, _))) => {
                let (_, sorted) = candidate.say(None, Some(number), resources).await?;
                sorted
                    .places
                    .map(|(first, last)| if self.query.sort.descending { last } else { first })
            }
            _ => Some(Vec::new()),
        };
        let mut place = vec![u8::from(value.is_none())];
        place.extend(value.unwrap_or_default());
        place.extend_from_slice(&candidate.rid.to_be_bytes());
        Ok(place)
    }
}

/// Orders places in a list: what has no value comes last in both directions.
fn compare(a: &[u8], b: &[u8], descending: bool) -> Ordering {
    let (missing, other) = (a.first(), b.first());
    let values = if descending {
        b.get(1..).cmp(&a.get(1..))
    } else {
        a.get(1..).cmp(&b.get(1..))
    };
    missing.cmp(&other).then(values)
}
