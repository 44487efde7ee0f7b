//! What a search reads of the index besides versions.

use hygie_fhir_model::ResourceType;
use hygie_store::{IndexKeys, IndexRange, Order, StoreError};

use super::Resources;
use crate::index::When;
use crate::index::key::{Key, Kind, Parts};

/// Keys read at a time.
const BATCH: usize = 512;

/// What the index keeps of the current version of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// Number of the version's record.
    pub seq: i64,
    /// Type of the resource.
    pub kind: ResourceType,
    /// Whether the version is a deletion.
    pub is_deleted: bool,
    /// When it was.
    pub when: When,
    /// The number of the one patient that it is about; 0 when there is none or there are several.
    pub patient: i64,
}

impl Resources<'_, '_> {
    /// What the index keeps of the current version of the resource with this number.
    pub async fn find_current_of(&mut self, rid: i64) -> Result<Option<Current>, StoreError> {
        let start = Key::new(Kind::Current).number(rid).finish();
        let Some(key) = self.first_in(&IndexRange::prefix(&start)).await? else {
            return Ok(None);
        };
        let mut parts = Parts::after(&key, start.len());
        let mut read = || {
            let seq = parts.number()?;
            let kind = ResourceType::from_number(parts.short()?)?;
            Some(Current {
                seq,
                kind,
                is_deleted: parts.byte()? != 0,
                when: When::read(parts.date()?, &mut parts),
                patient: parts.number()?,
            })
        };
        read()
            .map(Some)
            .ok_or_else(|| StoreError::Inconsistent("a key of a current version ends too early".to_owned()))
    }

    /// The first key of a range.
    pub async fn first_in(&mut self, range: &IndexRange) -> Result<Option<Vec<u8>>, StoreError> {
        let mut keys = IndexKeys::default();
        self.scan(range, Order::Ascending, 1, &mut keys).await?;
        Ok(keys.get(0).map(<[u8]>::to_vec))
    }

    /// Number of keys of a range, at most `limit`.
    pub async fn count_in(&mut self, range: &IndexRange, limit: usize) -> Result<usize, StoreError> {
        let mut keys = IndexKeys::default();
        self.scan(range, Order::Ascending, limit, &mut keys).await?;
        Ok(keys.len())
    }

    /// The next keys of a range, which is left with those after them; `None` when there are none.
    pub async fn next_in(&mut self, rest: &mut IndexRange) -> Result<Option<IndexKeys>, StoreError> {
        let mut keys = IndexKeys::default();
        self.scan(rest, Order::Ascending, BATCH, &mut keys).await?;
        let Some(last) = keys.last() else { return Ok(None) };
        rest.from = [last, &[0]].concat();
        Ok(Some(keys))
    }

    /// Gives the keys of a range to `take`, at most `limit`.
    pub async fn collect_in(
        &mut self,
        range: &IndexRange,
        limit: usize,
        take: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<(), StoreError> {
        let mut rest = range.clone();
        let mut left = limit;
        while left > 0 {
            let mut keys = IndexKeys::default();
            let batch = left.min(BATCH);
            self.scan(&rest, Order::Ascending, batch, &mut keys).await?;
            keys.iter().for_each(&mut *take);
            left -= keys.len();
            match keys.last() {
                Some(last) if keys.len() == batch => rest.from = [last, &[0]].concat(),
                _ => break,
            }
        }
        Ok(())
    }
}
