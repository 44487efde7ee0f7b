//! Servers that crash, answers that are lost, statements that take too long, and what a database must be.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hygie_store::audit::{Finding, Record};
use hygie_store::{Store, StoreError};
use hygie_store_cloud::postgres::{ConnectError, Database, Limits, Settings};
use hygie_store_conformance::MIGRATIONS;
use hygie_testkit::PostgresServer;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::world::{INSTANCE, World, cx, settings};

async fn insert(store: &Store, id: i64) -> Result<(), StoreError> {
    let write = store.write(cx(), id, |id, tx| {
        Box::pin(async move {
            let sql = "INSERT INTO thing ({i.col}tenant, id) VALUES ({i.val}:tenant, ?1)";
            tx.execute(sql, &[(*id).into()]).await?;
            tx.append(b"inserted").await?;
            tx.index_add(&id.to_be_bytes()).await?;
            tx.audit(&Record::success(tx.cx(), "test.insert", "thing")).await
        })
    });
    write.await
}

async fn ids(store: &Store) -> Result<Vec<i64>, StoreError> {
    let read = store.read(cx(), (), |(), tx| {
        Box::pin(async move {
            let sql = "SELECT id FROM thing WHERE {i.is}tenant = :tenant ORDER BY id";
            let rows = tx.query(sql, &[]).await?;
            rows.into_iter()
                .map(|mut row| row.take(0))
                .collect::<Result<Vec<i64>, StoreError>>()
        })
    });
    read.await
}

/// Statements of PostgreSQL alone, to wait in.
async fn sleep(store: &Store, seconds: f64) -> Result<(), StoreError> {
    let write = store.write(cx(), seconds, |seconds, tx| {
        Box::pin(async move {
            let sql = "SELECT 1 FROM (SELECT pg_sleep(?1)) AS slept";
            tx.query(sql, &[(*seconds).into()]).await.map(drop)
        })
    });
    write.await
}

async fn assert_clean(world: &World, entries: u64) {
    let chains = world.verified("one").await;
    for chain in &chains {
        assert!(chain.report.is_clean(), "{chain:?}");
    }
    assert_eq!(chains.iter().map(|chain| chain.report.entries).sum::<u64>(), entries);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_is_met_again() {
    // Not the shared one: the other tests go on meanwhile.
    static OWN: OnceLock<PostgresServer> = OnceLock::new();
    let world = World::on(OWN.get_or_init(PostgresServer::start));
    let store = world.open("one", MIGRATIONS).await.expect("the instance opens");
    let answered = Arc::new(AtomicU64::new(0));
    let writing = {
        let (store, answered) = (store.clone(), answered.clone());
        tokio::spawn(async move {
            let mut kept = Vec::new();
            for id in 0.. {
                match insert(&store, id).await {
                    Ok(()) => {
                        kept.push(id);
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(StoreError::Unavailable(_)) => break,
                    Err(other) => panic!("the write {id}: {other:?}"),
                }
            }
            kept
        })
    };
    while answered.load(Ordering::SeqCst) < 50 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::task::spawn_blocking(|| OWN.get().expect("it is started").kill())
        .await
        .expect("killed");
    let kept = writing.await.expect("the writer");
    assert!(
        matches!(ids(&store).await, Err(StoreError::Unavailable(_))),
        "a read without server"
    );
    let record = Record::success(cx(), "test.read", "thing");
    let recorded = store.record(record.clone()).await;
    assert!(matches!(recorded, Err(StoreError::Unavailable(_))), "{recorded:?}");
    tokio::task::spawn_blocking(|| OWN.get().expect("it is started").run())
        .await
        .expect("started");
    store.record(record).await.expect("a record, by the same store");
    insert(&store, -1).await.expect("a write, by the same store");
    let found = ids(&store).await.expect("a read, by the same store");
    assert!(
        kept.iter().all(|id| found.contains(id)),
        "an answered write is lost: {kept:?} of {found:?}"
    );
    store.close().await.expect("closing");
    assert_clean(&world, found.len() as u64 + 1).await;
}

/// What happens to the next `COMMIT`.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Fault {
    None,
    /// It arrives, and the connection is cut before the answer comes.
    LoseAnswer,
    /// The connection is cut before it arrives.
    LoseCommit,
    /// It does not arrive, and nobody hears of it until the server ends.
    KeepCommit,
}

/// A socket in front of a server, that cuts connections.
struct Wire {
    directory: TempDir,
    fault: Arc<AtomicU8>,
    cuts: Arc<AtomicU64>,
}

impl Wire {
    fn before(address: &str) -> (Self, String) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (host, rest) = address
            .strip_prefix("host=")
            .and_then(|rest| rest.split_once(' '))
            .expect("an address");
        let wire = Self {
            fault: Arc::new(AtomicU8::new(Fault::None as u8)),
            cuts: Arc::default(),
            directory,
        };
        let listener = UnixListener::bind(wire.directory.path().join(".s.PGSQL.5432")).expect("a socket");
        let server = format!("{host}/.s.PGSQL.5432");
        let (fault, cuts) = (wire.fault.clone(), wire.cuts.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Without a server nobody answers.
                if let Ok(server) = UnixStream::connect(&server).await {
                    tokio::spawn(pass(client, server, fault.clone(), cuts.clone()));
                }
            }
        });
        let address = format!("host={} {rest}", wire.directory.path().display());
        (wire, address)
    }

    fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }
}

async fn pass(client: UnixStream, server: UnixStream, fault: Arc<AtomicU8>, cuts: Arc<AtomicU64>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut bytes = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from_client.read(&mut bytes).await {
        let is_commit = bytes[..read].windows(7).any(|window| window == b"COMMIT\0");
        let fault = if is_commit {
            fault.swap(Fault::None as u8, Ordering::SeqCst)
        } else {
            Fault::None as u8
        };
        if fault != Fault::None as u8 {
            cuts.fetch_add(1, Ordering::SeqCst);
            if fault == Fault::KeepCommit as u8 {
                let _ended = answers.await;
                return;
            }
            answers.abort();
            let _aborted = answers.await;
            if fault == Fault::LoseAnswer as u8 {
                let _sent = to_server.write_all(&bytes[..read]).await;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            return;
        }
        if to_server.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_answered_honestly() {
    let mut world = World::new();
    let (wire, address) = Wire::before(&world.address);
    world.address = address;
    let store = world.open("one", MIGRATIONS).await.expect("the instance opens");
    insert(&store, 0).await.expect("a write");
    for (at, fault) in [(1, Fault::LoseAnswer), (2, Fault::LoseCommit), (3, Fault::LoseAnswer)] {
        wire.set(fault);
        insert(&store, at)
            .await
            .expect("a write, whatever became of the connection");
        assert_eq!(wire.cuts.load(Ordering::SeqCst), at as u64, "the connection was cut");
    }
    assert_eq!(
        ids(&store).await.expect("a read"),
        [0, 1, 2, 3],
        "each has its effect once"
    );
    store.close().await.expect("closing");
    assert_clean(&world, 4).await;
}

/// A first start ends between making the keys and their commit, or before it hears of it; another process starts meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_that_is_cut_off_does_not_lock_itself_out() {
    for fault in [Fault::LoseCommit, Fault::LoseAnswer] {
        let mut world = World::new();
        let other = world.beside();
        let direct = world.address.clone();
        let (wire, address) = Wire::before(&direct);
        world.address = address;
        wire.set(fault);
        let cut = world.open("one", MIGRATIONS).await;
        assert!(matches!(cut, Err(StoreError::Unavailable(_))), "{:?}", cut.err());
        assert_eq!(wire.cuts.load(Ordering::SeqCst), 1);
        let two = other.open("two", MIGRATIONS).await.expect("another process starts");
        let one = world.open("one", MIGRATIONS).await.expect("it starts again");
        for (id, store) in [(1, one), (2, two)] {
            insert(&store, id).await.expect("a write");
            store.close().await.expect("closing");
        }
        assert_eq!(world.keyring().list().len(), 2, "one for the heads, one for the chains");
        assert_clean(&world, 2).await;
    }
}

/// A server that crashed has forgotten the number of a transaction of which it had written nothing, and gives it to another
/// one, which is committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_was_lost_is_not_taken_for_another_one() {
    static OWN: OnceLock<PostgresServer> = OnceLock::new();
    let mut world = World::on(OWN.get_or_init(PostgresServer::start));
    let direct = world.address.clone();
    // Nothing is written of a transaction before its commit.
    let settings = "ALTER SYSTEM SET wal_writer_delay = '10s'";
    world.server.psql(&direct, settings);
    let (wire, address) = Wire::before(&world.address);
    world.address = address;
    for (id, is_recorded) in [(1, true), (2, false)] {
        tokio::task::spawn_blocking(|| {
            let server = OWN.get().expect("it is started");
            server.kill();
            server.run();
        })
        .await
        .expect("restarted");
        let store = world.open("one", MIGRATIONS).await.expect("the instance opens");
        let cuts = wire.cuts.load(Ordering::SeqCst);
        wire.set(Fault::KeepCommit);
        let writing = {
            let store = store.clone();
            tokio::spawn(async move {
                if is_recorded {
                    insert(&store, id).await
                } else {
                    insert_unrecorded(&store, id).await
                }
            })
        };
        while wire.cuts.load(Ordering::SeqCst) == cuts {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let address = direct.clone();
        tokio::task::spawn_blocking(move || {
            let server = OWN.get().expect("it is started");
            server.kill();
            server.run();
            for _ in 0..3 {
                server.psql(&address, "SELECT pg_current_xact_id()");
            }
        })
        .await
        .expect("restarted");
        writing.await.expect("a task").expect("a write, by the same store");
        let found = ids(&store).await.expect("a read");
        assert!(
            found.contains(&id),
            "the write {id} was answered and is not there: {found:?}"
        );
        store.close().await.expect("closing");
    }
    assert_clean(&world, 1).await;
}

/// A commit that recorded nothing, and whose answer was lost, leaves the signed end of the chain where it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_commit_without_an_entry_moves_no_head() {
    let mut world = World::new();
    let direct = world.address.clone();
    let (wire, address) = Wire::before(&world.address);
    world.address = address;
    let store = world.open("one", MIGRATIONS).await.expect("the instance opens");
    for id in 1..=3 {
        insert(&store, id).await.expect("a write");
    }
    for (id, fault) in [(4, Fault::LoseAnswer), (5, Fault::LoseCommit)] {
        wire.set(fault);
        insert_unrecorded(&store, id).await.expect("a write");
    }
    assert_eq!(wire.cuts.load(Ordering::SeqCst), 2, "the connections were cut");
    store.close().await.expect("closing");
    assert_clean(&world, 3).await;
    let cut = "DELETE FROM hygie.audit WHERE seq = (SELECT max(seq) FROM hygie.audit)";
    world.server.psql(&direct, cut);
    let chains = world.verified("one").await;
    let findings: usize = chains.iter().map(|chain| chain.report.findings.len()).sum();
    assert!(findings > 0, "what was cut off is missed");
}

/// Without an entry in the trail.
async fn insert_unrecorded(store: &Store, id: i64) -> Result<(), StoreError> {
    let write = store.write(cx(), id, |id, tx| {
        Box::pin(async move {
            let sql = "INSERT INTO thing ({i.col}tenant, id) VALUES ({i.val}:tenant, ?1)";
            tx.execute(sql, &[(*id).into()]).await.map(drop)
        })
    });
    write.await
}

#[tokio::test]
async fn errors_do_not_repeat_values() {
    let world = World::new();
    let store = world.open("one", MIGRATIONS).await.expect("the instance opens");
    insert(&store, 987_654_321).await.expect("a write");
    let again = insert(&store, 987_654_321).await;
    assert!(matches!(again, Err(StoreError::Duplicate(_))), "{again:?}");
    assert!(
        !format!("{again:?}").contains("987654321"),
        "the key is repeated: {again:?}"
    );
}

#[tokio::test]
async fn statements_and_queues_have_limits() {
    let world = World::new();
    let database = Settings {
        statement: Duration::from_secs(2),
        ..settings(&world.address)
    };
    let database = Arc::new(Database::connect(database).await.expect("the database is reached"));
    let limits = Limits {
        writers: 1,
        queue: 1,
        wait: Duration::from_millis(50),
        ..Limits::default()
    };
    let store = world.open_limited((INSTANCE, "one"), MIGRATIONS, &database, limits);
    let store = store.await.expect("the instance opens");
    let slept = sleep(&store, 30.0).await;
    assert!(
        matches!(slept, Err(StoreError::Unavailable(_))),
        "a statement that takes too long: {slept:?}"
    );
    let long = {
        let store = store.clone();
        tokio::spawn(async move { sleep(&store, 1.0).await })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (waiting, more) = futures_util::future::join(insert(&store, 1), insert(&store, 2)).await;
    assert!(
        matches!(waiting, Err(StoreError::Busy)),
        "one that waited too long: {waiting:?}"
    );
    assert!(
        matches!(more, Err(StoreError::Busy)),
        "one too many that wait: {more:?}"
    );
    long.await.expect("a task").expect("a write within its time");
    insert(&store, 3).await.expect("a write afterwards");
    assert_eq!(ids(&store).await.expect("a read"), [3]);
}

#[tokio::test]
async fn what_a_holder_of_the_database_does_to_a_chain_is_found() {
    let world = World::new();
    let store = world.open("one", MIGRATIONS).await.expect("the instance opens");
    for id in 0..5 {
        insert(&store, id).await.expect("a write");
        store
            .record(Record::success(cx(), "test.read", "thing"))
            .await
            .expect("a record");
    }
    store.close().await.expect("closing");
    drop(store);
    assert_clean(&world, 10).await;
    for (table, trail) in [("audit", 0), ("access", 1)] {
        let table = format!("hygie.{table}");
        world.server.psql(
            &world.address,
            &format!("UPDATE {table} SET entry = entry || ' ' WHERE seq = 2"),
        );
        world
            .server
            .psql(&world.address, &format!("DELETE FROM {table} WHERE seq = 5"));
        let chains = world.verified("one").await;
        let found: Vec<&Finding> = chains.iter().flat_map(|chain| &chain.report.findings).collect();
        for finding in [
            Finding::Altered { from: 2, to: 2 },
            Finding::Truncated { from: 5, to: 5 },
        ] {
            assert_eq!(
                found.iter().filter(|it| ***it == finding).count(),
                trail + 1,
                "{found:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_database_that_is_not_fit_is_refused() {
    let server = PostgresServer::shared();
    let address = server.create_database();
    let unstated = Settings {
        at_rest: None,
        ..settings(&address)
    };
    assert!(matches!(Database::connect(unstated).await, Err(ConnectError::AtRest)));
    let remote = settings("host=db.example user=hygie");
    assert!(matches!(Database::connect(remote).await, Err(ConnectError::Clear(host)) if host == "db.example"));
    let unreadable = settings("host=/tmp password");
    assert!(matches!(
        Database::connect(unreadable).await,
        Err(ConnectError::Address(_))
    ));
    let schema = Settings {
        schema: "a; DROP".to_owned(),
        ..settings(&address)
    };
    assert!(matches!(Database::connect(schema).await, Err(ConnectError::Schema(_))));
    server.psql(
        &address,
        "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'",
    );
    let latin = address.replace("dbname=", "dbname=latin user=hygie options='' application_name=");
    let latin = Database::connect(settings(&latin)).await;
    assert!(
        matches!(latin, Err(ConnectError::Collation { .. })),
        "{:?}",
        latin.err()
    );
    let unsafe_commit = format!("{address} options='-c synchronous_commit=off'");
    let unsafe_commit = Database::connect(settings(&unsafe_commit)).await;
    assert!(
        matches!(unsafe_commit, Err(ConnectError::NotDurable(_))),
        "{:?}",
        unsafe_commit.err()
    );
    let nowhere = settings("host=/nonexistent user=hygie dbname=none");
    assert!(matches!(
        Database::connect(nowhere).await,
        Err(ConnectError::Store(StoreError::Unavailable(_)))
    ));
}
