//! Events leave with their effect, and reach each consumer, in order and at least once, whoever delivers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use hygie_core::Cx;
use parking_lot::Mutex;

use super::{Bench, Moving, below, insert};
use hygie_store::outbox::{Consumer, Consumers, Event, Lease, MAX_BODY, MAX_NAME, Outbox, Round, deliver};
use hygie_store::{Owner, Store, StoreError, Tx};

const TTL: Duration = Duration::from_secs(30);
/// A millisecond less.
const NEARLY: Duration = Duration::from_millis(29_999);

impl Bench<'_> {
    async fn add(&self, name: &'static str) {
        self.add_for(name, "").await;
    }

    async fn add_for(&self, name: &'static str, kinds: &'static str) {
        let write = self.store.write(self.cx, (name, kinds), |(name, kinds), tx| {
            Box::pin(async move { Consumers(tx).add(name, kinds).await })
        });
        write
            .await
            .unwrap_or_else(|error: StoreError| panic!("adding {name}: {error:?}"));
    }

    async fn emit(&self, key: &str, bodies: &[&str]) {
        emit(&self.store, self.cx, key, bodies).await;
    }

    async fn lease(&self, cx: &Cx, name: &'static str, owner: Owner) -> Option<Lease> {
        let write = self.store.write(cx, (name, owner), |(name, owner), tx| {
            Box::pin(async move { Consumers(tx).lease(name, *owner, TTL).await })
        });
        write
            .await
            .unwrap_or_else(|error: StoreError| panic!("a lease: {error:?}"))
    }

    /// The lease of a consumer, for one who must get it.
    async fn leased(&self, name: &'static str) -> Lease {
        let lease = self.lease(self.cx, name, Owner::random(&*self.cx.random)).await;
        lease.expect("a free lease")
    }

    async fn next(&self, lease: &Lease, limit: u32) -> Result<Vec<Event>, StoreError> {
        let read = self.store.read(self.cx, (lease.clone(), limit), |(lease, limit), tx| {
            Box::pin(async move { Consumers(tx).next(lease, *limit).await })
        });
        read.await
    }

    async fn bodies(&self, lease: &Lease) -> Vec<String> {
        bodies(&self.next(lease, 100).await.expect("the next events"))
    }

    async fn acknowledge(&self, lease: &Lease, events: &[Event]) -> Result<(), StoreError> {
        let seqs: Vec<i64> = events.iter().map(|event| event.seq).collect();
        let write = self.store.write(self.cx, (lease.clone(), seqs), |(lease, seqs), tx| {
            Box::pin(async move { Consumers(tx).acknowledge(lease, seqs).await })
        });
        write.await
    }

    async fn acknowledge_all(&self, lease: &Lease) {
        let events = self.next(lease, 100).await.expect("the next events");
        self.acknowledge(lease, &events).await.expect("an acknowledgement");
    }

    /// How many events are kept.
    async fn kept(&self) -> i64 {
        let count = self.store.read(self.cx, (), |(), tx| {
            Box::pin(async move {
                let sql = "SELECT count(*) FROM outbox_event WHERE {i.is}1 = 1";
                let row = tx.query_one(sql, &[]).await?;
                row.map_or(Ok(0), |mut row| row.take(0))
            })
        });
        count
            .await
            .unwrap_or_else(|error: StoreError| panic!("a count: {error:?}"))
    }
}

async fn emit(store: &Store, cx: &Cx, key: &str, bodies: &[&str]) {
    let input = (
        key.to_owned(),
        bodies.iter().map(|&body| body.to_owned()).collect::<Vec<_>>(),
    );
    let write = store.write(cx, input, |(key, bodies), tx| {
        Box::pin(async move {
            for body in bodies {
                Outbox(tx).emit("test.event", key, body.as_bytes()).await?;
            }
            Ok(())
        })
    });
    write
        .await
        .unwrap_or_else(|error: StoreError| panic!("emitting: {error:?}"));
}

fn bodies(events: &[Event]) -> Vec<String> {
    let body = |event: &Event| String::from_utf8(event.body.clone()).expect("text");
    events.iter().map(body).collect()
}

pub async fn events_live_and_die_with_their_effect(bench: Bench<'_>) {
    bench.add("one").await;
    for (id, fails) in [(1, true), (2, false)] {
        let written = bench.store.write(bench.cx, (id, fails), |(id, fails), tx| {
            Box::pin(async move {
                insert(tx, *id, "thing").await?;
                Outbox(tx)
                    .emit("test.insert", "thing", format!("{id}").as_bytes())
                    .await?;
                if *fails { Err(StoreError::Busy) } else { Ok(()) }
            })
        });
        assert_eq!(written.await.is_err(), fails);
    }
    let lease = bench.leased("one").await;
    let events = bench.next(&lease, 9).await.expect("the next events");
    assert_eq!(bodies(&events), ["2"]);
    let event = &events[0];
    assert_eq!(
        (event.tenant, event.kind.as_str(), event.key.as_str()),
        (bench.cx.tenant, "test.insert", "thing")
    );
    assert_eq!(event.at, bench.cx.clock.now());
}

pub async fn each_consumer_gets_everything_in_order(bench: Bench<'_>) {
    bench.emit("k", &["before anybody"]).await;
    assert_eq!(bench.kept().await, 0, "nobody wants it");
    bench.add("one").await;
    bench.emit("k", &["a", "b"]).await;
    bench.add("two").await;
    bench.add("two").await;
    let other = bench.tenant(9);
    emit(&bench.store, &other, "k", &["c"]).await;
    bench.emit("l", &["d"]).await;
    let (one, two) = (bench.leased("one").await, bench.leased("two").await);
    assert_eq!(bench.bodies(&one).await, ["a", "b", "c", "d"]);
    assert_eq!(bench.bodies(&two).await, ["c", "d"], "from when it was added");
    assert_eq!(bench.next(&two, 1).await.expect("one event")[0].tenant, other.tenant);
    let first = bench.next(&one, 2).await.expect("two events");
    assert_eq!(bodies(&first), ["a", "b"]);
    bench.acknowledge(&one, &first).await.expect("an acknowledgement");
    assert_eq!(bench.bodies(&one).await, ["c", "d"]);
    assert_eq!(bench.bodies(&two).await, ["c", "d"], "each for itself");
}

pub async fn a_consumer_gets_the_kinds_that_it_asked_for(bench: Bench<'_>) {
    bench.add_for("other", "letter.").await;
    bench.emit("k", &["nobody's"]).await;
    assert_eq!(bench.kept().await, 0, "of a kind that nobody gets");
    bench.add_for("same", "test.ev").await;
    bench.emit("k", &["a"]).await;
    let (other, same) = (bench.leased("other").await, bench.leased("same").await);
    assert_eq!(bench.bodies(&same).await, ["a"]);
    assert!(bench.bodies(&other).await.is_empty());
    bench.add_for("other", "").await;
    bench.emit("k", &["b"]).await;
    assert_eq!(bench.bodies(&other).await, ["b"], "from when it asked for more");
    bench.acknowledge_all(&same).await;
    bench.acknowledge_all(&other).await;
    assert_eq!(bench.kept().await, 0);
    let awaited = bench.store.read(bench.cx, (), |(), tx| {
        Box::pin(async move {
            let known = Consumers(tx).kinds("same").await?;
            Ok((known, Outbox(tx).is_awaited("letter.one").await?))
        })
    });
    let told: Result<(Option<String>, bool), StoreError> = awaited.await;
    assert_eq!(told.expect("an answer"), (Some("test.ev".to_owned()), true));
}

pub async fn what_is_not_acknowledged_comes_again(bench: Bench<'_>) {
    bench.add("one").await;
    bench.emit("k", &["a", "b", "c"]).await;
    let lease = bench.leased("one").await;
    let events = bench.next(&lease, 9).await.expect("the next events");
    assert_eq!(bench.bodies(&lease).await, ["a", "b", "c"], "looking is not taking");
    bench
        .acknowledge(&lease, &events[1..2])
        .await
        .expect("an acknowledgement");
    assert_eq!(bench.bodies(&lease).await, ["a", "c"]);
    bench
        .acknowledge(&lease, &events[1..2])
        .await
        .expect("acknowledging twice");
    bench
        .acknowledge(&lease, &events[..1])
        .await
        .expect("an acknowledgement");
    assert_eq!(bench.bodies(&lease).await, ["c"]);
}

pub async fn one_process_delivers_at_a_time(bench: Bench<'_>) {
    bench.add("one").await;
    bench.emit("k", &["a"]).await;
    let (moving, cx) = Moving::of(bench.cx);
    let [left, right] = [(); 2].map(|()| Owner::random(&*bench.cx.random));
    let first = bench.lease(&cx, "one", left).await.expect("a free lease");
    assert_eq!(bench.lease(&cx, "one", right).await, None, "it is taken");
    assert_eq!(bench.lease(&cx, "nobody", right).await, None, "no such consumer");
    moving.pass(NEARLY);
    assert_eq!(bench.lease(&cx, "one", right).await, None, "it is taken to its end");
    assert_eq!(bench.lease(&cx, "one", left).await.as_ref(), Some(&first), "prolonged");
    moving.pass(NEARLY);
    assert_eq!(bench.lease(&cx, "one", right).await, None, "it was prolonged");
    moving.pass(Duration::from_millis(1));
    assert_eq!(bench.bodies(&first).await, ["a"], "it ended, and nobody took it");
    let second = bench.lease(&cx, "one", right).await.expect("a lease that has ended");
    assert!(second.fence() > first.fence());
    let events = bench.next(&second, 9).await.expect("the next events");
    let lost = bench.next(&first, 9).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
    let lost = bench.acknowledge(&first, &events).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
    assert_eq!(bench.bodies(&second).await, ["a"], "a lost lease acknowledges nothing");
    release(&bench, first).await;
    assert_eq!(
        bench.lease(&cx, "one", left).await,
        None,
        "a lost lease is not given back"
    );
    let fence = second.fence();
    release(&bench, second).await;
    let third = bench.lease(&cx, "one", left).await.expect("given back before its end");
    assert!(third.fence() > fence);
    leave(&bench, right).await;
    assert_eq!(
        bench.lease(&cx, "one", right).await,
        None,
        "it is not theirs to give back"
    );
    leave(&bench, left).await;
    assert!(bench.lease(&cx, "one", right).await.is_some(), "who had it has left");
    leave(&bench, right).await;
    // What the only process held when it was killed is its own after the next start.
    let before = bench.lease(&cx, "one", Owner::only()).await.expect("a free lease");
    assert_eq!(bench.lease(&cx, "one", Owner::only()).await, Some(before));
}

async fn leave(bench: &Bench<'_>, owner: Owner) {
    let write = bench.store.write(bench.cx, owner, |owner, tx| {
        Box::pin(async move { Consumers(tx).leave("one", *owner).await })
    });
    write
        .await
        .unwrap_or_else(|error: StoreError| panic!("leaving: {error:?}"));
}

async fn release(bench: &Bench<'_>, lease: Lease) {
    let write = bench.store.write(bench.cx, lease, |lease, tx| {
        Box::pin(async move { Consumers(tx).release(lease).await })
    });
    write
        .await
        .unwrap_or_else(|error: StoreError| panic!("a release: {error:?}"));
}

pub async fn events_are_kept_until_all_have_them(bench: Bench<'_>) {
    bench.add("quick").await;
    bench.add("slow").await;
    bench.emit("k", &["a", "b", "c"]).await;
    let (quick, slow) = (bench.leased("quick").await, bench.leased("slow").await);
    bench.acknowledge_all(&quick).await;
    assert_eq!(bench.kept().await, 3, "one still wants them");
    let first = bench.next(&slow, 1).await.expect("one event");
    bench.acknowledge(&slow, &first).await.expect("an acknowledgement");
    assert_eq!(bench.kept().await, 2);
    let backlog = bench.store.read(bench.cx, (), |(), tx| {
        Box::pin(async move {
            Ok((
                Consumers(tx).backlog("slow").await?,
                Consumers(tx).backlog("quick").await?,
            ))
        })
    });
    let (slow_backlog, quick_backlog) = backlog.await.unwrap_or_else(|error: StoreError| panic!("{error:?}"));
    assert_eq!(
        (slow_backlog.events, slow_backlog.oldest),
        (2, Some(bench.cx.clock.now()))
    );
    assert_eq!((quick_backlog.events, quick_backlog.oldest), (0, None));
    let removed = bench.store.write(bench.cx, (), |(), tx| {
        Box::pin(async move { Consumers(tx).remove("slow").await })
    });
    removed
        .await
        .unwrap_or_else(|error: StoreError| panic!("removing: {error:?}"));
    assert_eq!(bench.kept().await, 0, "nobody wants them any more");
    bench.emit("k", &["d"]).await;
    bench.acknowledge_all(&quick).await;
    assert_eq!(bench.kept().await, 0);
}

pub async fn numbers_of_events_are_not_given_again(mut bench: Bench<'_>) {
    bench.add("one").await;
    let (moving, cx) = Moving::of(bench.cx);
    let mut last = 0;
    for _ in 0..3 {
        bench.emit("k", &["a", "b"]).await;
        let owner = Owner::random(&*cx.random);
        let lease = bench.lease(&cx, "one", owner).await.expect("a lease");
        let events = bench.next(&lease, 9).await.expect("the next events");
        assert_eq!(events.len(), 2);
        assert!(
            events[0].seq > last && events[1].seq > events[0].seq,
            "{events:?} after {last}"
        );
        last = events[1].seq;
        bench.acknowledge(&lease, &events).await.expect("an acknowledgement");
        assert_eq!(bench.kept().await, 0);
        bench.store.close().await.expect("closing");
        bench.store = bench.instance.open().await;
        moving.pass(TTL);
    }
}

pub async fn too_long_events_are_refused(bench: Bench<'_>) {
    bench.add("one").await;
    let long = ["x".repeat(MAX_NAME + 1), "x".repeat(MAX_BODY + 1)];
    for (kind, key, body) in [(&long[0][..], "k", ""), ("kind", &long[0], ""), ("kind", "k", &long[1])] {
        let input = (kind.to_owned(), key.to_owned(), body.to_owned());
        let write = bench.store.write(bench.cx, input, |(kind, key, body), tx| {
            Box::pin(async move { Outbox(tx).emit(kind, key, body.as_bytes()).await })
        });
        let refused = write.await;
        assert!(matches!(refused, Err(StoreError::Inconsistent(_))), "{refused:?}");
    }
    assert_eq!(bench.kept().await, 0);
}

/// Remembers what it was given, and fails now and then.
struct Rememberer {
    seen: Mutex<BTreeMap<String, Vec<u64>>>,
    deliveries: AtomicUsize,
    now_in: AtomicUsize,
    cx: Cx,
}

impl Consumer for Rememberer {
    fn name(&self) -> &'static str {
        "one"
    }

    fn deliver<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, usize> {
        Box::pin(async move {
            assert_eq!(self.now_in.fetch_add(1, Ordering::SeqCst), 0, "two deliver at once");
            tokio::task::yield_now().await;
            // It fails in the middle, after delivering more than it tells.
            let delivered = below(&*self.cx.random, events.len() as u64 + 1) as usize;
            let told = below(&*self.cx.random, delivered as u64 + 1) as usize;
            for event in &events[..delivered] {
                let number = std::str::from_utf8(&event.body)
                    .expect("text")
                    .parse()
                    .expect("a number");
                self.seen.lock().entry(event.key.clone()).or_default().push(number);
            }
            self.deliveries.fetch_add(delivered, Ordering::SeqCst);
            self.now_in.fetch_sub(1, Ordering::SeqCst);
            told
        })
    }
}

/// Counts a thing up and tells it: two that count the same thing exclude one another.
async fn count_up(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    let sql = "SELECT weight FROM thing WHERE {i.is}tenant = :tenant AND id = ?1";
    let row = tx.query_one(sql, &[id.into()]).await?;
    let next = row.map_or(Ok(0.0), |mut row| row.take::<f64>(0))? + 1.0;
    let sql = "UPDATE thing SET weight = ?2 WHERE {i.is}tenant = :tenant AND id = ?1";
    tx.execute(sql, &[id.into(), next.into()]).await?;
    Outbox(tx)
        .emit("test.count", &id.to_string(), (next as u64).to_string().as_bytes())
        .await
}

pub async fn keys_keep_their_order_whoever_delivers(bench: Bench<'_>) {
    const KEYS: i64 = 3;
    const COUNTS: u64 = 40;
    bench.add("one").await;
    let set_up = bench.store.write(bench.cx, (), |(), tx| {
        Box::pin(async move {
            for id in 0..KEYS {
                insert(tx, id, "counter").await?;
                let sql = "UPDATE thing SET weight = 0.0 WHERE {i.is}tenant = :tenant AND id = ?1";
                tx.execute(sql, &[id.into()]).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    set_up.await.expect("counters");
    let writers = (0..KEYS * 2).map(|n| {
        let (store, cx) = (bench.store.clone(), bench.cx.clone());
        tokio::spawn(async move {
            for _ in 0..COUNTS / 2 {
                let write = store.write(&cx, n % KEYS, |id, tx| Box::pin(count_up(tx, *id)));
                write.await.unwrap_or_else(|error| panic!("counting: {error:?}"));
            }
        })
    });
    let writers = join_all(writers);
    let consumer = Rememberer {
        seen: Mutex::default(),
        deliveries: AtomicUsize::new(0),
        now_in: AtomicUsize::new(0),
        cx: bench.cx.clone(),
    };
    let (written, ()) = futures_util::future::join(writers, deliver_all(&bench, &consumer)).await;
    for writer in written {
        writer.expect("a writer");
    }
    deliver_all(&bench, &consumer).await;
    let seen = consumer.seen.lock().clone();
    assert_eq!(seen.len() as i64, KEYS);
    for (key, numbers) in seen {
        let mut first_seen: Vec<u64> = Vec::new();
        for number in numbers {
            // It may come again, but nothing is left out.
            let last = first_seen.last().copied().unwrap_or(0);
            assert!(number <= last + 1, "{number} of {key} comes after {last}");
            if number == last + 1 {
                first_seen.push(number);
            }
        }
        assert_eq!(first_seen.len() as u64, COUNTS, "the counts of {key}");
    }
    assert!(
        consumer.deliveries.load(Ordering::SeqCst) as u64 > KEYS as u64 * COUNTS,
        "some came again"
    );
    assert_eq!(bench.kept().await, 0);
}

/// Delivers as two processes that die now and then, until nothing is to be seen for a while.
async fn deliver_all(bench: &Bench<'_>, consumer: &Rememberer) {
    let mut owners = [(); 2].map(|()| Owner::random(&*bench.cx.random));
    let (moving, cx) = Moving::of(bench.cx);
    let mut idle = 0;
    while idle < 20 {
        let rounds = owners.map(|owner| deliver(&bench.store, &cx, owner, consumer));
        let rounds = join_all(rounds).await.into_iter();
        let rounds: Vec<Round> = rounds.map(|round| round.expect("a round")).collect();
        let busy = rounds
            .iter()
            .filter(|round| matches!(round, Round::Delivered(_) | Round::Refused));
        assert!(busy.count() <= 1, "two delivered: {rounds:?}");
        if rounds == [Round::Idle; 2] {
            idle += 1;
            tokio::time::sleep(Duration::from_millis(2)).await;
            continue;
        }
        idle = 0;
        match below(&*cx.random, 4) {
            0 => owners[0] = Owner::random(&*cx.random),
            1 => owners[1] = Owner::random(&*cx.random),
            2 => moving.pass(Duration::from_secs(20)),
            _ => {}
        }
    }
}
