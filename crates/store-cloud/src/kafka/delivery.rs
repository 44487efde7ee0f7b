//! Events to the partitions of a topic: each partition's in their order, one batch on its way at a time.
//!
//! What may have arrived is sent again as it was, with the number that it had: the broker knows a batch again and keeps
//! one copy (KIP-98, idempotent producer). That ends with this process, or when the outbox has another first event than
//! the batch: then a new producer begins, and what was on its way may be there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hygie_store::outbox::Event;
use tokio::time::{Instant, sleep, timeout_at};

use super::cluster::Cluster;
use super::error::{Code, KafkaError};
use super::messages;
use super::records::{self, Origin};

/// Bytes of a batch at most, unless one event is longer: half of what brokers take by default.
const BATCH_BYTES: usize = 512 * 1024;

/// How long one waits after the first failure, and then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What a delivery has come to.
#[derive(Debug)]
pub struct Delivered {
    /// So many events have arrived, from the first on.
    pub count: usize,
    /// Why it are not all.
    pub error: Option<KafkaError>,
}

/// Sends events.
pub struct Sender {
    cluster: Cluster,
    /// Stands in the head of every event.
    source: String,
    /// How long a broker may wait for the replicas.
    replicas_within: Duration,
    producer: Option<(i64, i16)>,
    partitions: BTreeMap<i32, Partition>,
    /// Events of the last delivery that have arrived although one before them has not.
    arrived: BTreeSet<i64>,
    batch_bytes: usize,
}

#[derive(Default)]
struct Partition {
    /// The number of the next record.
    sequence: i32,
    /// What was sent and not answered for good.
    open: Option<Batch>,
}

struct Batch {
    events: Vec<i64>,
    bytes: Vec<u8>,
}

impl Sender {
    pub fn new(cluster: Cluster, source: String, replicas_within: Duration) -> Self {
        Self {
            cluster,
            source,
            replicas_within,
            producer: None,
            partitions: BTreeMap::new(),
            arrived: BTreeSet::new(),
            batch_bytes: BATCH_BYTES,
        }
    }

    /// Whether the brokers answer, know us and have the topic.
    pub async fn check(&mut self, within: Duration) -> Result<(), KafkaError> {
        let deadline = Instant::now() + within;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.look().await {
                // A broker that has just started is not ready for producers.
                Err(error) if error.is_passing() && Instant::now() + pause < deadline => self.recover(&error),
                outcome => return outcome,
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Whether a broker answers.
    pub async fn reach(&self) -> Result<(), KafkaError> {
        self.cluster.reach().await
    }

    async fn look(&mut self) -> Result<(), KafkaError> {
        self.cluster.doubt();
        self.cluster.partitions().await?;
        self.producer().await.map(drop)
    }

    /// Delivers events as far as it goes within the time.
    pub async fn deliver(&mut self, events: &[Event], within: Duration) -> Delivered {
        let seqs: BTreeSet<i64> = events.iter().map(|event| event.seq).collect();
        self.arrived.retain(|seq| seqs.contains(seq));
        let deadline = Instant::now() + within;
        let (mut pause, mut last) = (FIRST_PAUSE, None);
        let error = loop {
            match timeout_at(deadline, self.pass(events)).await {
                Ok(Ok(())) => break None,
                Ok(Err(error)) if error.is_passing() && Instant::now() + pause < deadline => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "events are sent again");
                    self.recover(&error);
                    last = Some(error);
                }
                Ok(Err(error)) => {
                    self.recover(&error);
                    break Some(error);
                }
                Err(_) => {
                    self.cluster.doubt();
                    break last.or_else(|| Some(KafkaError::TimedOut(self.cluster.topic().to_owned())));
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        let arrived = events.iter().take_while(|event| self.arrived.contains(&event.seq));
        Delivered {
            count: arrived.count(),
            error,
        }
    }

    /// Sends everything once.
    async fn pass(&mut self, events: &[Event]) -> Result<(), KafkaError> {
        let partitions = self.cluster.partitions().await?;
        let mut waiting: BTreeMap<i32, Vec<&Event>> = BTreeMap::new();
        for event in events.iter().filter(|event| !self.arrived.contains(&event.seq)) {
            let partition = records::partition(records::key(event).as_bytes(), partitions);
            waiting.entry(partition).or_default().push(event);
        }
        for (partition, events) in waiting {
            let mut rest = events.as_slice();
            while !rest.is_empty() {
                let sent = self.send(partition, rest).await?;
                rest = rest.split_at(sent).1;
            }
        }
        Ok(())
    }

    /// Sends a batch of the first of these events; tells how many have arrived with it.
    async fn send(&mut self, partition: i32, events: &[&Event]) -> Result<usize, KafkaError> {
        self.forget_others(partition, events);
        let producer = self.producer().await?;
        let origin = |sequence| Origin {
            id: producer.0,
            epoch: producer.1,
            sequence: if producer.0 < 0 { -1 } else { sequence },
        };
        let place = self.partitions.entry(partition).or_default();
        let batch = place.open.get_or_insert_with(|| {
            let events = fitting(events, &self.source, self.batch_bytes);
            Batch {
                bytes: records::batch(events, &self.source, origin(place.sequence)),
                events: events.iter().map(|event| event.seq).collect(),
            }
        });
        let topic = self.cluster.topic().to_owned();
        let within = self.replicas_within.as_millis() as i32;
        let request = messages::produce((&topic, partition), within, &batch.bytes);
        let answer = self.cluster.call(partition, messages::PRODUCE, &request).await?;
        self.settle(partition, messages::produced(&answer, (&topic, partition))?)
    }

    /// Takes note of what became of the open batch of a partition.
    fn settle(&mut self, partition: i32, code: Code) -> Result<usize, KafkaError> {
        let place = self.partitions.entry(partition).or_default();
        let Some(batch) = &place.open else { return Ok(0) };
        let events = &batch.events;
        match code {
            Code::NONE | Code::DUPLICATE => {
                let count = events.len();
                self.arrived.extend(events);
                place.sequence = place.sequence.wrapping_add(count as i32) & i32::MAX;
                place.open = None;
                Ok(count)
            }
            Code::MESSAGE_TOO_LARGE | Code::RECORD_LIST_TOO_LARGE => {
                let (first, is_alone) = (events[0], events.len() == 1);
                // It was refused as a whole: its number is still free.
                place.open = None;
                if is_alone {
                    return Err(KafkaError::TooLong(first));
                }
                self.batch_bytes /= 2;
                Ok(0)
            }
            code => Err(KafkaError::Broker(code)),
        }
    }

    /// An open batch of events that are not the next any more was taken over by another process: it cannot be sent again,
    /// and without knowing what became of it no other of this producer can follow.
    fn forget_others(&mut self, partition: i32, events: &[&Event]) {
        let open = self.partitions.get(&partition).and_then(|place| place.open.as_ref());
        let is_next = |batch: &Batch| {
            let next = events.iter().map(|event| event.seq);
            batch.events.len() <= events.len() && batch.events.iter().copied().eq(next.take(batch.events.len()))
        };
        if open.is_some_and(|batch| !is_next(batch)) {
            self.begin_anew();
        }
    }

    fn begin_anew(&mut self) {
        self.producer = None;
        self.partitions.clear();
    }

    fn recover(&mut self, error: &KafkaError) {
        self.cluster.doubt();
        if matches!(error, KafkaError::Broker(code) if code.wants_new_producer()) {
            self.begin_anew();
        }
    }

    /// Id and epoch of this producer; -1 where the brokers know no idempotence.
    async fn producer(&mut self) -> Result<(i64, i16), KafkaError> {
        if let Some(producer) = self.producer {
            return Ok(producer);
        }
        let producer = if self.cluster.knows(0, messages::INIT_PRODUCER_ID).await? {
            let request = messages::init_producer();
            let answer = self.cluster.call(0, messages::INIT_PRODUCER_ID, &request).await?;
            messages::producer(&answer)?
        } else {
            (-1, -1)
        };
        Ok(*self.producer.insert(producer))
    }
}

/// The first events that fit a batch: one at least.
fn fitting<'a, 'e>(events: &'a [&'e Event], source: &str, bytes: usize) -> &'a [&'e Event] {
    let mut len = 0;
    let fit = events.iter().take_while(|event| {
        len += records::size(event, source);
        len <= bytes
    });
    let count = fit.count().max(1).min(events.len());
    &events[..count]
}
