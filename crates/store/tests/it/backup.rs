//! An instance is copied while it is written, and the copy is an instance.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use hygie_core::Cx;
use hygie_store::audit::Record;
use hygie_store::blobs::{BlobError, BlobId, Blobs, References, open_on_disk};
use hygie_store::embedded::{Copied, Observer, Place, Route, back_up, damage, verify, verify_blobs};
use hygie_store::{Store, StoreError};

use crate::world::{Dir, cx, keyring, open_with, small};

async fn write(store: &Store, n: i64) {
    let cx = cx(1);
    let written = store.write(&cx, n, |n, tx| {
        Box::pin(async move {
            let sql = "INSERT INTO name ({i.col}tenant, id, name) VALUES ({i.val}:tenant, ?1, 'x')";
            tx.execute(sql, &[(*n).into()]).await?;
            tx.append(format!("+{n}").as_bytes()).await?;
            tx.index_add(n.to_string().as_bytes()).await?;
            let record = Record::success(tx.cx(), "test.insert", format!("name/{n}"));
            tx.audit(&record).await
        })
    });
    written
        .await
        .unwrap_or_else(|error: StoreError| panic!("a write: {error:?}"));
    let record = Record::success(&cx, "test.read", format!("name/{n}"));
    store.record(record).await.expect("a record");
}

struct Nobody;

impl Observer for Nobody {}

/// Stores a blob with its reference, and deletes the one before.
async fn replace_blob((store, blobs): (&Store, &Blobs), cx: &Cx, last: &mut Option<BlobId>, len: usize) {
    let mut writer = blobs.create(cx);
    writer.write(&vec![7; len]).await.expect("a write");
    let stored = writer.finish().await.expect("the end");
    let write = store.write(cx, (stored, *last), |(stored, last), tx| {
        Box::pin(async move {
            References(tx).insert(stored).await?;
            match last {
                Some(last) => References(tx).delete(*last).await.map(drop),
                None => Ok(()),
            }
        })
    });
    write
        .await
        .unwrap_or_else(|error: StoreError| panic!("a reference: {error:?}"));
    if let Some(last) = last.replace(stored.reference.id) {
        blobs.delete(cx, last).await.expect("a deletion");
    }
}

async fn copy(from: &Path, to: &Path) -> Result<Copied, BlobError> {
    copy_after(from, to, None).await
}

async fn copy_after(from: &Path, to: &Path, earlier: Option<&Path>) -> Result<Copied, BlobError> {
    let keys = keyring(from, 1).expect("the keyring");
    let place = |directory| Place {
        directory,
        heads: directory,
    };
    let route = Route {
        from: place(from),
        to: place(to),
        earlier,
    };
    let copied = back_up(route, "test", &keys, &cx(1)).await?;
    std::fs::copy(from.join("keys.json"), to.join("keys.json")).expect("the keyring");
    Ok(copied)
}

async fn names(store: &Store) -> Vec<i64> {
    let cx = cx(1);
    let read = store.read(&cx, (), |(), tx| {
        Box::pin(async move {
            let sql = "SELECT id FROM name WHERE {i.is}tenant = :tenant ORDER BY id";
            let rows = tx.query(sql, &[]).await?;
            rows.into_iter().map(|mut row| row.take(0)).collect()
        })
    });
    read.await
        .unwrap_or_else(|error: StoreError| panic!("a read: {error:?}"))
}

/// Nothing is wrong with the copy; entries of its trails and its blobs.
async fn clean(dir: &Path) -> (u64, u64, u64) {
    let keys = keyring(dir, 1).expect("the keyring");
    assert_eq!(damage(dir, "test", &keys).expect("looked at"), Vec::<String>::new());
    let found = verify(dir, dir, "test", &keys).expect("verified");
    assert!(found.writes.is_clean() && found.accesses.is_clean(), "{found:?}");
    let blobs = verify_blobs(dir, "test", &keys, &cx(1)).await.expect("verified");
    let blobs = blobs.map_or(0, |report| {
        assert_eq!(report.findings, Vec::new());
        report.blobs
    });
    (found.writes.entries, found.accesses.entries, blobs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_copy_made_beside_writers_is_a_state_of_the_instance() {
    let dir = Dir::new("backup-from");
    let store = open_with(dir.path(), small()).expect("a new store");
    let blobs = open_on_disk(dir.path(), "test", &keyring(dir.path(), 1).expect("the keyring")).expect("the blobs");
    let (written, is_over) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let writer = tokio::spawn({
        let (store, blobs, written, is_over) = (store.clone(), blobs.clone(), written.clone(), is_over.clone());
        async move {
            let (cx, mut last) = (cx(1), None);
            for n in 0.. {
                write(&store, n).await;
                replace_blob((&store, &blobs), &cx, &mut last, 10 + n as usize * 100).await;
                written.store(n + 1, Ordering::SeqCst);
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
            }
        }
    });
    // The log of accesses has something in it.
    while written.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    for round in 0..6 {
        let before = written.load(Ordering::SeqCst);
        let to = Dir::new(&format!("backup-to-{round}"));
        let copied = copy(dir.path(), to.path()).await.expect("a copy");
        let after = written.load(Ordering::SeqCst);
        assert!(
            copied.database > 0 && copied.accesses > 0 && copied.blobs <= 1,
            "{copied:?}"
        );
        let (writes, accesses, blobs) = clean(to.path()).await;
        assert_eq!(blobs, copied.blobs);
        assert!(
            accesses as i64 >= before.min(writes as i64 - 1),
            "{accesses} accesses, {before} before"
        );
        // The copy is opened and goes on.
        let copy = open_with(to.path(), small()).expect("the copy opens");
        let found = names(&copy).await;
        let count = found.len() as i64;
        assert_eq!(found, (0..count).collect::<Vec<_>>(), "a prefix of what was written");
        assert!(
            before <= count && count <= after + 1,
            "{before} ≤ {count} ≤ {after} + 1"
        );
        assert_eq!(writes as i64, count);
        write(&copy, 1_000_000).await;
        copy.close().await.expect("closing");
        assert_eq!(clean(to.path()).await.0, writes + 1);
    }
    is_over.store(true, Ordering::SeqCst);
    writer.await.expect("the writer");
    store.close().await.expect("closing");
    assert_eq!(clean(dir.path()).await.2, 1, "the original is as it was");
}

#[tokio::test]
async fn a_copy_of_what_lies_still_is_the_same_and_overwrites_nothing() {
    let (dir, to) = (Dir::new("backup-still"), Dir::new("backup-still-to"));
    let store = open_with(dir.path(), small()).expect("a new store");
    for n in 0..5 {
        write(&store, n).await;
    }
    store.close().await.expect("closing");
    let copied = copy(dir.path(), to.path()).await.expect("a copy");
    assert_eq!(copied.blobs, 0);
    assert_eq!(clean(to.path()).await, (5, 5, 0));
    let bytes = std::fs::read(to.path().join("test.db")).expect("the copy");
    assert!(!bytes.starts_with(b"SQLite format 3"), "it is encrypted");
    assert!(copy(dir.path(), to.path()).await.is_err(), "there is one already");
    assert_eq!(std::fs::read(to.path().join("test.db")).expect("the copy"), bytes);
    let nothing = Dir::new("backup-nothing");
    assert!(
        copy(nothing.path(), to.path()).await.is_err(),
        "there is nothing to copy"
    );
}

/// The files of the blobs below a directory, with their inodes.
fn blob_files(dir: &Path) -> Vec<(String, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(blob_files(&path));
        } else {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            found.push((name, path.metadata().expect("a file").ino()));
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_takes_the_blobs_of_the_one_before_and_copies_the_others() {
    let dir = Dir::new("backup-again");
    let store = open_with(dir.path(), small()).expect("a new store");
    let keys = keyring(dir.path(), 1).expect("the keyring");
    let blobs = open_on_disk(dir.path(), "test", &keys).expect("the blobs");
    let cx = cx(1);
    // Three that stay and one that is replaced later.
    for len in [100, 70_000, 0] {
        replace_blob((&store, &blobs), &cx, &mut None, len).await;
    }
    let mut last = None;
    replace_blob((&store, &blobs), &cx, &mut last, 5).await;
    write(&store, 0).await;
    let (first, second) = (Dir::new("backup-again-1"), Dir::new("backup-again-2"));
    copy(dir.path(), first.path()).await.expect("a copy");
    replace_blob((&store, &blobs), &cx, &mut last, 6).await;
    write(&store, 1).await;
    let copied = copy_after(dir.path(), second.path(), Some(first.path()))
        .await
        .expect("a copy");
    assert_eq!(copied.blobs, 4);
    let (before, after) = (
        blob_files(&first.path().join("test.blobs")),
        blob_files(&second.path().join("test.blobs")),
    );
    let shared = after.iter().filter(|file| before.contains(file)).count();
    assert_eq!(
        (before.len(), after.len(), shared),
        (4, 4, 3),
        "three are the same file in both"
    );
    assert_eq!(clean(second.path()).await, (2, 2, 4));
    // Each stands alone: the first is removed.
    drop(first);
    assert_eq!(clean(second.path()).await, (2, 2, 4));
    // Sealed again under another key, none is what the earlier copy has.
    assert_eq!(blobs.replace_key(&cx, &Nobody).await.expect("replaced"), 4);
    let third = Dir::new("backup-again-3");
    let copied = copy_after(dir.path(), third.path(), Some(second.path())).await;
    assert_eq!(copied.expect("a copy").blobs, 4);
    let shared = blob_files(&third.path().join("test.blobs"));
    assert!(shared.iter().all(|file| !after.contains(file)), "{shared:?}");
    assert_eq!(clean(third.path()).await, (2, 2, 4));
    store.close().await.expect("closing");
}
