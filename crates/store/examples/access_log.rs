//! Measures the access log on this disk: `cargo run --release -p hygie-store --example access_log [DIRECTORY]`.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the machine's clock")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use hygie_core::{Clock, Cx, Random, Secret, TenantId, Timestamp};
use hygie_store::audit::{AccessKeys, AccessLimits, AccessLog, AccessPlace, Record, begin_chains, verify_accesses};
use hygie_store::keys::{DataKey, KeyId};

const CLIENTS: usize = 32;
const RECORDS: usize = 2_000;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_795_249_800)
    }
}

impl Random for Still {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parent = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let directory = tempfile::tempdir_in(parent)?;
    let key = |byte| DataKey {
        id: KeyId([byte; 8]),
        key: Secret::new([byte; 32]),
    };
    let keys = AccessKeys {
        audit: key(1),
        log: key(2),
        retired: Vec::new(),
        heads: key(3),
    };
    let place = AccessPlace {
        directory: directory.path().join("log"),
        heads: directory.path().to_owned(),
        instance: "measured".to_owned(),
    };
    begin_chains(&place.heads, &place.instance, &keys)?;
    let log = AccessLog::open(&place, &keys, AccessLimits::default(), Arc::new(Still), Arc::new(Still))?;
    let log = Arc::new(log);
    for clients in [1, 8, CLIENTS] {
        measure(&log, clients).await?;
    }
    log.close().await?;

    let start = Instant::now();
    let report = verify_accesses(&place, &keys)?;
    let clean = if report.is_clean() { "clean" } else { "NOT CLEAN" };
    println!("verify: {} entries in {:?}, {clean}", report.entries, start.elapsed());
    Ok(())
}

async fn measure(log: &Arc<AccessLog>, clients: usize) -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let tasks = (0..clients)
        .map(|client| tokio::spawn(run(log.clone(), client)))
        .collect::<Vec<_>>();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let taken = start.elapsed();
    times.sort_unstable();
    let quantile = |q: usize| times[(times.len() - 1) * q / 100];
    let rate = times.len() as u128 * 1_000_000 / taken.as_micros().max(1);
    println!(
        "{clients:>3} clients: {rate:>8} records/s, p50 {:?}, p99 {:?}",
        quantile(50),
        quantile(99)
    );
    Ok(())
}

async fn run(log: Arc<AccessLog>, client: usize) -> Result<Vec<Duration>, hygie_store::StoreError> {
    let cx = Cx::internal(TenantId::random(&Still), Arc::new(Still), Arc::new(Still));
    let mut times = Vec::with_capacity(RECORDS);
    for n in 0..RECORDS {
        let start = Instant::now();
        log.record(&Record::success(&cx, "fhir.read", format!("Patient/{client}-{n}")))
            .await?;
        times.push(start.elapsed());
    }
    Ok(times)
}
