//! Measures the embedded engine under the load of a FHIR service: durable creates, updates and deletes with index rows,
//! searches beside the writer while the tail is full, is being merged and is empty, and the time to open after a crash.
//!
//! ```text
//! cargo run --release -p hygie-store --example index_load -- DIR RESOURCES
//! ```
//!
//! Each resource has a record of 300 bytes (a compressed body) and 15 keys of 12 to 30 bytes, as the R4 search parameters
//! of a Synthea resource give; 90 in a hundred are spread over the whole index. The figures of `docs/performance.md` and
//! of ADR 3 come from here.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use hygie_core::{Clock, Cx, Secret, SeededRandom, TenantId, Timestamp};
use hygie_store::embedded::{Limits, Options, Replay, open};
use hygie_store::keys::{Keyring, MasterKey};
use hygie_store::{IndexKeys, IndexRange, Order, Store, StoreError, Tx};

const CLIENTS: u64 = 32;
const CODES: u64 = 300;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000)
    }
}

/// Repeatable, so that the rows of a resource can be made again from its number.
fn mix(number: u64) -> u64 {
    SeededRandom::nth(0, number)
}

fn key(kind: u8, parts: &[u64]) -> Vec<u8> {
    let mut key = vec![kind];
    for part in parts {
        let bytes = part.to_be_bytes();
        let skip = (part.leading_zeros() / 8) as usize;
        key.push((8 - skip) as u8);
        key.extend_from_slice(&bytes[skip..]);
    }
    key
}

/// The keys of a resource: number, state (0 when created, more after updates), how many patients there are.
fn keys(rid: u64, state: u64, patients: u64) -> Vec<Vec<u8>> {
    let patient = mix(rid) % patients;
    let date = mix(rid ^ 1) % 315_360_000_000;
    let code = mix(rid ^ 2) % CODES;
    let mut keys = vec![
        key(1, &[mix(rid ^ 3), mix(rid ^ 4), rid]),
        key(2, &[rid, state]),
        key(4, &[7, date + state, rid]),
        key(0x11, &[40, code, date, rid, patient]),
        key(0x12, &[patient, 7, date, rid, code]),
        key(0x15, &[41, date, date, rid]),
        key(0x17, &[42, mix(rid ^ 5), rid]),
        key(0x10, &[43, state, rid]),
    ];
    keys.extend((0..7).map(|n| key(0x13, &[50 + n, mix(rid ^ (6 + n)) % (patients * 4), rid])));
    keys
}

/// A record: what to index, then 300 bytes that do not compress.
fn record(rid: u64, old: Option<u64>, state: u64) -> Vec<u8> {
    let mut record = Vec::with_capacity(340);
    for part in [rid, old.unwrap_or(u64::MAX), state] {
        record.extend_from_slice(&part.to_be_bytes());
    }
    for at in 0..38 {
        record.extend_from_slice(&mix(rid.wrapping_mul(64) + at).to_be_bytes());
    }
    record
}

async fn apply(tx: &mut Tx<'_>, record: &[u8], patients: u64) -> Result<(), StoreError> {
    let part = |at: usize| u64::from_be_bytes(record[at * 8..at * 8 + 8].try_into().expect("eight bytes"));
    let (rid, old, state) = (part(0), part(1), part(2));
    let before = if old == u64::MAX {
        Vec::new()
    } else {
        keys(rid, old, patients)
    };
    let after = if state == u64::MAX {
        vec![key(2, &[rid, state])]
    } else {
        keys(rid, state, patients)
    };
    for key in before.iter().filter(|key| !after.contains(key)) {
        tx.index_remove(key).await?;
    }
    for key in after.iter().filter(|key| !before.contains(key)) {
        tx.index_add(key).await?;
    }
    Ok(())
}

struct Again(u64);

impl Replay for Again {
    fn scatters(&self, first: u8) -> bool {
        ![0x02, 0x10].contains(&first)
    }

    fn replay<'t>(&'t self, tx: &'t mut Tx<'_>, _seq: i64, record: &'t [u8]) -> BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(apply(tx, record, self.0))
    }
}

fn cx() -> Cx {
    let tenant = TenantId::from_uuid(uuid::Uuid::nil());
    Cx::internal(tenant, Arc::new(Still), Arc::new(SeededRandom::new(1)))
}

fn open_in(dir: &Path, patients: u64) -> Store {
    let random = Arc::new(SeededRandom::new(9));
    let master = MasterKey::from_text(&Secret::new("07".repeat(32)), "the bench", random.clone()).expect("a key");
    let keyring = Keyring::open(dir.join("keys.json"), Arc::new(master), Arc::new(Still), random).expect("a keyring");
    open(Options {
        directory: dir,
        heads: dir,
        instance: "bench",
        keyring: &keyring,
        migrations: &[],
        replay: Some(Arc::new(Again(patients))),
        cx: &cx(),
        limits: Limits {
            cache_kib: 512 * 1024,
            ..Limits::default()
        },
    })
    .expect("the store opens")
}

async fn write(store: &Store, rid: u64, old: Option<u64>, state: u64, patients: u64) {
    let input = (record(rid, old, state), patients);
    let outcome: Result<(), StoreError> = store
        .write(&cx(), input, |(record, patients), tx| {
            Box::pin(async move {
                tx.append(record).await?;
                apply(tx, record, *patients).await
            })
        })
        .await;
    outcome.expect("a write");
}

fn percentile(sorted: &[Duration], per_mille: usize) -> f64 {
    sorted
        .get(sorted.len() * per_mille / 1000)
        .map_or(0.0, Duration::as_secs_f64)
        * 1000.0
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn clock() -> Instant {
    Instant::now()
}

/// Runs `count` writes with 32 clients; prints rate and latency.
async fn phase(name: &str, store: &Store, count: u64, make: fn(u64) -> (u64, Option<u64>, u64), shape: (u64, u64)) {
    let (first, patients) = shape;
    let began = clock();
    let next = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (store, next) = (store.clone(), next.clone());
            tokio::spawn(async move {
                let mut times = Vec::new();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return times;
                    }
                    let (rid, old, state) = make(first + at);
                    let one = clock();
                    write(&store, rid, old, state, patients).await;
                    times.push(one.elapsed());
                }
            })
        })
        .collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.expect("a client"));
    }
    times.sort_unstable();
    println!(
        "{name:<44} {:>8.0}/s   p50 {:>7.2} ms  p99 {:>7.2} ms  max {:>7.1} ms",
        count as f64 / began.elapsed().as_secs_f64(),
        percentile(&times, 500),
        percentile(&times, 990),
        times.last().map_or(0.0, Duration::as_secs_f64) * 1000.0
    );
}

async fn search(store: &Store, n: u64, patients: u64) -> (&'static str, usize) {
    let (name, prefix) = match n % 3 {
        0 => ("newest of a code", key(0x11, &[40, mix(n) % CODES])),
        1 => ("newest of a patient", key(0x12, &[mix(n) % patients, 7])),
        _ => ("by reference", key(0x13, &[50, mix(n) % (patients * 4)])),
    };
    let found: Result<usize, StoreError> = store
        .read(&cx(), prefix, |prefix, tx| {
            Box::pin(async move {
                let mut keys = IndexKeys::default();
                tx.index_scan(&IndexRange::prefix(prefix), Order::Descending, 20, &mut keys)
                    .await?;
                let mut bodies = 0;
                for at in 0..keys.len() {
                    bodies += usize::from(tx.journal(at as i64 + 1).await?.is_some());
                }
                Ok(bodies)
            })
        })
        .await;
    (name, found.expect("a search"))
}

async fn searches(title: &str, store: &Store, count: u64, patients: u64) {
    let mut times: std::collections::BTreeMap<&str, Vec<Duration>> = std::collections::BTreeMap::new();
    for n in 0..count {
        let one = clock();
        let (name, _) = search(store, n, patients).await;
        times.entry(name).or_default().push(one.elapsed());
    }
    for (name, mut times) in times {
        times.sort_unstable();
        println!(
            "  {title}: {name:<22} p50 {:>7.3} ms  p99 {:>7.3} ms",
            percentile(&times, 500),
            percentile(&times, 990)
        );
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = std::path::PathBuf::from(arguments.next().expect("usage: index_load DIR RESOURCES"));
    let count: u64 = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .expect("usage: index_load DIR RESOURCES");
    std::fs::create_dir_all(&dir).expect("the directory");
    let patients = (count / 300).max(10);
    let store = open_in(&dir, patients);
    phase(
        "create from an empty store",
        &store,
        count,
        |n| (n, None, 0),
        (0, patients),
    )
    .await;
    searches("tail in use", &store, 6000, patients).await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    searches("tail merged", &store, 6000, patients).await;
    let tenth = (count / 10).max(1000);
    phase("create", &store, tenth, |n| (n, None, 0), (count, patients)).await;
    phase(
        "update (4 of 15 keys change)",
        &store,
        tenth,
        |n| (n, Some(0), 1),
        (0, patients),
    )
    .await;
    phase("delete", &store, tenth, |n| (n, Some(0), u64::MAX), (tenth, patients)).await;
    beside_a_writer(&store, count * 2, patients).await;
    at_its_limit(&store).await;
    store.close().await.expect("closing");
    let began = clock();
    let store = open_in(&dir, patients);
    println!(
        "open after a clean stop: {:.0} ms",
        began.elapsed().as_secs_f64() * 1000.0
    );
    phase(
        "create, then stop without closing",
        &store,
        50_000,
        |n| (n, None, 0),
        (count * 3, patients),
    )
    .await;
    drop(store);
    let began = clock();
    let store = open_in(&dir, patients);
    println!(
        "open with the tail of up to 50 000 records to rebuild: {:.0} ms",
        began.elapsed().as_secs_f64() * 1000.0
    );
    store.close().await.expect("closing");
}

async fn beside_a_writer(store: &Store, first: u64, patients: u64) {
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..8)
        .map(|client| {
            let (store, stop) = (store.clone(), stop.clone());
            tokio::spawn(async move {
                let mut written = 0;
                while !stop.load(Ordering::Relaxed) {
                    write(&store, first + written * 8 + client, None, 0, patients).await;
                    written += 1;
                }
                written
            })
        })
        .collect();
    let began = clock();
    searches("beside 8 writers", store, 20_000, patients).await;
    let time = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    let mut written = 0;
    for writer in writers {
        written += writer.await.expect("a writer");
    }
    println!("  meanwhile {:.0} creates/s", written as f64 / time.as_secs_f64());
}

/// How long a write may look at rows, and so keep all others waiting, before it is refused.
async fn at_its_limit(store: &Store) {
    let began = clock();
    let scan: Result<(), StoreError> = store
        .write(&cx(), (), |(), tx| {
            Box::pin(async move {
                let every = IndexRange::prefix(&key(0x13, &[]));
                loop {
                    let mut keys = IndexKeys::default();
                    tx.index_scan(&every, Order::Ascending, 1000, &mut keys).await?;
                }
            })
        })
        .await;
    let scanning = began.elapsed();
    let began = clock();
    let read: Result<(), StoreError> = store
        .write(&cx(), (), |(), tx| {
            Box::pin(async move {
                for at in 1.. {
                    tx.journal(mix(at) as i64 & 0xffff).await?;
                }
                Ok(())
            })
        })
        .await;
    assert!(matches!(scan, Err(StoreError::TooCostly)) && matches!(read, Err(StoreError::TooCostly)));
    println!(
        "a write at its limit of rows: {:.0} ms by keys of the index, {:.0} ms by records of the journal",
        scanning.as_secs_f64() * 1000.0,
        began.elapsed().as_secs_f64() * 1000.0
    );
}
