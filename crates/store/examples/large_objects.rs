//! Makes an instance of its own with large objects in a data directory that no process has open, for the crash laboratory
//! (`docs/crash-laboratory.md`): no service stores any yet. It prints how many there are.
//!
//! ```text
//! cargo run -p hygie-store --example large_objects -- DATA MASTER-KEY-FILE INSTANCE
//! ```
#![expect(
    clippy::disallowed_methods,
    reason = "what is made is used by a process with the machine's clock"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use hygie_core::{Clock, Cx, Random, TenantId, Timestamp};
use hygie_store::audit::Record;
use hygie_store::blobs::{References, Stored, open_on_disk};
use hygie_store::embedded::{Limits, Options, open};
use hygie_store::keys::{Keyring, MasterKey};
use hygie_store::{Store, StoreError};

/// An empty one, of one chunk and of two, in one part and in several.
const SIZES: [usize; 6] = [0, 100, 65_536, 65_537, 600_000, 2_500_000];

struct Machine;

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0) + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

impl Random for Machine {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the system gives randomness");
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, master, instance] = arguments.as_slice() else {
        return Err("DATA MASTER-KEY-FILE INSTANCE are wanted".into());
    };
    let (data, random) = (Path::new(data), Arc::new(Machine));
    let master = MasterKey::from_file(Path::new(master), random.clone())?;
    let keyring = Keyring::open(data.join("keys.json"), Arc::new(master), Arc::new(Machine), random)?;
    let keyring = Arc::new(keyring);
    let cx = Cx::internal(TenantId::random(&Machine), Arc::new(Machine), Arc::new(Machine));
    let store = open(Options {
        directory: data,
        heads: &data.join("heads"),
        instance,
        keyring: &keyring,
        migrations: &[],
        replay: None,
        cx: &cx,
        limits: Limits {
            cache_kib: 2048,
            ..Limits::default()
        },
    })?;
    let blobs = open_on_disk(data, instance, &keyring)?;
    for size in SIZES {
        let mut writer = blobs.create(&cx);
        let mut content = vec![0; size];
        Machine.fill(&mut content);
        writer.write(&content).await?;
        refer(&store, &cx, writer.finish().await?).await?;
    }
    store.close().await?;
    println!("{}", SIZES.len());
    Ok(())
}

async fn refer(store: &Store, cx: &Cx, stored: Stored) -> Result<(), StoreError> {
    let write = store.write(cx, stored, |stored, tx| {
        Box::pin(async move {
            References(tx).insert(stored).await?;
            let record = Record::success(tx.cx(), "test.store", format!("blob/{}", stored.reference.id));
            tx.audit(&record).await
        })
    });
    write.await
}
