//! The definition of an engine: every engine passes [`run`], whatever it is built on.
//!
//! A check is a function that panics with a clear message when an engine does not do what [`Store`] promises. All of them
//! are in one list, so that no engine forgets one. They want a Tokio runtime with several threads: some hold one thread
//! inside of a transaction to see what others do meanwhile.
//!
//! [`blobs::run`] is the same for a place where blobs lie.
#![warn(missing_docs)]

mod audit;
pub mod blobs;
mod index;
mod jobs;
mod journal;
mod outbox;
mod reopening;
mod transactions;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hygie_core::{Clock, Cx, Random, TenantId, Timestamp, random_array};

use hygie_store::audit::Verified;
use hygie_store::embedded::Replay;
use hygie_store::{IndexKeys, IndexRange, Migration, Order, Store, StoreError, Tx};

/// The tables that the checks use: an instance is opened with these migrations.
pub const MIGRATIONS: &[Migration] = &[Migration {
    number: 901,
    title: "table of the conformance suite",
    sql: "CREATE TABLE thing (
        {i.def}tenant {blob} NOT NULL,
        id {int} NOT NULL,
        name TEXT,
        weight DOUBLE PRECISION,
        body {blob},
        PRIMARY KEY ({i.col}tenant, id)
    ) {clustered}",
}];

/// Makes instances of an engine.
pub trait Fixture: Send + Sync {
    /// A new, empty instance, opened with [`MIGRATIONS`] and, where the engine replays its journal, [`ReplayChanges`].
    fn create(&self, name: &str) -> Box<dyn Instance>;
}

/// An instance of an engine, which is removed when dropped.
pub trait Instance: Send + Sync {
    /// Opens it, or opens it again after the last handle was closed or dropped.
    fn open(&self) -> BoxFuture<'_, Store>;

    /// The instance as a crash would leave it at this moment: what is durable, and nothing that is only in memory. The
    /// instance itself goes on.
    fn crashed(&self) -> BoxFuture<'_, Box<dyn Instance>>;

    /// Verifies its audit chains.
    fn verify(&self) -> BoxFuture<'_, Verified>;

    /// Whether the engine finds a transaction that awaits something else than itself.
    fn finds_foreign_awaits(&self) -> bool;
}

/// What a check works on. It is given away, so that a check may drop the store.
struct Bench<'a> {
    instance: &'a dyn Instance,
    store: Store,
    cx: &'a Cx,
}

type Check = for<'a> fn(Bench<'a>) -> BoxFuture<'a, ()>;

macro_rules! checks {
    ($($module:ident::$name:ident,)*) => {
        &[$((concat!(stringify!($module), "::", stringify!($name)), |bench| Box::pin($module::$name(bench))),)*]
    };
}

const CHECKS: &[(&str, Check)] = checks![
    transactions::ok_commits_and_an_error_leaves_nothing,
    transactions::values_come_back_as_they_went_in,
    transactions::text_with_nul_is_refused,
    transactions::neighbours_of_a_failure_commit,
    transactions::a_duplicate_is_told_and_leaves_nothing,
    transactions::an_error_of_the_transaction_cannot_be_ignored,
    transactions::tenants_are_apart,
    transactions::a_snapshot_does_not_move,
    transactions::a_read_does_not_wait_for_a_writer,
    transactions::a_read_cannot_write,
    transactions::work_that_is_run_again_has_its_effect_once,
    transactions::a_caller_that_goes_away_leaves_all_or_nothing,
    transactions::a_panic_leaves_nothing,
    transactions::a_foreign_await_is_refused,
    transactions::many_writers_all_commit,
    transactions::a_closed_store_takes_no_writes,
    journal::numbers_ascend_and_are_unique,
    journal::records_come_back,
    journal::a_number_without_record_is_refused,
    index::scans_are_ordered_bounded_and_appended,
    index::a_key_is_there_once_or_not,
    index::changes_are_seen_inside_and_after_commit_only,
    index::keys_have_a_longest_length,
    index::the_index_is_the_set_that_was_written,
    index::paging_beside_writers_skips_and_repeats_nothing,
    audit::entries_are_written_with_their_effect,
    audit::accesses_are_recorded,
    outbox::events_live_and_die_with_their_effect,
    outbox::each_consumer_gets_everything_in_order,
    outbox::a_consumer_gets_the_kinds_that_it_asked_for,
    outbox::what_is_not_acknowledged_comes_again,
    outbox::one_process_delivers_at_a_time,
    outbox::events_are_kept_until_all_have_them,
    outbox::numbers_of_events_are_not_given_again,
    outbox::too_long_events_are_refused,
    outbox::keys_keep_their_order_whoever_delivers,
    jobs::a_job_is_claimed_worked_on_and_found,
    jobs::jobs_are_claimed_in_order_by_one_each,
    jobs::a_lost_lease_writes_nothing,
    jobs::a_job_is_cancelled_with_its_worker,
    jobs::a_job_that_kills_its_workers_is_abandoned,
    jobs::results_are_kept_for_a_time,
    jobs::jobs_of_tenants_are_apart,
    jobs::a_job_survives_a_crash,
    jobs::too_long_jobs_are_refused,
    jobs::any_interleaving_of_two_workers_is_safe,
    reopening::everything_is_there_after_a_close,
    reopening::what_was_answered_is_there_without_a_close,
    reopening::what_was_answered_survives_a_crash,
];

/// Runs every check, each on an instance of its own.
pub async fn run(fixture: &dyn Fixture, cx: &Cx) {
    for (name, check) in CHECKS {
        tracing::info!(name, "conformance check");
        let instance = fixture.create(&name.replace("::", "-"));
        let bench = Bench {
            instance: &*instance,
            store: instance.open().await,
            cx,
        };
        check(bench).await;
    }
}

/// Changes to the index, in the form in which the checks write them to the journal.
#[derive(Clone, Debug, Default)]
struct Changes(Vec<(Change, Vec<u8>)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
}

/// The first byte of a journal record that holds changes.
const CHANGES: u8 = b'C';

impl Changes {
    fn add(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.0.push((Change::Add, key.into()));
        self
    }

    fn remove(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.0.push((Change::Remove, key.into()));
        self
    }

    fn encode(&self) -> Vec<u8> {
        let mut record = vec![CHANGES];
        for (change, key) in &self.0 {
            record.push(u8::from(*change == Change::Add));
            record.extend_from_slice(&(key.len() as u32).to_be_bytes());
            record.extend_from_slice(key);
        }
        record
    }

    fn decode(record: &[u8]) -> Option<Self> {
        let mut rest = record.strip_prefix(&[CHANGES])?;
        let mut changes = Vec::new();
        while let Some((add, tail)) = rest.split_first() {
            let (len, tail) = tail.split_first_chunk::<4>()?;
            let (key, tail) = tail.split_at_checked(u32::from_be_bytes(*len) as usize)?;
            let change = if *add == 1 { Change::Add } else { Change::Remove };
            changes.push((change, key.to_vec()));
            rest = tail;
        }
        Some(Self(changes))
    }

    async fn apply(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        for (change, key) in &self.0 {
            match change {
                Change::Add => tx.index_add(key).await?,
                Change::Remove => tx.index_remove(key).await?,
            }
        }
        Ok(())
    }

    /// Writes them to the journal and to the index.
    async fn write(&self, tx: &mut Tx<'_>) -> Result<i64, StoreError> {
        let seq = tx.append(&self.encode()).await?;
        self.apply(tx).await?;
        Ok(seq)
    }
}

/// Makes the index changes of the checks again, for an engine that replays its journal.
pub struct ReplayChanges;

impl Replay for ReplayChanges {
    fn scatters(&self, first: u8) -> bool {
        first.is_multiple_of(2)
    }

    fn replay<'t>(&'t self, tx: &'t mut Tx<'_>, _seq: i64, record: &'t [u8]) -> BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(async move {
            match Changes::decode(record) {
                Some(changes) => changes.apply(tx).await,
                None => Ok(()),
            }
        })
    }
}

impl Bench<'_> {
    /// Another tenant than that of the context, by number.
    fn tenant(&self, n: u128) -> Cx {
        self.cx.for_tenant(TenantId::from_uuid(uuid::Uuid::from_u128(n)))
    }

    async fn insert(&self, cx: &Cx, id: i64, name: &str) -> Result<(), StoreError> {
        let input = (id, name.to_owned());
        self.store
            .write(cx, input, |(id, name), tx| Box::pin(insert(tx, *id, name)))
            .await
    }

    /// Ids and names of the things of a tenant.
    async fn things(&self, cx: &Cx) -> Vec<(i64, String)> {
        let read = self.store.read(cx, (), |(), tx| Box::pin(things(tx))).await;
        read.expect("the things can be read")
    }

    async fn change(&self, changes: Changes) -> Result<i64, StoreError> {
        self.store
            .write(self.cx, changes, |changes, tx| Box::pin(changes.write(tx)))
            .await
    }

    async fn scan(&self, range: IndexRange, order: Order, limit: usize) -> Vec<Vec<u8>> {
        let read = self
            .store
            .read(self.cx, (range, order, limit), |(range, order, limit), tx| {
                Box::pin(scan(tx, range, *order, *limit))
            });
        read.await.expect("the index can be scanned")
    }
}

async fn insert(tx: &mut Tx<'_>, id: i64, name: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO thing ({i.col}tenant, id, name) VALUES ({i.val}:tenant, ?1, ?2)";
    let changed = tx.execute(sql, &[id.into(), name.into()]).await?;
    assert_eq!(changed, 1, "an insert changes one row");
    Ok(())
}

async fn things(tx: &mut Tx<'_>) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = "SELECT id, name FROM thing WHERE {i.is}tenant = :tenant ORDER BY id";
    let rows = tx.query(sql, &[]).await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
        .collect()
}

async fn scan(tx: &mut Tx<'_>, range: &IndexRange, order: Order, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut keys = IndexKeys::default();
    tx.index_scan(range, order, limit, &mut keys).await?;
    Ok(keys.iter().map(<[u8]>::to_vec).collect())
}

/// Every key.
fn everything() -> IndexRange {
    IndexRange {
        from: vec![0],
        to: vec![0xff; 8],
    }
}

/// A clock that moves when it is told to.
struct Moving(AtomicI64);

impl Moving {
    /// A clock that begins with that of a context, and the context with it.
    fn of(cx: &Cx) -> (Arc<Self>, Cx) {
        let moving = Arc::new(Self(AtomicI64::new(cx.clock.now().millis())));
        let clock = moving.clone();
        (moving, Cx { clock, ..cx.clone() })
    }

    fn pass(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("less than all time");
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for Moving {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A number below `end`.
fn below(random: &dyn Random, end: u64) -> u64 {
    u64::from_be_bytes(random_array(random)) % end
}
