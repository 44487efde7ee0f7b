//! Matches sorted by several keys: all are found, then sorted. There is no walk in such an order.
//! <http://hl7.org/fhir/R4/search.html#sort>

use std::collections::HashSet;

use hygie_store::StoreError;

use super::candidate::Candidate;
use super::continuation::Plan;
use super::error::SearchError;
use super::execute::{Found, Search};
use super::plan::Way;
use super::query::{Sort, SortBy};
use crate::index::extract::principal;
use crate::index::key::FIRST_MS;
use crate::repo::Resources;

/// Most matches that are sorted so.
const MAX_SORTED: usize = 5000;

/// Most candidates that are looked at for them.
const MAX_LOOKED_AT: usize = 50_000;

impl Search<'_> {
    /// All matches, in the order of all keys, after a place.
    pub async fn whole(&mut self, resources: &mut Resources<'_, '_>, place: Option<&[u8]>) -> Result<(), SearchError> {
        let mut matches = Vec::new();
        let mut seen = HashSet::new();
        let way = Way::choose(resources, self.query.kind, &self.asked).await?;
        for range in &way.ranges {
            let mut rest = range.keys.clone();
            while let Some(keys) = resources.next_in(&mut rest).await? {
                for posting in keys.iter().filter_map(|key| range.read(key)) {
                    if !seen.insert(posting.rid) {
                        continue;
                    }
                    if seen.len() > MAX_LOOKED_AT || matches.len() > MAX_SORTED {
                        return Err(SearchError::TooManyToSort(MAX_SORTED));
                    }
                    let mut candidate = Candidate::new(posting.rid);
                    if candidate
                        .passes(self.query.kind, &self.asked, way.known, resources)
                        .await?
                    {
                        let at = self.place_among_all(&mut candidate, resources).await?;
                        if place.is_none_or(|place| at.as_slice() > place) {
                            matches.push((at, posting.rid));
                        }
                    }
                }
            }
        }
        matches.sort_unstable();
        for (place, rid) in matches {
            if self.is_done() {
                break;
            }
            self.found.push(Found {
                version: Candidate::new(rid).into_version(resources).await?,
                plan: Plan::Whole,
                place,
            });
        }
        Ok(())
    }

    /// Where a candidate stands: its value of each key, then its number, so that byte order is the order asked.
    async fn place_among_all(
        &self,
        candidate: &mut Candidate,
        resources: &mut Resources<'_, '_>,
    ) -> Result<Vec<u8>, StoreError> {
        let mut place = Vec::new();
        for sort in [&self.query.sort].into_iter().chain(&self.query.then) {
            let value = self.value_of(sort, candidate, resources).await?;
            // What has no value comes last in both directions.
            place.push(u8::from(value.is_none()));
            if let Some(value) = value {
                let start = place.len();
                for byte in value {
                    place.push(byte);
                    // So that the end, two zeros, comes before all that goes on.
                    place.extend((byte == 0).then_some(0xff));
                }
                place.extend([0, 0]);
                if sort.descending {
                    place[start..].iter_mut().for_each(|byte| *byte = !*byte);
                }
            }
        }
        place.extend(candidate.rid.to_be_bytes());
        Ok(place)
    }

    async fn value_of(
        &self,
        sort: &Sort,
        candidate: &mut Candidate,
        resources: &mut Resources<'_, '_>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let number = match sort.by {
            SortBy::Updated => {
                let updated = candidate.version(resources).await?.updated.millis();
                return Ok(Some(updated.to_be_bytes().to_vec()));
            }
            SortBy::Principal if principal(self.query.kind).date.is_some() => {
                let current = candidate.current(resources).await?;
                let date = current.map(|current| current.when.low).filter(|date| *date > FIRST_MS);
                return Ok(date.map(|date| (date - FIRST_MS).to_be_bytes().to_vec()));
            }
            SortBy::Any | SortBy::Principal => return Ok(None),
            SortBy::Parameter(number, _) => number,
        };
        let (_, said) = candidate.say(None, Some(number), resources).await?;
        Ok(said
            .places
            .map(|(first, last)| if sort.descending { last } else { first }))
    }
}
