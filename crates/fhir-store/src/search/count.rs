//! How many matches a search has.

use std::collections::HashSet;

use hygie_fhir_model::ResourceType;
use hygie_store::StoreError;

use super::candidate::{Asked, Candidate};
use super::criteria::Test;
use super::error::SearchError;
use super::plan::Way;
use super::query::Query;
use super::ranges::{Accept, Layout, Range};
use super::result::Total;
use crate::repo::Resources;

/// So many candidates are checked for an estimate; of the others the same share is taken to be matches.
const SAMPLE: u64 = 1000;

/// The number of matches, as far as it was asked.
pub async fn count(
    resources: &mut Resources<'_, '_>,
    query: &Query,
    asked: &[Asked],
) -> Result<Option<u64>, SearchError> {
    let checked = match query.total {
        Total::None => return Ok(None),
        Total::Accurate => u64::MAX,
        Total::Estimate => SAMPLE,
    };
    let way = Way::choose(resources, query.kind, asked).await?;
    let is_alone = asked.len() == usize::from(way.at.is_some());
    let counting = Counting {
        kind: query.kind,
        asked,
        known: way.known,
        is_plain: is_alone && is_plain(way.at.and_then(|at| asked.get(at)), &way.ranges),
        checked,
    };
    counting.run(resources, &way.ranges).await.map(Some).map_err(Into::into)
}

/// Whether each key of the ranges is one match, if there are no other filters: one range in which every resource stands
/// once, of a parameter that only the type searched has.
fn is_plain(asked: Option<&Asked>, ranges: &[Range]) -> bool {
    let [range] = ranges else { return ranges.is_empty() };
    let is_typed = asked.is_none_or(|asked| {
        let is_exact = asked.ranges.as_ref().is_some_and(|found| found.exact);
        let is_value = matches!(asked.filter.test, Test::Any(_));
        is_exact && is_value && (asked.filter.parameter.base.is_some() || asked.filter.parameter.code == "_lastUpdated")
    });
    is_typed && range.accept == Accept::All && matches!(range.layout, Layout::Number | Layout::Dated)
}

struct Counting<'a> {
    kind: ResourceType,
    asked: &'a [Asked],
    /// The filter whose ranges are gone through, when all in them are its matches.
    known: Option<usize>,
    is_plain: bool,
    /// Candidates to check.
    checked: u64,
}

impl Counting<'_> {
    async fn run(&self, resources: &mut Resources<'_, '_>, ranges: &[Range]) -> Result<u64, StoreError> {
        // A resource may stand in several places.
        let mut seen = HashSet::new();
        let (mut keys, mut checked, mut matches) = (0_u64, 0_u64, 0_u64);
        for range in ranges {
            let mut rest = range.keys.clone();
            while let Some(batch) = resources.next_in(&mut rest).await? {
                for posting in batch.iter().filter_map(|key| range.read(key)) {
                    if self.is_plain || checked == self.checked {
                        keys += 1;
                    } else if seen.insert(posting.rid) {
                        checked += 1;
                        let mut candidate = Candidate::new(posting.rid);
                        let passes = candidate.passes(self.kind, self.asked, self.known, resources).await?;
                        matches += u64::from(passes);
                    }
                }
            }
        }
        Ok(match checked {
            0 => keys,
            checked => matches + keys * matches / checked,
        })
    }
}
