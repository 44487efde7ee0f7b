//! Keys are replaced beside writers and readers, and whatever stops that leaves all that was answered.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use hygie_core::{Clock, SeededRandom, Timestamp};
use hygie_store::audit::Record;
use hygie_store::embedded::{
    Control, Observer, Options, Step, damage, open_with_control, replace_database_key, settle, verify,
};
use hygie_store::keys::{KeyError, KeyState, Keyring, MasterKey, Purpose};
use hygie_store::{Store, StoreError};

use crate::world::{Dir, Lines, TABLES, apply, cx, small};

/// The system's clock: pauses are measured.
struct Now;

impl Clock for Now {
    #[expect(clippy::disallowed_methods, reason = "what is measured is real")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp::from_millis(0) + since.expect("after 1970")
    }
}

/// The keyring in `dir`; each time, in each process, it makes other keys.
pub fn keyring(dir: &Path) -> Result<Keyring, KeyError> {
    static OPENED: AtomicU64 = AtomicU64::new(0);
    let seed = u64::from(std::process::id()) << 32 | OPENED.fetch_add(1, Ordering::SeqCst);
    let random = Arc::new(SeededRandom::new(seed));
    let provider = MasterKey::from_text(&"11".repeat(32).into(), "the test", random.clone())?;
    Keyring::open(dir.join("keys.json"), Arc::new(provider), Arc::new(Now), random)
}

pub fn open(dir: &Path) -> Result<(Store, Control, Arc<Keyring>), StoreError> {
    let keyring = Arc::new(keyring(dir)?);
    let cx = hygie_core::Cx {
        clock: Arc::new(Now),
        ..cx(1)
    };
    let (store, rotation) = open_with_control(&Options {
        directory: dir,
        heads: dir,
        instance: "test",
        keyring: &keyring,
        migrations: &TABLES,
        replay: Some(Arc::new(Lines)),
        cx: &cx,
        limits: small(),
    })?;
    Ok((store, rotation, keyring))
}

/// Rows that are large enough for many slices, with their journal, index and audit entry.
pub async fn write(store: &Store, n: i64) -> Result<(), StoreError> {
    let cx = cx(1);
    store
        .write(&cx, n, |n, tx| {
            Box::pin(async move {
                let sql = "INSERT INTO name ({i.col}tenant, id, name) VALUES ({i.val}:tenant, ?1, ?2)";
                tx.execute(sql, &[(*n).into(), "x".repeat(2000).into()]).await?;
                let line = format!("+{n:08}");
                tx.append(line.as_bytes()).await?;
                apply(tx, line.as_bytes()).await?;
                tx.audit(&Record::success(tx.cx(), "test.insert", format!("name/{n}")))
                    .await
            })
        })
        .await
}

/// So many rows, many in each commit.
pub async fn write_many(store: &Store, rows: i64) {
    for first in (0..rows).step_by(100) {
        let written = join_all((first..rows.min(first + 100)).map(|n| write(store, n))).await;
        assert!(written.iter().all(Result::is_ok), "{written:?}");
    }
}

/// How many rows a snapshot has; they are the numbers from 0 on, each in the index, too.
pub async fn count(store: &Store) -> i64 {
    let read: Result<i64, StoreError> = store
        .read(&cx(1), (), |(), tx| {
            Box::pin(async move {
                let sql = "SELECT count(*), coalesce(max(id), -1) FROM name WHERE {i.is}tenant = :tenant";
                let row = tx.query_one(sql, &[]).await?;
                let mut row = row.expect("a count");
                let (count, last): (i64, i64) = (row.take(0)?, row.take(1)?);
                assert_eq!(last, count - 1, "without a gap");
                let mut keys = hygie_store::IndexKeys::default();
                let range = hygie_store::IndexRange::prefix(b"0");
                tx.index_scan(&range, hygie_store::Order::Ascending, 999_999, &mut keys)
                    .await?;
                assert_eq!(keys.len() as i64, count, "the index of the same snapshot");
                Ok(count)
            })
        })
        .await;
    read.expect("a snapshot")
}

pub fn databases(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).expect("the directory");
    let names = names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names
        .filter(|name| hygie_store::embedded::instance_of(name).is_some())
        .collect();
    names.sort();
    names
}

pub fn is_clean(dir: &Path, keyring: &Keyring) -> u64 {
    assert_eq!(damage(dir, "test", keyring).expect("looked at"), Vec::<String>::new());
    let found = verify(dir, dir, "test", keyring).expect("verified");
    assert!(found.writes.is_clean() && found.accesses.is_clean(), "{found:?}");
    found.writes.entries
}

struct Watching {
    reached: parking_lot::Mutex<Vec<Step>>,
    may_switch: AtomicBool,
    copied: AtomicU64,
    total: AtomicU64,
}

impl Observer for Watching {
    fn copied(&self, done: u64, total: u64) {
        self.copied.store(done, Ordering::SeqCst);
        self.total.store(total, Ordering::SeqCst);
    }

    fn reached(&self, step: Step) {
        self.reached.lock().push(step);
    }

    fn may_switch(&self) -> bool {
        self.may_switch.load(Ordering::SeqCst)
    }
}

fn watching() -> Arc<Watching> {
    Arc::new(Watching {
        reached: parking_lot::Mutex::default(),
        may_switch: AtomicBool::new(false),
        copied: AtomicU64::new(0),
        total: AtomicU64::new(0),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[expect(clippy::too_many_lines, reason = "the story of one rotation, told in its order")]
async fn a_database_goes_over_to_another_key_beside_writers_and_readers() {
    let dir = Dir::new("rotation-live");
    let (store, rotation, keyring) = open(dir.path()).expect("a new store");
    write_many(&store, 2000).await;
    let before = keyring.get(&Purpose::database("test")).expect("the key");
    let (written, is_over) = (Arc::new(AtomicI64::new(2000)), Arc::new(AtomicBool::new(false)));
    let writer = tokio::spawn({
        let (store, written, is_over) = (store.clone(), written.clone(), is_over.clone());
        async move {
            while !is_over.load(Ordering::SeqCst) {
                let n = written.load(Ordering::SeqCst);
                write(&store, n).await.expect("a write beside the rotation");
                written.store(n + 1, Ordering::SeqCst);
            }
        }
    });
    let reader = tokio::spawn({
        let (store, written, is_over) = (store.clone(), written.clone(), is_over.clone());
        async move {
            while !is_over.load(Ordering::SeqCst) {
                let answered = written.load(Ordering::SeqCst);
                let found = count(&store).await;
                assert!(found >= answered, "{found} seen, {answered} answered before");
            }
        }
    });
    let observer = watching();
    let rotating = tokio::spawn({
        let (rotation, keyring, observer) = (rotation.clone(), keyring.clone(), observer.clone());
        async move { rotation.replace_database_key(&keyring, observer).await }
    });
    // All is copied, and more is written while a backup, say, keeps the switch waiting.
    while observer.copied.load(Ordering::SeqCst) + 1 < observer.total.load(Ordering::SeqCst).max(2) {
        assert!(!rotating.is_finished(), "{:?}", rotating.await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let there = written.load(Ordering::SeqCst);
    while written.load(Ordering::SeqCst) < there + 100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(*observer.reached.lock(), [Step::Begun]);
    assert_eq!(keyring.get(&Purpose::database("test")).expect("the key").id, before.id);
    observer.may_switch.store(true, Ordering::SeqCst);
    let pause = rotating.await.expect("no panic").expect("another key");
    println!("no write was taken for {} ms", pause.as_millis());
    let there = written.load(Ordering::SeqCst);
    while written.load(Ordering::SeqCst) < there + 50 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    is_over.store(true, Ordering::SeqCst);
    writer.await.expect("the writer");
    reader.await.expect("the reader");
    let steps = [
        Step::Begun,
        Step::Copied,
        Step::Ready,
        Step::Switched,
        Step::Removed,
        Step::Forgotten,
    ];
    assert_eq!(*observer.reached.lock(), steps);
    let after = keyring.get(&Purpose::database("test")).expect("the key");
    assert_ne!(after.id, before.id);
    assert_eq!(keyring.in_state(&Purpose::database("test"), KeyState::Leaving).len(), 0);
    assert_eq!(databases(dir.path()), [format!("test.{}.db", after.id)]);
    let total = written.load(Ordering::SeqCst);
    assert_eq!(is_clean(dir.path(), &keyring) as i64, total, "beside the live process");

    // Once more, and then from the disk alone.
    observer.reached.lock().clear();
    rotation
        .replace_database_key(&keyring, observer.clone())
        .await
        .expect("a third key");
    assert_eq!(count(&store).await, total);
    store.close().await.expect("closing");
    let (store, _, keyring) = open(dir.path()).expect("the same store");
    assert_eq!(count(&store).await, total);
    write(&store, total).await.expect("it goes on");
    store.close().await.expect("closing");
    assert_eq!(is_clean(dir.path(), &keyring) as i64, total + 1);
    assert_eq!(databases(dir.path()).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_is_closed_away_leaves_the_old_key_in_force() {
    let dir = Dir::new("rotation-closed");
    let (store, rotation, ring) = open(dir.path()).expect("a new store");
    write_many(&store, 200).await;
    let observer = watching();
    let rotating = tokio::spawn({
        let (ring, observer) = (ring.clone(), observer.clone());
        async move { rotation.replace_database_key(&ring, observer).await }
    });
    while observer.total.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    store.close().await.expect("closing does not wait for it");
    assert!(rotating.await.expect("no panic").is_err());
    settle(dir.path(), "test", &ring).expect("settled");
    assert_eq!(databases(dir.path()), ["test.db"]);
    assert_eq!(is_clean(dir.path(), &keyring(dir.path()).expect("the keyring")), 200);
}

const CHILD: &str = "HYGIE_STORE_ROTATION_CHILD";
const STEPS: [Step; 6] = [
    Step::Begun,
    Step::Copied,
    Step::Ready,
    Step::Switched,
    Step::Removed,
    Step::Forgotten,
];

/// Ends the process like a kill: nothing is finished, nothing is given back.
struct Ending(Step);

impl Observer for Ending {
    fn reached(&self, step: Step) {
        if step == self.0 {
            std::process::abort();
        }
    }
}

/// Writes beside a rotation that ends the process; run only by the test below, in a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "how the process is told that it is the child")]
async fn child_ends_at_a_step() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (step, dir) = told.split_once(':').expect("a step and a directory");
    let ending = Ending(STEPS[step.parse::<usize>().expect("a number") % 10]);
    let dir = Path::new(dir);
    if step.len() == 2 {
        let ring = keyring(dir).expect("the keyring");
        replace_database_key(dir, "test", &ring, &ending).expect("it ends before");
        return;
    }
    let (store, rotation, ring) = open(dir).expect("the store opens");
    let rotating = tokio::spawn(async move { rotation.replace_database_key(&ring, Arc::new(ending)).await });
    let first = count(&store).await;
    let mut n = first;
    loop {
        write(&store, n).await.expect("a write");
        n += 1;
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nanswered {n}").expect("the parent listens");
        out.flush().expect("the parent listens");
        assert!(!rotating.is_finished() && n < first + 20_000, "it ends at its step");
    }
}

fn run_child(told: &str) -> Option<i64> {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["rotation::child_ends_at_a_step", "--exact", "--nocapture"])
        .env(CHILD, told)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let numbers = lines
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("answered ")?.parse().ok());
    let answered = numbers.last();
    assert!(!child.wait().expect("its end").success(), "it was ended");
    answered
}

#[tokio::test]
async fn a_process_that_ends_at_any_step_has_lost_nothing_and_the_next_start_settles_it() {
    let dir = Dir::new("rotation-crash");
    let (store, _, _) = open(dir.path()).expect("a new store");
    write_many(&store, 300).await;
    store.close().await.expect("closing");
    let mut there = 300;
    for (at, step) in STEPS.into_iter().enumerate() {
        for offline in [false, true] {
            if offline && step == Step::Copied {
                continue;
            }
            let before = keyring(dir.path())
                .expect("the keyring")
                .get(&Purpose::database("test"))
                .expect("a key");
            let name = if offline { format!("1{at}") } else { at.to_string() };
            let answered = run_child(&format!("{name}:{}", dir.path().display())).unwrap_or(there);
            // Whoever opens it before it is settled finds the one that counts.
            let ring = keyring(dir.path()).expect("the keyring opens");
            is_clean(dir.path(), &ring);
            settle(dir.path(), "test", &ring).expect("settled");
            let now = ring.get(&Purpose::database("test")).expect("a key");
            assert_eq!(now.id != before.id, step >= Step::Switched, "{step:?}");
            assert_eq!(databases(dir.path()).len(), 1, "{step:?}");
            assert_eq!(
                ring.list()
                    .iter()
                    .filter(|key| key.purpose.database_of().is_some())
                    .count(),
                1
            );
            let (store, _, _) = open(dir.path()).expect("the store opens");
            let found = count(&store).await;
            assert!(found >= answered, "{step:?}: {found} there, {answered} answered");
            store.close().await.expect("closing");
            there = found;
            assert_eq!(is_clean(dir.path(), &ring) as i64, there);
        }
    }
}

/// The database before is the last one when the one that counts is not there, and nobody makes an empty one in its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_successor_is_missing_is_kept() {
    let dir = Dir::new("rotation-missing");
    let (store, _, ring) = open(dir.path()).expect("a new store");
    write_many(&store, 3).await;
    store.close().await.expect("closing");
    let purpose = Purpose::database("test");
    let before = std::fs::read(dir.path().join("test.db")).expect("the database");
    // As after the switch, with the new file gone.
    ring.begin(&purpose).expect("a key");
    ring.promote(&purpose, KeyState::Leaving).expect("switched");
    let settled = settle(dir.path(), "test", &ring);
    assert!(matches!(settled, Err(StoreError::Inconsistent(_))), "{settled:?}");
    let opened = open(dir.path()).map(drop);
    assert!(matches!(opened, Err(StoreError::Inconsistent(_))), "{opened:?}");
    assert_eq!(databases(dir.path()), ["test.db"]);
    assert!(std::fs::read(dir.path().join("test.db")).expect("the database") == before);
    assert_eq!(ring.in_state(&purpose, KeyState::Leaving).len(), 1, "its key, too");
}
