//! How many small creates a second one process commits on PostgreSQL: alone in their transactions and together, with and
//! without looking for an id that was just made.
//!
//! `cargo run --release --package hygie-store-cloud --example group_commit [SECONDS]` starts a server of its own from the
//! system's binaries, with its defaults: every commit is synced. 32 clients write one after another; each create is a record
//! of 600 bytes, 16 keys whose beginnings ascend with time, and an entry of the audit trail. A line for each way: creates,
//! and transactions, a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use hygie_core::{Cx, Secret, TenantId};
use hygie_store::audit::Record;
use hygie_store::keys::{Keyring, MasterKey};
use hygie_store::{IndexKeys, IndexRange, Order, Store, StoreError, Tx};
use hygie_store_cloud::postgres::{self, AtRest, Database, Limits, Options, Settings};
use hygie_testkit::{PostgresServer, SeededRandom, VirtualClock};

const CLIENTS: u64 = 32;
const KEYS: u8 = 16;
const RECORD: usize = 600;

/// What is done about the id of a create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Id {
    LookedFor,
    Known,
}

/// Creates the resource with this number.
async fn create(tx: &mut Tx<'_>, n: u64, id: Id) -> Result<(), StoreError> {
    let ident = [b"ident ".as_slice(), &n.to_be_bytes()].concat();
    if id == Id::LookedFor {
        let mut found = IndexKeys::default();
        let range = IndexRange::prefix(&ident);
        tx.index_scan(&range, Order::Ascending, 1, &mut found).await?;
    }
    tx.number().await?;
    tx.append(&[b'r'; RECORD]).await?;
    tx.index_add(&ident).await?;
    for kind in 1..KEYS {
        tx.index_add(&[&[kind], n.to_be_bytes().as_slice(), &[0; 16]].concat())
            .await?;
    }
    tx.audit(&Record::success(tx.cx(), "test.create", "thing")).await
}

async fn open(server: &PostgresServer, directory: &std::path::Path, limits: Limits, cx: &Cx) -> (Store, String) {
    let address = server.create_database();
    let settings = Settings {
        at_rest: Some(AtRest::Volume),
        ..Settings::new(Secret::new(address.clone()))
    };
    let random = Arc::new(SeededRandom::new(1));
    let master = MasterKey::from_text(&Secret::new("07".repeat(32)), "the example", random.clone()).expect("a key");
    let keyring = Keyring::open(
        directory.join("keys.json"),
        Arc::new(master),
        Arc::new(VirtualClock::default()),
        random,
    );
    let options = Options {
        database: &Arc::new(Database::connect(settings).await.expect("the server is reached")),
        instance: "example",
        writer: "one",
        heads: directory,
        keyring: &keyring.expect("a keyring"),
        migrations: &[],
        replay: None,
        cx,
        limits,
    };
    (postgres::open(options).await.expect("the instance opens"), address)
}

async fn measure(server: &PostgresServer, (id, writers, group): (Id, usize, usize), time: Duration, cx: &Cx) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let limits = Limits {
        writers,
        group,
        ..Limits::default()
    };
    let (store, address) = open(server, directory.path(), limits, cx).await;
    let (next, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let clients = (0..CLIENTS).map(|_| {
        let (store, cx, next, is_over) = (store.clone(), cx.clone(), next.clone(), is_over.clone());
        tokio::spawn(async move {
            let mut done = 0_u64;
            while !is_over.load(Ordering::Relaxed) {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let write = store.write(&cx, (n, id), |(n, id), tx| Box::pin(create(tx, *n, *id)));
                write.await.expect("a create");
                done += 1;
            }
            done
        })
    });
    let clients: Vec<_> = clients.collect();
    tokio::time::sleep(time).await;
    is_over.store(true, Ordering::Relaxed);
    let done: u64 = join_all(clients)
        .await
        .into_iter()
        .map(|done| done.expect("a client"))
        .sum();
    let transactions = server.psql(&address, "SELECT count(DISTINCT xact) FROM hygie.journal");
    let rate = |count: f64| count / time.as_secs_f64();
    println!(
        "{writers} at once, {group:>3} in one at most, id {id:?}: {:>6.0} creates, {:>5.0} transactions",
        rate(done as f64),
        rate(transactions.parse().expect("a number"))
    );
    store.close().await.expect("closing");
}

#[tokio::main]
async fn main() {
    let seconds = std::env::args()
        .nth(1)
        .map_or(5.0, |text| text.parse().expect("seconds"));
    let server = PostgresServer::start();
    let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(1));
    let cx = Cx::internal(
        tenant,
        Arc::new(VirtualClock::default()),
        Arc::new(SeededRandom::new(7)),
    );
    for way in [
        (Id::LookedFor, 4, 1),
        (Id::Known, 4, 1),
        (Id::LookedFor, 4, 64),
        (Id::Known, 4, 64),
    ] {
        measure(&server, way, Duration::from_secs_f64(seconds), &cx).await;
    }
}
