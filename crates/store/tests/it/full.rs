//! A disk that is really full: each kind of file, what is refused, what goes on, and that it recovers by itself.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hygie_store::audit::Record;
use hygie_store::blobs::{BlobError, open_on_disk};
use hygie_store::embedded::{Observer, Options, damage, open_with_control, verify};
use hygie_store::keys::Purpose;
use hygie_store::{Reserve, Store, StoreError};

use crate::world::{Dir, Lines, TABLES, apply, cx, keyring, small};

const CHILD: &str = "HYGIE_STORE_FULL_CHILD";
const RESERVE: u64 = 2 << 20;

async fn write(store: &Store, n: i64) -> Result<(), StoreError> {
    store
        .write(&cx(1), n, |n, tx| {
            Box::pin(async move {
                let sql = "INSERT INTO name ({i.col}tenant, id, name) VALUES ({i.val}:tenant, ?1, ?2)";
                tx.execute(sql, &[(*n).into(), "x".repeat(50_000).into()]).await?;
                let line = format!("+{n:08}");
                tx.append(line.as_bytes()).await?;
                apply(tx, line.as_bytes()).await?;
                tx.audit(&Record::success(tx.cx(), "test.insert", "name")).await
            })
        })
        .await
}

async fn count(store: &Store) -> i64 {
    let read: Result<i64, StoreError> = store
        .read(&cx(1), (), |(), tx| {
            Box::pin(async move {
                let row = tx.query_one("SELECT count(*) FROM name WHERE {i.is}tenant = :tenant", &[]);
                row.await?.expect("a count").take(0)
            })
        })
        .await;
    read.expect("reading goes on")
}

/// Takes all that is left.
fn fill(dir: &Path) {
    let mut filler = File::options()
        .append(true)
        .create(true)
        .open(dir.join("filler"))
        .expect("a file");
    for size in [1 << 20, 4096, 1] {
        while filler.write_all(&vec![1; size]).is_ok() {}
    }
}

fn is_refused<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Full(_) | StoreError::Unavailable(_)))
}

struct Nobody;

impl Observer for Nobody {}

/// Run only by the other test, where a small disk is mounted for this process alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "how the process is told that it is the child")]
#[expect(clippy::too_many_lines, reason = "the story of one disk, told in its order")]
async fn child_lives_on_a_full_disk() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let dir = Path::new(&dir);
    let ring = keyring(dir, 1).expect("the keyring");
    let (store, control) = open_with_control(&Options {
        directory: dir,
        heads: dir,
        instance: "test",
        keyring: &ring,
        migrations: &TABLES,
        replay: Some(Arc::new(Lines)),
        cx: &cx(1),
        limits: small(),
    })
    .expect("a new store");
    let blobs = open_on_disk(dir, "test", &ring).expect("the blobs");
    let reserve = Reserve::keep(dir.join("reserve"), RESERVE).expect("a reserve");
    control.set_reserve(reserve.clone()).expect("kept");
    let record = || Record::success(&cx(1), "test.read", "x".repeat(30_000));
    for n in 0..10 {
        write(&store, n).await.expect("a write");
    }
    store.record(record()).await.expect("a record");

    fill(dir);
    for n in 100..110 {
        let refused = write(&store, n).await;
        assert!(is_refused(&refused), "{refused:?}");
        assert_eq!(count(&store).await, 10);
    }
    assert!(!reserve.is_released(), "the audit trail does not need it yet");
    let mut blob = blobs.create(&cx(1));
    let begun = blob.write(&vec![7; 3 << 20]).await;
    let refused = if begun.is_ok() {
        blob.finish().await.err()
    } else {
        begun.err()
    };
    assert!(matches!(refused, Some(BlobError::Full(_))), "{refused:?}");
    assert!(ring.get_or_create(&Purpose::database("other")).is_err(), "no new key");
    assert!(
        keyring(dir, 1)
            .expect("the list is whole")
            .find(&Purpose::database("other"))
            .is_none()
    );
    let refused = control.replace_database_key(&ring, Arc::new(Nobody)).await;
    assert!(refused.is_err(), "{refused:?}");

    // Accesses are recorded as long as the space of the log and the reserve last.
    let (mut recorded, mut after_release) = (1, 0);
    let refused = loop {
        match store.record(record()).await {
            Ok(()) => recorded += 1,
            Err(error) => break error,
        }
        after_release += u32::from(reserve.is_released());
        assert!(recorded < 1000, "the disk is full");
    };
    assert!(matches!(refused, StoreError::Full(_)), "{refused:?}");
    assert!(
        after_release >= 40,
        "{after_release} records went into the reserve, {recorded} in all"
    );
    // Nobody tries in vain to take the space again: for a moment there would be none for those who record.
    let touched = || std::fs::metadata(dir.join("reserve")).and_then(|file| file.modified());
    let released = touched().expect("a file");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(
        touched().expect("a file"),
        released,
        "the reserve was tried to be taken"
    );
    assert_eq!(count(&store).await, 10, "reading goes on");
    assert!(
        is_refused(&write(&store, 200).await),
        "what is left is for the audit trail"
    );

    std::fs::remove_file(dir.join("filler")).expect("removed");
    let mut tries = 100;
    while reserve.is_released() {
        tries -= 1;
        assert!(tries > 0, "the reserve is taken again by itself");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for n in 10..20 {
        write(&store, n).await.expect("it goes on by itself");
        store.record(record()).await.expect("it goes on by itself");
    }
    control
        .replace_database_key(&ring, Arc::new(Nobody))
        .await
        .expect("there is space again");
    assert_eq!(count(&store).await, 20);
    store.close().await.expect("closing");
    let found = verify(dir, dir, "test", &ring).expect("verified");
    assert!(found.writes.is_clean() && found.accesses.is_clean(), "{found:?}");
    assert_eq!((found.writes.entries, found.accesses.entries), (20, recorded + 10));
    assert_eq!(damage(dir, "test", &ring).expect("looked at"), Vec::<String>::new());
    println!("\nlived");
}

#[test]
fn a_full_disk_refuses_what_needs_space_and_everything_goes_on_when_there_is_some() {
    let dir = Dir::new("full");
    let child = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg(r#"mount -t tmpfs -o size=24m,mode=700 hygie "$1" || exit 77; exec "$0" full::child_lives_on_a_full_disk --exact --nocapture"#)
        .arg(std::env::current_exe().expect("this test"))
        .arg(dir.path())
        .env(CHILD, dir.path())
        .output();
    let child = match child {
        Ok(child) if child.status.code() == Some(77) || !child.stderr.is_empty() && child.stdout.is_empty() => {
            eprintln!(
                "SKIPPED: no small disk can be mounted here: {}",
                String::from_utf8_lossy(&child.stderr)
            );
            return;
        }
        Ok(child) => child,
        Err(error) => {
            eprintln!("SKIPPED: unshare of util-linux does not run: {error}");
            return;
        }
    };
    let text = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && text.contains("\nlived\n"), "{text}");
}

#[tokio::test]
async fn beyond_its_quota_an_instance_takes_no_write_and_reads_go_on() {
    let dir = Dir::new("quota");
    let ring = keyring(dir.path(), 1).expect("the keyring");
    let (store, control) = open_with_control(&Options {
        directory: dir.path(),
        heads: dir.path(),
        instance: "test",
        keyring: &ring,
        migrations: &TABLES,
        replay: Some(Arc::new(Lines)),
        cx: &cx(1),
        limits: small(),
    })
    .expect("a new store");
    let empty = control.space().used();
    assert!(empty > 0, "an empty database takes some space");
    control.space().set_limit(Some(empty + 300_000));
    let mut written = 0;
    let refused = loop {
        match write(&store, written).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 20, "{} bytes are used", control.space().used());
    };
    assert!(matches!(refused, StoreError::Quota), "{refused:?}");
    assert!(
        written >= 5 && control.space().used() < empty + 400_000,
        "{written} rows"
    );
    assert_eq!(count(&store).await, written);
    let record = Record::success(&cx(1), "test.read", "x");
    store.record(record).await.expect("accesses are recorded");
    control.space().set_limit(Some(empty + 900_000));
    write(&store, written).await.expect("a larger quota");
    control.space().set_closed(true);
    assert!(
        matches!(write(&store, 99).await, Err(StoreError::Quota)),
        "all have taken what they may"
    );
    store.close().await.expect("closing");
    let found = verify(dir.path(), dir.path(), "test", &ring).expect("verified");
    assert_eq!(
        (found.writes.entries as i64, found.accesses.entries),
        (written + 1, 1),
        "nothing of what was refused"
    );
}
