//! Answering a search: page by page along one filter, or the sort parameter.

use hygie_fhir_model::search::ParameterKind;

use super::candidate::{Asked, Candidate};
use super::chain::Reach;
use super::continuation::{Continuation, Plan};
use super::count::count;
use super::criteria::{Criterion, Test};
use super::dates;
use super::error::SearchError;
use super::explain;
use super::plan::{asked, choose, layout_of};
use super::query::{Query, Sort, SortBy};
use super::ranges::{self, Layout, Range};
use super::result::Total;
use super::walk::Walk;
use crate::index::extract::principal;
use crate::repo::{Resources, Version};

/// One page of a search.
#[derive(Debug)]
pub struct Page {
    /// The matches, in order.
    pub matches: Vec<Version>,
    /// Where the next page begins, if there is one.
    pub next: Option<Continuation>,
    /// Number of matches on all pages, when it was asked: counted with the first page, carried to the others.
    pub total: Option<u64>,
    /// How they were found, when it was asked.
    pub explained: Option<String>,
}

/// A match with the place at which a next page would begin after it.
pub struct Found {
    /// The match.
    pub version: Version,
    /// The walk to go on with.
    pub plan: Plan,
    /// Its place in that walk.
    pub place: Vec<u8>,
}

/// Answers a page.
pub async fn page(
    resources: &mut Resources<'_, '_>,
    query: &Query,
    after: Option<&Continuation>,
) -> Result<Page, SearchError> {
    let reach = if after.is_some() { Reach::LATER } else { Reach::FIRST };
    let is_any = query.sort.by == SortBy::Any && query.then.is_empty();
    // What a first page found by its matches goes on in their ranges: those of all candidates may be far more.
    let goes_through = after.is_none_or(|continuation| matches!(continuation.plan, Plan::Through(_)));
    let reach = if is_any && goes_through { reach.later() } else { reach };
    let asked = asked(resources, (query.kind, &query.filters), reach).await?;
    let total = match after {
        Some(continuation) => continuation.total,
        None => count(resources, query, &asked).await?,
    };
    if query.count == 0 {
        return Ok(Page {
            matches: Vec::new(),
            next: None,
            total,
            explained: query.is_explained.then(|| explain::counted(&asked)),
        });
    }
    let plan = match after {
        Some(continuation) => continuation.plan,
        None if !query.then.is_empty() => Plan::Whole,
        None => choose(resources, (query.kind, query.sort.by), &asked).await?,
    };
    if (plan == Plan::Whole) == query.then.is_empty() {
        return Err(SearchError::Continuation);
    }
    let mut search = Search {
        query,
        asked,
        wanted: query.count + 1,
        total,
        found: Vec::new(),
    };
    let place = after
        .map(|continuation| continuation.after.as_slice())
        .filter(|place| !place.is_empty());
    match plan {
        Plan::List(at) => search.list(resources, usize::from(at), place).await?,
        Plan::Along(at) => search.along(resources, usize::from(at), place).await?,
        Plan::Through(at) => search.through(resources, usize::from(at), place).await?,
        Plan::Updates => search.updates(resources, place).await?,
        Plan::Sorted => {
            search.sorted(resources, place).await?;
            search.unsorted(resources, None).await?;
        }
        Plan::Unsorted => search.unsorted(resources, place).await?,
        Plan::Whole => search.whole(resources, place).await?,
    }
    let explained = query.is_explained.then(|| explain::page(query, &search.asked, plan));
    Ok(Page {
        explained,
        ..search.finish()
    })
}

/// Up to `limit` matches in any order: what a conditional operation needs to know.
pub async fn matches(
    resources: &mut Resources<'_, '_>,
    query: &Query,
    limit: usize,
) -> Result<Vec<Version>, SearchError> {
    let query = Query {
        count: limit,
        total: Total::None,
        sort: Sort {
            by: SortBy::Any,
            descending: false,
        },
        then: Vec::new(),
        is_explained: false,
        ..query.clone()
    };
    Ok(page(resources, &query, None).await?.matches)
}

/// A page that is being made.
pub struct Search<'q> {
    /// What is searched.
    pub query: &'q Query,
    /// Its filters.
    pub asked: Vec<Asked>,
    /// One match more than the page has: whether there is a next page.
    wanted: usize,
    total: Option<u64>,
    /// The matches so far.
    pub found: Vec<Found>,
}

impl Search<'_> {
    /// Whether the page is full.
    pub fn is_done(&self) -> bool {
        self.found.len() >= self.wanted
    }

    fn finish(mut self) -> Page {
        let more = self.found.len() > self.query.count;
        self.found.truncate(self.query.count);
        let next = self.found.last().filter(|_| more);
        let next = next.map(|last| Continuation {
            plan: last.plan,
            after: last.place.clone(),
            total: self.total,
        });
        Page {
            matches: self.found.into_iter().map(|found| found.version).collect(),
            next,
            total: self.total,
            explained: None,
        }
    }

    /// The filter at a position.
    pub fn filter_at(&self, at: usize) -> Result<&Asked, SearchError> {
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
    pub async fn narrow(&self, resources: &mut Resources<'_, '_>, ranges: &mut [Range]) -> Result<(), SearchError> {
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
                .count_in(&dates::long_dates(date, prefix, interval), 1)
                .await?
                > 0;
            let (from, to) = dates::lows(prefix, interval, dates::width(has_long));
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
    pub fn sort_parameter(&self) -> Option<(u16, ParameterKind)> {
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
        let without = ranges::absent(self.query.kind, number).unwrap_or_else(|| ranges::all_of(self.query.kind));
        let mut walk = Walk::new(&[without], false, place);
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
}
