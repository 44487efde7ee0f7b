//! What the tests stand on: a directory of their own, a clock that is set by hand, seeded randomness, a real store.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use hygie_core::{Clock, Cx, Random, Secret, TenantId, Timestamp};
use hygie_fhir::repo::Repository;
use hygie_store::keys::{Keyring, MasterKey};
use hygie_store::{IndexKeys, IndexRange, Order, Store, StoreError};
use hygie_testkit::Place;

/// 2026-11-18T11:06:40Z
pub const START: i64 = 1_795_000_000_000;

/// A clock that stands still until it is set.
pub struct Virtual(AtomicI64);

impl Virtual {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START)))
    }
}

impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// A seeded generator (splitmix64).
pub struct Seeded(AtomicU64);

impl Seeded {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(seed)))
    }

    fn next(&self) -> u64 {
        let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

pub fn tenant() -> TenantId {
    TenantId::from_uuid(uuid::Uuid::from_u128(1))
}

pub fn cx() -> Cx {
    Cx::internal(tenant(), Virtual::new(), Seeded::new(7))
}

/// The store of a FHIR service in `dir`, opened or made.
pub async fn open_store(dir: &Path, repository: &Repository) -> Result<Store, StoreError> {
    let text = Secret::new("07".repeat(32));
    let provider = Arc::new(MasterKey::from_text(&text, "the test", Seeded::new(1))?);
    let keyring = Keyring::open(dir.join("keys.json"), provider, Virtual::new(), Seeded::new(2))?;
    let place = Place {
        directory: dir,
        name: "fhir",
        keyring: &keyring,
        migrations: &[],
        replay: Some(Arc::new(repository.clone())),
        cx: &cx(),
    };
    place.open().await
}

/// Every key of the index, in order.
pub async fn all_keys(store: &Store) -> Vec<Vec<u8>> {
    let whole = IndexRange {
        from: Vec::new(),
        to: vec![0xff; 2],
    };
    let keys = store
        .read(&cx(), whole, |whole, tx| {
            Box::pin(async move {
                let mut keys = IndexKeys::default();
                tx.index_scan(whole, Order::Ascending, usize::MAX / 2, &mut keys)
                    .await?;
                Ok::<_, StoreError>(keys)
            })
        })
        .await
        .expect("a scan");
    keys.iter().map(<[u8]>::to_vec).collect()
}
