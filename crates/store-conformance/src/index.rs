//! The ordered index is a set of keys in byte order.

use std::collections::BTreeSet;

use hygie_core::Random;

use super::{Bench, Changes, below, everything, scan};
use hygie_store::{IndexKeys, IndexRange, Order, StoreError, successor};

fn range(from: &[u8], to: &[u8]) -> IndexRange {
    IndexRange {
        from: from.to_vec(),
        to: to.to_vec(),
    }
}

pub async fn scans_are_ordered_bounded_and_appended(bench: Bench<'_>) {
    let keys: [&[u8]; 9] = [
        b"a",
        b"a\0",
        b"a\0b",
        b"a\xff",
        b"a\xff\xff",
        b"ab",
        b"b",
        b"\xff",
        b"\xff\x01",
    ];
    let changes = keys.iter().fold(Changes::default(), |changes, key| changes.add(*key));
    bench.change(changes).await.expect("a change");
    let mut sorted: Vec<Vec<u8>> = keys.iter().map(|key| key.to_vec()).collect();
    sorted.sort();
    let ranges = [
        everything(),
        IndexRange::prefix(b"a"),
        IndexRange::prefix(b"a\xff"),
        range(b"a", b"a"),
        range(b"b", b"a"),
        range(b"a\0", b"b"),
        range(b"z", &successor(b"z")),
    ];
    for range in ranges {
        let inside = sorted.iter().filter(|key| (&range.from..&range.to).contains(key));
        let inside: Vec<Vec<u8>> = inside.cloned().collect();
        for limit in [0, 1, 2, 5, 100] {
            let ascending = bench.scan(range.clone(), Order::Ascending, limit).await;
            assert_eq!(ascending, inside[..limit.min(inside.len())], "{range:?} up to {limit}");
            let descending = bench.scan(range.clone(), Order::Descending, limit).await;
            let reversed: Vec<_> = inside.iter().rev().take(limit).cloned().collect();
            assert_eq!(descending, reversed, "{range:?} down to {limit}");
        }
    }
    let read = bench.store.read(bench.cx, (), |(), tx| {
        Box::pin(async move {
            let mut keys = IndexKeys::default();
            keys.push(b"there before");
            tx.index_scan(&everything(), Order::Ascending, 1, &mut keys).await?;
            Ok::<_, StoreError>(keys)
        })
    });
    let keys = read.await.expect("a scan");
    assert_eq!(
        (keys.len(), keys.get(0), keys.last()),
        (2, Some(&b"there before"[..]), Some(&b"a"[..]))
    );
}

pub async fn a_key_is_there_once_or_not(bench: Bench<'_>) {
    let steps: [(Changes, &[&[u8]]); 6] = [
        (Changes::default().add("a").add("a"), &[b"a"]),
        (Changes::default().add("a").remove("absent"), &[b"a"]),
        (Changes::default().add("b").remove("b"), &[b"a"]),
        (Changes::default().remove("a").add("a").add("c"), &[b"a", b"c"]),
        (Changes::default().remove("a").remove("a"), &[b"c"]),
        (Changes::default().remove("c"), &[]),
    ];
    for (changes, expected) in steps {
        let shown = format!("{changes:?}");
        bench.change(changes).await.expect("a change");
        assert_eq!(
            bench.scan(everything(), Order::Ascending, 9).await,
            expected,
            "after {shown}"
        );
    }
}

pub async fn changes_are_seen_inside_and_after_commit_only(bench: Bench<'_>) {
    bench
        .change(Changes::default().add("old").add("stays"))
        .await
        .expect("a change");
    for fails in [true, false] {
        let write = bench.store.write(bench.cx, fails, |fails, tx| {
            Box::pin(async move {
                Changes::default().add("new").remove("old").write(tx).await?;
                let inside = scan(tx, &everything(), Order::Ascending, 9).await?;
                assert_eq!(
                    inside,
                    [b"new".to_vec(), b"stays".to_vec()],
                    "a transaction sees its own changes"
                );
                let down = scan(tx, &everything(), Order::Descending, 1).await?;
                assert_eq!(down, [b"stays".to_vec()]);
                if *fails { Err(StoreError::Busy) } else { Ok(()) }
            })
        });
        let outcome: Result<(), StoreError> = write.await;
        assert_eq!(outcome.is_err(), fails, "{outcome:?}");
        let expected: [&[u8]; 2] = if fails { [b"old", b"stays"] } else { [b"new", b"stays"] };
        assert_eq!(bench.scan(everything(), Order::Ascending, 9).await, expected);
    }
}

pub async fn keys_have_a_longest_length(bench: Bench<'_>) {
    let longest = vec![b'k'; 1024];
    bench
        .change(Changes::default().add(longest.clone()))
        .await
        .expect("a key of 1 KiB");
    let longer = bench
        .change(Changes::default().add("short").add(vec![b'k'; 1025]))
        .await;
    assert!(matches!(longer, Err(StoreError::Inconsistent(_))), "{longer:?}");
    assert_eq!(bench.scan(everything(), Order::Ascending, 9).await, [longest]);
}

/// A key from a small space, so that changes meet; some longer than what engines keep inline.
fn some_key(random: &dyn Random) -> Vec<u8> {
    let n = below(random, 1500);
    let mut key = format!("{:03}", n % 40).into_bytes();
    key.extend_from_slice(&(n as u16).to_be_bytes());
    key.resize(key.len() + (n % 7 * 9) as usize, b'.');
    key
}

fn some_changes(random: &dyn Random, model: &mut BTreeSet<Vec<u8>>) -> Changes {
    let mut changes = Changes::default();
    for _ in 0..below(random, 60) {
        let key = some_key(random);
        if below(random, 5) < 2 {
            model.remove(&key);
            changes = changes.remove(key);
        } else {
            model.insert(key.clone());
            changes = changes.add(key);
        }
    }
    changes
}

fn some_scan(random: &dyn Random) -> (IndexRange, Order, usize) {
    let (a, b) = (some_key(random), some_key(random));
    let range = match below(random, 3) {
        0 => everything(),
        1 => IndexRange::prefix(&a[..3]),
        _ => range(a.clone().min(b.clone()).as_slice(), a.max(b).as_slice()),
    };
    let order = if below(random, 2) == 0 {
        Order::Ascending
    } else {
        Order::Descending
    };
    (range, order, below(random, 300) as usize)
}

fn expected(model: &BTreeSet<Vec<u8>>, (range, order, limit): &(IndexRange, Order, usize)) -> Vec<Vec<u8>> {
    let inside = model.range(range.from.clone()..range.to.clone()).cloned();
    match order {
        Order::Ascending => inside.take(*limit).collect(),
        Order::Descending => inside.rev().take(*limit).collect(),
    }
}

/// Why a write of the model test ended without a commit.
enum Ended {
    /// It was to fail; what it saw inside.
    OnPurpose(Vec<Vec<u8>>),
    Unexpectedly(StoreError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Unexpectedly(error)
    }
}

/// Random changes, failures, scans inside and outside, and restarts agree with a plain set at each step.
pub async fn the_index_is_the_set_that_was_written(bench: Bench<'_>) {
    let random = &*bench.cx.random;
    let mut model = BTreeSet::new();
    let mut store = bench.store.clone();
    for step in 0..400 {
        let mut after = model.clone();
        let changes = some_changes(random, &mut after);
        let (question, fails) = (some_scan(random), below(random, 5) == 0);
        let write = store.write(
            bench.cx,
            (changes, question.clone(), fails),
            |(changes, question, fails), tx| {
                Box::pin(async move {
                    changes.write(tx).await?;
                    let inside = scan(tx, &question.0, question.1, question.2).await?;
                    if *fails {
                        Err(Ended::OnPurpose(inside))
                    } else {
                        Ok(inside)
                    }
                })
            },
        );
        let inside = match write.await {
            Ok(inside) | Err(Ended::OnPurpose(inside)) => inside,
            Err(Ended::Unexpectedly(error)) => panic!("step {step}: {error:?}"),
        };
        assert_eq!(inside, expected(&after, &question), "step {step}, inside: {question:?}");
        if !fails {
            model = after;
        }
        let question = some_scan(random);
        let read = store.read(bench.cx, question.clone(), |(range, order, limit), tx| {
            Box::pin(scan(tx, range, *order, *limit))
        });
        let found = read.await.unwrap_or_else(|error| panic!("step {step}: {error:?}"));
        assert_eq!(found, expected(&model, &question), "step {step}: {question:?}");
        if step % 133 == 132 {
            store.close().await.expect("closing");
            store = bench.instance.open().await;
        }
    }
    store.close().await.expect("closing");
}

/// Pages of ten, while others come and go before and behind: the keys that stay are each met once.
pub async fn paging_beside_writers_skips_and_repeats_nothing(bench: Bench<'_>) {
    let key = |n: u32, kind: &str| format!("{n:05}{kind}").into_bytes();
    let staying = (0..300).fold(Changes::default(), |changes, n| changes.add(key(n, "stays")));
    bench.change(staying).await.expect("the keys that stay");
    let mut met = Vec::new();
    let mut at = everything();
    loop {
        let page = bench.scan(at.clone(), Order::Ascending, 10).await;
        let Some(last) = page.last() else { break };
        at.from = [last.as_slice(), &[0]].concat();
        met.extend(page.into_iter().filter(|key| key.ends_with(b"stays")));
        let random = &*bench.cx.random;
        let mut changes = Changes::default();
        for _ in 0..40 {
            let key = key(below(random, 300) as u32, "comes");
            changes = if below(random, 2) == 0 {
                changes.add(key)
            } else {
                changes.remove(key)
            };
        }
        bench.change(changes).await.expect("a change beside");
    }
    let expected: Vec<_> = (0..300).map(|n| key(n, "stays")).collect();
    assert_eq!(met, expected);
}
