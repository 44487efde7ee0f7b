//! What the tests stand on: a directory of their own, a clock that stands still, seeded randomness, a real store.

use std::path::Path;
use std::sync::Arc;

use hygie_core::{Cx, Secret, TenantId, Timestamp};
use hygie_fhir_store::repo::Repository;
use hygie_store::keys::{Keyring, MasterKey};
use hygie_store::{Store, StoreError};
use hygie_testkit::{Place, SeededRandom, VirtualClock};

/// 2026-11-18T11:06:40Z
pub const START: i64 = 1_795_000_000_000;

fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock::new(Timestamp::from_millis(START)))
}

pub fn cx() -> Cx {
    let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(1));
    Cx::internal(tenant, clock(), Arc::new(SeededRandom::new(7)))
}

/// The store of a FHIR service in `dir`, opened or made.
pub async fn open_store(dir: &Path, repository: &Repository) -> Result<Store, StoreError> {
    let text = Secret::new("07".repeat(32));
    let random = Arc::new(SeededRandom::new(1));
    let provider = Arc::new(MasterKey::from_text(&text, "the test", random.clone())?);
    let keyring = Keyring::open(dir.join("keys.json"), provider, clock(), random)?;
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
