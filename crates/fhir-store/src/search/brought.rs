//! What matches bring by themselves, in pages: first what they refer to, by its numbers, then what refers to them, match by
//! match and in the order of the index.
//!
//! A page goes on at its place and reads what it shows. Only what matches refer to is gathered anew from all of them: it is
//! no more than stands in them. A resource that refers to several matches comes with the first of them; whether it came
//! already is read in the resource itself, so that no page has to know what the pages before it had.

use std::collections::{BTreeSet, HashSet};

use hygie_fhir_model::ResourceType;
use hygie_fhir_model::search::SearchParameter;

use super::candidate::{Asked, Candidate};
use super::chain::Reach;
use super::error::SearchError;
use super::explain;
use super::include::{Direction, Included};
use super::plan::asked;
use super::query::Query;
use super::ranges;
use super::rest::{Place, Rest};
use super::verify::references;
use super::walk::Walk;
use crate::repo::{Resources, Version};

/// The first page of what these matches bring.
pub async fn brought(
    resources: &mut Resources<'_, '_>,
    query: &Query,
    matches: &[Version],
) -> Result<Included, SearchError> {
    let mut page = Page::new(query, numbers(matches));
    page.referred(resources, matches, 0).await?;
    page.referring(resources, None).await?;
    Ok(page.finish())
}

/// A reference that others may have to a match: their type and its parameter.
pub(super) type Step = (ResourceType, &'static SearchParameter);

impl Rest {
    /// What comes next, and how it was found, when that is asked.
    pub async fn page(
        &self,
        resources: &mut Resources<'_, '_>,
        query: &Query,
    ) -> Result<(Included, Option<String>), SearchError> {
        let asked = asked(resources, (query.kind, &query.filters), Reach::LATER).await?;
        let mut page = Page::new(query, self.matches.clone());
        let explained = query
            .is_explained
            .then(|| explain::rest(query, &self.place, self.matches.len()));
        let unasked = match &self.place {
            Place::Referred(after) => {
                let matches = page.matching(resources, &asked).await?;
                page.matches = numbers(&matches);
                page.referred(resources, &matches, *after).await?;
                None
            }
            Place::Referring { at, step, after } => {
                if *at >= self.matches.len() || *step >= page.steps.len() {
                    return Err(SearchError::Continuation);
                }
                if query
                    .includes
                    .iter()
                    .any(|include| include.direction == Direction::Forward)
                {
                    let matches = page.matching(resources, &asked).await?;
                    page.seen.extend(referred(resources, query, &matches).await?);
                }
                page.start = ((*at, *step), after.clone());
                Some(asked.as_slice())
            }
        };
        page.referring(resources, unasked).await?;
        Ok((page.finish(), explained))
    }
}

/// The numbers of versions, ascending.
fn numbers(versions: &[Version]) -> Vec<i64> {
    let mut numbers: Vec<i64> = versions.iter().map(|version| version.rid).collect();
    numbers.sort_unstable();
    numbers
}

/// The numbers of what matches refer to.
async fn referred(
    resources: &mut Resources<'_, '_>,
    query: &Query,
    matches: &[Version],
) -> Result<BTreeSet<i64>, SearchError> {
    let mut found = BTreeSet::new();
    for include in &query.includes {
        for version in matches {
            found.extend(include.referred(resources, version).await?);
        }
    }
    Ok(found)
}

/// A page while it is gathered.
struct Page<'q> {
    query: &'q Query,
    /// Numbers of the matches, ascending.
    matches: Vec<i64>,
    /// The references that are followed to each match.
    steps: Vec<Step>,
    /// The match and the step where this page goes on, after this place in the index.
    start: ((usize, usize), Vec<u8>),
    /// What does not come any more.
    seen: HashSet<i64>,
    versions: Vec<Version>,
    rest: Option<Place>,
}

impl<'q> Page<'q> {
    fn new(query: &'q Query, matches: Vec<i64>) -> Self {
        let reverse = query
            .includes
            .iter()
            .filter(|include| include.direction == Direction::Reverse);
        Self {
            query,
            steps: reverse.flat_map(|include| include.steps(query.kind)).collect(),
            start: ((0, 0), Vec::new()),
            seen: matches.iter().copied().collect(),
            matches,
            versions: Vec::new(),
            rest: None,
        }
    }

    fn finish(self) -> Included {
        let matches = self.matches;
        Included {
            versions: self.versions,
            is_cut: self.rest.is_some(),
            rest: self.rest.map(|place| Rest { matches, place }),
        }
    }

    fn is_full(&self) -> bool {
        self.versions.len() == self.query.included
    }

    /// Those of the matches that still are some.
    async fn matching(&self, resources: &mut Resources<'_, '_>, asked: &[Asked]) -> Result<Vec<Version>, SearchError> {
        let mut matching = Vec::with_capacity(self.matches.len());
        for rid in &self.matches {
            let mut candidate = Candidate::new(*rid);
            if candidate.passes(self.query.kind, asked, None, resources).await? {
                matching.push(candidate.into_version(resources).await?);
            }
        }
        Ok(matching)
    }

    /// Takes what the matches refer to, after a number.
    async fn referred(
        &mut self,
        resources: &mut Resources<'_, '_>,
        matches: &[Version],
        after: i64,
    ) -> Result<(), SearchError> {
        let mut last = after;
        for rid in referred(resources, self.query, matches).await? {
            if !self.seen.insert(rid) || rid <= after {
                continue;
            }
            let current = resources.find_current_of(rid).await?;
            let Some(current) = current.filter(|current| !current.is_deleted) else {
                continue;
            };
            if self.is_full() {
                self.rest = Some(Place::Referred(last));
                return Ok(());
            }
            self.versions.push(resources.get(current.seq).await?);
            last = rid;
        }
        Ok(())
    }

    /// Takes what refers to the matches, from the start on. With filters they are asked first whether they still are matches.
    async fn referring(
        &mut self,
        resources: &mut Resources<'_, '_>,
        asked: Option<&[Asked]>,
    ) -> Result<(), SearchError> {
        let (mut at, first) = self.start.0;
        let mut is_begun = !self.start.1.is_empty() || first > 0;
        while self.rest.is_none() && at < self.matches.len() {
            let is_match = match asked {
                Some(asked) => {
                    let mut candidate = Candidate::new(self.matches[at]);
                    candidate.passes(self.query.kind, asked, None, resources).await?
                }
                None => true,
            };
            if is_match {
                let mut step = if is_begun { first } else { 0 };
                while self.rest.is_none() && step < self.steps.len() {
                    self.follow(resources, (at, step)).await?;
                    step += 1;
                }
            } else if !is_begun {
                // It brings nothing, so what refers to it comes with another.
                self.matches.remove(at);
                continue;
            }
            is_begun = false;
            at += 1;
        }
        Ok(())
    }

    /// Takes what refers to a match by one reference.
    async fn follow(&mut self, resources: &mut Resources<'_, '_>, place: (usize, usize)) -> Result<(), SearchError> {
        let (kind, parameter) = self.steps[place.1];
        let range = ranges::referring((kind, parameter.number.get()), self.query.kind, self.matches[place.0]);
        let mut after = if place == self.start.0 {
            self.start.1.clone()
        } else {
            Vec::new()
        };
        let mut walk = Walk::new(
            &[range],
            false,
            Some(after.as_slice()).filter(|after| !after.is_empty()),
        );
        while let Some(posting) = walk.next(resources).await? {
            if self.seen.insert(posting.rid)
                && let Some(current) = resources.find_current_of(posting.rid).await?
                && !current.is_deleted
                && current.kind == kind
            {
                let version = resources.get(current.seq).await?;
                if !self.came_before(resources, &version, place).await? {
                    if self.is_full() {
                        let (at, step) = place;
                        self.rest = Some(Place::Referring { at, step, after });
                        return Ok(());
                    }
                    self.versions.push(version);
                }
            }
            after = posting.order;
        }
        Ok(())
    }

    /// Whether a resource came with a page before this one, because it refers to a match that was gone through.
    async fn came_before(
        &self,
        resources: &mut Resources<'_, '_>,
        version: &Version,
        place: (usize, usize),
    ) -> Result<bool, SearchError> {
        let (start, after) = &self.start;
        if *start == (0, 0) && after.is_empty() {
            return Ok(false);
        }
        let is_gone_through = |at| at != place && (at < *start || at == *start && !after.is_empty());
        for (step, (kind, parameter)) in self.steps.iter().enumerate() {
            if *kind != version.kind {
                continue;
            }
            for (kind, id) in references(version, parameter.number)? {
                if kind == self.query.kind
                    && let Some(rid) = resources.find_number(kind, &id).await?
                    && let Ok(at) = self.matches.binary_search(&rid)
                    && is_gone_through((at, step))
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
