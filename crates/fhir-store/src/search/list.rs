//! A filter's matches taken whole.

use std::cmp::Ordering;

use hygie_store::StoreError;

use super::candidate::Candidate;
use super::continuation::Plan;
use super::error::SearchError;
use super::execute::{Found, Search};
use super::query::SortBy;
use crate::index::key::{FIRST_MS, Key, Kind};
use crate::repo::Resources;

/// Most keys that a list takes when it has grown since its first page.
const GROWN_LIST: usize = 20_000;

impl Search<'_> {
    /// A filter's matches taken whole, checked and sorted.
    pub async fn list(
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
                let date = current.map(|current| current.when.low).filter(|date| *date > FIRST_MS);
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
