//! Searches inside of searches: where their matches lead, and whether a candidate is where they lead.
//!
//! When the inner search has few matches, a chain is the ranges of what refers to them, a `_has` the resources that they
//! refer to. When it has many, each candidate is asked: whether what it refers to, or what refers to it, matches.
//!
//! What the keys of the inner search say is not looked up: a key by code names the patient, so a `_has` over it needs no
//! resource; and where the order of the answer lets it ([`Reach::later`]), that the candidates of a chain match is not
//! checked before they are come to.

use std::collections::{BTreeSet, HashMap};

use hygie_fhir_model::ResourceType;
use hygie_store::StoreError;
use parking_lot::Mutex;

use super::candidate::{Asked, Candidate, is_in};
use super::criteria::{Filter, Inner, Test};
use super::error::SearchError;
use super::hint;
use super::plan::{self, Way};
use super::ranges::{self, Ranges};
use super::walk::Walk;
use crate::index::extract::principal;
use crate::repo::Resources;

/// How far an inner search goes to become ranges.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Most matches.
    matches: usize,
    /// Most candidates that are taken for matches until they are come to: their keys alone are read.
    candidates: usize,
    /// Most candidates that are looked at for them.
    looked_at: usize,
    /// Whether ranges of what refers to a candidate will do.
    is_later: bool,
}

impl Reach {
    /// Of a first page.
    pub const FIRST: Self = Self {
        matches: 500,
        candidates: 2000,
        looked_at: 5000,
        is_later: false,
    };

    /// Of later pages, which go on in the ranges of the first though there may be more by now.
    pub const LATER: Self = Self {
        matches: 5000,
        candidates: 5000,
        looked_at: 50_000,
        is_later: false,
    };

    /// The same, but that what is referred to matches is checked when it is come to.
    #[must_use]
    pub fn later(self) -> Self {
        Self { is_later: true, ..self }
    }

    /// Most ranges.
    fn most(self) -> usize {
        if self.is_later { self.candidates } else { self.matches }
    }

    /// The same for the searches inside of a search.
    fn inside(self) -> Self {
        Self {
            is_later: false,
            ..self
        }
    }
}

/// A search inside of a filter, with its ranges.
pub struct InnerAsked {
    /// The type searched.
    pub kind: ResourceType,
    /// Its filters.
    pub asked: Vec<Asked>,
    /// Resources that were asked already, and whether they match.
    known: Mutex<HashMap<i64, bool>>,
}

/// Answers that are kept of a search inside.
const MAX_KNOWN: usize = 10_000;

impl InnerAsked {
    /// Whether a resource matches.
    async fn is_match(&self, rid: i64, resources: &mut Resources<'_, '_>) -> Result<bool, StoreError> {
        if let Some(known) = self.known.lock().get(&rid) {
            return Ok(*known);
        }
        let passes = Box::pin(Candidate::new(rid).passes(self.kind, &self.asked, None, resources)).await?;
        let mut known = self.known.lock();
        if known.len() < MAX_KNOWN {
            known.insert(rid, passes);
        }
        Ok(passes)
    }

    /// Whether every key of this way is one of a match.
    fn is_exact(&self, way: &Way) -> bool {
        let filter = way.known.and_then(|at| self.asked.get(at));
        self.asked.len() == 1 && filter.is_some_and(|asked| asked.filter.parameter.base == Some(self.kind))
    }
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
        let asked = Box::pin(plan::asked(resources, (inner.kind, &inner.filters), reach.inside())).await?;
        found.push(InnerAsked {
            kind: inner.kind,
            asked,
            known: Mutex::default(),
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
        let way = Way::choose(resources, inner.kind, &inner.asked).await?;
        let is_known = if let Test::ReferredBy(_) = filter.test {
            referred(filter, kind, (inner, &way, reach), (&mut numbers, resources)).await?
        } else {
            let parameter = (kind, filter.parameter.number.get());
            // What is walked along all at once had better be matches.
            let is_later = reach.is_later && filter.parameter.is_single(kind);
            let reach = Reach { is_later, ..reach };
            let Some((matches, exact)) = referring(inner, &way, reach, resources).await? else {
                return Ok(None);
            };
            found.exact &= exact;
            let ranges = matches
                .into_iter()
                .map(|rid| ranges::referring(parameter, inner.kind, rid));
            found.ranges.extend(ranges);
            found.ranges.len() <= reach.most()
        };
        if !is_known {
            return Ok(None);
        }
    }
    found.ranges.extend(numbers.into_iter().map(ranges::one));
    Ok(Some(found))
}

/// Adds what the matches of an inner search refer to; whether all of it is known now.
async fn referred(
    filter: &Filter,
    kind: ResourceType,
    (inner, way, reach): (&InnerAsked, &Way, Reach),
    (numbers, resources): (&mut BTreeSet<i64>, &mut Resources<'_, '_>),
) -> Result<bool, SearchError> {
    let by_patient = principal(inner.kind).patient == Some(filter.parameter.number.get()) && kind.name() == "Patient";
    if !(by_patient && inner.is_exact(way)) {
        let Some(matches) = matches(inner, way, reach, resources).await? else {
            return Ok(false);
        };
        for mut candidate in matches {
            numbers.extend(candidate.targets((filter.parameter, kind), resources).await?);
        }
        return Ok(true);
    }
    let mut looked_at = 0;
    for range in &way.ranges {
        let mut rest = range.keys.clone();
        while let Some(keys) = resources.next_in(&mut rest).await? {
            for key in keys.iter() {
                let Some(posting) = range.read(key) else { continue };
                if let Some(patient) = range.patient(key) {
                    numbers.insert(patient);
                } else {
                    let mut candidate = Candidate::new(posting.rid);
                    numbers.extend(candidate.targets((filter.parameter, kind), resources).await?);
                }
                if numbers.len() > reach.matches {
                    return Ok(false);
                }
            }
            looked_at += keys.len();
            if looked_at > reach.looked_at {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The matches of an inner search, and whether all of these are; `None` when there are many.
async fn referring(
    inner: &InnerAsked,
    way: &Way,
    reach: Reach,
    resources: &mut Resources<'_, '_>,
) -> Result<Option<(Vec<i64>, bool)>, SearchError> {
    let exact = inner.is_exact(way);
    if exact || reach.is_later {
        let candidates = candidates(way, reach, resources).await?;
        if exact || candidates.is_some() {
            return Ok(candidates.map(|candidates| (candidates, exact)));
        }
    }
    let matches = matches(inner, way, reach, resources).await?;
    Ok(matches.map(|matches| (matches.into_iter().map(|candidate| candidate.rid).collect(), true)))
}

/// What the keys of a way name; `None` when that is much.
async fn candidates(
    way: &Way,
    reach: Reach,
    resources: &mut Resources<'_, '_>,
) -> Result<Option<Vec<i64>>, SearchError> {
    let (mut found, mut looked_at) = (BTreeSet::new(), 0);
    for range in &way.ranges {
        let mut rest = range.keys.clone();
        while let Some(keys) = resources.next_in(&mut rest).await? {
            found.extend(keys.iter().filter_map(|key| Some(range.read(key)?.rid)));
            looked_at += keys.len();
            if found.len() > reach.most() || looked_at > reach.looked_at {
                return Ok(None);
            }
        }
    }
    Ok(Some(found.into_iter().collect()))
}

/// Whether what a filter leads to is a match of one of the searches inside of it.
pub async fn is_match(asked: &Asked, rid: i64, resources: &mut Resources<'_, '_>) -> Result<bool, StoreError> {
    for inner in &asked.inner {
        if inner.is_match(rid, resources).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The matches of an inner search; `None` when there are many, or they are hard to find.
async fn matches(
    inner: &InnerAsked,
    way: &Way,
    reach: Reach,
    resources: &mut Resources<'_, '_>,
) -> Result<Option<Vec<Candidate>>, SearchError> {
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
        if inner.is_match(rid, resources).await? {
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
    hint::give_to(inner.kind, &inner.asked, &mut range);
    // Most are found near the beginning, or there is none.
    let mut walk = Walk::new(std::slice::from_ref(&range), false, None);
    while let Some(posting) = walk.next(resources).await? {
        // A chronology has current resources of this type alone, each with its date.
        if let Some(date) = range.date(&posting)
            && inner.asked.iter().all(Asked::can_be_probed)
        {
            let mut holds = true;
            for asked in &inner.asked {
                holds = holds && is_in(asked, (date, posting.rid), resources).await?;
            }
            if holds {
                return Ok(true);
            }
            continue;
        }
        let mut source = Candidate::new(posting.rid);
        if Box::pin(source.passes(inner.kind, &inner.asked, None, resources)).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
