//! Writes are whole or nothing, one by one; reads see one state.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{join_all, pending};
use hygie_core::Timestamp;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{Bench, Changes, everything, insert, scan, things};
use hygie_store::audit::Record;
use hygie_store::{Order, StoreError, Value};

/// Long enough for anything that is not stuck.
const PATIENCE: Duration = Duration::from_secs(20);

fn named(names: &[(i64, &str)]) -> Vec<(i64, String)> {
    names.iter().map(|(id, name)| (*id, (*name).to_owned())).collect()
}

pub async fn ok_commits_and_an_error_leaves_nothing(bench: Bench<'_>) {
    bench.insert(bench.cx, 1, "one").await.expect("a write");
    let refused: Result<(), StoreError> = bench
        .store
        .write(bench.cx, (), |(), tx| {
            Box::pin(async move {
                insert(tx, 2, "two").await?;
                tx.execute("UPDATE thing SET name = 'x' WHERE {i.is}tenant = :tenant", &[])
                    .await?;
                Changes::default().add("key").write(tx).await?;
                tx.audit(&Record::success(tx.cx(), "test.write", "thing/2")).await?;
                Err(StoreError::Busy)
            })
        })
        .await;
    assert!(
        matches!(refused, Err(StoreError::Busy)),
        "the closure's own error comes back: {refused:?}"
    );
    assert_eq!(bench.things(bench.cx).await, named(&[(1, "one")]));
    assert!(
        bench.scan(everything(), Order::Ascending, 9).await.is_empty(),
        "the index was rolled back"
    );
}

pub async fn values_come_back_as_they_went_in(bench: Bench<'_>) {
    let rows: Vec<[Value; 4]> = vec![
        [i64::MIN.into(), "".into(), 0.0.into(), Value::Blob(Vec::new())],
        [
            0.into(),
            "Éloïse\n'; --\u{1f600}".into(),
            (-1.5e300).into(),
            vec![0_u8, 255, 39].into(),
        ],
        [i64::MAX.into(), Value::Null, Value::Null, Value::Null],
        [
            7.into(),
            "x".repeat(100_000).into(),
            f64::MIN_POSITIVE.into(),
            vec![7_u8; 300_000].into(),
        ],
    ];
    let written = bench.store.write(bench.cx, rows.clone(), |rows, tx| {
        Box::pin(async move {
            let sql =
                "INSERT INTO thing ({i.col}tenant, id, name, weight, body) VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4)";
            for row in rows {
                tx.execute(sql, row).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    written.await.expect("a write");
    for row in rows {
        let id = row[0].clone();
        let read = bench.store.read(bench.cx, id, |id, tx| {
            Box::pin(async move {
                let sql = "SELECT name, weight, body FROM thing WHERE {i.is}tenant = :tenant AND id = ?1";
                let mut row = tx
                    .query_one(sql, std::slice::from_ref(id))
                    .await?
                    .expect("the row is there");
                let (name, weight, body): (Option<String>, Option<f64>, Option<Vec<u8>>) =
                    (row.take(0)?, row.take(1)?, row.take(2)?);
                Ok::<_, StoreError>([Value::from(name), Value::from(weight), Value::from(body)])
            })
        });
        assert_eq!(read.await.expect("a read"), row[1..], "of the row {:?}", row[0]);
    }
}

pub async fn text_with_nul_is_refused(bench: Bench<'_>) {
    for name in ["\0", "before\0after", "at the end\0"] {
        let written = bench.insert(bench.cx, 1, name).await;
        assert!(matches!(written, Err(StoreError::NulText)), "{name:?}: {written:?}");
        let read = bench.store.read(bench.cx, name, |name, tx| {
            Box::pin(async move {
                let sql = "SELECT id FROM thing WHERE {i.is}tenant = :tenant AND name = ?1";
                tx.query_one(sql, &[(*name).into()]).await.map(drop)
            })
        });
        let read = read.await;
        assert!(matches!(read, Err(StoreError::NulText)), "{name:?}: {read:?}");
    }
    assert!(bench.things(bench.cx).await.is_empty());
    bench
        .insert(bench.cx, 1, "the digit 0")
        .await
        .expect("the store goes on");
}

pub async fn neighbours_of_a_failure_commit(bench: Bench<'_>) {
    // At once, so that an engine that groups has them in one commit.
    let writes = (0..60_i64).map(|id| {
        bench.store.write(bench.cx, id, |id, tx| {
            Box::pin(async move {
                insert(tx, *id, "thing").await?;
                if id % 3 == 1 { Err(StoreError::Busy) } else { Ok(()) }
            })
        })
    });
    for (id, outcome) in (0..).zip(join_all(writes).await) {
        assert_eq!(outcome.is_err(), id % 3 == 1, "the write {id}: {outcome:?}");
    }
    let found: Vec<i64> = bench.things(bench.cx).await.into_iter().map(|(id, _)| id).collect();
    let expected: Vec<i64> = (0..60).filter(|id| id % 3 != 1).collect();
    assert_eq!(found, expected);
}

pub async fn a_duplicate_is_told_and_leaves_nothing(bench: Bench<'_>) {
    bench.insert(bench.cx, 1, "first").await.expect("a write");
    let second: Result<(), StoreError> = bench
        .store
        .write(bench.cx, (), |(), tx| {
            Box::pin(async move {
                insert(tx, 2, "before").await?;
                insert(tx, 1, "second").await
            })
        })
        .await;
    assert!(matches!(second, Err(StoreError::Duplicate(_))), "{second:?}");
    assert_eq!(bench.things(bench.cx).await, named(&[(1, "first")]));
    let racing = join_all((0..8).map(|_| bench.insert(bench.cx, 9, "racing"))).await;
    assert_eq!(
        racing.iter().filter(|outcome| outcome.is_ok()).count(),
        1,
        "one of eight wins"
    );
}

pub async fn an_error_of_the_transaction_cannot_be_ignored(bench: Bench<'_>) {
    bench.insert(bench.cx, 1, "first").await.expect("a write");
    let write = bench.store.write(bench.cx, (), |(), tx| {
        Box::pin(async move {
            let _ignored = insert(tx, 1, "second").await;
            Ok::<_, StoreError>(())
        })
    });
    let written = write.await;
    assert!(
        matches!(written, Err(StoreError::Inconsistent(_) | StoreError::Duplicate(_))),
        "{written:?}"
    );
    assert_eq!(bench.things(bench.cx).await, named(&[(1, "first")]));
}

pub async fn tenants_are_apart(bench: Bench<'_>) {
    let (one, two) = (bench.tenant(1), bench.tenant(2));
    bench.insert(&one, 1, "of one").await.expect("a write");
    bench
        .insert(&two, 1, "of two")
        .await
        .expect("the same key for another tenant");
    assert_eq!(bench.things(&one).await, named(&[(1, "of one")]));
    assert_eq!(bench.things(&two).await, named(&[(1, "of two")]));
    let changed = bench.store.write(&one, (), |(), tx| {
        Box::pin(tx.execute("UPDATE thing SET name = 'changed' WHERE {i.is}tenant = :tenant", &[]))
    });
    assert_eq!(changed.await.expect("an update"), 1, "only the row of the tenant");
    assert_eq!(bench.things(&two).await, named(&[(1, "of two")]));
    assert!(bench.things(&bench.tenant(3)).await.is_empty());
}

/// A value that a closure, which may be run again, takes once.
type Once<T> = Arc<Mutex<Option<T>>>;

fn once<T>(value: T) -> Once<T> {
    Arc::new(Mutex::new(Some(value)))
}

pub async fn a_snapshot_does_not_move(bench: Bench<'_>) {
    bench.insert(bench.cx, 1, "before").await.expect("a write");
    bench.change(Changes::default().add("before")).await.expect("a change");
    let (begun, has_begun) = oneshot::channel();
    let (written, is_written) = mpsc::channel();
    let read = bench
        .store
        .read(bench.cx, (once(begun), once(is_written)), |(begun, is_written), tx| {
            Box::pin(async move {
                let first = (things(tx).await?, scan(tx, &everything(), Order::Ascending, 9).await?);
                if let (Some(begun), Some(is_written)) = (begun.lock().take(), is_written.lock().take()) {
                    // Nobody listens when the check is over already.
                    let _ = begun.send(());
                    is_written
                        .recv_timeout(PATIENCE)
                        .expect("a write is done beside a read");
                }
                let second = (things(tx).await?, scan(tx, &everything(), Order::Ascending, 9).await?);
                Ok::<_, StoreError>((first, second))
            })
        });
    let (store, cx) = (bench.store.clone(), bench.cx.clone());
    let writer = tokio::spawn(async move {
        has_begun.await.expect("the read begins");
        let write = store.write(&cx, (), |(), tx| {
            Box::pin(async move {
                insert(tx, 2, "later").await?;
                Changes::default().add("later").remove("before").write(tx).await
            })
        });
        write.await.expect("a write");
        // The read may have failed meanwhile; it tells so itself.
        let _ = written.send(());
    });
    let (first, second) = read.await.expect("a read");
    writer.await.expect("the writer");
    assert_eq!(first, second, "the snapshot has moved");
    assert_eq!(first.0, named(&[(1, "before")]));
    assert_eq!(bench.things(bench.cx).await.len(), 2, "the next read sees the write");
    assert_eq!(bench.scan(everything(), Order::Ascending, 9).await, [b"later".to_vec()]);
}

pub async fn a_read_does_not_wait_for_a_writer(bench: Bench<'_>) {
    bench.insert(bench.cx, 1, "before").await.expect("a write");
    let (inside, is_inside) = oneshot::channel();
    let (read, is_read) = mpsc::channel();
    let (store, cx) = (bench.store.clone(), bench.cx.clone());
    let writer = tokio::spawn(async move {
        let write = store.write(&cx, (once(inside), once(is_read)), |(inside, is_read), tx| {
            Box::pin(async move {
                insert(tx, 2, "uncommitted").await?;
                if let (Some(inside), Some(is_read)) = (inside.lock().take(), is_read.lock().take()) {
                    // Nobody listens when the check is over already.
                    let _ = inside.send(());
                    is_read.recv_timeout(PATIENCE).expect("a read is done beside a write");
                }
                Ok::<_, StoreError>(())
            })
        });
        write.await
    });
    is_inside.await.expect("the write begins");
    let (store, cx) = (bench.store.clone(), bench.cx.clone());
    // In a task, which wakes a thread of the runtime: the one that holds the write may be the one that watches sockets.
    let reader = tokio::spawn(async move { store.read(&cx, (), |(), tx| Box::pin(things(tx))).await });
    let seen = reader.await.expect("the reader").expect("a read");
    read.send(()).expect("the write goes on");
    writer.await.expect("the writer").expect("the write");
    assert_eq!(seen, named(&[(1, "before")]), "what is not committed is not seen");
}

pub async fn a_read_cannot_write(bench: Bench<'_>) {
    let executed = bench
        .store
        .read(bench.cx, (), |(), tx| Box::pin(insert(tx, 1, "x")))
        .await;
    let appended = bench.store.read(bench.cx, (), |(), tx| Box::pin(tx.append(b"x"))).await;
    let numbered = bench.store.read(bench.cx, (), |(), tx| Box::pin(tx.number())).await;
    let indexed = bench
        .store
        .read(bench.cx, (), |(), tx| Box::pin(tx.index_add(b"x")))
        .await;
    let removed = bench
        .store
        .read(bench.cx, (), |(), tx| Box::pin(tx.index_remove(b"x")))
        .await;
    let audited = bench.store.read(bench.cx, (), |(), tx| {
        Box::pin(async move { tx.audit(&Record::success(tx.cx(), "test.write", "x")).await })
    });
    let outcomes: [Result<(), StoreError>; 6] = [
        executed,
        appended.map(drop),
        numbered.map(drop),
        indexed,
        removed,
        audited.await,
    ];
    for (at, outcome) in outcomes.into_iter().enumerate() {
        assert!(outcome.is_err(), "the write {at} in a read was not refused");
    }
    assert!(bench.things(bench.cx).await.is_empty());
}

pub async fn work_that_is_run_again_has_its_effect_once(bench: Bench<'_>) {
    const THINGS: i64 = 4000;
    let runs = Arc::new(AtomicU64::new(0));
    let written = bench.store.write(bench.cx, runs.clone(), |runs, tx| {
        Box::pin(async move {
            runs.fetch_add(1, Ordering::SeqCst);
            for id in 0..THINGS {
                insert(tx, id, "thing").await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    written.await.expect("a long write");
    assert!(runs.load(Ordering::SeqCst) >= 1);
    // Long enough that an engine may begin it anew elsewhere.
    let read = bench.store.read(bench.cx, (), |(), tx| {
        Box::pin(async move {
            let mut found = Vec::new();
            for id in 0..THINGS {
                let sql = "SELECT id FROM thing WHERE {i.is}tenant = :tenant AND id = ?1";
                let row = tx.query_one(sql, &[id.into()]).await?;
                found.extend(row.map(|mut row| row.take::<i64>(0)).transpose()?);
            }
            Ok::<_, StoreError>(found)
        })
    });
    assert_eq!(read.await.expect("a long read"), (0..THINGS).collect::<Vec<_>>());
}

pub async fn a_caller_that_goes_away_leaves_all_or_nothing(bench: Bench<'_>) {
    for id in 0..50 {
        let write = bench.store.write(bench.cx, id, |id, tx| {
            Box::pin(async move {
                insert(tx, 2 * *id, "first").await?;
                insert(tx, 2 * *id + 1, "second").await
            })
        });
        // Polled once, then dropped: it may have been queued, begun or done.
        let _gone: Option<Result<(), StoreError>> = write.now_or_never();
    }
    bench.insert(bench.cx, 1000, "after").await.expect("the store goes on");
    let found = bench.things(bench.cx).await;
    assert_eq!(found.len() % 2, 1, "a pair is halved: {found:?}");
    for pair in found[..found.len() - 1].chunks(2) {
        assert_eq!(pair[0].0 + 1, pair[1].0, "a pair is halved: {pair:?}");
    }
}

pub async fn a_panic_leaves_nothing(bench: Bench<'_>) {
    let store = bench.store.clone();
    let cx = bench.cx.clone();
    // In a task: an engine may let the panic through to the caller.
    let panicked = tokio::spawn(async move {
        let write = store.write(&cx, (), |(), tx| {
            Box::pin(async move {
                insert(tx, 1, "x").await?;
                Changes::default().add("x").write(tx).await?;
                // Not `panic!`: this is no failure of the check.
                std::panic::resume_unwind(Box::new("on purpose"))
            })
        });
        write.await
    });
    let outcome: Result<Result<(), StoreError>, _> = panicked.await;
    assert!(!matches!(outcome, Ok(Ok(()))), "a write that panicked was answered");
    bench.insert(bench.cx, 2, "after").await.expect("the store goes on");
    assert_eq!(bench.things(bench.cx).await, named(&[(2, "after")]));
    assert!(bench.scan(everything(), Order::Ascending, 9).await.is_empty());
}

pub async fn a_foreign_await_is_refused(bench: Bench<'_>) {
    if !bench.instance.finds_foreign_awaits() {
        return;
    }
    let write = bench.store.write(bench.cx, (), |(), tx| {
        Box::pin(async move {
            insert(tx, 1, "x").await?;
            pending::<Result<(), StoreError>>().await
        })
    });
    let written = write.await;
    assert!(matches!(written, Err(StoreError::ForeignAwait)), "{written:?}");
    let read = bench
        .store
        .read(bench.cx, (), |(), _tx| Box::pin(pending::<Result<(), StoreError>>()));
    let read = read.await;
    assert!(matches!(read, Err(StoreError::ForeignAwait)), "{read:?}");
    assert!(bench.things(bench.cx).await.is_empty());
}

pub async fn many_writers_all_commit(bench: Bench<'_>) {
    const WRITERS: i64 = 16;
    const WRITES: i64 = 40;
    let writers = (0..WRITERS).map(|writer| {
        let (store, cx) = (bench.store.clone(), bench.cx.clone());
        tokio::spawn(async move {
            for n in 0..WRITES {
                let write = store.write(&cx, writer * WRITES + n, |id, tx| {
                    Box::pin(async move {
                        insert(tx, *id, "thing").await?;
                        Changes::default().add(id.to_be_bytes()).write(tx).await
                    })
                });
                write.await.expect("a write among many");
            }
        })
    });
    for writer in join_all(writers).await {
        writer.expect("a writer");
    }
    assert_eq!(bench.things(bench.cx).await.len() as i64, WRITERS * WRITES);
    let keys = bench.scan(everything(), Order::Ascending, usize::MAX).await;
    assert_eq!(keys.len() as i64, WRITERS * WRITES);
}

pub async fn a_closed_store_takes_no_writes(bench: Bench<'_>) {
    bench.insert(bench.cx, 1, "before").await.expect("a write");
    bench.store.close().await.expect("closing");
    bench.store.close().await.expect("closing twice");
    let refused = bench.insert(bench.cx, 2, "after").await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let record = Record {
        at: Timestamp::from_millis(0),
        ..Record::success(bench.cx, "test.read", "thing/1")
    };
    let refused = bench.store.record(record).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}
