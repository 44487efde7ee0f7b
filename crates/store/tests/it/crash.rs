//! A process that is killed at any moment loses nothing it has answered, whatever the merge of the index was doing.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use hygie_core::SeededRandom;
use hygie_store::embedded::Limits;
use hygie_store::{IndexKeys, IndexRange, Order, Store, StoreError};

use crate::world::{Dir, apply, cx, open_with};

const CHILD: &str = "HYGIE_STORE_CRASH_CHILD";

/// So small that nearly every commit carries a slice of a merge.
fn limits() -> Limits {
    Limits {
        queue: 256,
        readers: 1,
        cache_kib: 2048,
        tail: 200,
    }
}

/// The changes of the write with this number, the same in both processes.
fn lines(number: u64) -> String {
    let random = SeededRandom::new(number);
    (0..12)
        .map(|_| {
            let sign = if random.below(4) == 0 { '-' } else { '+' };
            format!("{sign}k{:05}\n", random.below(4000))
        })
        .collect()
}

/// Writes for ever and prints the number of each answered write; run only by the other test, in a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "how the process is told that it is the child")]
async fn child_writes_until_it_is_killed() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let store = open_with(Path::new(&dir), limits()).expect("the store opens");
    let mut next = written(&store).await;
    loop {
        let line = lines(next);
        let outcome: Result<i64, StoreError> = store
            .write(&cx(1), line, |line, tx| {
                Box::pin(async move {
                    let seq = tx.append(line.as_bytes()).await?;
                    apply(tx, line.as_bytes()).await?;
                    Ok(seq)
                })
            })
            .await;
        assert_eq!(outcome.expect("a write"), next as i64 + 1);
        next += 1;
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nanswered {next}").expect("the parent listens");
        out.flush().expect("the parent listens");
    }
}

/// How many records the journal has.
async fn written(store: &Store) -> u64 {
    let count: Result<u64, StoreError> = store
        .read(&cx(1), (), |(), tx| {
            Box::pin(async move {
                let mut count = 0;
                while tx.journal(count as i64 + 1).await?.is_some() {
                    count += 1;
                }
                Ok(count)
            })
        })
        .await;
    count.expect("the journal")
}

#[tokio::test]
async fn a_killed_process_has_lost_nothing_it_answered() {
    let dir = Dir::new("crash");
    let random = SeededRandom::new(99);
    let mut answered = 0;
    for round in 0..8 {
        let until = answered + 40 + random.below(400);
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["crash::child_writes_until_it_is_killed", "--exact", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        for line in BufReader::new(child.stdout.take().expect("its output"))
            .lines()
            .map_while(Result::ok)
        {
            if let Some(number) = line.strip_prefix("answered ") {
                answered = number.parse().expect("a number");
                if answered >= until {
                    child.kill().expect("kill -9");
                }
            }
        }
        child.wait().expect("its end");
        assert!(answered >= until, "the child ended by itself after {answered}");
        let store = open_with(dir.path(), limits()).expect("the store opens after the kill");
        let count = written(&store).await;
        assert!(count >= answered, "round {round}: {answered} answered, {count} there");
        let mut model = BTreeSet::new();
        for number in 0..count {
            for line in lines(number).lines() {
                let key = line.as_bytes()[1..].to_vec();
                if line.starts_with('+') {
                    model.insert(key)
                } else {
                    model.remove(&key)
                };
            }
        }
        let keys: Result<Vec<Vec<u8>>, StoreError> = store
            .read(&cx(1), (), |(), tx| {
                Box::pin(async move {
                    let mut keys = IndexKeys::default();
                    tx.index_scan(&IndexRange::prefix(b"k"), Order::Ascending, 99_999, &mut keys)
                        .await?;
                    Ok(keys.iter().map(<[u8]>::to_vec).collect())
                })
            })
            .await;
        assert_eq!(
            keys.expect("a scan"),
            model.into_iter().collect::<Vec<_>>(),
            "round {round}"
        );
        answered = count;
        if round % 2 == 1 {
            store.close().await.expect("closing");
        }
    }
}
