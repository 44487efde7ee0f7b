//! Through what a chain leads to, one after the other: the resources that refer to each. Only where each refers to one: what
//! refers to several would have its place by those of them that match, and these may change between two pages.

use hygie_store::StoreError;

use super::candidate::{Asked, Candidate};
use super::chain;
use super::continuation::Plan;
use super::error::SearchError;
use super::execute::{Found, Search};
use super::ranges::{Layout, Range};
use super::walk::Walk;
use crate::repo::Resources;

impl Search<'_> {
    /// Through the ranges of a chain, in the order of their keys. Whether what they refer to matches is asked when it is
    /// come to.
    pub async fn through(
        &mut self,
        resources: &mut Resources<'_, '_>,
        at: usize,
        place: Option<&[u8]>,
    ) -> Result<(), SearchError> {
        let asked = self.filter_at(at)?;
        let found = asked.ranges.as_ref().ok_or(SearchError::Continuation)?;
        if !asked.filter.parameter.is_single(self.query.kind) {
            return Err(SearchError::Continuation);
        }
        let mut ranges = found.ranges.clone();
        if ranges.iter().all(|range| range.layout == Layout::Dated) {
            self.narrow(resources, &mut ranges).await?;
        }
        ranges.sort_by(|a, b| a.keys.from.cmp(&b.keys.from));
        for range in &ranges {
            if self.is_done() {
                break;
            }
            let rest = match place {
                Some(place) => range.beyond(place),
                None => Some(range.clone()),
            };
            let Some(rest) = rest else { continue };
            let asked = self.filter_at(at)?;
            if !leads_to_match(asked, range, resources).await? {
                continue;
            }
            let mut walk = Walk::new(std::slice::from_ref(&rest), false, None);
            while !self.is_done()
                && let Some(posting) = walk.next(resources).await?
            {
                let mut candidate = Candidate::new(posting.rid);
                let passes = candidate
                    .passes(self.query.kind, &self.asked, Some(at), resources)
                    .await?;
                if !passes {
                    continue;
                }
                let version = candidate.into_version(resources).await?;
                self.found.push(Found {
                    version,
                    plan: Plan::Through(at as u8),
                    place: range.place(&posting.order),
                });
            }
        }
        Ok(())
    }
}

/// Whether what a range refers to matches.
async fn leads_to_match(asked: &Asked, range: &Range, resources: &mut Resources<'_, '_>) -> Result<bool, StoreError> {
    if asked.ranges.as_ref().is_some_and(|found| found.exact) {
        return Ok(true);
    }
    match range.target() {
        Some(target) => chain::is_match(asked, target, resources).await,
        None => Ok(false),
    }
}
