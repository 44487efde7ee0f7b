//! Several processes on one database: each is a store of its own, with its own connections, chains and heads.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use hygie_store::audit::Record;
use hygie_store::{IndexKeys, IndexRange, Order, Store, StoreError, Tx};
use hygie_store_cloud::postgres::Database;
use hygie_store_conformance::MIGRATIONS;

use crate::world::{World, cx};

/// Two processes that start at once on an empty database.
async fn two(world: &World) -> [Store; 2] {
    let (one, two) = join(world.open("one", MIGRATIONS), world.open("two", MIGRATIONS)).await;
    [one.expect("the first opens"), two.expect("the second opens")]
}

/// The keys that begin with `prefix`.
async fn keys(tx: &mut Tx<'_>, prefix: &[u8]) -> Result<IndexKeys, StoreError> {
    let mut keys = IndexKeys::default();
    tx.index_scan(&IndexRange::prefix(prefix), Order::Ascending, 99, &mut keys)
        .await?;
    Ok(keys)
}

/// Claims a name that nobody has: what a conditional create does.
async fn claim(tx: &mut Tx<'_>, n: u8) -> Result<bool, StoreError> {
    if !keys(tx, b"name").await?.is_empty() {
        return Ok(false);
    }
    tx.append(b"claimed").await?;
    tx.index_add(&[b"name".as_slice(), &[n]].concat()).await?;
    Ok(true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_has_is_claimed_once() {
    let world = World::new();
    let stores = two(&world).await;
    let claims = (0..24_u8).map(|n| {
        let store = stores[usize::from(n % 2)].clone();
        tokio::spawn(async move { store.write(cx(), n, |n, tx| Box::pin(claim(tx, *n))).await })
    });
    let mut claimed = 0;
    for outcome in join_all(claims).await {
        claimed += i32::from(outcome.expect("a task").expect("a write"));
    }
    assert_eq!(claimed, 1);
    let found = stores[0].read(cx(), (), |(), tx| Box::pin(keys(tx, b"name"))).await;
    assert_eq!(found.expect("a read").len(), 1);
}

/// Reads a counter, writes it one higher, and records it; the number given is greater than every number seen.
async fn count(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let sql = "SELECT weight, name FROM thing WHERE {i.is}tenant = :tenant AND id = 1";
    let mut row = tx.query_one(sql, &[]).await?.expect("the counter");
    let (counted, before): (f64, String) = (row.take(0)?, row.take(1)?);
    let number = tx.append(b"counted").await?;
    assert!(number > before.parse().expect("a number"), "{number} after {before}");
    let sql = "UPDATE thing SET weight = ?1, name = ?2 WHERE {i.is}tenant = :tenant AND id = 1";
    tx.execute(sql, &[(counted + 1.0).into(), number.to_string().into()])
        .await?;
    tx.audit(&Record::success(tx.cx(), "test.count", "thing/1")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_is_lost_and_numbers_ascend_along_what_is_seen() {
    const EACH: i64 = 40;
    let world = World::new();
    let stores = two(&world).await;
    let created = stores[0].write(cx(), (), |(), tx| {
        Box::pin(async move {
            let sql = "INSERT INTO thing ({i.col}tenant, id, name, weight) VALUES ({i.val}:tenant, 1, '0', 0)";
            tx.execute(sql, &[]).await
        })
    });
    created.await.expect("the counter");
    let counting = stores.clone().into_iter().chain(stores.clone()).map(|store| {
        tokio::spawn(async move {
            for _ in 0..EACH {
                store
                    .write(cx(), (), |(), tx| Box::pin(count(tx)))
                    .await
                    .expect("a count");
            }
        })
    });
    for done in join_all(counting).await {
        done.expect("a task");
    }
    let read = stores[1].read(cx(), (), |(), tx| {
        Box::pin(async move {
            let sql = "SELECT weight FROM thing WHERE {i.is}tenant = :tenant AND id = 1";
            tx.query_one(sql, &[]).await?.expect("the counter").take::<f64>(0)
        })
    });
    assert_eq!(read.await.expect("a read") as i64, 4 * EACH);
    for store in stores {
        store
            .record(Record::success(cx(), "test.read", "thing/1"))
            .await
            .expect("a record");
        store.close().await.expect("closing");
    }
    let chains = world.verified("one").await;
    let mut entries = 0;
    for chain in &chains {
        assert!(chain.report.is_clean(), "{chain:?}");
        entries += chain.report.entries;
    }
    assert_eq!(entries, 4 * EACH as u64 + 2, "one for each count, one for each read");
    assert!(
        chains
            .iter()
            .any(|chain| chain.chain == "two" && chain.report.entries == 1)
    );
}

#[tokio::test]
async fn instances_of_one_database_are_apart() {
    let world = World::new();
    let [store, _] = two(&world).await;
    let other = world.open_instance("other", "one", MIGRATIONS);
    let other = other.await.expect("another instance opens");
    let fill = |store: Store| async move {
        let written = store.write(cx(), (), |(), tx| {
            Box::pin(async move {
                let sql = "INSERT INTO thing ({i.col}tenant, id) VALUES ({i.val}:tenant, 1)";
                tx.execute(sql, &[]).await?;
                claim(tx, 1).await
            })
        });
        written.await.expect("a write")
    };
    assert!(fill(store).await);
    assert!(fill(other).await, "the same keys in another instance");
}

#[tokio::test]
async fn a_writer_is_one_process() {
    let world = World::new();
    let store = world.open("one", MIGRATIONS).await.expect("the first opens");
    let second = world.open("one", MIGRATIONS).await;
    assert!(
        matches!(second, Err(StoreError::Unavailable(_))),
        "a second process of the same name"
    );
    store.close().await.expect("closing");
    drop(store);
    world
        .open("one", MIGRATIONS)
        .await
        .expect("it opens when the first has ended");
    let wrong = world.open("../one", MIGRATIONS).await;
    assert!(matches!(wrong, Err(StoreError::Inconsistent(_))));
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_refused() {
    let world = World::new();
    drop(two(&world).await);
    for (newer, is_refused) in [(50, true), (950, true), (450, false)] {
        let insert = format!("INSERT INTO hygie.migration (number, title) VALUES ({newer}, 'newer')");
        world.server.psql(&world.address, &insert);
        let opened = world.open("three", MIGRATIONS).await;
        assert_eq!(
            matches!(opened, Err(StoreError::Inconsistent(_))),
            is_refused,
            "migration {newer}"
        );
        world.server.psql(
            &world.address,
            &format!("DELETE FROM hygie.migration WHERE number = {newer}"),
        );
    }
}

/// Two processes of a newer release that start at once: one makes the index again, the other finds it made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_of_another_form_is_made_again() {
    let world = World::new();
    let [store, other] = two(&world).await;
    // As the suite writes them: its replay makes the key again.
    let record = [b"C\x01".as_slice(), &5_u32.to_be_bytes(), b"name1"].concat();
    let written = store.write(cx(), record, |record, tx| {
        Box::pin(async move {
            tx.append(record).await?;
            tx.index_add(b"name1").await
        })
    });
    written.await.expect("a write");
    for store in [store, other] {
        store.close().await.expect("closing");
    }
    let spoil = "UPDATE hygie.instance SET form = 2; UPDATE hygie.idx SET k = 'of another form'";
    world.server.psql(&world.address, spoil);
    let [store, _] = two(&world).await;
    let found = store.read(cx(), (), |(), tx| Box::pin(keys(tx, b"name"))).await;
    assert_eq!(found.expect("a read").get(0), Some(&b"name1"[..]));
    let left = world.server.psql(&world.address, "SELECT count(*) FROM hygie.idx");
    assert_eq!(left, "1", "nothing of the other form is left");
    let form = world.server.psql(&world.address, "SELECT form FROM hygie.instance");
    assert_eq!(form, "1");
}

/// Two machines that start at once on an empty database: one makes the keys, the other finds them there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_have_the_same_keys_and_heads_of_their_own() {
    let world = World::new();
    let other = world.beside();
    let (one, two) = join(world.open("one", MIGRATIONS), other.open("two", MIGRATIONS)).await;
    for store in [one.expect("the first opens"), two.expect("the second opens")] {
        let written = store.write(cx(), (), |(), tx| {
            Box::pin(async move { tx.audit(&Record::success(tx.cx(), "test.write", "thing/1")).await })
        });
        written.await.expect("a write");
        store.close().await.expect("closing");
    }
    let keys = |world: &World| {
        let keys = world.keyring().list();
        let mut ids: Vec<String> = keys.iter().map(|key| format!("{} {}", key.purpose, key.id)).collect();
        ids.sort();
        ids
    };
    assert_eq!(keys(&world).len(), 2);
    assert_eq!(keys(&world), keys(&other));
    let stored = world.server.psql(&world.address, "SELECT count(*) FROM hygie.data_key");
    assert_eq!(stored, "2");

    // With the heads of one: what the other wrote is verified, and said to be without them.
    let chains = world.verified("one").await;
    assert!(chains.iter().all(|chain| chain.report.is_clean()), "{chains:?}");
    let unsigned: Vec<&str> = chains
        .iter()
        .filter(|chain| !chain.is_signed)
        .map(|chain| chain.chain.as_str())
        .collect();
    assert!(
        unsigned.contains(&"two") && unsigned.iter().all(|chain| chain.starts_with("two")),
        "{unsigned:?}"
    );
    // With all of them, all is signed, and what was removed from an end is missed.
    let directories = [world.heads().to_owned(), other.heads().to_owned()];
    let chains = world.verified_with(&directories, "one").await;
    assert!(
        chains.iter().all(|chain| chain.is_signed && chain.report.is_clean()),
        "{chains:?}"
    );
    world
        .server
        .psql(&world.address, "DELETE FROM hygie.audit WHERE chain LIKE 'two.%'");
    let chains = world.verified("one").await;
    assert!(chains.iter().all(|chain| chain.report.is_clean()), "{chains:?}");
    let chains = world.verified_with(&directories, "one").await;
    assert!(chains.iter().any(|chain| !chain.report.is_clean()), "{chains:?}");
    // The heads of the process that verifies must be there.
    let chains = world.verified_with(&directories[1..], "one").await;
    let lost = chains.iter().filter(|chain| chain.chain.starts_with("one"));
    assert!(lost.into_iter().all(|chain| !chain.report.is_clean()), "{chains:?}");
}

#[tokio::test]
async fn keys_of_another_installation_are_refused() {
    let (world, elsewhere) = (World::new(), World::new());
    for world in [&world, &elsewhere] {
        let store = world.open("one", MIGRATIONS).await.expect("the instance opens");
        store.close().await.expect("closing");
    }
    let mixed = World {
        address: world.address.clone(),
        ..elsewhere
    };
    match mixed.open("two", MIGRATIONS).await.err() {
        Some(StoreError::Inconsistent(why)) => assert!(why.contains("another installation"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_at_a_time_is_alone() {
    let world = World::new();
    let (one, two) = two_databases(&world).await;
    let held = one.exclusively(1).await.expect("nobody has it");
    two.exclusively(2).await.expect("something else");
    let waits = tokio::time::timeout(Duration::from_millis(400), two.exclusively(1)).await;
    assert!(waits.is_err(), "the other has it");
    drop(held);
    two.exclusively(1).await.expect("it is free");
}

async fn two_databases(world: &World) -> (Arc<Database>, Arc<Database>) {
    // An instance, for its schema.
    drop(world.open("one", MIGRATIONS).await.expect("the instance opens"));
    (world.database().await, world.database().await)
}
