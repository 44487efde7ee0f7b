//! What was answered is there when the instance is opened again.

use hygie_core::Cx;

use super::{Bench, Changes, insert, scan, things};
use hygie_store::audit::Record;
use hygie_store::{IndexRange, Order, Store, StoreError};

pub async fn everything_is_there_after_a_close(bench: Bench<'_>) {
    let seq = fill(bench.cx, &bench.store, 0).await;
    bench.store.close().await.expect("closing");
    let store = bench.instance.open().await;
    check(bench.cx, &store, seq, 1).await;
    let later = fill(bench.cx, &store, 1).await;
    assert!(later > seq, "the numbers go on: {later} after {seq}");
    store.close().await.expect("closing");
    let found = bench.instance.verify().await;
    assert!(found.writes.is_clean() && found.accesses.is_clean(), "{found:?}");
    assert_eq!((found.writes.entries, found.accesses.entries), (2, 2));
}

pub async fn what_was_answered_is_there_without_a_close(bench: Bench<'_>) {
    let Bench {
        instance,
        mut store,
        cx,
    } = bench;
    for n in 0..3 {
        let seq = fill(cx, &store, n).await;
        drop(store);
        store = instance.open().await;
        check(cx, &store, seq, n + 1).await;
    }
    store.close().await.expect("closing");
    let found = instance.verify().await;
    assert!(found.writes.is_clean() && found.accesses.is_clean(), "{found:?}");
    assert_eq!((found.writes.entries, found.accesses.entries), (3, 3));
}

pub async fn what_was_answered_survives_a_crash(bench: Bench<'_>) {
    for n in 0..8 {
        let changes = (0..200).fold(Changes::default(), |changes, key| {
            let changes = changes.add(format!("filler {key} of {n}"));
            if n == 0 {
                changes
            } else {
                changes.remove(format!("filler {key} of {}", n - 1))
            }
        });
        bench.change(changes).await.expect("a change");
        let seq = fill(bench.cx, &bench.store, n).await;
        let crashed = bench.instance.crashed().await;
        let store = crashed.open().await;
        check(bench.cx, &store, seq, n + 1).await;
        let fillers = store.read(bench.cx, IndexRange::prefix(b"filler"), |range, tx| {
            Box::pin(scan(tx, range, Order::Ascending, 999))
        });
        let fillers: Vec<Vec<u8>> = fillers.await.expect("a scan");
        assert_eq!(fillers.len(), 200, "index keys after the crash {n}");
        fill(bench.cx, &store, 100).await;
        store.close().await.expect("closing");
        let found = crashed.verify().await;
        assert!(found.writes.is_clean() && found.accesses.is_clean(), "{found:?}");
    }
}

async fn fill(cx: &Cx, store: &Store, n: i64) -> i64 {
    let write = store.write(cx, n, |n, tx| {
        Box::pin(async move {
            insert(tx, *n, "thing").await?;
            tx.audit(&Record::success(tx.cx(), "test.insert", "thing")).await?;
            Changes::default().add(format!("key {n}")).write(tx).await
        })
    });
    let seq = write.await.expect("a write");
    let record = Record::success(cx, "test.read", "thing");
    store.record(record).await.expect("a record");
    seq
}

async fn check(cx: &Cx, store: &Store, seq: i64, count: i64) {
    let read = store.read(cx, seq, |seq, tx| {
        Box::pin(async move {
            let record = tx.journal(*seq).await?;
            let keys = scan(tx, &IndexRange::prefix(b"key"), Order::Ascending, 99).await?;
            Ok::<_, StoreError>((things(tx).await?, record, keys))
        })
    });
    let (things, record, keys) = read.await.expect("a read");
    assert_eq!(things.len() as i64, count, "rows");
    assert!(record.is_some(), "the journal record {seq}");
    let expected: Vec<_> = (0..count).map(|n| format!("key {n}").into_bytes()).collect();
    assert_eq!(keys, expected, "index keys");
}
