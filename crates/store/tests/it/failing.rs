//! What an error of the disk leaves: no effect of what was refused, and a store that goes on.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use hygie_store::audit::Record;
use hygie_store::embedded::verify;
use hygie_store::{IndexKeys, IndexRange, Order, Store, StoreError};

use crate::world::{Dir, apply, cx, keyring, open_with, small};

/// A write that holds the writer for a while, so that those after it join its group.
async fn dawdle(store: &Store) -> Result<(), StoreError> {
    store
        .write(&cx(1), (), |(), _| {
            Box::pin(async {
                std::thread::sleep(Duration::from_millis(100));
                Ok(())
            })
        })
        .await
}

/// Writes a journal record with its index changes and its audit entry.
async fn change(store: &Store, lines: String) -> Result<(), StoreError> {
    store
        .write(&cx(1), lines, |lines, tx| {
            Box::pin(async move {
                tx.append(lines.as_bytes()).await?;
                apply(tx, lines.as_bytes()).await?;
                tx.audit(&Record::success(&cx(1), "test.change", "lines")).await
            })
        })
        .await
}

/// Writes more than the database may hold: the engine gives the whole transaction up, not this statement only.
async fn overflow(store: &Store) -> Result<(), StoreError> {
    store
        .write(&cx(1), (), |(), tx| {
            Box::pin(async move {
                tx.query("PRAGMA max_page_count = 1", &[]).await?;
                let text = "x".repeat(100_000).into();
                let sql = "INSERT INTO name ({i.col}tenant, id, name) VALUES ({i.val}:tenant, 1, ?1)";
                tx.execute(sql, &[text]).await.map(drop)
            })
        })
        .await
}

async fn make_room(store: &Store) {
    let made: Result<(), StoreError> = store
        .write(&cx(1), (), |(), tx| {
            Box::pin(async move { tx.query("PRAGMA max_page_count = 1000000", &[]).await.map(drop) })
        })
        .await;
    made.expect("room");
}

/// The records of the journal and the keys of the index.
async fn content(store: &Store) -> (Vec<String>, Vec<String>) {
    let read: Result<_, StoreError> = store
        .read(&cx(1), (), |(), tx| {
            Box::pin(async move {
                let rows = tx.query("SELECT record FROM journal ORDER BY seq", &[]).await?;
                let records = rows.into_iter().map(|mut row| row.take::<Vec<u8>>(0));
                let records = records.collect::<Result<Vec<_>, _>>()?;
                let mut keys = IndexKeys::default();
                let range = IndexRange {
                    from: vec![0],
                    to: vec![255],
                };
                tx.index_scan(&range, Order::Ascending, 1000, &mut keys).await?;
                Ok((texts(records.iter().map(Vec::as_slice)), texts(keys.iter())))
            })
        })
        .await;
    read.expect("a snapshot")
}

fn texts<'b>(bytes: impl Iterator<Item = &'b [u8]>) -> Vec<String> {
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
}

#[tokio::test]
async fn a_group_that_the_engine_gives_up_leaves_nothing_of_any_of_its_writes() {
    let dir = Dir::new("given-up");
    let store = open_with(dir.path(), small()).expect("a new store");
    change(&store, "+before".to_owned()).await.expect("a write");

    let ((), results, full) = {
        let (dawdled, first, full, second, third) = tokio::join!(
            dawdle(&store),
            change(&store, "+first".to_owned()),
            overflow(&store),
            change(&store, "+second".to_owned()),
            change(&store, "+third".to_owned()),
        );
        assert!(dawdled.is_err(), "the group of all five cannot have been committed");
        ((), [first, second, third], full)
    };
    assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    make_room(&store).await;

    // Those after the failure may have got a group of their own; what was refused is not there, what was answered is.
    let names = ["+first", "+second", "+third"];
    let mut expected = vec!["+before".to_owned()];
    expected.extend(
        names
            .iter()
            .zip(&results)
            .filter(|(_, result)| result.is_ok())
            .map(|(name, _)| (*name).to_owned()),
    );
    let keys = |records: &[String]| {
        let mut keys: Vec<String> = records.iter().map(|record| record[1..].to_owned()).collect();
        keys.sort();
        keys
    };
    assert_eq!(content(&store).await, (expected.clone(), keys(&expected)));
    assert!(
        results[0].is_err(),
        "it came before the failure in the same transaction"
    );

    let more = join_all((0..20).map(|n| change(&store, format!("+later{n:02}")))).await;
    assert!(more.iter().all(Result::is_ok), "{more:?}");
    expected.extend((0..20).map(|n| format!("+later{n:02}")));
    assert_eq!(content(&store).await, (expected.clone(), keys(&expected)));
    store.close().await.expect("closing");

    let store = open_with(dir.path(), small()).expect("the same store");
    assert_eq!(content(&store).await, (expected.clone(), keys(&expected)));
    store.close().await.expect("closing");
    let found = verify(
        dir.path(),
        dir.path(),
        "test",
        &keyring(dir.path(), 1).expect("the keyring"),
    )
    .expect("verified");
    assert!(found.writes.is_clean(), "{found:?}");
    assert_eq!(found.writes.entries, expected.len() as u64);
}

const CHILD: &str = "HYGIE_STORE_FAILING_CHILD";

/// Lets the files of this process grow to so many bytes, or without limit.
fn limit_files(size: &str) {
    let pid = std::process::id().to_string();
    let limit = format!("--fsize={size}:unlimited");
    let limited = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
    assert!(limited.expect("prlimit of util-linux runs").success());
}

/// A disk that takes no more and then takes more again; run only by the other test, in a process that ignores the
/// signal which comes with a file that is too large.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "how the process is told that it is the child")]
async fn child_writes_to_a_disk_that_takes_no_more() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let store = open_with(Path::new(&dir), small()).expect("the store opens");
    let record = || Record::success(&cx(1), "test.read", "x".repeat(30_000));
    for n in 0..3 {
        change(&store, format!("+before{n}")).await.expect("a write");
    }
    store.record(record()).await.expect("a record");

    limit_files("4096");
    for n in 0..40 {
        let refused = change(&store, format!("+refused{n:02}")).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_) | StoreError::Full(_))),
            "{refused:?}"
        );
        let refused = store.record(record()).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_) | StoreError::Full(_))),
            "{refused:?}"
        );
        assert_eq!(content(&store).await.0.len(), 3, "reading goes on");
    }
    tokio::time::sleep(Duration::from_millis(600)).await;

    limit_files("unlimited");
    for n in 0..3 {
        change(&store, format!("+zafter{n}"))
            .await
            .expect("the store goes on by itself");
        store.record(record()).await.expect("the log goes on by itself");
    }
    if dir.ends_with("closed") {
        store.close().await.expect("closing");
    }
    // Killed otherwise: nothing is finished.
    std::process::exit(0);
}

#[tokio::test]
async fn a_disk_that_takes_no_more_refuses_writes_until_it_does() {
    for name in ["failing-killed", "failing-closed"] {
        let dir = Dir::new(name);
        let parent = dir.path().join(name.replace('-', "."));
        std::fs::create_dir(&parent).expect("a directory");
        let child = Command::new("sh")
            .args([
                "-c",
                r#"trap "" XFSZ; exec "$0" failing::child_writes_to_a_disk_that_takes_no_more --exact"#,
            ])
            .arg(std::env::current_exe().expect("this test"))
            .env(CHILD, &parent)
            .output()
            .expect("the child runs");
        let text = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "{text}");

        let keyring = keyring(&parent, 1).expect("the keyring");
        let found = verify(&parent, &parent, "test", &keyring).expect("verified");
        assert!(
            found.writes.is_clean() && found.accesses.is_clean(),
            "{name}: {found:?}"
        );
        assert_eq!((found.writes.entries, found.accesses.entries), (6, 4), "{name}");
        let store = open_with(&parent, small()).expect("the same store");
        let (records, keys) = content(&store).await;
        let expected: Vec<String> = ["before", "zafter"]
            .iter()
            .flat_map(|name| (0..3).map(move |n| format!("{name}{n}")))
            .collect();
        assert_eq!(keys, expected, "{name}");
        assert_eq!(records.len(), 6, "{name}");
        store.close().await.expect("closing");
    }
}
