//! What a holder of the database key does to the audit chains of an instance, and how it is found.

use hygie_store::audit::{Finding, Record, Verified};
use hygie_store::embedded::verify;
use hygie_store::keys::Purpose;
use hygie_store::{Store, StoreError};

use crate::world::{Dir, cx, keyring, open_with, small};

async fn write(store: &Store, n: i64) {
    let written: Result<(), StoreError> = store
        .write(&cx(1), n, |n, tx| {
            Box::pin(async move {
                let sql = "INSERT INTO name ({i.col}tenant, id, name) VALUES ({i.val}:tenant, ?1, 'x')";
                tx.execute(sql, &[(*n).into()]).await?;
                let record = Record::success(tx.cx(), "test.insert", format!("name/{n}"));
                tx.audit(&record).await
            })
        })
        .await;
    written.expect("a write");
}

async fn access(store: &Store, n: i64) {
    let record = Record::success(&cx(1), "test.read", format!("name/{n}"));
    store.record(record).await.expect("a record");
}

/// An instance that ran and ended: ten writes, ten accesses.
async fn instance(name: &str) -> Dir {
    let dir = Dir::new(name);
    let store = open_with(dir.path(), small()).expect("a new store");
    for n in 0..10 {
        write(&store, n).await;
        access(&store, n).await;
    }
    store.close().await.expect("closing");
    dir
}

fn verified(dir: &Dir) -> Verified {
    let keyring = keyring(dir.path(), 1).expect("the keyring");
    verify(dir.path(), dir.path(), "test", &keyring).expect("verified")
}

/// What the holder of the database key does.
fn tamper(dir: &Dir, sql: &str) {
    let keyring = keyring(dir.path(), 1).expect("the keyring");
    let key = keyring.get(&Purpose::database("test")).expect("the key").key;
    let hex: String = key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
    let connection = rusqlite::Connection::open(dir.path().join("test.db")).expect("the database");
    let batch = format!(
        "PRAGMA key = \"x'{hex}'\"; PRAGMA cipher_hmac_algorithm = HMAC_SHA256; PRAGMA cipher_page_size = 8192; {sql};"
    );
    connection.execute_batch(&batch).expect("changed");
}

#[tokio::test]
async fn a_true_instance_is_clean_beside_and_after_its_process() {
    let dir = instance("audit-clean").await;
    let found = verified(&dir);
    assert!(found.writes.is_clean() && found.accesses.is_clean(), "{found:?}");
    assert_eq!((found.writes.entries, found.accesses.entries), (10, 10));

    let store = open_with(dir.path(), small()).expect("the same store");
    let busy = tokio::spawn({
        let store = store.clone();
        async move {
            for n in 10..300 {
                write(&store, n).await;
                access(&store, n).await;
            }
        }
    });
    while !busy.is_finished() {
        let found = verified(&dir);
        assert!(found.writes.is_clean() && found.accesses.is_clean(), "{found:?}");
        tokio::task::yield_now().await;
    }
    busy.await.expect("the writer");
    drop(store);
}

#[tokio::test]
async fn entries_of_a_write_that_was_rolled_back_leave_no_gap() {
    let dir = instance("audit-rollback").await;
    let store = open_with(dir.path(), small()).expect("the same store");
    let refused: Result<(), StoreError> = store
        .write(&cx(1), (), |(), tx| {
            Box::pin(async move {
                let record = Record::success(tx.cx(), "test.insert", "name/x");
                tx.audit(&record).await?;
                Err(StoreError::Busy)
            })
        })
        .await;
    assert!(refused.is_err());
    write(&store, 10).await;
    store.close().await.expect("closing");
    let found = verified(&dir);
    assert!(found.writes.is_clean(), "{found:?}");
    assert_eq!(found.writes.entries, 11);
}

#[tokio::test]
async fn what_the_holder_of_the_key_does_to_writes_is_found() {
    let swap = "UPDATE audit SET seq = -1 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 7; \
                UPDATE audit SET seq = 7 WHERE seq = -1";
    let cases = [
        (
            "UPDATE audit SET entry = replace(entry, 'name/4', 'name/9') WHERE seq = 5",
            Finding::Altered { from: 5, to: 5 },
        ),
        (
            "UPDATE audit SET entry = '' WHERE seq = 5",
            Finding::Altered { from: 5, to: 5 },
        ),
        (
            "UPDATE audit SET entry = 12, link = 'x' WHERE seq = 5",
            Finding::Altered { from: 5, to: 5 },
        ),
        ("DELETE FROM audit WHERE seq = 5", Finding::Missing { from: 5, to: 5 }),
        (
            "DELETE FROM audit WHERE seq > 7",
            Finding::Truncated { from: 8, to: 10 },
        ),
        ("DELETE FROM audit", Finding::Truncated { from: 1, to: 10 }),
        (swap, Finding::Reordered { from: 3, to: 3 }),
        (
            "INSERT INTO audit SELECT 11, link, entry FROM audit WHERE seq = 5",
            Finding::Forged { from: 11, to: 11 },
        ),
    ];
    for (at, (sql, expected)) in cases.into_iter().enumerate() {
        let dir = instance(&format!("audit-tamper-{at}")).await;
        tamper(&dir, sql);
        let found = verified(&dir);
        assert!(
            found.writes.findings.contains(&expected),
            "{sql}: {:?}",
            found.writes.findings
        );
        assert!(found.accesses.is_clean());

        // And it stays found after the program has run on.
        let store = open_with(dir.path(), small()).expect("the store opens all the same");
        write(&store, 77).await;
        store.close().await.expect("closing");
        assert!(!verified(&dir).writes.is_clean(), "{sql}");
    }
}

/// Without entries and without head a chain looks like a new one, and is none.
#[tokio::test]
async fn a_chain_that_was_emptied_with_its_head_is_found() {
    let dir = instance("audit-emptied").await;
    tamper(&dir, "DELETE FROM audit");
    std::fs::remove_dir_all(dir.path().join("test.access")).expect("the log");
    for trail in ["writes", "accesses"] {
        std::fs::remove_file(dir.path().join(format!("test.{trail}.head"))).expect("the head");
    }
    let found = verified(&dir);
    assert_eq!(found.writes.findings, [Finding::HeadDamaged]);
    assert_eq!(found.accesses.findings, [Finding::HeadDamaged]);

    // And it stays found after the program has run on.
    let store = open_with(dir.path(), small()).expect("the store opens all the same");
    write(&store, 77).await;
    access(&store, 77).await;
    store.close().await.expect("closing");
    let found = verified(&dir);
    assert_eq!(found.writes.findings, [Finding::Restarted { from: 1, to: 1 }]);
    assert_eq!(found.accesses.findings, [Finding::Restarted { from: 1, to: 1 }]);
}

/// Made-up numbers at the end of all numbers stop neither the program nor the walk.
#[tokio::test]
async fn entries_with_the_largest_numbers_are_found_and_stop_nothing() {
    let dir = instance("audit-largest").await;
    tamper(
        &dir,
        &format!(
            "INSERT INTO audit SELECT {}, link, entry FROM audit WHERE seq = 5",
            i64::MAX
        ),
    );
    let segment = dir.path().join("test.access/access-00000001.log");
    let mut bytes = std::fs::read(&segment).expect("the segment");
    let mut frame = [&[0, 0, 0, 16, 0, 0, 0, 1][..], &[255; 16], &[7; 16 + 32], &[255]].concat();
    bytes.append(&mut frame);
    std::fs::write(&segment, bytes).expect("the segment");
    for run in 0..3 {
        let found = verified(&dir);
        assert!(!found.writes.is_clean(), "run {run}: {found:?}");
        // What is no frame at the very end is a write that was cut short.
        assert!(found.accesses.is_clean(), "run {run}: {found:?}");
        assert_eq!(found.accesses.entries, 10 + run as u64, "run {run}");
        let store = open_with(dir.path(), small()).expect("the store opens all the same");
        write(&store, 77 + run).await;
        access(&store, 77 + run).await;
        store.close().await.expect("closing");
    }
}

#[tokio::test]
async fn a_cut_access_log_is_found() {
    let dir = instance("audit-cut-log").await;
    let segment = dir.path().join("test.access/access-00000001.log");
    let bytes = std::fs::read(&segment).expect("the segment");
    std::fs::write(&segment, &bytes[..bytes.len() / 2]).expect("cut");
    let found = verified(&dir);
    assert!(matches!(
        found.accesses.findings[..],
        [Finding::Truncated { .. }, ..] | [.., Finding::Truncated { .. }]
    ));
    assert!(found.writes.is_clean());
}

#[tokio::test]
async fn verifying_needs_the_keys_and_the_database() {
    let dir = Dir::new("audit-no-keys");
    let keyring = keyring(dir.path(), 1).expect("an empty keyring");
    assert!(matches!(
        verify(dir.path(), dir.path(), "test", &keyring),
        Err(StoreError::Key(_))
    ));
    let dir = instance("audit-no-database").await;
    std::fs::remove_file(dir.path().join("test.db")).expect("removed");
    let keyring = crate::world::keyring(dir.path(), 1).expect("the keyring");
    assert!(verify(dir.path(), dir.path(), "test", &keyring).is_err());
    assert!(!dir.path().join("test.db").exists());
}
