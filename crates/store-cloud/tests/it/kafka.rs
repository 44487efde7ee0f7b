//! Events in a real Kafka, read by its own consumer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hygie_core::{Secret, TenantId, Timestamp};
use hygie_store::outbox::{Backlog, Consumers, Event, Outbox, Round, deliver};
use hygie_store::{Owner, Store, StoreError};
use hygie_store_cloud::kafka::{self, KafkaError, Login, Options, Security};
use hygie_store_cloud::{TokenError, Tokens};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::servers::{Certified, Kafka, Record, free_port};
use crate::world::{World, cx};

const START: Timestamp = Timestamp::from_secs(1_795_249_800);

fn tenant(number: u128) -> TenantId {
    TenantId::from_uuid(uuid::Uuid::from_u128(number))
}

fn event(seq: i64, key: &str, body: &str) -> Event {
    Event {
        seq,
        tenant: tenant(1),
        kind: "test.event".to_owned(),
        key: key.to_owned(),
        body: body.as_bytes().to_vec(),
        at: START + Duration::from_millis(seq.cast_unsigned()),
    }
}

/// As Kafka's own validator of unsigned tokens wants them, until this instant.
#[derive(Debug)]
struct UnsignedTokens(u32);

impl Tokens for UnsignedTokens {
    fn token<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Secret<String>, TokenError>> {
        use base64::Engine as _;
        assert_eq!(resource, "https://test.servicebus.windows.net");
        let base64 = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let claims = format!(r#"{{"sub":"hygie","iat":1400000000,"exp":{}}}"#, self.0);
        let claims = base64.encode(claims);
        let token = format!("{}.{claims}.", base64.encode(r#"{"alg":"none"}"#));
        Box::pin(std::future::ready(Ok(Secret::new(token))))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "needs a server that scripts/test installs"]
async fn events_get_to_kafka() {
    let mut server = Kafka::start();
    server.create_topic("shape", 3, &[]);
    records_have_their_shape(&server).await;
    logins_are_checked(&server).await;
    long_events_go_alone_or_not_at_all(&server).await;
    let front = Front::open(server.front, server.behind()).await;
    a_lost_answer_makes_no_second_copy(&server, &front).await;
    an_outbox_with_another_head_begins_anew(&server, &front).await;
    nothing_is_lost_with_the_broker(&mut server).await;
}

async fn records_have_their_shape(server: &Kafka) {
    let kafka = kafka::open(server.by_password("shape")).expect("a client");
    kafka.check().await.expect("the broker answers");
    let mut events: Vec<Event> = (1..=60)
        .map(|n| event(n, &format!("k{}", n % 7), &format!("body {n}")))
        .collect();
    events[9].tenant = tenant(2);
    events[10].body = Vec::new();
    let sent = kafka.send(&events).await;
    assert!(sent.error.is_none() && sent.count == 60, "{sent:?}");
    assert_eq!(kafka.send(&[]).await.count, 0);

    let records = server.consume("shape");
    assert_eq!(records.len(), 60);
    let mut partitions: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for record in &records {
        let seq: usize = record.header("ce_id").parse().expect("a number");
        let event = &events[seq - 1];
        assert_eq!(record.key, format!("{}/{}", event.tenant, event.key));
        assert_eq!(record.value.as_bytes(), event.body);
        assert_eq!(record.millis, event.at.millis());
        let headers: Vec<_> = record.headers.iter().map(|(_, value)| value.as_str()).collect();
        let (id, at) = (event.seq.to_string(), event.at.to_rfc3339());
        let tenant = event.tenant.to_string();
        let json = "application/json";
        let expected = [
            "1.0",
            &id,
            "/instances/test",
            "test.event",
            &event.key,
            &at,
            &tenant,
            json,
        ];
        assert_eq!(headers, expected);
        partitions.entry(&record.key).or_default().insert(record.partition);
    }
    assert!(
        partitions.values().all(|partitions| partitions.len() == 1),
        "{partitions:?}"
    );
    let used: BTreeSet<_> = partitions.values().flatten().collect();
    assert!(used.len() > 1, "{partitions:?}");
    for partition in 0..3 {
        let seqs: Vec<i64> = in_partition(&records, partition);
        assert!(seqs.is_sorted(), "{partition}: {seqs:?}");
    }
}

fn in_partition(records: &[Record], partition: u32) -> Vec<i64> {
    let ours = records.iter().filter(|record| record.partition == partition);
    ours.map(|record| record.header("ce_id").parse().expect("a number"))
        .collect()
}

async fn failure(options: Options) -> KafkaError {
    let kafka = kafka::open(options).expect("a client");
    let sent = kafka.send(&[event(1, "k", "never")]).await;
    assert_eq!(sent.count, 0);
    sent.error.expect("a reason")
}

async fn logins_are_checked(server: &Kafka) {
    let tokens = |until| Login::Tokens {
        tokens: Arc::new(UnsignedTokens(until)),
        resource: "https://test.servicebus.windows.net".to_owned(),
    };
    let old = failure(server.by_tls("shape", tokens(1_500_000_000))).await;
    assert!(matches!(old, KafkaError::Refused(_)), "{old:?}");
    let kafka = kafka::open(server.by_tls("shape", tokens(4_100_000_000))).expect("a client");
    kafka.check().await.expect("a token is a login");
    let sent = kafka.send(&[event(61, "k1", "by an identity")]).await;
    assert!(sent.error.is_none() && sent.count == 1, "{sent:?}");

    let wrong = Login::Plain {
        user: "hygie".to_owned(),
        password: Secret::new("another".to_owned()),
    };
    let refused = failure(server.by_tls("shape", wrong)).await;
    assert!(
        matches!(&refused, KafkaError::Refused(why) if !why.contains("another")),
        "{refused:?}"
    );
    let nobody = failure(server.by_tls("shape", Login::None)).await;
    assert!(!matches!(nobody, KafkaError::Refused(_)), "{nobody:?}");
    let absent = failure(server.by_password("absent")).await;
    assert!(
        matches!(&absent, KafkaError::NoTopic(name) if name == "absent"),
        "{absent:?}"
    );
    let mut untrusted = server.by_password("shape");
    untrusted.security = Security::Tls(vec![Certified::new().certificate]);
    untrusted.limits.delivery = Duration::from_secs(1);
    let untrusted = failure(untrusted).await;
    assert!(matches!(untrusted, KafkaError::Unreachable { .. }), "{untrusted:?}");
    let mut remote = server.in_clear("shape");
    remote.brokers = vec!["kafka.example:9092".to_owned()];
    let remote = kafka::open(remote).err();
    assert!(matches!(remote, Some(KafkaError::Clear(_))), "{remote:?}");
    // Whether there is a broker at all is known without a login.
    for options in [server.by_tls("shape", Login::None), server.by_password("absent")] {
        let kafka = kafka::open(options).expect("a client");
        kafka.reach().await.expect("a broker answers");
    }
    let mut closed = server.by_password("shape");
    closed.brokers = vec![format!("localhost:{}", free_port())];
    let unreachable = kafka::open(closed).expect("a client").reach().await;
    assert!(
        matches!(unreachable, Err(KafkaError::Unreachable { .. })),
        "{unreachable:?}"
    );
}

async fn long_events_go_alone_or_not_at_all(server: &Kafka) {
    server.create_topic("narrow", 1, &["max.message.bytes=40000"]);
    let kafka = kafka::open(server.in_clear("narrow")).expect("a client");
    let long = "x".repeat(30_000);
    let events: Vec<Event> = (1..=8).map(|n| event(n, "k", &long)).collect();
    let sent = kafka.send(&events).await;
    assert!(sent.error.is_none() && sent.count == 8, "{sent:?}");
    let too_long = [
        event(9, "k", "short"),
        event(10, "k", &"x".repeat(50_000)),
        event(11, "k", "short"),
    ];
    let sent = kafka.send(&too_long).await;
    assert!(matches!(sent.error, Some(KafkaError::TooLong(10))), "{sent:?}");
    assert_eq!(sent.count, 1);
    assert_eq!(in_partition(&server.consume("narrow"), 0), (1..=9).collect::<Vec<_>>());
}

/// Between us and the broker: swallows an answer when it is told to, and closes; or keeps it until it may pass.
#[derive(Clone, Default)]
struct Front(Arc<Answers>);

#[derive(Default)]
struct Answers {
    swallows: AtomicBool,
    holds: AtomicBool,
    held: Notify,
    may_pass: Notify,
}

impl Front {
    async fn open(port: u16, behind: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a port");
        let front = Self::default();
        let answers = front.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", behind)).await.expect("the broker");
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                tokio::spawn(Self::default().copy(from_client, to_server));
                tokio::spawn(answers.clone().copy(from_server, to_client));
            }
        });
        front
    }

    fn swallow_next(&self) {
        self.0.swallows.store(true, Ordering::SeqCst);
    }

    /// Sends, and gives up when the broker has answered and the answer has not arrived: it comes after that.
    async fn give_up_before_the_answer(&self, kafka: &kafka::Kafka, events: &[Event]) {
        self.0.holds.store(true, Ordering::SeqCst);
        tokio::select! {
            () = self.0.held.notified() => {}
            sent = kafka.send(events) => panic!("not given up: {sent:?}"),
        }
        self.0.may_pass.notify_one();
    }

    async fn copy(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(len @ 1..) = from.read(&mut bytes).await {
            if self.0.holds.swap(false, Ordering::SeqCst) {
                self.0.held.notify_one();
                self.0.may_pass.notified().await;
            }
            if self.0.swallows.swap(false, Ordering::SeqCst) || to.write_all(&bytes[..len]).await.is_err() {
                return;
            }
        }
    }
}

async fn a_lost_answer_makes_no_second_copy(server: &Kafka, front: &Front) {
    server.create_topic("lost", 1, &[]);
    let kafka = kafka::open(server.by_the_front("lost")).expect("a client");
    for round in 0..3 {
        let events: Vec<Event> = (1..=5).map(|n| event(round * 5 + n, "k", "x")).collect();
        if round > 0 {
            front.swallow_next();
        }
        let sent = kafka.send(&events).await;
        assert!(sent.error.is_none() && sent.count == 5, "{sent:?}");
        assert!(!front.0.swallows.load(Ordering::SeqCst), "an answer was swallowed");
    }
    assert_eq!(in_partition(&server.consume("lost"), 0), (1..=15).collect::<Vec<_>>());
}

/// Another process has delivered meanwhile: what was on its way here is not taken for something else.
async fn an_outbox_with_another_head_begins_anew(server: &Kafka, front: &Front) {
    server.create_topic("head", 1, &[]);
    let kafka = kafka::open(server.by_the_front("head")).expect("a client");
    assert_eq!(kafka.send(&[event(1, "k", "x")]).await.count, 1);
    let interrupted = [event(2, "k", "x"), event(3, "k", "x")];
    front.give_up_before_the_answer(&kafka, &interrupted).await;
    let sent = kafka.send(&[event(4, "k", "x"), event(5, "k", "x")]).await;
    assert!(sent.error.is_none() && sent.count == 2, "{sent:?}");
    let seqs = in_partition(&server.consume("head"), 0);
    assert_eq!(seqs, [1, 2, 3, 4, 5], "what was given up is there, before the others");
    // With the same head, what was given up is sent again as it was.
    let interrupted = [event(6, "k", "x"), event(7, "k", "x")];
    front.give_up_before_the_answer(&kafka, &interrupted).await;
    let sent = kafka.send(&[&interrupted[..], &[event(8, "k", "x")]].concat()).await;
    assert!(sent.error.is_none() && sent.count == 3, "{sent:?}");
    let seqs = in_partition(&server.consume("head"), 0);
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7, 8], "one copy");
}

async fn add_consumer(store: &Store) {
    let added = store.write(cx(), (), |(), tx| {
        Box::pin(async move { Consumers(tx).add("kafka", "").await })
    });
    added.await.unwrap_or_else(|error: StoreError| panic!("{error:?}"));
}

/// Emits events of several keys, numbered within their key.
async fn emit(store: &Store, from: u64, to: u64) {
    for number in from..to {
        let write = store.write(cx(), number, |number, tx| {
            Box::pin(async move {
                for key in 0..5 {
                    let body = number.to_string();
                    Outbox(tx)
                        .emit("test.count", &format!("k{key}"), body.as_bytes())
                        .await?;
                }
                Ok(())
            })
        });
        write.await.unwrap_or_else(|error: StoreError| panic!("{error:?}"));
    }
}

async fn backlog(store: &Store) -> u64 {
    let read = store.read(cx(), (), |(), tx| {
        Box::pin(async move { Consumers(tx).backlog("kafka").await })
    });
    let backlog: Result<Backlog, StoreError> = read.await;
    backlog.expect("the backlog").events
}

async fn nothing_is_lost_with_the_broker(server: &mut Kafka) {
    const COUNTS: u64 = 120;
    server.create_topic("kept", 4, &[]);
    let world = World::new();
    let store = world.open("one", &[]).await.expect("the store");
    add_consumer(&store).await;
    let kafka = Arc::new(kafka::open(server.by_password("kept")).expect("a client"));
    let is_done = Arc::new(AtomicBool::new(false));
    let delivering = {
        let (store, kafka, is_done) = (store.clone(), kafka.clone(), is_done.clone());
        let owner = Owner::random(&*cx().random);
        tokio::spawn(async move {
            while !is_done.load(Ordering::SeqCst) {
                let round = deliver(&store, cx(), owner, &*kafka).await.expect("a round");
                if !matches!(round, Round::Delivered(_)) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        })
    };
    emit(&store, 0, COUNTS / 3).await;
    server.kill();
    emit(&store, COUNTS / 3, COUNTS).await;
    assert!(backlog(&store).await > 0, "the broker is away");
    server.run();
    for _ in 0..600 {
        if backlog(&store).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    is_done.store(true, Ordering::SeqCst);
    delivering.await.expect("the delivery ends");
    assert_eq!(backlog(&store).await, 0, "it goes on by itself");

    let mut seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for record in server.consume("kept") {
        let number = record.value.parse().expect("a number");
        let numbers = seen.entry(record.key).or_default();
        // It may come again, but nothing is left out and nothing new comes before what is older.
        let next = numbers.last().map_or(0, |last| last + 1);
        assert!(number <= next, "{number} comes instead of {next}");
        if number == next {
            numbers.push(number);
        }
    }
    assert_eq!(seen.len(), 5);
    for (key, numbers) in seen {
        assert_eq!(numbers.len() as u64, COUNTS, "{key}");
    }
    store.close().await.expect("closing");
}
