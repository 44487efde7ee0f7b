//! Walking ranges in order, as one.

use hygie_store::{IndexKeys, Order, StoreError};

use super::ranges::{Posting, Range};
use crate::repo::Resources;

/// Keys read first from each range: enough for a page with few rejects. Each time it is twice as many.
const BATCH: usize = 48;

/// Most keys read at a time.
const LARGEST_BATCH: usize = 512;

/// Ranges with the same layout, walked in order as one; a key that stands in several comes once.
pub struct Walk {
    arms: Vec<Arm>,
    descending: bool,
}

struct Arm {
    rest: Range,
    /// Read and not yet given, in walking order from the back.
    ready: Vec<Posting>,
    exhausted: bool,
    /// Keys to read next.
    batch: usize,
}

impl Walk {
    /// Of these ranges, from the beginning or after a place.
    pub fn new(ranges: &[Range], descending: bool, after: Option<&[u8]>) -> Self {
        let begin = |range: &Range| after.map_or_else(|| range.clone(), |order| range.after(order, descending));
        let arm = |range| Arm {
            rest: begin(range),
            ready: Vec::new(),
            exhausted: false,
            batch: BATCH,
        };
        Self {
            arms: ranges.iter().map(arm).collect(),
            descending,
        }
    }

    /// The next posting.
    pub async fn next(&mut self, resources: &mut Resources<'_, '_>) -> Result<Option<Posting>, StoreError> {
        self.fill(resources).await?;
        let heads = self.arms.iter().filter_map(|arm| arm.ready.last());
        let first = if self.descending {
            heads.max_by(|a, b| a.order.cmp(&b.order))
        } else {
            heads.min_by(|a, b| a.order.cmp(&b.order))
        };
        let Some(first) = first.cloned() else { return Ok(None) };
        for arm in &mut self.arms {
            if arm.ready.last().is_some_and(|posting| posting.order == first.order) {
                arm.ready.pop();
            }
        }
        Ok(Some(first))
    }

    /// Reads on where the next posting may be: not in a range that begins after one that is known.
    async fn fill(&mut self, resources: &mut Resources<'_, '_>) -> Result<(), StoreError> {
        let mut least: Option<Vec<u8>> = None;
        for arm in &mut self.arms {
            if !self.descending && least.as_deref().is_some_and(|least| arm.begins_after(least)) {
                continue;
            }
            arm.fill(self.descending, resources).await?;
            if let Some(head) = arm.ready.last()
                && least.as_ref().is_none_or(|least| head.order < *least)
            {
                least = Some(head.order.clone());
            }
        }
        Ok(())
    }
}

impl Arm {
    /// Whether nothing was read of it, and all that can be comes after this place.
    fn begins_after(&self, order: &[u8]) -> bool {
        let beginning = self.rest.keys.from.get(self.rest.prefix..).unwrap_or_default();
        self.ready.is_empty() && beginning > order
    }

    async fn fill(&mut self, descending: bool, resources: &mut Resources<'_, '_>) -> Result<(), StoreError> {
        let order = if descending {
            Order::Descending
        } else {
            Order::Ascending
        };
        while self.ready.is_empty() && !self.exhausted {
            let mut keys = IndexKeys::default();
            resources.scan(&self.rest.keys, order, self.batch, &mut keys).await?;
            self.exhausted = keys.len() < self.batch;
            self.batch = (2 * self.batch).min(LARGEST_BATCH);
            if let Some(last) = keys.last() {
                if descending {
                    self.rest.keys.to = last.to_vec();
                } else {
                    self.rest.keys.from = [last, &[0]].concat();
                }
            }
            self.ready = keys.iter().filter_map(|key| self.rest.read(key)).collect();
            self.ready.reverse();
        }
        Ok(())
    }
}
