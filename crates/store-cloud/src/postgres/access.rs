//! The access log: a table that one task of the process appends to, all records that wait in one statement, as one chain.

use std::sync::Arc;
use std::time::Duration;

use hygie_store::StoreError;
use hygie_store::audit::{Entry, Record};
use parking_lot::Mutex;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Database;
use super::chain::{ACCESS, Lane, insert_entries};
use super::error::{Remedy, fault, remedy};

/// Records in one statement at most.
const GROUP: usize = 512;

/// A record that is larger is refused: none of ours is.
const MAX_RECORD: usize = 64 << 10;

/// A head is made durable so often.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// How often a group is tried.
const TRIES: u32 = 3;

struct Waiting {
    record: Record,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

/// The access log of one instance, as this process writes it.
pub struct AccessLog {
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Writer {
    database: Arc<Database>,
    instance: i64,
    lane: Lane,
}

impl AccessLog {
    /// With this chain; at most `queue` records wait.
    pub fn start(database: Arc<Database>, instance: i64, lane: Lane, queue: usize) -> Self {
        let (sender, receiver) = mpsc::channel(queue);
        let writer = Writer {
            database,
            instance,
            lane,
        };
        Self {
            queue: Mutex::new(Some(sender)),
            task: Mutex::new(Some(tokio::spawn(writer.run(receiver)))),
        }
    }

    /// Records an access; returns once it is durable.
    pub async fn record(&self, record: Record) -> Result<(), StoreError> {
        if record.to_json().len() > MAX_RECORD {
            return Err(StoreError::Inconsistent(
                "an audit record is larger than 64 KiB".to_owned(),
            ));
        }
        let (answer, told) = oneshot::channel();
        {
            let queue = self.queue.lock();
            let queue = queue.as_ref().ok_or(StoreError::Unavailable(None))?;
            queue
                .try_send(Waiting { record, answer })
                .map_err(|error| match error {
                    TrySendError::Full(_) => StoreError::Busy,
                    TrySendError::Closed(_) => StoreError::Unavailable(None),
                })?;
        }
        told.await.map_err(|_| StoreError::Unavailable(None))?
    }

    /// Writes what waits and ends.
    pub async fn close(&self) {
        drop(self.queue.lock().take());
        let task = self.task.lock().take();
        if let Some(task) = task {
            let _ended = task.await;
        }
    }
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Waiting>) {
        let mut group = Vec::with_capacity(GROUP);
        let mut due = Instant::now() + SYNC_EVERY;
        loop {
            match tokio::time::timeout_at(due, queue.recv_many(&mut group, GROUP)).await {
                Ok(0) => break,
                Ok(_) => self.answer(&mut group).await,
                Err(_elapsed) => {}
            }
            if Instant::now() >= due {
                match self.sync().await {
                    Some(synced) => self = synced,
                    None => return,
                }
                due = Instant::now() + SYNC_EVERY;
            }
        }
        let _synced = self.sync().await;
    }

    /// Makes the head durable, on a thread that may wait for the disk.
    async fn sync(mut self) -> Option<Self> {
        if !self.lane.is_unsynced() {
            return Some(self);
        }
        let done = tokio::task::spawn_blocking(move || {
            self.lane.sync();
            self
        });
        done.await.ok()
    }

    async fn answer(&mut self, group: &mut Vec<Waiting>) {
        let (records, answers): (Vec<Record>, Vec<_>) = group.drain(..).map(|it| (it.record, it.answer)).unzip();
        let written = self.write(&records).await;
        if let Err(error) = &written {
            tracing::warn!(error = error as &dyn std::error::Error, "accesses cannot be recorded");
        }
        for answer in answers {
            let told = match &written {
                Ok(()) => Ok(()),
                Err(StoreError::Full(_)) => Err(StoreError::Full("the access log cannot grow".into())),
                Err(error) => Err(StoreError::Unavailable(Some(error.to_string().into()))),
            };
            let _unheard = answer.send(told);
        }
    }

    /// Writes a group. When the answer to it was lost, the chain tells whether it is there.
    async fn write(&mut self, records: &[Record]) -> Result<(), StoreError> {
        let mut wanted = None;
        let mut failed = StoreError::Unavailable(None);
        for _ in 0..TRIES {
            let client = self.database.client().await?;
            self.lane.resume(&client).await?;
            if wanted.is_some() && wanted == self.lane.tip() {
                self.lane.committed();
                return Ok(());
            }
            let entries = self.lane.extend(records)?;
            match self.insert(&client, &entries).await {
                Ok(()) => {
                    self.lane.committed();
                    return Ok(());
                }
                Err(error) => {
                    let remedy = remedy(&error);
                    failed = fault(error);
                    if remedy == Remedy::None {
                        self.lane.unknown();
                        return Err(failed);
                    }
                    wanted = self.lane.tip();
                    self.lane.unknown();
                }
            }
        }
        Err(failed)
    }

    async fn insert(&self, client: &deadpool_postgres::Client, entries: &[Entry]) -> Result<(), tokio_postgres::Error> {
        let statement = client.prepare_cached(ACCESS).await?;
        let columns = insert_entries(self.lane.name(), entries);
        client
            .execute(&statement, &columns.params(&self.instance))
            .await
            .map(drop)
    }
}
