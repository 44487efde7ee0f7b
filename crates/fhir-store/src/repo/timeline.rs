//! Versions of a type, or of all types, in the order of their time.
//!
//! What is current stands in the index by its last update (`Updated`); what was superseded and deletions stand there by
//! type and time (`Past`). Both, of each type, are gone through side by side, so a page costs as much as its versions, and
//! a few keys for each type.

use std::collections::VecDeque;

use hygie_fhir_model::ResourceType;
use hygie_store::{IndexKeys, IndexRange, Order, StoreError};

use super::{Resources, Version};
use crate::index::key::{Key, Kind, Parts};

/// Where a version stands among those of all resources: after those of its resource that it superseded, even when they are
/// of the same millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// When it was written.
    pub millis: i64,
    /// The number of the resource.
    pub rid: i64,
    /// Whether it was the current one when it was listed.
    pub is_current: bool,
    /// The number of its record.
    pub seq: i64,
}

/// What of the timeline is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Not before this millisecond.
    pub from: Option<i64>,
    /// Before this one.
    pub to: Option<i64>,
    /// From the oldest or from the newest.
    pub order: Order,
    /// Only what comes after this in that order.
    pub after: Option<Moment>,
}

/// Keys read at a time of one range.
const BATCH: usize = 64;

/// The same when there are many ranges.
const SMALL_BATCH: usize = 8;

impl Resources<'_, '_> {
    /// Versions of one type, or of all, in order, at most `limit`.
    pub async fn timeline(
        &mut self,
        of: Option<ResourceType>,
        window: &Window,
        limit: usize,
    ) -> Result<Vec<(Moment, Version)>, StoreError> {
        let mut sources = self.sources(of, window).await?;
        let batch = if of.is_some() { BATCH } else { SMALL_BATCH };
        let mut versions = Vec::new();
        while versions.len() < limit {
            let mut first: Option<(usize, Moment)> = None;
            for (at, source) in sources.iter_mut().enumerate() {
                let Some(head) = source.head(self, (window.order, batch)).await? else {
                    continue;
                };
                let is_earlier = first.is_none_or(|(_, than)| match window.order {
                    Order::Ascending => head < than,
                    Order::Descending => head > than,
                });
                if is_earlier {
                    first = Some((at, head));
                }
            }
            let Some((at, moment)) = first else { break };
            sources[at].heads.pop_front();
            versions.push(self.at(moment).await?);
        }
        Ok(versions)
    }

    /// How many versions there are in it.
    pub async fn count_timeline(&mut self, of: Option<ResourceType>, window: &Window) -> Result<u64, StoreError> {
        let mut count = 0;
        for source in self.sources(of, window).await? {
            self.collect_in(&source.rest, usize::MAX, &mut |_| count += 1).await?;
        }
        Ok(count)
    }

    async fn sources(&mut self, of: Option<ResourceType>, window: &Window) -> Result<Vec<Source>, StoreError> {
        let mut sources = Vec::new();
        for kind in [Kind::Updated, Kind::Past] {
            let types = match of {
                Some(one) => vec![one],
                None => self.types_in(kind).await?,
            };
            sources.extend(types.into_iter().filter_map(|of| Source::new(kind, of, window)));
        }
        Ok(sources)
    }

    /// The types that have keys of this kind, found by going from one to the next.
    async fn types_in(&mut self, kind: Kind) -> Result<Vec<ResourceType>, StoreError> {
        let start = Key::new(kind).finish();
        let mut rest = IndexRange::prefix(&start);
        let mut types = Vec::new();
        while let Some(key) = self.first_in(&rest).await? {
            let number = Parts::after(&key, start.len()).short();
            let of = number.and_then(ResourceType::from_number).ok_or_else(too_short)?;
            types.push(of);
            rest.from = IndexRange::prefix(Key::new(kind).kind_of(of).as_bytes()).to;
        }
        Ok(types)
    }

    /// The version at a place, with the place as it is named from outside.
    async fn at(&mut self, moment: Moment) -> Result<(Moment, Version), StoreError> {
        let version = if moment.is_current {
            let missing = || StoreError::Inconsistent(format!("resource {} has no current version", moment.rid));
            self.find_by_number(moment.rid).await?.ok_or_else(missing)?
        } else {
            self.get(moment.seq).await?
        };
        let seq = version.seq;
        Ok((Moment { seq, ..moment }, version))
    }
}

/// One range of keys, in order.
struct Source {
    kind: Kind,
    /// Bytes of a key before its time.
    start: usize,
    /// What is not read yet.
    rest: IndexRange,
    heads: VecDeque<Moment>,
    is_read: bool,
}

impl Source {
    /// The part of the window that this kind of keys has; none when that is empty.
    fn new(kind: Kind, of: ResourceType, window: &Window) -> Option<Self> {
        let prefix = Key::new(kind).kind_of(of);
        let mut rest = IndexRange::prefix(prefix.as_bytes());
        if let Some(from) = window.from {
            rest.from = prefix.clone().date(from).finish();
        }
        if let Some(to) = window.to {
            rest.to = prefix.clone().date(to).finish();
        }
        if let Some(after) = window.after {
            let place = prefix.clone().date(after.millis).number(after.rid);
            let mut place = match kind {
                Kind::Past => place.number(after.seq).finish(),
                _ => place.finish(),
            };
            match window.order {
                Order::Descending => rest.to = rest.to.min(place),
                Order::Ascending => {
                    // The current version comes after those of the same instant.
                    if kind == Kind::Past || after.is_current {
                        place.push(0);
                    }
                    rest.from = rest.from.max(place);
                }
            }
        }
        let start = prefix.as_bytes().len();
        (rest.from < rest.to).then(|| Self {
            kind,
            start,
            rest,
            heads: VecDeque::new(),
            is_read: false,
        })
    }

    /// The next place, which stays.
    async fn head(
        &mut self,
        resources: &mut Resources<'_, '_>,
        (order, batch): (Order, usize),
    ) -> Result<Option<Moment>, StoreError> {
        if self.heads.is_empty() && !self.is_read {
            let mut keys = IndexKeys::default();
            resources.scan(&self.rest, order, batch, &mut keys).await?;
            self.is_read = keys.len() < batch;
            if let Some(last) = keys.last() {
                match order {
                    Order::Ascending => self.rest.from = [last, &[0]].concat(),
                    Order::Descending => self.rest.to = last.to_vec(),
                }
            }
            for key in keys.iter() {
                self.heads.push_back(self.read(key).ok_or_else(too_short)?);
            }
        }
        Ok(self.heads.front().copied())
    }

    fn read(&self, key: &[u8]) -> Option<Moment> {
        let mut parts = Parts::after(key, self.start);
        let (millis, rid) = (parts.date()?, parts.number()?);
        let is_current = self.kind == Kind::Updated;
        // Of the current version it is looked up when it is shown.
        let seq = if is_current { 0 } else { parts.number()? };
        Some(Moment {
            millis,
            rid,
            is_current,
            seq,
        })
    }
}

fn too_short() -> StoreError {
    StoreError::Inconsistent("a key of the timeline ends too early".to_owned())
}
