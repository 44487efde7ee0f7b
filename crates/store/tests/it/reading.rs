//! Reads that take long: they hold up neither short ones nor the connections once nobody waits for them.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use hygie_store::{Store, StoreError, Tx};
use tokio::task::JoinHandle;

use crate::world::{Dir, cx, open_with, small};

/// Looks at more rows than a read may on the thread of its caller.
async fn look_at_many(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    for _ in 0..3000 {
        tx.journal(1).await?;
    }
    Ok(())
}

/// A long read that tells when it has begun and ends when it is let.
fn long_read(store: &Store, begun: Sender<()>, end: Receiver<()>) -> JoinHandle<Result<(), StoreError>> {
    let (store, gate) = (store.clone(), (begun, Mutex::new(end)));
    tokio::spawn(async move {
        store
            .read(&cx(1), gate, |(begun, end), tx| {
                Box::pin(async move {
                    look_at_many(tx).await?;
                    let _first_only = begun.send(());
                    let _let = end.lock().expect("not poisoned").recv();
                    Ok(())
                })
            })
            .await
    })
}

async fn short_read(store: &Store) -> Result<(), StoreError> {
    let cx = cx(1);
    let read = store.read(&cx, (), |(), tx| Box::pin(async { tx.journal(1).await.map(drop) }));
    let read = tokio::time::timeout(Duration::from_secs(5), read).await;
    read.expect("short reads do not wait for long ones")
}

async fn arrives(begun: Receiver<()>) {
    let arrived = tokio::task::spawn_blocking(move || begun.recv_timeout(Duration::from_secs(10))).await;
    arrived.expect("a thread").expect("the read begins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_reads_do_not_wait_for_long_ones() {
    let dir = Dir::new("reading-lanes");
    let store = open_with(dir.path(), small()).expect("a new store");
    let mut ends = Vec::new();
    let mut reads = Vec::new();
    let (begun, first) = channel();
    for _ in 0..4 {
        let (end, ended) = channel();
        reads.push(long_read(&store, begun.clone(), ended));
        ends.push(end);
    }
    arrives(first).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    for _ in 0..20 {
        short_read(&store).await.expect("a short read");
    }
    drop(ends);
    for read in reads {
        read.await.expect("a task").expect("a long read");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_takes_no_connection_along() {
    let dir = Dir::new("reading-gone");
    let store = open_with(dir.path(), hygie_store::embedded::Limits { readers: 1, ..small() }).expect("a new store");
    let (begun, first) = channel();
    let (end, ended) = channel();
    let read = long_read(&store, begun, ended);
    arrives(first).await;
    read.abort();
    assert!(read.await.is_err(), "the caller is gone");
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { short_read(&store).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished(), "the only connection is in use");
    drop(end);
    waiting
        .await
        .expect("a task")
        .expect("a read after the connection is free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_ends_when_nobody_waits_for_it() {
    let dir = Dir::new("reading-abandoned");
    let store = open_with(dir.path(), small()).expect("a new store");
    let looks = Arc::new(AtomicUsize::new(0));
    let read = tokio::spawn({
        let (store, looks) = (store.clone(), looks.clone());
        async move {
            let endless: Result<(), StoreError> = store
                .read(&cx(1), looks, |looks, tx| {
                    Box::pin(async move {
                        loop {
                            tx.journal(1).await?;
                            looks.fetch_add(1, Ordering::Relaxed);
                        }
                    })
                })
                .await;
            endless
        }
    });
    while looks.load(Ordering::Relaxed) < 10_000 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    read.abort();
    assert!(read.await.is_err(), "the caller is gone");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let seen = looks.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(looks.load(Ordering::Relaxed), seen, "it has ended");
}
