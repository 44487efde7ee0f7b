//! The engine on PostgreSQL, shared by several processes (`docs/adr/0008-postgresql.md`).
//!
//! - Writes run at `SERIALIZABLE`, so that services may assume what the embedded engine's one writer gives them: that
//!   nothing runs beside them. Those that wait share a transaction (`docs/adr/0019-group-commit-on-postgresql.md`). One that
//!   was in conflict is run again, after a short random pause; one that lost several times goes before all others.
//! - A read is a snapshot (`REPEATABLE READ`, read only) on a connection of the pool.
//! - Numbers come from a sequence of the instance, the journal and the ordered index are tables, their rows go in the
//!   transaction.
//! - Each process has audit chains of its own, and signs their heads in a directory of its own.

mod access;
mod chain;
mod connect;
mod error;
mod exclusive;
mod group;
mod keys;
mod link;
mod pending;
mod queue;
mod read;
mod reader;
mod reindex;
mod schema;
mod session;
mod value;
mod verify;
mod work;
mod writers;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hygie_core::Cx;
use hygie_store::audit::{Record, Trail};
use hygie_store::embedded::Replay;
use hygie_store::keys::{Keyring, Purpose};
use hygie_store::{Engine, Migration, Store, StoreError, Work};

use self::access::AccessLog;
use self::chain::{ChainKeys, Lane, Place};
pub use self::connect::{AtRest, ConnectError, Database, Settings};
use self::error::fault;
pub use self::exclusive::Exclusive;
pub use self::keys::{rewrap, share_keys, take_in};
use self::queue::Queue;
pub use self::reader::open_for_reading;
pub use self::verify::{Heads, VerifiedChain, instances, verify};
use self::writers::{Writers, sync_heads};

/// How to open an instance.
pub struct Options<'a> {
    /// The database that it lives in.
    pub database: &'a Arc<Database>,
    /// Name of the service instance: `directory`, `fhir-demo-fhir`…
    pub instance: &'a str,
    /// Name of this process among those that share the instance: letters, digits and `-`. It keeps its name and its heads
    /// when it starts again; no two have the same at the same time.
    pub writer: &'a str,
    /// Directory of the signed heads of this process's audit chains; it exists.
    pub heads: &'a Path,
    /// Holds, or gets, the audit keys. All processes have the same: the first one leaves them, wrapped, in the database.
    pub keyring: &'a Keyring,
    /// The tables of the services that live in it, besides the engine's own.
    pub migrations: &'a [Migration],
    /// Whose keys the index holds; `None` for an instance without index. An index of another form is made again, which
    /// holds up all writes to the database: processes of the older release have ended before.
    pub replay: Option<&'a dyn Replay>,
    /// Context of the start.
    pub cx: &'a Cx,
    /// Sizes.
    pub limits: Limits,
}

/// Sizes of queues.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Transactions of this process that write at the same time, each with an audit chain: more than one only while one is
    /// slow.
    pub writers: usize,
    /// Writes in one transaction.
    pub group: usize,
    /// Writes, and access records, that may wait before [`StoreError::Busy`].
    pub queue: usize,
    /// How long a write waits for its turn before [`StoreError::Busy`].
    pub wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            writers: 4,
            group: 64,
            queue: 4096,
            wait: Duration::from_secs(10),
        }
    }
}

/// The form of the keys of an instance that has none.
const NO_INDEX: i64 = 0;

/// What the works of an instance share.
struct Shared {
    database: Arc<Database>,
    instance: i64,
    writers: Arc<Writers>,
    accesses: AccessLog,
    is_closed: AtomicBool,
}

struct Postgres(Arc<Shared>);

/// Opens or creates an instance, on a Tokio runtime that it lives on.
pub async fn open(options: Options<'_>) -> Result<Store, StoreError> {
    let Options {
        database,
        instance,
        writer,
        heads,
        keyring,
        migrations,
        replay,
        cx,
        limits,
    } = options;
    let form = replay.map_or(NO_INDEX, Replay::form);
    check_writer(writer)?;
    let mut client = database.client().await?;
    let transaction = client.transaction().await.map_err(fault)?;
    let number = schema::prepare(&transaction, database.schema(), (instance, form), migrations).await?;
    let made = keys::share(&transaction, keyring, &[Purpose::heads(), Purpose::audit(instance)]).await?;
    transaction.commit().await.map_err(fault)?;
    keyring.import(&made)?;
    if let Some(replay) = replay {
        reindex::bring_to_form(database, number, replay, cx).await?;
    }
    let keys = ChainKeys::get(keyring, instance)?;
    let places = places((instance, number), writer, limits.writers);
    let mut lanes = take_heads(places, heads.to_owned(), keys).await?;
    for lane in &mut lanes {
        lane.register(&client).await?;
    }
    drop(client);
    let accesses = lanes.pop().ok_or(StoreError::Unavailable(None))?;
    let writers = Arc::new(Writers {
        database: database.clone(),
        instance: number,
        queue: Arc::new(Queue::new(lanes, limits.queue)),
        max_group: limits.group.max(1),
        max_wait: limits.wait,
    });
    tokio::spawn(sync_heads(Arc::downgrade(&writers)));
    let shared = Arc::new(Shared {
        database: database.clone(),
        instance: number,
        writers,
        accesses: AccessLog::start(database.clone(), number, accesses, limits.queue),
        is_closed: AtomicBool::new(false),
    });
    Ok(Store::new(Arc::new(Postgres(shared))))
}

fn check_writer(name: &str) -> Result<(), StoreError> {
    let is_name =
        (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then_some(()).ok_or_else(|| {
        StoreError::Inconsistent(format!(
            "`{name}` is no name of a writer: up to 32 letters, digits and -"
        ))
    })
}

/// The chains of this process: one for each write at a time, and that of accesses last.
fn places((instance, number): (&str, i64), writer: &str, writers: usize) -> Vec<Place> {
    let instance: Arc<str> = Arc::from(instance);
    let place = |chain: String, trail| Place {
        instance: instance.clone(),
        number,
        chain,
        trail,
    };
    let writes = (0..writers.max(1)).map(|at| place(format!("{writer}.{at}"), Trail::Writes));
    writes.chain([place(writer.to_owned(), Trail::Accesses)]).collect()
}

/// Takes the heads of these chains, on a thread that may wait for another process that just ends.
async fn take_heads(places: Vec<Place>, heads: std::path::PathBuf, keys: ChainKeys) -> Result<Vec<Lane>, StoreError> {
    let taken = tokio::task::spawn_blocking(move || {
        let open = |place| Lane::open(place, &heads, &keys);
        places.into_iter().map(open).collect()
    });
    taken.await.map_err(|panic| StoreError::Engine(Box::new(panic)))?
}

impl Shared {
    fn check_open(&self) -> Result<(), StoreError> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable(None));
        }
        Ok(())
    }
}

impl Engine for Postgres {
    fn write<'a>(&'a self, cx: &'a Cx, work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.check_open()?;
            self.0.writers.write(cx, work).await
        })
    }

    fn read<'a>(&'a self, cx: &'a Cx, work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.check_open()?;
            read::read((&self.0.database, self.0.instance), cx, work).await
        })
    }

    fn record(&self, record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.0.accesses.record(record))
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.is_closed.store(true, Ordering::Release);
            self.0.writers.close().await;
            self.0.accesses.close().await;
            Ok(())
        })
    }
}
