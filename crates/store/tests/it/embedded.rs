use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hygie_core::SeededRandom;
use hygie_store::audit::Record;
use hygie_store::embedded::Limits;
use hygie_store::{IndexKeys, IndexRange, Order, Store, StoreError, Tx};

use crate::world::{Dir, apply, cx, open_keyed, open_with, small};

async fn change(store: &Store, lines: String) -> Result<i64, StoreError> {
    store
        .write(&cx(1), lines, |lines, tx| {
            Box::pin(async move {
                let seq = tx.append(lines.as_bytes()).await?;
                apply(tx, lines.as_bytes()).await?;
                Ok(seq)
            })
        })
        .await
}

async fn keys_of(tx: &mut Tx<'_>, range: &IndexRange, order: Order, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut keys = IndexKeys::default();
    tx.index_scan(range, order, limit, &mut keys).await?;
    Ok(keys.iter().map(<[u8]>::to_vec).collect())
}

async fn scan(store: &Store, range: IndexRange, order: Order, limit: usize) -> Vec<Vec<u8>> {
    store
        .read(&cx(1), (range, order, limit), |(range, order, limit), tx| {
            Box::pin(async move { keys_of(tx, range, *order, *limit).await })
        })
        .await
        .unwrap_or_else(|error: StoreError| panic!("{error}"))
}

fn everything() -> IndexRange {
    IndexRange {
        from: vec![0],
        to: vec![255],
    }
}

/// Random changes, scans and restarts agree with a plain set at each step.
#[tokio::test]
async fn the_index_is_the_set_that_was_written() {
    let dir = Dir::new("model");
    let random = SeededRandom::new(42);
    let mut model = BTreeSet::new();
    let mut store = open_with(dir.path(), small()).expect("a new store");
    for step in 0..600 {
        let mut lines = String::new();
        for _ in 0..=random.below(30) {
            let key = format!("k{:04}", random.below(2000));
            if random.below(3) == 0 {
                model.remove(key.as_bytes());
                lines.push_str(&format!("-{key}\n"));
            } else {
                lines.push_str(&format!("+{key}\n"));
                model.insert(key.into_bytes());
            }
        }
        change(&store, lines).await.expect("a write");
        let (a, b) = (random.below(2000), random.below(2000));
        let range = IndexRange {
            from: format!("k{:04}", a.min(b)).into_bytes(),
            to: format!("k{:04}", a.max(b)).into_bytes(),
        };
        let limit = random.below(400) as usize;
        let inside = model.range(range.from.clone()..range.to.clone()).cloned();
        let expected: Vec<_> = if step % 2 == 0 {
            inside.take(limit).collect()
        } else {
            inside.rev().take(limit).collect()
        };
        let order = if step % 2 == 0 {
            Order::Ascending
        } else {
            Order::Descending
        };
        assert_eq!(scan(&store, range, order, limit).await, expected, "step {step}");
        if step % 97 == 96 {
            if step % 2 == 0 {
                store.close().await.expect("closing");
            }
            drop(store);
            store = open_with(dir.path(), small()).expect("the same store again");
        }
    }
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert_eq!(
        scan(&store, everything(), Order::Ascending, 9999).await,
        model.into_iter().collect::<Vec<_>>()
    );
}

/// Each reader sees whole transactions: the pairs that writers keep equal are equal in every snapshot, while the tail is
/// frozen, merged and retired beside them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_is_whole_beside_writers_and_merges() {
    let dir = Dir::new("snapshot");
    let store = open_with(dir.path(), Limits { readers: 3, ..small() }).expect("a new store");
    change(&store, "+a0\n+b0\n".to_owned()).await.expect("the first pair");
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for n in 1..1500 {
                let filler: String = (0..20).map(|i| format!("+z{n}-{i}\n")).collect();
                change(&store, format!("-a{}\n+a{n}\n-b{}\n+b{n}\n{filler}", n - 1, n - 1))
                    .await
                    .expect("a pair");
            }
        }
    });
    let mut seen = 0;
    while !writer.is_finished() {
        let pairs: Vec<Vec<u8>> = store
            .read(&cx(1), (), |(), tx| {
                Box::pin(async move {
                    let mut pairs = keys_of(tx, &IndexRange::prefix(b"a"), Order::Ascending, 10).await?;
                    pairs.extend(keys_of(tx, &IndexRange::prefix(b"b"), Order::Descending, 10).await?);
                    Ok::<_, StoreError>(pairs)
                })
            })
            .await
            .expect("a snapshot");
        assert_eq!(pairs.len(), 2, "{pairs:?}");
        assert_eq!(pairs[0][1..], pairs[1][1..]);
        seen += 1;
    }
    writer.await.expect("the writer");
    assert!(seen > 50, "only {seen} snapshots");
}

#[tokio::test]
async fn a_key_longer_than_the_limit_is_refused_and_leaves_nothing() {
    let dir = Dir::new("long");
    let store = open_with(dir.path(), small()).expect("a new store");
    assert!(change(&store, format!("+ok\n+{}\n", "x".repeat(2000))).await.is_err());
    assert!(scan(&store, everything(), Order::Ascending, 9).await.is_empty());
}

#[tokio::test]
async fn another_key_does_not_open() {
    let dir = Dir::new("key");
    open_with(dir.path(), small())
        .expect("a new store")
        .close()
        .await
        .expect("closing");
    let Err(error) = open_keyed(dir.path(), small(), 9) else {
        panic!("opened with another master key")
    };
    assert!(matches!(error, StoreError::Key(_)), "{error:?}");
    std::fs::remove_file(dir.path().join("keys.json")).expect("the keyring");
    let Err(error) = open_keyed(dir.path(), small(), 2) else {
        panic!("opened with another data key")
    };
    assert!(matches!(error, StoreError::WrongKey(_)), "{error:?}");
}

/// SQLCipher would write to the standard error, past the program's log.
#[test]
fn a_wrong_key_is_told_by_the_error_alone() {
    let child = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["embedded::another_key_does_not_open", "--exact", "--nocapture"])
        .output()
        .expect("the child runs");
    assert!(child.status.success());
    assert_eq!(String::from_utf8_lossy(&child.stderr), "");
}

#[tokio::test]
async fn nothing_is_found_in_clear_in_the_files() {
    let dir = Dir::new("clear");
    let store = open_with(dir.path(), small()).expect("a new store");
    change(&store, "+Bethsabée\n".to_owned()).await.expect("a write");
    let record = Record::success(&cx(1), "fhir.read", "Patient/Bethsabée");
    store.record(record).await.expect("a record");
    store.close().await.expect("closing");
    let mut directories = vec![dir.path().to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("the directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let bytes = std::fs::read(path).expect("a file");
            assert!(!bytes.windows(8).any(|window| window == &"Bethsabée".as_bytes()[..8]));
            assert!(!bytes.starts_with(b"SQLite format 3"));
        }
    }
}

#[tokio::test]
async fn a_closed_store_answers_nothing() {
    let dir = Dir::new("closed");
    let store = open_with(dir.path(), small()).expect("a new store");
    change(&store, "+a\n".to_owned()).await.expect("a write");
    store.close().await.expect("closing");
    let written = change(&store, "+b\n".to_owned()).await;
    assert!(matches!(written, Err(StoreError::Unavailable(_))), "{written:?}");
    let read: Result<(), StoreError> = store.read(&cx(1), (), |(), _| Box::pin(async { Ok(()) })).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
}

#[tokio::test]
async fn nobody_else_may_read_the_database() {
    let dir = Dir::new("mode");
    let store = open_with(dir.path(), small()).expect("a new store");
    change(&store, "+a\n".to_owned()).await.expect("a write");
    for name in ["test.db", "test.db-wal"] {
        let mode = std::fs::metadata(dir.path().join(name))
            .expect("the file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// All others wait for it.
#[tokio::test]
async fn a_write_that_looks_at_too_much_is_refused() {
    let dir = Dir::new("costly");
    let store = open_with(dir.path(), small()).expect("a new store");
    let thousand: String = (0..1000).map(|n| format!("+k{n:04}\n")).collect();
    change(&store, thousand).await.expect("a write");
    for (times, is_refused) in [(100, false), (1000, true), (100, false)] {
        let outcome: Result<(), StoreError> = store
            .write(&cx(1), times, |times, tx| {
                Box::pin(async move {
                    tx.append(b"+late\n").await?;
                    tx.index_add(b"late").await?;
                    for _ in 0..*times {
                        keys_of(tx, &everything(), Order::Ascending, 2000).await?;
                    }
                    tx.index_remove(b"late").await
                })
            })
            .await;
        assert_eq!(matches!(outcome, Err(StoreError::TooCostly)), is_refused, "{outcome:?}");
        assert_eq!(scan(&store, everything(), Order::Descending, 2000).await.len(), 1000);
    }
    // Large versions are more than small ones: eight of a mebibyte at most.
    for (times, is_refused) in [(7, false), (9, true)] {
        let outcome: Result<(), StoreError> = store
            .write(&cx(1), times, |times, tx| {
                Box::pin(async move {
                    let seq = tx.append(&vec![b'#'; 1 << 20]).await?;
                    for _ in 0..*times {
                        tx.journal(seq).await?;
                    }
                    Ok(())
                })
            })
            .await;
        assert_eq!(matches!(outcome, Err(StoreError::TooCostly)), is_refused, "{outcome:?}");
    }
}

/// Whoever reads sees all that was answered, and all that another read has seen: between writes, which are seldom enough
/// for snapshots to be kept, as well as beside them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_is_never_behind() {
    let dir = Dir::new("behind");
    let store = open_with(dir.path(), Limits { readers: 3, ..small() }).expect("a new store");
    let (known, is_done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (store, known, is_done) = (store.clone(), known.clone(), is_done.clone());
            tokio::spawn(async move {
                while !is_done.load(Ordering::SeqCst) {
                    let least = known.load(Ordering::SeqCst);
                    let seen = scan(&store, everything(), Order::Ascending, usize::MAX).await.len();
                    assert!(seen >= least, "{seen} keys after {least}");
                    known.fetch_max(seen, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for n in 1..=400 {
        change(&store, format!("+{n:04}\n")).await.expect("a key");
        known.fetch_max(n, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(n as u64 % 3)).await;
    }
    is_done.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.expect("a reader");
    }
}

/// Copied beside the writer, or the log would be as long as all that was written; nor do connections that have read keep it.
#[tokio::test]
async fn the_log_begins_anew_while_writes_go_on() {
    let dir = Dir::new("log");
    let store = open_with(dir.path(), small()).expect("a new store");
    let mebibyte = vec![b'\n'; 1 << 20];
    for _ in 0..400 {
        let written: Result<i64, StoreError> = store
            .write(&cx(1), mebibyte.clone(), |record, tx| {
                Box::pin(async move { tx.append(record).await })
            })
            .await;
        written.expect("a write");
        scan(&store, everything(), Order::Ascending, 1).await;
    }
    let log = std::fs::metadata(dir.path().join("test.db-wal"))
        .expect("the log")
        .len();
    assert!(log < 256 << 20, "the log has {log} bytes");
}

#[tokio::test]
async fn a_write_that_awaits_something_else_is_refused() {
    let dir = Dir::new("foreign");
    let store = open_with(dir.path(), small()).expect("a new store");
    let outcome: Result<(), StoreError> = store
        .write(&cx(1), (), |(), tx| {
            Box::pin(async move {
                tx.append(b"+a").await?;
                std::future::pending::<()>().await;
                Ok(())
            })
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::ForeignAwait)), "{outcome:?}");
    assert_eq!(change(&store, "+b".to_owned()).await.expect("the store goes on"), 1);
}

#[tokio::test]
async fn a_panic_in_a_transaction_leaves_nothing_and_the_store_goes_on() {
    let dir = Dir::new("panic");
    let store = open_with(dir.path(), small()).expect("a new store");
    let outcome: Result<(), StoreError> = store
        .write(&cx(1), (), |(), tx| {
            Box::pin(async move {
                tx.append(b"+a").await?;
                tx.index_add(b"a").await?;
                panic!("on purpose");
            })
        })
        .await;
    assert!(outcome.is_err());
    assert_eq!(change(&store, "+b".to_owned()).await.expect("the store goes on"), 1);
    assert_eq!(scan(&store, everything(), Order::Ascending, 9).await, [b"b".to_vec()]);
}

/// Work beyond the budget of the caller's thread gives the same answer.
#[tokio::test]
async fn long_reads_go_on_elsewhere() {
    let dir = Dir::new("long-read");
    let store = open_with(
        dir.path(),
        Limits {
            tail: 100_000,
            ..small()
        },
    )
    .expect("a new store");
    let lines: String = (0..5000).map(|n| format!("+n{n:05}\n")).collect();
    change(&store, lines).await.expect("many keys");
    assert_eq!(scan(&store, everything(), Order::Ascending, 10_000).await.len(), 5000);
}
