//! Writes that share a transaction, and writes that others are in the way of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use hygie_store::audit::Record;
use hygie_store::{IndexKeys, IndexRange, Order, Store, StoreError, Tx};
use hygie_store_cloud::postgres::Limits;
use hygie_store_conformance::MIGRATIONS;
use tokio::task::JoinHandle;

use crate::world::{INSTANCE, World, cx};

/// One transaction at a time, so that writes wait while it runs.
async fn with_one_lane(world: &World) -> Store {
    let limits = Limits {
        writers: 1,
        ..Limits::default()
    };
    let database = world.database().await;
    let store = world.open_limited((INSTANCE, "one"), MIGRATIONS, &database, limits);
    store.await.expect("the instance opens")
}

async fn insert(tx: &mut Tx<'_>, id: i64, name: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO thing ({i.col}tenant, id, name) VALUES ({i.val}:tenant, ?1, ?2)";
    tx.execute(sql, &[id.into(), name.into()]).await?;
    tx.audit(&Record::success(tx.cx(), "test.insert", format!("thing/{id}")))
        .await
}

async fn keys(tx: &mut Tx<'_>, prefix: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut keys = IndexKeys::default();
    tx.index_scan(&IndexRange::prefix(prefix), Order::Ascending, 99, &mut keys)
        .await?;
    Ok(keys.iter().map(<[u8]>::to_vec).collect())
}

async fn sleep(tx: &mut Tx<'_>, seconds: f64) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM (SELECT pg_sleep(?1)) AS slept";
    tx.query(sql, &[seconds.into()]).await.map(drop)
}

/// A transaction that keeps the only chain until it is let go; writes that come meanwhile share the next one.
struct Held {
    is_over: Arc<AtomicBool>,
    ended: JoinHandle<()>,
}

impl Held {
    async fn of(store: &Store) -> Self {
        let (began, is_over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (store, flags) = (store.clone(), (began.clone(), is_over.clone()));
        let ended = tokio::spawn(async move {
            let held = store.write(cx(), flags, |(began, is_over), tx| {
                Box::pin(async move {
                    sleep(tx, 0.0).await?;
                    began.store(true, Ordering::SeqCst);
                    while !is_over.load(Ordering::SeqCst) {
                        sleep(tx, 0.005).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            });
            held.await.expect("it only waits");
        });
        while !began.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Self { is_over, ended }
    }

    /// Has these writes wait in their order, lets it go, and gives what they end with.
    async fn before<W: Future>(self, writes: impl Iterator<Item = W>) -> Vec<W::Output> {
        let let_go = async { self.is_over.store(true, Ordering::SeqCst) };
        let (outcomes, ()) = join(join_all(writes), let_go).await;
        self.ended.await.expect("the first");
        outcomes
    }
}

/// What a write of the tests does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// Its journal record, key and row.
    All,
    /// Its journal record and key: nothing is sent before the commit.
    Nothing,
    /// The same as the first, and it is refused by itself.
    Refused,
    /// It reads what those before it have added, writes, and is refused.
    ReadsAndRefused,
    /// A row that is there.
    Duplicate,
    /// It panics.
    Panics,
}

async fn does(tx: &mut Tx<'_>, id: i64, what: Does) -> Result<i64, StoreError> {
    let seq = tx.append(b"record").await?;
    tx.index_add(format!("id {id:03}").as_bytes()).await?;
    match what {
        Does::Nothing => return Ok(seq),
        Does::ReadsAndRefused => {
            let found = keys(tx, b"id").await?;
            assert!(found.contains(&format!("id {id:03}").into_bytes()), "its own is there");
            assert!(
                found.contains(&b"id 000".to_vec()),
                "those before it are there: {found:?}"
            );
        }
        _ => {}
    }
    insert(tx, if what == Does::Duplicate { 0 } else { id }, "thing").await?;
    match what {
        Does::Refused | Does::ReadsAndRefused => Err(StoreError::TooCostly),
        // Not `panic!`: this is no failure of the test.
        Does::Panics => std::panic::resume_unwind(Box::new("on purpose")),
        _ => Ok(seq),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_wait_share_a_transaction_and_nothing_else() {
    let world = World::new();
    let store = with_one_lane(&world).await;
    let kinds = [
        Does::All,
        Does::Nothing,
        Does::Refused,
        Does::ReadsAndRefused,
        Does::Duplicate,
        Does::Panics,
        Does::Nothing,
    ];
    let held = Held::of(&store).await;
    let writes = (0..42_i64).map(|id| {
        let does_what = kinds[id as usize % kinds.len()];
        let write = store.write(cx(), (id, does_what), |(id, what), tx| Box::pin(does(tx, *id, *what)));
        async move { (id, does_what, write.await) }
    });
    let mut seqs = Vec::new();
    for (id, what, outcome) in held.before(writes).await {
        match (what, &outcome) {
            (Does::All | Does::Nothing, Ok(seq)) => seqs.push((id, *seq)),
            (Does::Refused | Does::ReadsAndRefused, Err(StoreError::TooCostly))
            | (Does::Duplicate, Err(StoreError::Duplicate(_)))
            | (Does::Panics, Err(StoreError::Engine(_))) => {}
            _ => panic!("{id} {what:?}: {outcome:?}"),
        }
    }
    assert_eq!(seqs.len(), 18);
    assert!(
        seqs.is_sorted_by_key(|(_, seq)| *seq),
        "numbers in the order of the writes: {seqs:?}"
    );
    let found = store
        .read(cx(), (), |(), tx| Box::pin(keys(tx, b"id")))
        .await
        .expect("a read");
    let kept: Vec<Vec<u8>> = seqs.iter().map(|(id, _)| format!("id {id:03}").into_bytes()).collect();
    assert_eq!(found, kept);
    let count = |what: &str| world.server.psql(&world.address, &format!("SELECT count({what}"));
    assert_eq!(count("*) FROM hygie.thing"), "6");
    assert_eq!(count("*) FROM hygie.journal"), "18");
    // One for all, unless the machine is so busy that it is closed for having taken long.
    let transactions: usize = count("DISTINCT xact) FROM hygie.journal").parse().expect("a number");
    assert!(transactions < 9, "{transactions} transactions for 18 writes");
    assert_eq!(count("*) FROM hygie.audit"), "6", "an entry for each effect");
    store.close().await.expect("closing");
    assert!(world.verified("one").await.iter().all(|chain| chain.report.is_clean()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_commit_refuses_is_found_by_committing_one_by_one() {
    let world = World::new();
    let store = with_one_lane(&world).await;
    // Looked at by the commit only.
    let rule = "ALTER TABLE hygie.thing ADD CONSTRAINT named UNIQUE (name) DEFERRABLE INITIALLY DEFERRED";
    world.server.psql(&world.address, rule);
    let held = Held::of(&store).await;
    let writes = ["a", "b", "a", "c", "b"].into_iter().enumerate().map(|(id, name)| {
        store.write(cx(), (id as i64, name), |(id, name), tx| {
            Box::pin(insert(tx, *id, name))
        })
    });
    let outcomes = held.before(writes).await;
    let duplicates: Vec<bool> = outcomes
        .iter()
        .map(|outcome| matches!(outcome, Err(StoreError::Duplicate(_))))
        .collect();
    assert_eq!(duplicates, [false, false, true, false, true], "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    store.close().await.expect("closing");
    let chains = world.verified("one").await;
    assert!(chains.iter().all(|chain| chain.report.is_clean()), "{chains:?}");
    assert_eq!(chains.iter().map(|chain| chain.report.entries).sum::<u64>(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_write_does_not_hold_those_that_came_with_it() {
    const SLOW: i64 = 4;
    let world = World::new();
    let store = with_one_lane(&world).await;
    let held = Held::of(&store).await;
    let answered = Arc::new(AtomicU64::new(0));
    let writes = (0..9_i64).map(|id| {
        let write = store.write(cx(), (id, answered.clone()), |(id, answered), tx| {
            Box::pin(async move {
                insert(tx, *id, "thing").await?;
                // As long as those before it have no answer, like a bundle of many statements; seconds, if they wait for it.
                let mut pauses = if *id == SLOW { 400 } else { 0 };
                while pauses > 0 && answered.load(Ordering::SeqCst) < SLOW as u64 {
                    sleep(tx, 0.02).await?;
                    pauses -= 1;
                }
                Ok::<_, StoreError>(answered.load(Ordering::SeqCst))
            })
        });
        let answered = answered.clone();
        async move {
            let seen = write.await.expect("a write");
            answered.fetch_add(1, Ordering::SeqCst);
            seen
        }
    });
    let seen = held.before(writes).await;
    let before_it = seen[SLOW as usize];
    assert!(
        before_it >= SLOW as u64,
        "{before_it} of those before it were answered before it"
    );
    let things = world.server.psql(&world.address, "SELECT count(*) FROM hygie.thing");
    assert_eq!(things, "9");
    store.close().await.expect("closing");
    assert!(world.verified("one").await.iter().all(|chain| chain.report.is_clean()));
}

/// A write that reads much and takes long, beside many small ones of another process that change what it reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_large_write_gets_its_turn_beside_small_ones() {
    const SMALL: u64 = 3;
    let world = World::new();
    let large = world.open("one", MIGRATIONS).await.expect("the first opens");
    let small = world.open("two", MIGRATIONS).await.expect("the second opens");
    let (is_over, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writers: Vec<JoinHandle<()>> = (0..SMALL)
        .map(|writer| {
            let (store, is_over, written) = (small.clone(), is_over.clone(), written.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::SeqCst) {
                    let n = written.fetch_add(1, Ordering::SeqCst) * SMALL + writer;
                    // It looks whether its key is there, as a conditional create does.
                    let write = store.write(cx(), n, |n, tx| {
                        Box::pin(async move {
                            let key = format!("shared {n:06}");
                            assert!(keys(tx, key.as_bytes()).await?.is_empty());
                            keys(tx, b"large").await?;
                            tx.append(b"small").await?;
                            tx.index_add(key.as_bytes()).await
                        })
                    });
                    write.await.expect("a small write is not refused either");
                }
            })
        })
        .collect();
    let runs = Arc::new(AtomicU64::new(0));
    let wrote = large.write(cx(), runs.clone(), |runs, tx| {
        Box::pin(async move {
            runs.fetch_add(1, Ordering::SeqCst);
            tx.append(b"large").await?;
            for step in 0..20 {
                keys(tx, b"shared").await?;
                tx.index_add(format!("large {step}").as_bytes()).await?;
                keys(tx, b"large").await?;
                sleep(tx, 0.02).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    wrote.await.expect("the large write is done");
    is_over.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.expect("a writer");
    }
    let runs = runs.load(Ordering::SeqCst);
    // Without going first it took 9 runs and more.
    assert!(runs <= 4, "after three losses it does not lose any more: {runs} runs");
}
